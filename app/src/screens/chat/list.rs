//! The list of conversations.

use leptos::{html, prelude::*};

use super::import_files;
use crate::{
    platform::clock,
    shell::{
        dispatcher::use_shell,
        event::ChatAct,
        place::Place,
        view::chat::{self as view, Line},
    },
    ui::{Button, Icon, Kind, Picture, Trouble, dynamic, memo, when, word, wording},
};

/// Every conversation, a search in them, and files out and in.
#[component]
pub(super) fn List(
    /// Whether it is unfolded, where there is no room for it beside what is read.
    is_open: RwSignal<bool>,
) -> impl IntoView {
    let shell = use_shell();
    let lines = shell.view(view::lines);
    let query = shell.view(|model| model.chats.query.clone());
    let count = shell.view(|model| model.chats.all.len());
    let brought = shell.view(|model| model.chats.brought.clone());
    let nothing_found = memo(move || count.get() > 0 && lines.with(Vec::is_empty));
    let has_some = memo(move || count.get() > 0);
    let chooser = NodeRef::<html::Input>::new();
    let chosen = move |_| {
        if let Some(input) = chooser.get_untracked() {
            import_files(shell, input.files());
            // The same file can be chosen again.
            input.set_value("");
        }
    };
    view! {
        <div class="talks-bar">
            <button
                type="button"
                class="button talks-switch"
                aria-expanded=wording(move || is_open.get().to_string())
                aria-controls="talks"
                on:click=move |_| is_open.update(|open| *open = !*open)
            >
                <Icon picture=Picture::List />
                {dynamic(move || match count.get() {
                    0 => "Conversations".to_owned(),
                    count => format!("Conversations ({count})"),
                })}
            </button>
            <a class="button" href=Place::Chat.address()><Icon picture=Picture::Plus />"New"</a>
        </div>
        <aside id="talks" class="talks" class:open=move || is_open.get() aria-label="Conversations">
            <a class="button talks-new" href=Place::Chat.address()><Icon picture=Picture::Plus />"New conversation"</a>
            {when(has_some, move || view! {
                <label class="search">
                    <span class="unseen">"Search conversations"</span>
                    <input
                        type="search"
                        placeholder="Search"
                        autocomplete="off"
                        prop:value=wording(move || query.get())
                        on:input=move |event| shell.chat(ChatAct::Search(event_target_value(&event)))
                    />
                </label>
            })}
            {when(nothing_found, move || view! {
                <p class="muted talks-note">"Nothing found. Other words may."</p>
            })}
            <ul class="talks-list" aria-label="Conversations" on:click=move |_| is_open.set(false)>
                <For each=move || lines.get() key=|line| line.id.clone() let:line>
                    <TalkLine first=line lines />
                </For>
            </ul>
            {dynamic(move || brought.get().map(|outcome| match outcome {
                Ok(words) => view! { <p class="talks-note" role="note">{words}</p> }.into_any(),
                Err(problem) => view! { <Trouble problem /> }.into_any(),
            }))}
            <div class="buttons talks-files">
                <label class="button button-quiet">
                    "Import"
                    <input node_ref=chooser class="unseen" type="file" multiple accept=".json,application/json" on:change=chosen />
                </label>
                {when(has_some, move || view! {
                    <Button kind=Kind::Quiet press=move || shell.chat(ChatAct::Export(None))>"Export all"</Button>
                })}
            </div>
        </aside>
    }
}

#[component]
fn TalkLine(first: Line, lines: Memo<Vec<Line>>) -> impl IntoView {
    let id = first.id.clone();
    // What is seen of it changes; the link stays the same, and keeps the keyboard.
    let line = memo(move || {
        lines.with(|lines| lines.iter().find(|line| line.id == id).cloned()).unwrap_or_else(|| first.clone())
    });
    view! {
        <li>
            <a
                class="talk-line"
                href=wording(move || line.with(|line| line.address.clone()))
                aria-current=word(move || line.with(|line| line.is_here).then_some("page"))
            >
                <span class="talk-line-title">{dynamic(move || line.with(|line| line.title.clone()))}</span>
                {dynamic(move || line.with(|line| match &line.found {
                    Some((before, words, after)) => view! {
                        <span class="talk-line-found">{before.clone()}<mark>{words.clone()}</mark>{after.clone()}</span>
                    }.into_any(),
                    None if line.is_open => view! { <span class="talk-line-time">"waiting for the model"</span> }.into_any(),
                    None => view! { <span class="talk-line-time number">{clock::spoken_time(line.changed_at_ms)}</span> }.into_any(),
                }))}
            </a>
        </li>
    }
}
