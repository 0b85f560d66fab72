//! What a word means.

use leptos::prelude::*;

use super::definition_data;

/// The word, how it sounds, its meanings.
#[component]
pub(super) fn Definition(
    /// What was read.
    word: definition_data::Word,
) -> impl IntoView {
    let meanings = word.meanings.into_iter().map(|meaning| {
        let definitions = meaning.definitions.into_iter().map(|(definition, example)| {
            view! {
                <li>
                    {definition}
                    {example.map(|example| view! { <span class="muted">{format!(" “{example}”")}</span> })}
                </li>
            }
        });
        view! {
            <section class="meaning">
                <h4>{meaning.part}</h4>
                <ol>{definitions.collect_view()}</ol>
                {(meaning.more > 0).then(|| view! { <p class="muted">{format!("and {} more", meaning.more)}</p> })}
                {(!meaning.synonyms.is_empty())
                    .then(|| view! { <p class="muted">{format!("Similar: {}", meaning.synonyms.join(", "))}</p> })}
            </section>
        }
    });
    view! {
        <h3 class="word">{word.word} {word.sound.map(|sound| view! { <span class="muted word-sound">" " {sound}</span> })}</h3>
        {meanings.collect_view()}
    }
}
