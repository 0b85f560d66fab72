//! A card that a model on this device answers: the last answer of a conversation that began in the stream.

use leptos::prelude::*;

use crate::{
    later,
    screens::later::later,
    shell::{chat::ConversationId, dispatcher::use_shell, place::Place},
    ui::{dynamic, memo},
};

/// The answer, and the way to go on.
#[component]
pub(super) fn Told(conversation: ConversationId) -> impl IntoView {
    let shell = use_shell();
    let of = conversation.clone();
    // The one to the question of the card: what was said later is in the conversation.
    let shown = shell.view(move |model| model.chats.get(&of).map(|known| known.path().get(1).copied()));
    let address = Place::talk(&conversation).address();
    let is_here = memo(move || shown.with(Option::is_some));
    dynamic(move || match shown.get().flatten() {
        Some(node) => {
            let id = conversation.clone();
            view! {
                {later(|words| words, later::chat, move |parts| (parts.answer)(id.clone(), node))}
                <p class="told-more"><a href=address.clone()>"Go on in Chat"</a></p>
            }
            .into_any()
        }
        None if is_here.get() => ().into_any(),
        None => view! { <p class="muted">"The conversation was removed."</p> }.into_any(),
    })
}
