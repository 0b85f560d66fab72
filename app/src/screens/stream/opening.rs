//! What is there before anything was asked.

use leptos::prelude::*;

use crate::{
    shell::{dispatcher::use_shell, event::Person, view::FIRST},
    ui::{Button, Icon, Kind, Picture},
};

/// Sentences that work at once, and where words go.
#[component]
pub(super) fn Opening() -> impl IntoView {
    let sentences = FIRST.map(|sentence| view! { <li><Suggestion sentence=sentence.to_owned() /></li> });
    view! {
        <section class="opening" aria-label="Start">
            <h2 class="opening-title">"What would you like to know?"</h2>
            <ul class="chips" aria-label="Try one of these">
                {sentences.into_iter().collect_view()}
            </ul>
            <p class="promise">
                <Icon picture=Picture::Lock />
                "Your words stay on this device unless a card says otherwise"
            </p>
        </section>
    }
}

/// A sentence that is asked when it is pressed.
#[component]
pub(super) fn Suggestion(
    /// The sentence.
    sentence: String,
) -> impl IntoView {
    let shell = use_shell();
    let asked = sentence.clone();
    view! { <Button kind=Kind::Chip press=move || shell.person(Person::Suggested(asked.clone()))>{sentence}</Button> }
}
