//! Weather that follows from place and time, in the shape of Open-Meteo's forecast.

use std::{collections::BTreeMap, f64::consts::PI};

use serde_json::{Map, Value, json};

use super::places::PLACES;

const DAY: i64 = 86_400;

/// Where and when.
struct Sky {
    latitude: f64,
    longitude: f64,
    /// Seconds that local time is ahead of UTC.
    offset: i64,
}

/// `GET /v1/forecast`.
///
/// # Errors
/// The `reason` of Open-Meteo's status 400.
pub(super) fn forecast(words: &BTreeMap<String, String>, now: u64) -> Result<Value, String> {
    let degrees = |name: &str, limit: f64| {
        let text = words.get(name).ok_or_else(|| format!("Parameter '{name}' is required."))?;
        let value: f64 = text.parse().map_err(|_| format!("Parameter '{name}' is no number."))?;
        let inside = value.abs() <= limit;
        inside
            .then_some(value)
            .ok_or_else(|| format!("{name} must be in range of -{limit} to {limit}°. Given: {value}."))
    };
    let (latitude, longitude) = (degrees("latitude", 90.0)?, degrees("longitude", 180.0)?);
    let days: i64 = words
        .get("forecast_days")
        .map_or(Ok(7), |days| days.parse())
        .map_err(|_| "Invalid forecast days.")?;
    if !(0..=16).contains(&days) {
        return Err(format!("Forecast days is invalid. Allowed range 0 to 16. Given {days}."));
    }
    let near = |a: f64, b: f64| (a - b).abs() < 0.3;
    let place =
        PLACES.iter().find(|place| near(place.latitude, latitude) && near(place.longitude, longitude));
    let zone = words.get("timezone").map_or("GMT", String::as_str);
    let (timezone, hours) = match (zone, place) {
        ("GMT" | "UTC", _) => ("GMT", 0.0),
        (_, Some(place)) => (place.timezone, place.offset_h),
        (_, None) => ("Etc/GMT", (longitude / 15.0).round()),
    };
    let sky = Sky { latitude, longitude, offset: (hours * 3600.0) as i64 };
    let local = now as i64 + sky.offset;
    let quarter = local - local.rem_euclid(900);
    let midnight = local - local.rem_euclid(DAY);

    let mut answer = json!({
        "latitude": (latitude * 100.0).round() / 100.0, "longitude": (longitude * 100.0).round() / 100.0,
        "generationtime_ms": 0.21, "utc_offset_seconds": sky.offset, "timezone": timezone,
        "timezone_abbreviation": if sky.offset == 0 { "GMT".to_owned() } else { format!("GMT{:+}", sky.offset / 3600) },
        "elevation": 45.0
    });
    if let Some(names) = list(words, "current") {
        let mut units =
            Map::from_iter([("time".into(), json!("iso8601")), ("interval".into(), json!("seconds"))]);
        let mut values =
            Map::from_iter([("time".into(), json!(stamp(quarter))), ("interval".into(), json!(900))]);
        for name in names {
            let (unit, value) = sky.hourly(name, quarter).ok_or_else(|| unknown(name, "current"))?;
            units.insert(name.into(), json!(unit));
            values.insert(name.into(), value);
        }
        answer["current_units"] = Value::Object(units);
        answer["current"] = Value::Object(values);
    }
    if let Some(names) = list(words, "hourly") {
        let times: Vec<i64> = (0..days * 24).map(|hour| midnight + hour * 3600).collect();
        series(&mut answer, "hourly", &names, &times, stamp, |name, time| sky.hourly(name, time))?;
    }
    if let Some(names) = list(words, "daily") {
        let times: Vec<i64> = (0..days).map(|day| midnight + day * DAY).collect();
        series(&mut answer, "daily", &names, &times, date, |name, time| sky.daily(name, time))?;
    }
    Ok(answer)
}

fn list<'w>(words: &'w BTreeMap<String, String>, name: &str) -> Option<Vec<&'w str>> {
    words.get(name).map(|names| names.split(',').filter(|name| !name.is_empty()).collect())
}

fn unknown(name: &str, group: &str) -> String {
    format!(
        "Data corrupted at path ''. Cannot initialize variable from invalid String value {name} for key {group}."
    )
}

