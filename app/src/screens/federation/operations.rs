//! Operations in a list, and a search in them.

use leptos::prelude::*;
use mtor_shared::{capability::SideEffect, source::OperationLine};

use crate::{
    shell::{
        dispatcher::use_shell,
        event::Clerk,
        place::Place,
        view::federation::{self as view, effect_words},
    },
    ui::{Button, Trouble, dynamic, memo, when, wording},
};

/// The operations of the place.
#[component]
pub(super) fn Operations() -> impl IntoView {
    let shell = use_shell();
    let query = shell.view(|model| model.federation.listing.query.clone());
    let listing = shell.view(view::listing);
    let lines = memo(move || listing.with(|listing| (listing.lines.clone(), listing.names_source)));
    let more = memo(move || listing.with(|listing| listing.more));
    let problem = memo(move || listing.with(|listing| listing.problem.clone()));
    view! {
        <search class="search">
            <label class="unseen" for="search">"Search operations"</label>
            <input
                id="search"
                type="search"
                autocomplete="off"
                placeholder="Search operations"
                prop:value=wording(move || query.get())
                on:input=move |event| shell.clerk(Clerk::Searched(event_target_value(&event)))
            />
        </search>
        <p class="field-note number" role="status">{dynamic(move || listing.with(|listing| listing.words.clone()))}</p>
        {dynamic(move || problem.get().map(|problem| view! { <Trouble problem /> }))}
        <ul class="lines" aria-label="Operations">
            {dynamic(move || {
                let (lines, names_source) = lines.get();
                lines.iter().map(|line| drawn(line, names_source)).collect_view()
            })}
        </ul>
        {when(memo(move || more.get() > 0), move || view! {
            <Button press=move || shell.clerk(Clerk::More)>{dynamic(move || format!("Show more ({})", more.get()))}</Button>
        })}
    }
}

fn drawn(line: &OperationLine, names_source: bool) -> AnyView {
    let shell = use_shell();
    let address = Place::Operation(line.id.clone()).address();
    let id = line.id.clone();
    let source = names_source.then(|| shell.view(move |model| view::source_title(model, &id)));
    let effect = (!line.method.is_empty() || line.side_effect != SideEffect::Irreversible)
        .then(|| effect_words(line.side_effect));
    let undone = if line.side_effect == SideEffect::Irreversible { "mark-undone" } else { "" };
    let class = if line.enabled { "operation" } else { "operation operation-off" };
    view! {
        <li>
            <a class=class href=address>
                <span class="operation-title">{line.title.clone()}</span>
                <code class="operation-path"><b class="method">{line.method.clone()}</b>" "{line.path.clone()}</code>
                {(!line.summary.is_empty() && line.summary != line.title)
                    .then(|| view! { <span class="operation-summary">{line.summary.clone()}</span> })}
                <span class="operation-marks">
                    {source.map(|source| view! { <span>{dynamic(move || source.get())}</span> })}
                    {effect.map(|effect| view! { <span class=undone>{effect}</span> })}
                    {line.needs_credential.then(|| view! { <span>"needs a credential"</span> })}
                    {(!line.enabled).then(|| view! { <span>"not enabled"</span> })}
                </span>
            </a>
        </li>
    }
    .into_any()
}
