//! Conversations with a model on this device. On wide windows the list stays beside what is read; on narrow ones it
//! unfolds above it.

mod fold;
mod list;
mod markdown;
mod message;
mod reply;
mod waiting;

use leptos::{ev::DragEvent, prelude::*};

use self::{fold::Fold, list::List, message::Message, reply::Answer};
use crate::{
    platform::{files, page},
    shell::{
        chat::{ConversationId, NodeId},
        dispatcher::{Dispatcher, use_shell},
        event::ChatAct,
        place::Place,
        view::chat as view,
    },
    ui::{Button, Icon, Kind, Picture, dynamic, memo, when},
};

/// What others draw of conversations.
#[derive(Clone, Copy)]
pub(crate) struct Parts {
    /// The whole screen.
    pub(crate) whole: fn() -> AnyView,
    /// The answer of a model: in which conversation, and which message.
    pub(crate) answer: fn(ConversationId, NodeId) -> AnyView,
}

/// The only way in, so that all of it can come later.
pub(crate) const PARTS: Parts = Parts {
    whole: || view! { <Chat /> }.into_any(),
    answer: |id, node| view! { <Answer id node /> }.into_any(),
};

/// Takes the conversations of each file in.
fn import_files(shell: Dispatcher, chosen: Option<files::FileList>) {
    files::read(chosen, move |file| {
        shell.chat(match file {
            Ok((name, text)) => ChatAct::Import { name, text },
            Err(problem) => ChatAct::Unreadable(problem),
        });
    });
}

/// The whole screen.
#[component]
fn Chat() -> impl IntoView {
    let shell = use_shell();
    let here = shell.view(|model| view::here(model).map(|known| known.id.clone()));
    let removed =
        shell.view(|model| model.chats.removed.as_ref().map(|(_, conversation)| conversation.name()));
    let list_is_open = RwSignal::new(false);
    let over = RwSignal::new(false);
    let dropped = move |event: DragEvent| {
        event.prevent_default();
        over.set(false);
        import_files(shell, event.data_transfer().and_then(|data| data.files()));
    };
    view! {
        <main
            class="chat"
            class:dropping=move || over.get()
            on:dragover=move |event: DragEvent| {
                event.prevent_default();
                over.set(true);
            }
            on:dragleave=move |_| over.set(false)
            on:drop=dropped
        >
            <List is_open=list_is_open />
            <section class="talk" aria-label="Conversation">
                {dynamic(move || match here.get() {
                    Some(id) => view! { <Talk id /> }.into_any(),
                    None => view! { <Gone /> }.into_any(),
                })}
            </section>
            {dynamic(move || removed.get().map(|title| view! {
                <p class="notice notice-undo notice-floating">
                    {format!("“{title}” removed. ")}
                    <Button press=move || shell.chat(ChatAct::Undo)>"Undo"</Button>
                </p>
            }))}
        </main>
    }
}

/// The address names a conversation that is not here.
#[component]
fn Gone() -> impl IntoView {
    let is_opening = use_shell().view(|model| matches!(model.storage, crate::shell::model::Storage::Opening));
    dynamic(move || {
        if is_opening.get() {
            return view! { <p class="muted">"One moment."</p> }.into_any();
        }
        view! {
            <div class="opening">
                <h2 class="opening-title">"This conversation is not on this device"</h2>
                <p class="promise">"It was removed, or it is in another browser. Export it there and import it here."</p>
                <p class="buttons"><a class="button button-main" href=Place::Chat.address()>"New conversation"</a></p>
            </div>
        }
        .into_any()
    })
}

/// One conversation.
#[component]
fn Talk(id: ConversationId) -> impl IntoView {
    let shell = use_shell();
    let of = id.clone();
    let path = shell.view(move |model| model.chats.get(&of).map(|known| known.path()).unwrap_or_default());
    let of = id.clone();
    let name = shell.view(move |model| model.chats.get(&of).map(|known| known.name()).unwrap_or_default());
    let of = id.clone();
    let forgotten = shell.view(move |model| model.chats.get(&of).and_then(|known| view::forgotten(known)));
    let has_begun = memo(move || path.with(|path| !path.is_empty()));
    let (in_head, in_list) = (id.clone(), id.clone());
    view! {
        {when(has_begun, move || {
            let (exported, removed) = (in_head.clone(), in_head.clone());
            view! {
                <header class="talk-head">
                    <h2 class="talk-title">{dynamic(move || name.get())}</h2>
                    <Button kind=Kind::Quiet label="Export this conversation" press=move || shell.chat(ChatAct::Export(Some(exported.clone())))>
                        <Icon picture=Picture::Down />
                    </Button>
                    <Button kind=Kind::Quiet label="Remove this conversation" press=move || shell.chat(ChatAct::Remove(removed.clone()))>
                        <Icon picture=Picture::Bin />
                    </Button>
                </header>
            }
        })}
        {when(memo(move || !has_begun.get()), move || view! {
            <Opening />
        })}
        <Fold id=id.clone() />
        <div class="messages">
            <For each=move || path.get() key=|node| *node let:node>
                {
                    let id = in_list.clone();
                    let line = memo(move || {
                        forgotten.with(|line| line.as_ref().filter(|(first, _)| *first == node).map(|(_, words)| words.clone()))
                    });
                    view! {
                        {dynamic(move || line.get().map(|words| view! { <p class="forgotten" role="note">{words}</p> }))}
                        <Message id node />
                    }
                }
            </For>
            <div id=page::CHAT_END class="end"></div>
        </div>
    }
}

/// What is there before anything was said.
#[component]
fn Opening() -> impl IntoView {
    view! {
        <div class="opening talk-opening">
            <h2 class="opening-title">"Talk with a model on this device"</h2>
            <p class="promise">
                <Icon picture=Picture::Lock />
                "Nothing you write here leaves this device. It works offline once the model is here"
            </p>
        </div>
    }
}
