//! Something to press.

use leptos::prelude::*;

/// How much a button asks to be pressed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The one that most people want here.
    Main,
    /// One among others.
    Plain,
    /// A small one that stays in the background.
    Quiet,
    /// A sentence to try.
    Chip,
}

impl Kind {
    fn class(self) -> &'static str {
        match self {
            Self::Main => "button button-main",
            Self::Plain => "button",
            Self::Quiet => "button button-quiet",
            Self::Chip => "button chip",
        }
    }
}

/// What a button does; boxed, so that all buttons share their code.
pub(crate) struct Press(Box<dyn Fn()>);

impl<F: Fn() + 'static> From<F> for Press {
    fn from(press: F) -> Self {
        Self(Box::new(press))
    }
}

/// A button; what it does is a verb.
#[component]
pub(crate) fn Button(
    /// What happens.
    #[prop(into)]
    press: Press,
    /// How much it asks to be pressed.
    #[prop(default = Kind::Plain)]
    kind: Kind,
    /// Its whole name, where what it shows is not enough.
    #[prop(optional, into)]
    label: Option<String>,
    /// Whether it cannot be pressed now.
    #[prop(default = false)]
    disabled: bool,
    /// What it shows.
    children: Children,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class=kind.class()
            disabled=disabled
            aria-label=label.clone()
            title=label
            on:click=move |_| (press.0)()
        >
            {children()}
        </button>
    }
}
