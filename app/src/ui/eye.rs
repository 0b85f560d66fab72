//! The one status light.

use leptos::prelude::*;

use super::dynamic;
use crate::shell::view::Eye;

/// A small lens with a word beside it.
#[component]
pub(crate) fn Lens(
    /// What it shows.
    eye: Memo<Eye>,
) -> impl IntoView {
    let class = move || match eye.get() {
        Eye::Idle => "lens lens-idle",
        Eye::Thinking => "lens lens-thinking",
        Eye::Offline => "lens lens-offline",
        Eye::Attention => "lens lens-attention",
    };
    view! {
        <span class="eye">
            <svg class=class viewBox="0 0 32 32" aria-hidden="true">
                <circle class="lens-ring" cx="16" cy="16" r="14" />
                <circle class="lens-glass" cx="16" cy="16" r="9.5" />
                <circle class="lens-core" cx="16" cy="16" r="3.5" />
                <g class="lens-orbit">
                    <circle class="lens-moon" cx="16" cy="2" r="2" />
                </g>
                <path class="lens-glint" d="M10.5 12.5a7 7 0 0 1 4-3.2" />
            </svg>
            <span class="eye-word">{dynamic(move || eye.get().word())}</span>
        </span>
    }
}
