//! A colour beside a word.

use leptos::prelude::*;

use crate::shell::view::federation::Tone;

/// How something stands; the word beside it says the same.
#[component]
pub(crate) fn Dot(
    /// How.
    tone: Tone,
) -> impl IntoView {
    let class = match tone {
        Tone::Busy => "dot dot-busy",
        Tone::Ask => "dot dot-ask",
        Tone::Good => "dot dot-good",
        Tone::Rest => "dot",
        Tone::Bad => "dot dot-bad",
    };
    view! { <span class=class aria-hidden="true"></span> }
}
