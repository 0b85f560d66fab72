//! One question with its card.

use leptos::prelude::*;

use super::{
    choices::{Asking, Confirm, Consent, Missing, Refused, Unknown},
    outcome::{Ended, Over},
    progress::{Routing, Running},
    told::Told,
    words::InWords,
};
use crate::{
    platform::clock,
    shell::{
        dispatcher::use_shell,
        event::Person,
        model::{EntryId, Stage},
        view::{self, Body},
    },
    ui::{Button, Icon, Kind, Picture, dynamic},
};

/// The question, and whatever became of it.
#[component]
pub(crate) fn EntryCard(
    /// Which.
    id: EntryId,
    /// Where it is drawn, where it is drawn twice.
    #[prop(default = "asked")]
    place: &'static str,
) -> impl IntoView {
    let shell = use_shell();
    let of = id.clone();
    let asked =
        shell.view(move |model| model.entry(&of).map(|entry| (entry.prompt.clone(), entry.asked_at_ms)));
    let (prompt, asked_at_ms) = asked.get_untracked().unwrap_or_default();
    let heading = format!("{place}-{}", id.0);
    let named_by = heading.clone();
    let remove = format!("Remove “{}”", shortened(&prompt));
    let removed = id.clone();
    view! {
        <article class="entry" aria-labelledby=named_by>
            <div class="asked">
                <h2 id=heading class="asked-words">{prompt}</h2>
                <span class="asked-time number">{clock::spoken_time(asked_at_ms)}</span>
                <Button kind=Kind::Quiet label=remove press=move || shell.person(Person::Remove(removed.clone()))>
                    <Icon picture=Picture::Cross />
                </Button>
            </div>
            <Card id />
        </article>
    }
}

/// What became of a question.
#[component]
fn Card(id: EntryId) -> impl IntoView {
    let shell = use_shell();
    let of = id.clone();
    let title = shell.view(move |model| {
        model.entry(&of).and_then(|entry| match &entry.stage {
            // What was tried by its title says it already.
            Stage::Chosen(choice, _) if choice.title != entry.prompt => Some(choice.title.clone()),
            _ => None,
        })
    });
    let of = id.clone();
    let body = shell.view(move |model| view::body(model, &of));
    view! {
        <div class="card">
            {dynamic(move || title.get().map(|title| view! { <p class="card-title">{title}</p> }))}
            {dynamic(move || {
                let id = id.clone();
                body.get().map(|body| match body {
                    Body::Routing { words, retry_at_ms } => view! { <Routing id words retry_at_ms /> }.into_any(),
                    Body::Joined(parts) => joined(id, parts),
                    Body::Told(conversation) => view! { <Told conversation /> }.into_any(),
                    Body::Asking(candidates) => view! { <Asking id candidates /> }.into_any(),
                    Body::Unknown { offers, suggestions } => view! { <Unknown id offers suggestions /> }.into_any(),
                    Body::Missing { title, words, has_form } => {
                        view! { <Missing id title words has_form /> }.into_any()
                    }
                    Body::Confirm { sentence, verb } => view! { <Confirm id sentence verb /> }.into_any(),
                    Body::Consent { sentence } => view! { <Consent id sentence /> }.into_any(),
                    Body::Refused { sentence } => view! { <Refused id sentence /> }.into_any(),
                    Body::Running { steps, text, since_ms, line, stopping } => {
                        view! { <Running id steps text since_ms line stopping /> }.into_any()
                    }
                    Body::Over(entry) => view! { <Over entry /> }.into_any(),
                    Body::Ended(problem) => view! { <Ended id problem /> }.into_any(),
                })
            })}
        </div>
    }
}

/// What several capabilities came to: the words first, then each with what it says itself. A card within a card, so its
/// type has a name.
fn joined(id: EntryId, parts: Vec<EntryId>) -> AnyView {
    let parts = parts.into_iter().map(|id| view! { <li><Card id /></li> }.into_any());
    view! {
        <InWords id />
        <ul class="parts" aria-label="What it is put together from">{parts.collect_view()}</ul>
    }
    .into_any()
}

fn shortened(prompt: &str) -> String {
    let mut characters = prompt.chars();
    let short: String = characters.by_ref().take(60).collect();
    if characters.next().is_some() { format!("{short}…") } else { short }
}
