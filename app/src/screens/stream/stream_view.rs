//! The stream from its first entry to the prompt.

use leptos::prelude::*;

use super::{entry::EntryCard, opening::Opening, prompt::PromptBar};
use crate::{
    platform::page,
    shell::{dispatcher::use_shell, event::Person, place::Place, view},
    ui::{Button, Kind, dynamic, memo, when},
};

/// Questions and answers.
#[component]
pub(crate) fn Stream() -> impl IntoView {
    let shell = use_shell();
    let ids = shell.view(|model| {
        let asked = model.entries.iter().filter(|entry| entry.part_of.is_none());
        let mut newest: Vec<_> = asked.rev().take(model.shown).map(|entry| entry.id.clone()).collect();
        newest.reverse();
        newest
    });
    let earlier = shell.view(|model| {
        let asked = model.entries.iter().filter(|entry| entry.part_of.is_none()).count();
        asked.saturating_sub(model.shown)
    });
    let storage = shell.view(view::storage_notice);
    let is_empty = memo(move || ids.with(Vec::is_empty));
    let is_away = shell.view(|model| model.place != Place::Stream);
    view! {
        <main class="stream" hidden=move || is_away.get()>
            {dynamic(move || storage.get().map(|words| view! { <p class="notice" role="note">{words}</p> }))}
            {when(memo(move || earlier.get() > 0), move || view! {
                <p class="earlier">
                    <Button kind=Kind::Quiet press=move || shell.person(Person::ShowEarlier)>
                        {dynamic(move || format!("Show earlier ({})", earlier.get()))}
                    </Button>
                </p>
            })}
            {when(is_empty, move || view! {
                <Opening />
            })}
            <For each=move || ids.get() key=Clone::clone let:id>
                <EntryCard id />
            </For>
            <div id=page::END class="end"></div>
        </main>
    }
}

/// The prompt, below whatever is looked at.
#[component]
pub(crate) fn Foot() -> impl IntoView {
    let shell = use_shell();
    let removed = shell.view(|model| model.removed.as_ref().map(|removed| removed.entries.len()));
    view! {
        <footer class="foot">
            {dynamic(move || {
                removed.get().map(|count| {
                    let words = if count == 1 { "Removed.".to_owned() } else { format!("{count} answers removed.") };
                    view! {
                        <p class="notice notice-undo">
                            {words}
                            " "
                            <Button press=move || shell.person(Person::Undo)>"Undo"</Button>
                        </p>
                    }
                })
            })}
            <PromptBar />
        </footer>
    }
}
