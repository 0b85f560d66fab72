//! Reads Open-Meteo's forecast.

use mtor_shared::stream::{RunView, StepState};
use serde_json::Value;

use super::wmo::{Sky, meaning};
use crate::shell::model::{Entry, Stage};

/// Hours in the strip.
const HOURS: usize = 24;
/// Days in the list.
const DAYS: usize = 7;

/// A forecast, as far as it was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weather {
    /// Where.
    pub place: Option<String>,
    /// Temperature now.
    pub temperature: Option<f64>,
    /// Its unit, `°C` where none is given.
    pub unit: String,
    /// What the sky does now.
    pub sky: Option<(&'static str, Sky)>,
    /// Whether the sun is up.
    pub is_day: bool,
    /// Names with values: feels like, humidity, wind.
    pub facts: Vec<(&'static str, String)>,
    /// The coming hours.
    pub hours: Vec<Hour>,
    /// The coming days.
    pub days: Vec<Day>,
}

/// One hour.
#[derive(Clone, Debug, PartialEq)]
pub struct Hour {
    /// `13:00`.
    pub time: String,
    /// Temperature.
    pub temperature: f64,
    /// What the sky does.
    pub sky: Option<(&'static str, Sky)>,
    /// Chance of rain or snow in percent.
    pub rain: Option<f64>,
}

/// One day.
#[derive(Clone, Debug, PartialEq)]
pub struct Day {
    /// `Today`, then `Tue`.
    pub name: String,
    /// Coldest.
    pub low: f64,
    /// Warmest.
    pub high: f64,
    /// What the sky does.
    pub sky: Option<(&'static str, Sky)>,
    /// Chance of rain or snow in percent.
    pub rain: Option<f64>,
}

/// Where the forecast is for: the first place that an earlier step found, else the words that were given.
pub fn place(run: &RunView, entry: &Entry) -> Option<String> {
    let found = run.steps.iter().rev().skip(1).find_map(|(_, state)| match state {
        StepState::Done { output, .. } => {
            let first = output.pointer("/results/0").unwrap_or(output);
            let name = first.get("name")?.as_str()?;
            let country = first.get("country").and_then(Value::as_str);
            Some(country.map_or_else(|| name.to_owned(), |country| format!("{name}, {country}")))
        }
        StepState::Waiting | StepState::Running { .. } => None,
    });
    found.or_else(|| match &entry.stage {
        Stage::Chosen(choice, _) => choice.args.values().find_map(Value::as_str).map(str::to_owned),
        _ => None,
    })
}

/// Reads a forecast; none when there is neither a temperature nor a day in it.
pub fn read(value: &Value, place: Option<String>) -> Option<Weather> {
    let now = value.get("current").or_else(|| value.get("current_weather"));
    let now = now.unwrap_or(&Value::Null);
    let number = |names: &[&str]| names.iter().find_map(|name| now.get(*name)?.as_f64());
    let unit = |name: &str, other: &str| {
        let at = |group: &str| value.get(group)?.get(name)?.as_str().map(str::to_owned);
        at("current_units")
            .or_else(|| at("hourly_units"))
            .or_else(|| at("daily_units"))
            .unwrap_or_else(|| other.to_owned())
    };
    let degrees = unit("temperature_2m", "°C");
    let mut facts = Vec::new();
    if let Some(felt) = number(&["apparent_temperature"]) {
        facts.push(("Feels like", format!("{}{degrees}", rounded(felt))));
    }
    if let Some(wind) = number(&["wind_speed_10m", "windspeed"]) {
        facts.push(("Wind", format!("{} {}", rounded(wind), unit("wind_speed_10m", "km/h"))));
    }
    if let Some(humidity) = number(&["relative_humidity_2m"]) {
        facts.push(("Humidity", format!("{} %", rounded(humidity))));
    }
    if let Some(rain) = number(&["precipitation"]).filter(|rain| *rain > 0.0) {
        facts.push(("Precipitation", format!("{rain} {}", unit("precipitation", "mm"))));
    }
    let weather = Weather {
        place,
        temperature: number(&["temperature_2m", "temperature"]),
        unit: degrees,
        sky: number(&["weather_code", "weathercode"]).and_then(|code| meaning(code as u64)),
        is_day: number(&["is_day"]) != Some(0.0),
        facts,
        hours: hours(value, now.get("time").and_then(Value::as_str)),
        days: days(value),
    };
    (weather.temperature.is_some() || !weather.days.is_empty() || !weather.hours.is_empty())
        .then_some(weather)
}

fn column<'a>(value: &'a Value, group: &str, names: &[&str]) -> &'a [Value] {
    let group = value.get(group);
    let found = names.iter().find_map(|name| group?.get(*name)?.as_array());
    found.map_or(&[], Vec::as_slice)
}

fn hours(value: &Value, now: Option<&str>) -> Vec<Hour> {
    let times = column(value, "hourly", &["time"]);
    let temperatures = column(value, "hourly", &["temperature_2m"]);
    let codes = column(value, "hourly", &["weather_code", "weathercode"]);
    let rain = column(value, "hourly", &["precipitation_probability"]);
    // Times are local and sort as text; `2026-05-01T13` is the hour that goes on now.
    let from = now.and_then(|now| now.get(..13)).unwrap_or_default();
    let hour = |(index, time): (usize, &Value)| {
        let time = time.as_str()?;
        Some(Hour {
            time: time.get(11..16)?.to_owned(),
            temperature: temperatures.get(index)?.as_f64()?,
            sky: codes.get(index).and_then(Value::as_u64).and_then(meaning),
            rain: rain.get(index).and_then(Value::as_f64),
        })
    };
    let is_ahead =
        |(_, time): &(usize, &Value)| time.as_str().is_some_and(|time| time.get(..13) >= Some(from));
    times.iter().enumerate().filter(is_ahead).filter_map(hour).take(HOURS).collect()
}

fn days(value: &Value) -> Vec<Day> {
    let dates = column(value, "daily", &["time"]);
    let lows = column(value, "daily", &["temperature_2m_min"]);
    let highs = column(value, "daily", &["temperature_2m_max"]);
    let codes = column(value, "daily", &["weather_code", "weathercode"]);
    let rain = column(value, "daily", &["precipitation_probability_max"]);
    let day = |(index, date): (usize, &Value)| {
        Some(Day {
            name: if index == 0 { "Today".to_owned() } else { weekday(date.as_str()?)?.to_owned() },
            low: lows.get(index)?.as_f64()?,
            high: highs.get(index)?.as_f64()?,
            sky: codes.get(index).and_then(Value::as_u64).and_then(meaning),
            rain: rain.get(index).and_then(Value::as_f64),
        })
    };
    dates.iter().enumerate().filter_map(day).take(DAYS).collect()
}

/// The weekday of `2026-05-01`, by Sakamoto's method.
fn weekday(date: &str) -> Option<&'static str> {
    const OFFSETS: [u32; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    const NAMES: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let mut parts = date.get(..10)?.split('-').map(str::parse::<u32>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let offset = OFFSETS.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    let year = if month < 3 { year.checked_sub(1)? } else { year };
    NAMES.get(((year + year / 4 - year / 100 + year / 400 + offset + day) % 7) as usize).copied()
}

/// Whole degrees, and never `-0`.
pub fn rounded(value: f64) -> String {
    format!("{}", value.round() as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn forecast() -> Value {
        json!({
            "current": {"time": "2026-05-01T13:45", "temperature_2m": 18.4, "weather_code": 2, "is_day": 1,
                        "apparent_temperature": -0.3, "wind_speed_10m": 12.2},
            "current_units": {"temperature_2m": "°C", "wind_speed_10m": "km/h"},
            "hourly": {"time": ["2026-05-01T12:00", "2026-05-01T13:00", "2026-05-01T14:00"],
                       "temperature_2m": [17.0, 18.0, null], "weather_code": [0, 61, 3],
                       "precipitation_probability": [0, 40, 10]},
            "daily": {"time": ["2026-05-01", "2026-05-02"], "temperature_2m_min": [11.0, 12.0],
                      "temperature_2m_max": [20.0, 21.5], "weather_code": [2, 999]},
        })
    }

    #[test]
    fn a_forecast_is_read_from_the_hour_that_goes_on() {
        let weather = read(&forecast(), Some("Lisbon".into())).expect("weather");
        assert_eq!(weather.temperature, Some(18.4));
        assert_eq!(weather.sky, Some(("Partly cloudy", Sky::Partly)));
        assert_eq!(weather.facts, [("Feels like", "0°C".to_owned()), ("Wind", "12 km/h".to_owned())]);
        let hours: Vec<_> = weather.hours.iter().map(|hour| (hour.time.as_str(), hour.rain)).collect();
        assert_eq!(
            hours,
            [("13:00", Some(40.0))],
            "the hour before is past, the hour after has no temperature"
        );
        let days: Vec<_> = weather.days.iter().map(|day| (day.name.as_str(), day.sky.is_some())).collect();
        assert_eq!(days, [("Today", true), ("Sat", false)]);
    }

    #[test]
    fn what_is_missing_takes_nothing_else_away() {
        for gone in ["current", "hourly", "daily", "current_units"] {
            let mut value = forecast();
            value.as_object_mut().expect("an object").remove(gone);
            assert!(read(&value, None).is_some(), "without {gone}");
        }
    }

    #[test]
    fn other_json_is_no_weather() {
        for value in [json!(null), json!([1]), json!({"current": "rain", "daily": {"time": [1, {}]}})] {
            assert_eq!(read(&value, None), None, "{value}");
        }
    }

    #[test]
    fn weekdays_are_those_of_the_calendar() {
        let days = ["2026-05-01", "2024-02-29", "2000-01-01", "2026-13-01", "now"].map(weekday);
        assert_eq!(days, [Some("Fri"), Some("Thu"), Some("Sat"), None, None]);
    }
}
