//! One message: a question that can be changed, or an answer.

use leptos::{ev::KeyboardEvent, prelude::*};
use mtor_shared::generation::Role;

use super::reply::Answer;
use crate::{
    platform::{clock, page},
    shell::{
        chat::{ConversationId, NodeId},
        dispatcher::use_shell,
        event::ChatAct,
        view::chat as view,
    },
    ui::{Button, Icon, Kind, Picture, dynamic, memo, wording},
};

/// A message with what can be done about it.
#[component]
pub(super) fn Message(id: ConversationId, node: NodeId) -> impl IntoView {
    let shell = use_shell();
    let of = id.clone();
    let role = shell
        .view(move |model| model.chats.get(&of).and_then(|known| Some(known.node(node)?.role())))
        .get_untracked()
        .unwrap_or(Role::User);
    let class = if role == Role::User { "message message-user" } else { "message" };
    view! {
        <article id=format!("message-{}", node.0) class=class aria-label=view::speaker(role) tabindex="-1">
            {match role {
                Role::User => view! { <Question id node /> }.into_any(),
                Role::Assistant | Role::System => view! { <Answer id node /> }.into_any(),
            }}
        </article>
    }
}

/// What a person said.
#[component]
fn Question(id: ConversationId, node: NodeId) -> impl IntoView {
    let shell = use_shell();
    let of = id.clone();
    let said = shell.view(move |model| model.chats.get(&of).and_then(|known| known.node(node).cloned()));
    let of = id.clone();
    let edited = shell.view(move |model| model.chats.edited(&of, node).cloned());
    let is_edited = memo(move || edited.with(Option::is_some));
    dynamic(move || {
        if is_edited.get() {
            return view! { <Edit id=id.clone() node text=memo(move || edited.get().unwrap_or_default()) /> }
                .into_any();
        }
        let Some(said) = said.get() else { return ().into_any() };
        let (of, text) = (id.clone(), said.text.clone());
        view! {
            <p class="said">{said.text.clone()}</p>
            <div class="acts">
                <span class="acts-time number">{clock::spoken_time(said.at_ms)}</span>
                <Switch id=id.clone() node />
                <CopyButton text label="Copy the question" />
                <Button kind=Kind::Quiet label="Edit and send again" press=move || shell.chat(ChatAct::Edit(of.clone(), node))>
                    <Icon picture=Picture::Pencil />
                </Button>
            </div>
        }
        .into_any()
    })
}

/// A question that is being changed.
#[component]
fn Edit(id: ConversationId, node: NodeId, text: Memo<String>) -> impl IntoView {
    let shell = use_shell();
    let (typed, sent, dropped, keyed) = (id.clone(), id.clone(), id.clone(), id);
    let pressed = move |event: KeyboardEvent| {
        if event.is_composing() {
            return;
        }
        let act = match event.key().as_str() {
            "Enter" if !event.shift_key() => ChatAct::Resend(keyed.clone(), node),
            "Escape" => ChatAct::EditDropped(keyed.clone(), node),
            _ => return,
        };
        event.prevent_default();
        shell.chat(act);
    };
    view! {
        <div class="edit">
            <label class="unseen" for=format!("edit-{}", node.0)>"Change the question"</label>
            <textarea
                id=format!("edit-{}", node.0)
                class="area"
                rows="2"
                prop:value=wording(move || text.get())
                on:input=move |event| shell.chat(ChatAct::Edited(typed.clone(), node, event_target_value(&event)))
                on:keydown=pressed
            ></textarea>
            <div class="buttons">
                <Button kind=Kind::Main press=move || shell.chat(ChatAct::Resend(sent.clone(), node))>"Send"</Button>
                <Button press=move || shell.chat(ChatAct::EditDropped(dropped.clone(), node))>"Leave as it was"</Button>
                <span class="muted">"The old question and its answers stay beside it."</span>
            </div>
        </div>
    }
}

/// Goes to the message before or behind, where several answer the same one.
#[component]
pub(super) fn Switch(id: ConversationId, node: NodeId) -> impl IntoView {
    let shell = use_shell();
    let of = id.clone();
    let beside = shell.view(move |model| model.chats.get(&of).and_then(|known| view::beside(known, node)));
    dynamic(move || {
        let beside = beside.get()?;
        let step = |to: Option<NodeId>, picture: Picture, label: &'static str| {
            let id = id.clone();
            let disabled = to.is_none();
            view! {
                <Button kind=Kind::Quiet label disabled press=move || {
                    if let Some(to) = to {
                        shell.chat(ChatAct::Choose(id.clone(), to));
                    }
                }>
                    <Icon picture />
                </Button>
            }
        };
        Some(view! {
            <span class="switch" role="group" aria-label="Versions">
                {step(beside.earlier, Picture::Back, "Earlier version")}
                <span class="number">{format!("{} / {}", beside.position, beside.count)}</span>
                {step(beside.later, Picture::Forth, "Later version")}
            </span>
        })
    })
}

/// Puts a text into the clipboard, and says so for a moment.
#[component]
pub(super) fn CopyButton(text: String, label: &'static str) -> impl IntoView {
    let done = RwSignal::new(None::<bool>);
    let press = move || {
        let text = text.clone();
        leptos::task::spawn_local(async move {
            let worked = page::copy(text).await;
            let _ = done.try_set(Some(worked));
            clock::after(1600, move || {
                let _ = done.try_set(None);
            });
        });
    };
    view! {
        <Button kind=Kind::Quiet label press>
            {dynamic(move || match done.get() {
                None => view! { <Icon picture=Picture::Copy /> }.into_any(),
                Some(true) => view! { <Icon picture=Picture::Tick /><span role="status">"Copied"</span> }.into_any(),
                Some(false) => view! { <span role="status">"The browser does not let MTOR copy"</span> }.into_any(),
            })}
        </Button>
    }
}
