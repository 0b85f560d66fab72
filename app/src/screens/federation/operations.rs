//! Operations in a list, and a search in them.

use leptos::prelude::*;
use mtor_shared::source::OperationLine;

use crate::{
    shell::{
        dispatcher::use_shell,
        event::Clerk,
        place::Place,
        view::federation::{self as view, effect_words},
    },
    ui::{Button, Trouble},
};

/// The operations of the place.
#[component]
pub(super) fn Operations() -> impl IntoView {
    let shell = use_shell();
    let query = shell.view(|model| model.federation.listing.query.clone());
    let listing = shell.view(view::listing);
    let lines = Memo::new(move |_| listing.with(|listing| (listing.lines.clone(), listing.names_source)));
    let more = Memo::new(move |_| listing.with(|listing| listing.more));
    let problem = Memo::new(move |_| listing.with(|listing| listing.problem.clone()));
    view! {
        <search class="search">
            <label class="unseen" for="search">"Search operations"</label>
            <input
                id="search"
                type="search"
                autocomplete="off"
                placeholder="Search operations"
                prop:value=move || query.get()
                on:input=move |event| shell.clerk(Clerk::Searched(event_target_value(&event)))
            />
        </search>
        <p class="field-note number" role="status">{move || listing.with(|listing| listing.words.clone())}</p>
        {move || problem.get().map(|problem| view! { <Trouble problem /> })}
        <ul class="lines" aria-label="Operations">
            {move || {
                let (lines, names_source) = lines.get();
                lines.iter().map(|line| drawn(line, names_source)).collect_view()
            }}
        </ul>
        <Show when=move || { more.get() > 0 }>
            <Button press=move || shell.clerk(Clerk::More)>{move || format!("Show more ({})", more.get())}</Button>
        </Show>
    }
}

fn drawn(line: &OperationLine, names_source: bool) -> AnyView {
    let shell = use_shell();
    let address = Place::Operation(line.id.clone()).address();
    let id = line.id.clone();
    let source = names_source.then(|| shell.view(move |model| view::source_title(model, &id)));
    let effect = (!line.method.is_empty() || line.side_effect != Default::default())
        .then(|| effect_words(line.side_effect));
    let class = if line.enabled { "operation" } else { "operation operation-off" };
    view! {
        <li>
            <a class=class href=address>
                <span class="operation-title">{line.title.clone()}</span>
                <code class="operation-path"><b class="method">{line.method.clone()}</b>" "{line.path.clone()}</code>
                {(!line.summary.is_empty() && line.summary != line.title)
                    .then(|| view! { <span class="operation-summary">{line.summary.clone()}</span> })}
                <span class="operation-marks">
                    {source.map(|source| view! { <span>{move || source.get()}</span> })}
                    {effect.map(|effect| view! { <span>{effect}</span> })}
                    {line.needs_credential.then(|| view! { <span>"needs a credential"</span> })}
                    {(!line.enabled).then(|| view! { <span>"not enabled"</span> })}
                </span>
            </a>
        </li>
    }
    .into_any()
}
