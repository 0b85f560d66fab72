//! The weather: now, a strip of hours, a week.

use leptos::prelude::*;

use super::weather_data::{self, Day, Hour, rounded};
use crate::ui::Glyph;

/// A forecast.
#[component]
pub(super) fn Weather(
    /// What was read.
    weather: weather_data::Weather,
) -> impl IntoView {
    let unit = weather.unit.clone();
    let facts = weather
        .facts
        .into_iter()
        .map(|(name, value)| view! { <div><dt>{name}</dt><dd class="number">{value}</dd></div> });
    view! {
        <div class="weather-now">
            <Glyph sky=weather.sky is_day=weather.is_day />
            <p class="weather-temperature number">
                {weather.temperature.map(|degrees| format!("{}{unit}", rounded(degrees)))}
            </p>
            <div>
                {weather.place.map(|place| view! { <h3 class="weather-place">{place}</h3> })}
                {weather.sky.map(|(words, _)| view! { <p>{words}</p> })}
            </div>
            <dl class="weather-facts">{facts.collect_view()}</dl>
        </div>
        {(!weather.hours.is_empty()).then(|| view! { <Hours hours=weather.hours /> })}
        {(!weather.days.is_empty()).then(|| view! { <Days days=weather.days /> })}
    }
}

#[component]
fn Hours(hours: Vec<Hour>) -> impl IntoView {
    let items = hours.into_iter().map(|hour| {
        view! {
            <li class="hour">
                <span class="muted number">{hour.time}</span>
                <Glyph sky=hour.sky />
                <span class="number">{format!("{}°", rounded(hour.temperature))}</span>
                <span class="rain number">{rain(hour.rain)}</span>
            </li>
        }
    });
    // It scrolls sideways, so the keyboard must be able to get into it.
    view! {
        <div class="hours" role="region" aria-label="The coming hours" tabindex="0">
            <ol>{items.collect_view()}</ol>
        </div>
    }
}

fn rain(chance: Option<f64>) -> Option<String> {
    chance.filter(|percent| *percent >= 5.0).map(|percent| format!("{} %", rounded(percent)))
}

#[component]
fn Days(days: Vec<Day>) -> impl IntoView {
    let low = days.iter().map(|day| day.low).fold(f64::INFINITY, f64::min);
    let high = days.iter().map(|day| day.high).fold(f64::NEG_INFINITY, f64::max);
    let width = (high - low).max(1.0);
    let rows = days.into_iter().map(move |day| {
        let from = (day.low - low) / width * 96.0;
        let length = ((day.high - day.low) / width * 96.0).max(4.0);
        view! {
            <li class="day">
                <span>{day.name}</span>
                <Glyph sky=day.sky />
                <span class="rain number">{rain(day.rain)}</span>
                <span class="muted number">{format!("{}°", rounded(day.low))}</span>
                <svg class="range" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="range-all" x="0" y="3" width="100" height="2" rx="1" />
                    <rect class="range-day" x=format!("{from:.1}") y="2" width=format!("{length:.1}") height="4" rx="2" />
                </svg>
                <span class="number">{format!("{}°", rounded(day.high))}</span>
            </li>
        }
    });
    view! { <ol class="days" aria-label="The coming days">{rows.collect_view()}</ol> }
}
