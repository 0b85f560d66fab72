//! Time and chance.

use gloo_timers::callback::{Interval, Timeout};

use crate::shell::event::Stamp;

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    js_sys::Date::now() as u64
}

/// When it is now, and bytes that nobody can guess.
pub(crate) fn stamp() -> Stamp {
    let mut random = [0; 16];
    if let Some(crypto) = web_sys::window().and_then(|window| window.crypto().ok()) {
        // It only fails for more than 64 KiB.
        let _ = crypto.get_random_values_with_u8_array(&mut random);
    }
    let ahead_min = -js_sys::Date::new_0().get_timezone_offset() as i32;
    Stamp { at_ms: now_ms(), ahead_min, random }
}

/// Does something once, after a while.
pub(crate) fn after(ms: u32, then: impl FnOnce() + 'static) {
    Timeout::new(ms, then).forget();
}

/// Does something again and again until it is dropped.
pub(crate) fn every(ms: u32, then: impl FnMut() + 'static) -> Interval {
    Interval::new(ms, then)
}

/// A time of day, or a date with it when it was not today, as the browser's language writes it.
pub(crate) fn spoken_time(at_ms: u64) -> String {
    let date = js_sys::Date::new(&(at_ms as f64).into());
    let today = js_sys::Date::new_0();
    let options = js_sys::Object::new();
    let set = |name: &str, value: &str| {
        let _ = js_sys::Reflect::set(&options, &name.into(), &value.into());
    };
    if date.to_date_string() != today.to_date_string() {
        set("day", "numeric");
        set("month", "short");
    }
    set("hour", "2-digit");
    set("minute", "2-digit");
    String::from(date.to_locale_string("default", &options))
}
