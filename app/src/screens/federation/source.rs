//! One source: how it stands, what it calls, what to decide about it, and its sides.

use leptos::prelude::*;
use mtor_shared::{
    capability::CapabilityId,
    source::{Change, SourceId},
};

use super::{credentials::Credentials, operations::Operations, settings::Settings};
use crate::{
    platform::clock,
    shell::{
        dispatcher::use_shell,
        event::Clerk,
        place::{Place, Tab, halves},
        view::federation::{self as view, SourceView},
    },
    ui::{Button, Dot, Kind, Trouble, dynamic, memo, when, word},
};

/// The page of a source.
#[component]
pub(super) fn SourcePage(id: SourceId) -> impl IntoView {
    let shell = use_shell();
    let of = id.clone();
    let source = shell.view(move |model| view::source(model, &of));
    let known = memo(move || source.with(Option::is_some));
    let listed = shell.view(|model| model.federation.sources.is_some());
    let of = id.clone();
    let tab = shell.view(move |model| match &model.place {
        Place::Source { source, tab, .. } if source == &of => *tab,
        _ => Tab::Operations,
    });
    let settled =
        memo(move || source.with(|source| source.as_ref().is_some_and(|source| !source.is_at_work)));
    let id = StoredValue::new(id);
    view! {
        {dynamic(move || {
            (!known.get()).then(|| {
                let words =
                    if listed.get() { "There is no source of that name here." } else { "Asking the realm." };
                view! { <p class="muted">{words}</p> }
            })
        })}
        {dynamic(move || source.get().map(|source| view! { <Head source /> }))}
        {when(settled, move || view! {
            <Tabs id=id.get_value() tab source />
            {dynamic(move || match tab.get() {
                Tab::Operations => view! { <Operations /> }.into_any(),
                Tab::Skipped => view! { <Skipped id=id.get_value() /> }.into_any(),
                Tab::Credentials => view! { <Credentials id=id.get_value() /> }.into_any(),
                Tab::Settings => view! { <Settings id=id.get_value() /> }.into_any(),
            })}
        })}
    }
}

#[component]
fn Head(source: SourceView) -> impl IntoView {
    let shell = use_shell();
    let id = source.id.clone();
    let is_busy = source.is_busy;
    let enable = source.enables.map(|enables| {
        let id = id.clone();
        let kind = if enables { Kind::Main } else { Kind::Plain };
        view! {
            <Button kind disabled=is_busy press=move || shell.clerk(Clerk::Enable(id.clone(), enables))>
                {if enables { "Enable" } else { "Disable" }}
            </Button>
        }
    });
    let of = id.clone();
    let scan = source.can_scan.then(|| {
        view! { <Button disabled=is_busy press=move || shell.clerk(Clerk::Scan(of.clone()))>"Look again"</Button> }
    });
    let of = id.clone();
    let remove = source.can_remove.then(|| {
        let words = if source.is_at_work { "Stop" } else { "Remove" };
        view! { <Button kind=Kind::Quiet press=move || shell.clerk(Clerk::Remove(of.clone()))>{words}</Button> }
    });
    let facts = source
        .facts
        .into_iter()
        .map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> })
        .collect_view();
    let looked = (source.scanned_at_ms > 0).then(
        || view! { <dt>"Looked at"</dt><dd class="number">{clock::spoken_time(source.scanned_at_ms)}</dd> },
    );
    let hosts = (!source.hosts.is_empty()).then(|| view! { <dt>"Calls"</dt><dd>{codes(&source.hosts)}</dd> });
    let schemes: Vec<String> =
        source.schemes.iter().map(|scheme| format!("{} ({})", scheme.name, scheme.label)).collect();
    let schemes =
        (!schemes.is_empty()).then(|| view! { <dt>"Signs in with"</dt><dd>{schemes.join(", ")}</dd> });
    let warnings = source.warnings;
    let warnings = (!warnings.is_empty()).then(|| {
        let count = warnings.len();
        let words = if count == 1 { "1 warning".to_owned() } else { format!("{count} warnings") };
        let lines = warnings.into_iter().take(50).map(|words| view! { <li>{words}</li> });
        view! {
            <details class="warnings">
                <summary>{words}</summary>
                <ul>{lines.collect_view()}</ul>
            </details>
        }
    });
    let change = source.change.map(|change| view! { <Difference id=id change is_busy /> });
    view! {
        <header class="head">
            <h3 class="detail-title">{source.title}</h3>
            <p class="head-state number"><Dot tone=source.tone />{source.state}</p>
            {source.progress.map(|share| view! {
                <progress class="source-progress" max="1" value=share.to_string() aria-label="Fetching"></progress>
            })}
            {(!source.sentence.is_empty()).then(|| view! { <p>{source.sentence}</p> })}
            {source.problem.map(|problem| view! { <Trouble problem /> })}
            {source.refusal.map(|problem| view! { <Trouble problem /> })}
            <div class="buttons">{enable}{scan}{remove}</div>
            {change}
            <dl class="facts">{facts}{looked}{hosts}{schemes}</dl>
            {warnings}
        </header>
    }
}

