//! The sky, drawn.

use leptos::prelude::*;

use crate::screens::stream::cards::wmo::Sky;

const CLOUD: &str = "M7 18h10a4 4 0 0 0 .6-7.95A6 6 0 0 0 6.1 11.3 3.4 3.4 0 0 0 7 18z";
const HIGH_CLOUD: &str = "M7 14h10a4 4 0 0 0 .6-7.95A6 6 0 0 0 6.1 7.3 3.4 3.4 0 0 0 7 14z";
const SUN: &str = "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4";
const MOON: &str = "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z";

/// The sky in words and as a picture.
#[component]
pub(crate) fn Glyph(
    /// What it does.
    sky: Option<(&'static str, Sky)>,
    /// Whether the sun is up.
    #[prop(default = true)]
    is_day: bool,
) -> impl IntoView {
    let (words, sky) = sky?;
    let (warm, cool): (&str, &str) = match sky {
        Sky::Clear if is_day => (SUN, ""),
        Sky::Clear => (MOON, ""),
        Sky::Partly if is_day => (
            "M8.5 3v1.5M3.7 5l1 1M2.5 10H4M13.3 5l-1 1M11.6 8.2a3.6 3.6 0 1 0-6 3.6",
            "M9 19h8.5a3.4 3.4 0 0 0 .4-6.77A5 5 0 0 0 8.3 13.3 2.9 2.9 0 0 0 9 19z",
        ),
        Sky::Partly => (
            "M10 3.5a5 5 0 1 0 2 5.4A5 5 0 0 1 10 3.5z",
            "M9 19h8.5a3.4 3.4 0 0 0 .4-6.77A5 5 0 0 0 8.3 13.3 2.9 2.9 0 0 0 9 19z",
        ),
        Sky::Cloud => ("", CLOUD),
        Sky::Fog => ("", "M4 8h16M6 12h12M4 16h16M8 20h8"),
        Sky::Rain => ("", HIGH_CLOUD),
        Sky::Sleet => ("", HIGH_CLOUD),
        Sky::Snow => ("", HIGH_CLOUD),
        Sky::Storm => ("M12.5 13l-2.5 4h3.5L11 21.5", HIGH_CLOUD),
    };
    let falling = match sky {
        Sky::Rain => "M8.5 16.5l-1 3.5M12.5 16.5l-1 3.5M16.5 16.5l-1 3.5",
        Sky::Sleet => "M8.5 16.5l-1 3.5M12 18.2h.01M16.5 16.5l-1 3.5",
        Sky::Snow => "M8 17.5h.01M12 17.5h.01M16 17.5h.01M10 20.5h.01M14 20.5h.01",
        Sky::Clear | Sky::Partly | Sky::Cloud | Sky::Fog | Sky::Storm => "",
    };
    Some(view! {
        <svg class="glyph" viewBox="0 0 24 24" role="img" aria-label=words>
            <path class="glyph-warm" d=warm />
            <path d=cool />
            <path class="glyph-wet" d=falling />
        </svg>
    })
}
