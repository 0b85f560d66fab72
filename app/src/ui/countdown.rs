//! Time that passes while somebody looks.

use leptos::prelude::*;

use crate::{platform::clock, shell::view::format};

fn ticking(every_ms: u32) -> ReadSignal<u64> {
    let (now, set_now) = signal(clock::now_ms());
    let interval = StoredValue::new_local(Some(clock::every(every_ms, move || set_now.set(clock::now_ms()))));
    on_cleanup(move || {
        interval.try_update_value(Option::take);
    });
    now
}

/// `in 4 s`, then `now`.
#[component]
pub(crate) fn Countdown(
    /// Milliseconds since 1970.
    until_ms: u64,
) -> impl IntoView {
    let now = ticking(500);
    let words = move || match until_ms.saturating_sub(now.get()).div_ceil(1000) {
        0 => "now".to_owned(),
        seconds => format!("in {seconds} s"),
    };
    view! { <span class="number" aria-live="off">{words}</span> }
}

/// `2.4 s`, and counting.
#[component]
pub(crate) fn Elapsed(
    /// Milliseconds since 1970.
    since_ms: u64,
) -> impl IntoView {
    let now = ticking(100);
    let words = move || format::seconds(now.get().saturating_sub(since_ms) as f64 / 1000.0);
    view! { <span class="number muted" role="timer" aria-live="off">{words}</span> }
}
