//! A small gazetteer in the shape of Open-Meteo's geocoding.

use serde_json::{Value, json};

use super::plain;

/// One town.
pub(super) struct Place {
    id: u32,
    pub(super) name: &'static str,
    pub(super) latitude: f64,
    pub(super) longitude: f64,
    elevation: f64,
    country_code: &'static str,
    country: &'static str,
    admin1: &'static str,
    pub(super) timezone: &'static str,
    /// Hours east of UTC, without summer time.
    pub(super) offset_h: f64,
    population: u32,
}

macro_rules! places {
    ($(($id:literal, $name:literal, $lat:literal, $lon:literal, $elevation:literal, $code:literal, $country:literal,
        $admin1:literal, $timezone:literal, $offset:literal, $population:literal)),* $(,)?) => {
        &[$(Place { id: $id, name: $name, latitude: $lat, longitude: $lon, elevation: $elevation, country_code: $code,
            country: $country, admin1: $admin1, timezone: $timezone, offset_h: $offset, population: $population }),*]
    };
}

pub(super) const PLACES: &[Place] = places![
    (2267057, "Lisbon", 38.71667, -9.13333, 45.0, "PT", "Portugal", "Lisbon", "Europe/Lisbon", 0.0, 517802),
    (2950159, "Berlin", 52.52437, 13.41053, 74.0, "DE", "Germany", "Berlin", "Europe/Berlin", 1.0, 3426354),
    (
        2643743,
        "London",
        51.50853,
        -0.12574,
        25.0,
        "GB",
        "United Kingdom",
        "England",
        "Europe/London",
        0.0,
        8961989
    ),
    (2988507, "Paris", 48.85341, 2.3488, 42.0, "FR", "France", "Île-de-France", "Europe/Paris", 1.0, 2138551),
    (1850147, "Tokyo", 35.6895, 139.69171, 44.0, "JP", "Japan", "Tokyo", "Asia/Tokyo", 9.0, 9733276),
    (
        5128581,
        "New York",
        40.71427,
        -74.00597,
        10.0,
        "US",
        "United States",
        "New York",
        "America/New_York",
        -5.0,
        8804190
    ),
    (
        2759794,
        "Amsterdam",
        52.37403,
        4.88969,
        13.0,
        "NL",
        "Netherlands",
        "North Holland",
        "Europe/Amsterdam",
        1.0,
        741636
    ),
    (360630, "Cairo", 30.06263, 31.24967, 23.0, "EG", "Egypt", "Cairo", "Africa/Cairo", 2.0, 9606916),
    (
        3369157,
        "Cape Town",
        -33.92584,
        18.42322,
        25.0,
        "ZA",
        "South Africa",
        "Western Cape",
        "Africa/Johannesburg",
        2.0,
        4772846
    ),
    (3143244, "Oslo", 59.91273, 10.74609, 26.0, "NO", "Norway", "Oslo", "Europe/Oslo", 1.0, 580000),
    (
        4887398,
        "Chicago",
        41.85003,
        -87.65005,
        179.0,
        "US",
        "United States",
        "Illinois",
        "America/Chicago",
        -6.0,
        2696555
    ),
    (
        3413829,
        "Reykjavik",
        64.13548,
        -21.89541,
        37.0,
        "IS",
        "Iceland",
        "Capital Region",
        "Atlantic/Reykjavik",
        0.0,
        118918
    ),
    (3169070, "Rome", 41.89193, 12.51133, 52.0, "IT", "Italy", "Lazio", "Europe/Rome", 1.0, 2318895),
    (
        6077243,
        "Montreal",
        45.50884,
        -73.58781,
        216.0,
        "CA",
        "Canada",
        "Quebec",
        "America/Toronto",
        -5.0,
        1762949
    ),
    (3117735, "Madrid", 40.4165, -3.70256, 665.0, "ES", "Spain", "Madrid", "Europe/Madrid", 1.0, 3255944),
    (
        2147714,
        "Sydney",
        -33.86785,
        151.20732,
        58.0,
        "AU",
        "Australia",
        "New South Wales",
        "Australia/Sydney",
        10.0,
        4627345
    ),
    (
        3448439,
        "São Paulo",
        -23.5475,
        -46.63611,
        769.0,
        "BR",
        "Brazil",
        "São Paulo",
        "America/Sao_Paulo",
        -3.0,
        12400232
    ),
    (
        1275339,
        "Mumbai",
        19.07283,
        72.88261,
        14.0,
        "IN",
        "India",
        "Maharashtra",
        "Asia/Kolkata",
        5.5,
        12691836
    ),
    (184745, "Nairobi", -1.28333, 36.81667, 1676.0, "KE", "Kenya", "Nairobi", "Africa/Nairobi", 3.0, 2750547),
    (
        658225,
        "Helsinki",
        60.16952,
        24.93545,
        26.0,
        "FI",
        "Finland",
        "Uusimaa",
        "Europe/Helsinki",
        2.0,
        658864
    ),
    (2510911, "Seville", 37.38283, -5.97317, 16.0, "ES", "Spain", "Andalusia", "Europe/Madrid", 1.0, 703206),
    (
        4164138,
        "Miami",
        25.77427,
        -80.19366,
        25.0,
        "US",
        "United States",
        "Florida",
        "America/New_York",
        -5.0,
        441003
    ),
];

/// `GET /v1/search`: without `results` when no name begins so.
pub(super) fn search(name: &str, count: usize) -> Value {
    // `Lisbon, Portugal` is how people write it.
    let name = plain(name);
    let wanted = name.split(',').next().unwrap_or_default().trim();
    let fits = |place: &&Place| match wanted.chars().count() {
        0 | 1 => false,
        2 => plain(place.name) == wanted,
        _ => plain(place.name).starts_with(wanted),
    };
    let results: Vec<Value> = PLACES.iter().filter(fits).take(count).map(described).collect();
    if results.is_empty() {
        json!({"generationtime_ms": 0.41})
    } else {
        json!({"results": results, "generationtime_ms": 0.62})
    }
}

fn described(place: &Place) -> Value {
    json!({
        "id": place.id, "name": place.name, "latitude": place.latitude, "longitude": place.longitude,
        "elevation": place.elevation, "feature_code": "PPLC", "country_code": place.country_code,
        "timezone": place.timezone, "population": place.population, "country": place.country, "admin1": place.admin1
    })
}