fn codes(names: &[String]) -> impl IntoView + use<> {
    let shown = names.iter().take(12).map(|name| view! { <code class="tag">{name.clone()}</code>" " });
    let more = names.len().saturating_sub(12);
    view! {
        {shown.collect_view()}
        {(more > 0).then(|| format!("and {more} more"))}
    }
}

/// What a changed description would change, and agreeing to it.
#[component]
fn Difference(id: SourceId, change: Change, is_busy: bool) -> impl IntoView {
    let shell = use_shell();
    let names =
        |ids: &[CapabilityId]| ids.iter().map(|id| (halves(id).1.to_owned(), String::new())).collect();
    let altered = change.altered.iter().map(|(id, words)| (halves(id).1.to_owned(), words.clone())).collect();
    let hosts = change.new_hosts.iter().map(|host| (host.clone(), "not called before".to_owned())).collect();
    let parts = [
        part("New hosts", "mark-warn", hosts),
        part("Added", "mark-good", names(&change.added)),
        part("Altered", "mark-warn", altered),
        part("Removed", "mark-bad", names(&change.removed)),
    ];
    let sha256 = change.sha256;
    view! {
        <section class="difference" aria-label="What has changed">
            {parts.into_iter().collect_view()}
            <div class="buttons">
                <Button
                    kind=Kind::Main
                    disabled=is_busy
                    press=move || shell.clerk(Clerk::Accept(id.clone(), sha256.clone()))
                >
                    "Agree to the change"
                </Button>
            </div>
        </section>
    }
}

/// Lines of one kind, the first ones, with how many more there are.
fn part(title: &'static str, mark: &'static str, lines: Vec<(String, String)>) -> Option<AnyView> {
    const SHOWN: usize = 20;
    let count = lines.len();
    (count > 0).then(|| {
        let shown = lines.into_iter().take(SHOWN).map(|(name, words)| {
            view! { <li><code>{name}</code> " " <span class="muted">{words}</span></li> }
        });
        view! {
            <div class=mark>
                <h4>{format!("{title} ({count})")}</h4>
                <ul>
                    {shown.collect_view()}
                    {(count > SHOWN).then(|| view! { <li class="muted">{format!("and {} more", count - SHOWN)}</li> })}
                </ul>
            </div>
        }
        .into_any()
    })
}

#[component]
fn Tabs(id: SourceId, tab: Memo<Tab>, source: Memo<Option<SourceView>>) -> impl IntoView {
    let links = memo(move || {
        source.with(|source| source.iter().flat_map(|source| source.tabs.clone()).collect::<Vec<_>>())
    });
    let id = StoredValue::new(id);
    view! {
        <nav class="tabs" aria-label="Sides of this source">
            {dynamic(move || {
                let drawn = |(to, name, count): (Tab, &'static str, Option<usize>)| {
                    let address = id.with_value(|id| Place::side(id, to).address());
                    view! {
                        <a href=address aria-current=word(move || (tab.get() == to).then_some("page"))>
                            {name}
                            {count.map(|count| view! { <span class="count number">{count.to_string()}</span> })}
                        </a>
                    }
                };
                links.get().into_iter().map(drawn).collect_view()
            })}
        </nav>
    }
}

/// What cannot be called, and why.
#[component]
fn Skipped(id: SourceId) -> impl IntoView {
    let shell = use_shell();
    let skipped = shell.view(move |model| {
        model.federation.skipped.as_ref().filter(|(of, _)| of == &id).map(|(_, skipped)| skipped.clone())
    });
    let shown = RwSignal::new(100_usize);
    dynamic(move || match skipped.get() {
        None => view! { <p class="muted">"Asking the realm."</p> }.into_any(),
        Some(all) if all.is_empty() => view! { <p class="muted">"Nothing was skipped."</p> }.into_any(),
        Some(all) => {
            let more = all.len().saturating_sub(shown.get());
            let lines = all.iter().take(shown.get()).map(|skipped| {
                view! {
                    <li class="skipped">
                        <code class="skipped-name">{skipped.operation.clone()}</code>
                        <span>{skipped.reason.clone()}</span>
                        <code class="skipped-pointer">{skipped.pointer.clone()}</code>
                    </li>
                }
            });
            view! {
                <ul class="lines" aria-label="Skipped operations">{lines.collect_view()}</ul>
                {(more > 0).then(|| view! {
                    <Button press=move || shown.update(|shown| *shown += 100)>{format!("Show more ({more})")}</Button>
                })}
            }
            .into_any()
        }
    })
}
