//! An answer: what it waits for, what is there of it, and its receipt.

use leptos::prelude::*;

use super::{
    markdown::{self, drawn},
    message::{CopyButton, Switch},
    waiting::Waits,
};
use crate::{
    shell::{
        chat::{ConversationId, NodeId, ReplyState},
        dispatcher::use_shell,
        event::ChatAct,
        view::chat::{self as view, ReplyReceipt},
    },
    ui::{Button, Icon, Kind, Picture, Trouble, dynamic, memo},
};

/// The answer of a model.
#[component]
pub(crate) fn Answer(
    /// In which conversation.
    id: ConversationId,
    /// Which message.
    node: NodeId,
) -> impl IntoView {
    let shell = use_shell();
    let of = id.clone();
    let said = shell.view(move |model| model.chats.get(&of).and_then(|known| known.node(node).cloned()));
    let text =
        memo(move || said.with(|said| said.as_ref().map(|said| said.text.clone()).unwrap_or_default()));
    let state = memo(move || said.with(|said| said.as_ref().and_then(|said| said.reply.clone())));
    let writes = memo(move || {
        state.with(|reply| reply.as_ref().is_some_and(|reply| reply.state == ReplyState::Writing))
    });
    let blocks = memo(move || text.with(|text| markdown::numbered(text)));
    let has_text = memo(move || text.with(|text| !text.is_empty()));
    view! {
        <div class="prose" class:writing=move || writes.get() hidden=move || !has_text.get()>
            <For each=move || blocks.get() key=|block| (block.0, block.1) let:block>
                {drawn(&block.2)}
            </For>
        </div>
        {dynamic(move || {
            let reply = state.get()?;
            let again = id.clone();
            let again = move || shell.chat(ChatAct::Regenerate(again.clone(), node));
            let foot = match &reply.state {
                ReplyState::Waiting => view! { <Waits id=id.clone() by=reply.model.clone() /> }.into_any(),
                ReplyState::Reading { done, total } => {
                    let (id, share) = (id.clone(), f64::from(*done) / f64::from((*total).max(1)));
                    view! {
                        <div class="coming">
                            <p class="muted">{format!("Reading, {done} of {total} tokens")}</p>
                            <progress class="bar" max="1" value=share.to_string() aria-label="Reading"></progress>
                            <Stop id />
                        </div>
                    }.into_any()
                }
                ReplyState::Writing => {
                    let id = id.clone();
                    view! { <div class="coming"><Stop id /></div> }.into_any()
                }
                ReplyState::Over { .. } => {
                    let receipt = view::receipt(&reply).unwrap_or_default();
                    let note = receipt.note;
                    view! {
                        {note.map(|words| view! { <p class="note">{words}</p> })}
                        <div class="reply-foot">
                            <Receipt receipt />
                            <div class="acts">
                                <Switch id=id.clone() node />
                                <CopyButton text=text.get_untracked() label="Copy the answer" />
                                <Button kind=Kind::Quiet label="Answer again" press=again><Icon picture=Picture::Again /></Button>
                            </div>
                        </div>
                    }.into_any()
                }
                ReplyState::Failed { problem } => view! {
                    <Trouble problem=problem.clone() />
                    <div class="acts">
                        <Switch id=id.clone() node />
                        <Button press=again><Icon picture=Picture::Again />"Answer again"</Button>
                    </div>
                }.into_any(),
                ReplyState::Interrupted => view! {
                    <p class="note">"The page was left while this was being written."</p>
                    <div class="acts">
                        <Switch id=id.clone() node />
                        <Button press=again><Icon picture=Picture::Again />"Answer again"</Button>
                    </div>
                }.into_any(),
            };
            Some(foot)
        })}
    }
}

#[component]
fn Stop(id: ConversationId) -> impl IntoView {
    let shell = use_shell();
    let of = id.clone();
    let stopping = shell
        .view(move |model| model.chats.asked.iter().any(|asked| asked.conversation == of && asked.stopping));
    dynamic(move || {
        if stopping.get() {
            return view! { <span class="muted">"Stopping …"</span> }.into_any();
        }
        let id = id.clone();
        view! {
            <Button kind=Kind::Quiet press=move || shell.chat(ChatAct::Stop(id.clone()))>
                <Icon picture=Picture::Stop />
                "Stop"
            </Button>
        }
        .into_any()
    })
}

/// Who answered and where; opened, how fast.
#[component]
fn Receipt(receipt: ReplyReceipt) -> impl IntoView {
    let facts = receipt
        .facts
        .into_iter()
        .map(|(name, value)| view! { <dt>{name}</dt><dd class="number">{value}</dd> });
    view! {
        <details class="receipt reply-receipt">
            <summary class="number"><Icon picture=Picture::Lock />{receipt.line.join(" · ")}</summary>
            <div class="story">
                <dl>{facts.collect_view()}</dl>
                <p>"Nothing left this device."</p>
            </div>
        </details>
    }
}
