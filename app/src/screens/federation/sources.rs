//! The list of sources.

use leptos::prelude::*;

use crate::{
    shell::{
        dispatcher::use_shell,
        event::Clerk,
        place::Place,
        view::federation::{self as view, SourceLine},
    },
    ui::{Button, Dot, Trouble, dynamic, memo, when, word},
};

/// Every source with how it stands.
#[component]
pub(super) fn Sources() -> impl IntoView {
    let shell = use_shell();
    let lines = shell.view(view::sources);
    let trouble = shell.view(|model| model.federation.trouble.clone());
    let is_empty = memo(move || lines.with(|lines| lines.as_ref().is_some_and(Vec::is_empty)));
    view! {
        {dynamic(move || trouble.get().map(|problem| view! {
            <Trouble problem />
            <div class="buttons"><Button press=move || shell.clerk(Clerk::Refresh)>"Try again"</Button></div>
        }))}
        {when(is_empty, move || view! {
            <p class="muted">"No sources yet."</p>
        })}
        <ul class="sources" aria-label="Sources">
            <For each=move || lines.get().unwrap_or_default() key=|line| line.id.clone() let:line>
                <Line first=line lines />
            </For>
        </ul>
    }
}

#[component]
fn Line(first: SourceLine, lines: Memo<Option<Vec<SourceLine>>>) -> impl IntoView {
    let id = first.id.clone();
    // What is seen of it changes; the link stays the same, and keeps the keyboard.
    let line = memo(move || {
        lines
            .with(|lines| lines.iter().flatten().find(|line| line.id == id).cloned())
            .unwrap_or_else(|| first.clone())
    });
    let address = Place::source(&line.with_untracked(|line| line.id.clone())).address();
    view! {
        <li>
            <a class="source" href=address aria-current=word(move || line.with(|line| line.is_here).then_some("true"))>
                <span class="source-title">{dynamic(move || line.with(|line| line.title.clone()))}</span>
                <span class="source-state number">
                    {dynamic(move || view! { <Dot tone=line.with(|line| line.tone) /> })}
                    {dynamic(move || line.with(|line| line.state.clone()))}
                </span>
                <span class="source-facts">{dynamic(move || line.with(|line| line.facts.clone()))}</span>
                {dynamic(move || line.with(|line| line.progress).map(|share| view! {
                    <progress class="source-progress" max="1" value=share.to_string() aria-label="Fetching"></progress>
                }))}
            </a>
        </li>
    }
}