fn series(
    answer: &mut Value,
    group: &str,
    names: &[&str],
    times: &[i64],
    written: fn(i64) -> String,
    value: impl Fn(&str, i64) -> Option<(&'static str, Value)>,
) -> Result<(), String> {
    let mut units = Map::from_iter([("time".to_owned(), json!("iso8601"))]);
    let stamps: Vec<String> = times.iter().map(|time| written(*time)).collect();
    let mut columns = Map::from_iter([("time".to_owned(), json!(stamps))]);
    for name in names {
        let (unit, _) = value(name, 0).ok_or_else(|| unknown(name, group))?;
        units.insert((*name).to_owned(), json!(unit));
        let column: Vec<Value> =
            times.iter().filter_map(|time| value(name, *time)).map(|(_, value)| value).collect();
        columns.insert((*name).to_owned(), Value::Array(column));
    }
    answer[format!("{group}_units")] = Value::Object(units);
    answer[group] = Value::Object(columns);
    Ok(())
}

fn tenth(value: f64) -> Value {
    json!((value * 10.0).round() / 10.0)
}

impl Sky {
    /// One variable at a local time, with its unit.
    fn hourly(&self, name: &str, time: i64) -> Option<(&'static str, Value)> {
        let code = self.code(time.div_euclid(DAY));
        Some(match name {
            "temperature_2m" => ("°C", tenth(self.temperature(time))),
            "apparent_temperature" => ("°C", tenth(self.temperature(time) - self.wind(time) / 12.0)),
            "relative_humidity_2m" => {
                ("%", json!((72.0 - (self.temperature(time) - 10.0)).clamp(20.0, 98.0).round()))
            }
            "is_day" => ("", json!(u8::from(self.is_day(time)))),
            "weather_code" => ("wmo code", json!(code)),
            "wind_speed_10m" => ("km/h", tenth(self.wind(time))),
            "wind_direction_10m" => ("°", json!((self.noise(time.div_euclid(DAY), 7) * 359.0).round())),
            "precipitation_probability" => ("%", json!(self.rain(time.div_euclid(DAY)))),
            "precipitation" => ("mm", tenth(if code >= 51 { 0.4 + self.noise(time / 3600, 3) } else { 0.0 })),
            "cloud_cover" => ("%", json!(if code == 0 { 5 } else { 60 })),
            _ => return None,
        })
    }

    /// One variable of the local day that begins at that time.
    fn daily(&self, name: &str, midnight: i64) -> Option<(&'static str, Value)> {
        let hours = || (0..24).map(|hour| self.temperature(midnight + hour * 3600));
        let day = midnight.div_euclid(DAY);
        let (rise, set) = self.sun(day);
        let at = |hour: f64| json!(stamp(midnight + (hour * 3600.0) as i64));
        Some(match name {
            "temperature_2m_max" => ("°C", tenth(hours().fold(f64::MIN, f64::max))),
            "temperature_2m_min" => ("°C", tenth(hours().fold(f64::MAX, f64::min))),
            "weather_code" => ("wmo code", json!(self.code(day))),
            "precipitation_probability_max" => ("%", json!(self.rain(day))),
            "precipitation_sum" => ("mm", tenth(if self.code(day) >= 51 { 4.2 } else { 0.0 })),
            "wind_speed_10m_max" => ("km/h", tenth(self.wind(midnight + 15 * 3600))),
            "sunrise" => ("iso8601", at(rise)),
            "sunset" => ("iso8601", at(set)),
            _ => return None,
        })
    }

    /// Colder to the poles, in winter, and before sunrise.
    fn temperature(&self, time: i64) -> f64 {
        let day = time.div_euclid(DAY);
        let hour = time.rem_euclid(DAY) as f64 / 3600.0;
        let mean = 27.0 - 0.0085 * self.latitude.powi(2);
        let season = self.latitude.signum()
            * -(self.latitude.abs() / 6.0)
            * (2.0 * PI * (year_day(day) - 20.0) / 365.25).cos();
        let swing = 4.5 * ((hour - 9.0) * PI / 12.0).sin();
        mean + season + swing + 5.0 * (self.noise(day, 1) - 0.5)
    }

    fn wind(&self, time: i64) -> f64 {
        let hour = time.rem_euclid(DAY) as f64 / 3600.0;
        6.0 + 14.0 * self.noise(time.div_euclid(DAY), 2) + 3.0 * (hour * PI / 24.0).sin()
    }

    /// WMO code of a day: clear, clouds, fog, rain, or snow where it freezes.
    fn code(&self, day: i64) -> u8 {
        const CODES: [u8; 10] = [0, 0, 1, 2, 3, 3, 45, 61, 63, 80];
        let code = CODES[(self.noise(day, 5) * 9.99) as usize];
        let noon = self.temperature(day * DAY + DAY / 2);
        match code {
            61 if noon < 0.5 => 71,
            63 | 80 if noon < 0.5 => 73,
            other => other,
        }
    }

    fn rain(&self, day: i64) -> u8 {
        let chance = 100.0 * self.noise(day, 6);
        if self.code(day) >= 51 { 60 + (chance * 0.4) as u8 } else { (chance * 0.3) as u8 }
    }

    /// Local hours of sunrise and sunset.
    fn sun(&self, day: i64) -> (f64, f64) {
        let declination = (-23.44_f64).to_radians() * (2.0 * PI * (year_day(day) + 10.0) / 365.25).cos();
        let cosine = -(self.latitude.to_radians().tan() * declination.tan());
        let half = cosine.clamp(-0.98, 0.98).acos().to_degrees() / 15.0;
        let noon = 12.0 + self.offset as f64 / 3600.0 - self.longitude / 15.0;
        (noon - half, noon + half)
    }

    fn is_day(&self, time: i64) -> bool {
        let (rise, set) = self.sun(time.div_euclid(DAY));
        let hour = time.rem_euclid(DAY) as f64 / 3600.0;
        (rise..set).contains(&hour)
    }

    /// From 0 to 1, the same for the same place, day and kind.
    fn noise(&self, day: i64, kind: u64) -> f64 {
        let place = ((self.latitude * 100.0).round() as i64).wrapping_mul(40_503)
            ^ (self.longitude * 100.0).round() as i64;
        let mut x = (place as u64)
            ^ (day as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ kind.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Days since the first of January, near enough for the sun.
fn year_day(day: i64) -> f64 {
    (day as f64).rem_euclid(365.2425)
}

/// `2026-05-01T13:00`.
fn stamp(time: i64) -> String {
    let minute = time.rem_euclid(DAY) / 60;
    format!("{}T{:02}:{:02}", date(time), minute / 60, minute % 60)
}

/// `2026-05-01`, by Howard Hinnant's `civil_from_days`.
fn date(time: i64) -> String {
    let z = time.div_euclid(DAY) + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{:02}", doy - (153 * mp + 2) / 5 + 1)
}
