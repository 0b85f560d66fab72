//! The weather codes of WMO table 4677 as far as Open-Meteo uses them.

/// A picture for a group of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sky {
    /// No clouds.
    Clear,
    /// Some.
    Partly,
    /// Nothing but.
    Cloud,
    /// Fog.
    Fog,
    /// Drizzle or rain.
    Rain,
    /// Rain that freezes.
    Sleet,
    /// Snow.
    Snow,
    /// Thunder.
    Storm,
}

/// What a code means, in words and as a picture; none for a code that is not used.
pub fn meaning(code: u64) -> Option<(&'static str, Sky)> {
    Some(match code {
        0 => ("Clear sky", Sky::Clear),
        1 => ("Mostly clear", Sky::Partly),
        2 => ("Partly cloudy", Sky::Partly),
        3 => ("Overcast", Sky::Cloud),
        45 => ("Fog", Sky::Fog),
        48 => ("Fog with rime", Sky::Fog),
        51 => ("Light drizzle", Sky::Rain),
        53 => ("Drizzle", Sky::Rain),
        55 => ("Dense drizzle", Sky::Rain),
        56 | 57 => ("Freezing drizzle", Sky::Sleet),
        61 => ("Light rain", Sky::Rain),
        63 => ("Rain", Sky::Rain),
        65 => ("Heavy rain", Sky::Rain),
        66 | 67 => ("Freezing rain", Sky::Sleet),
        71 => ("Light snow", Sky::Snow),
        73 => ("Snow", Sky::Snow),
        75 => ("Heavy snow", Sky::Snow),
        77 => ("Snow grains", Sky::Snow),
        80 => ("Light showers", Sky::Rain),
        81 => ("Showers", Sky::Rain),
        82 => ("Violent showers", Sky::Rain),
        85 | 86 => ("Snow showers", Sky::Snow),
        95 => ("Thunderstorm", Sky::Storm),
        96 | 99 => ("Thunderstorm with hail", Sky::Storm),
        _ => return None,
    })
}
