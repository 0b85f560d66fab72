//! One operation: what it does, what goes in and comes out, and a bench to try it on.

use leptos::{ev::SubmitEvent, prelude::*};
use mtor_shared::{capability::CapabilityId, source::OperationDetail};

use super::schema_tree::SchemaTree;
use crate::{
    screens::{arguments::Arguments, stream::EntryCard},
    shell::{
        dispatcher::use_shell,
        event::{Clerk, FormOf, Person},
        model::Shared,
        place::{Place, Tab},
        update::operations::{OUTCOME, REQUEST},
        view::federation::{self as view, RequestView, effect_words},
    },
    ui::{Button, Kind, Trouble, dynamic},
};

/// The page of an operation.
#[component]
pub(super) fn Operation(id: CapabilityId) -> impl IntoView {
    let shell = use_shell();
    let detail = shell.view(move |model| {
        model.federation.bench.as_ref().filter(|bench| bench.id == id).and_then(|bench| bench.detail.clone())
    });
    dynamic(move || match detail.get() {
        None => view! { <p class="muted">"Asking the realm."</p> }.into_any(),
        Some(Err(problem)) => view! {
            <Trouble problem />
            <div class="buttons"><Button press=move || shell.clerk(Clerk::Refresh)>"Try again"</Button></div>
        }
        .into_any(),
        Some(Ok(detail)) => view! { <Known detail /> }.into_any(),
    })
}

#[component]
fn Known(detail: Shared<OperationDetail>) -> impl IntoView {
    let shell = use_shell();
    let capability = &detail.capability;
    let line = &detail.line;
    let (id, enabled) = (capability.id.clone(), line.enabled);
    let single = view! {
        <Button kind=Kind::Quiet press=move || shell.clerk(Clerk::Single(id.clone(), !enabled))>
            {if enabled { "Take it out" } else { "Put it in" }}
        </Button>
    };
    let address = (!line.method.is_empty()).then(|| {
        let server = detail.server.trim_end_matches('/').to_owned();
        view! { <p><code class="operation-address"><b class="method">{line.method.clone()}</b>" "{server}{line.path.clone()}</code></p> }
    });
    let security: Vec<String> = detail.security.iter().map(|all| all.join(" with ")).collect();
    let credentials = Place::side(&detail.source, Tab::Credentials).address();
    let security = (!security.is_empty()).then(|| {
        view! { <dt>"Credential"</dt><dd><a href=credentials>{security.join(", or ")}</a></dd> }
    });
    let hosts = capability.provider.hosts.join(", ");
    let summary = (!capability.summary.is_empty() && capability.summary != capability.title)
        .then(|| view! { <p class="words">{capability.summary.clone()}</p> });
    let title = capability.title.clone();
    let side_effect = effect_words(capability.side_effect);
    view! {
        <header class="head">
            <h3 class="detail-title">{title}</h3>
            {address}
            {summary}
            <dl class="facts">
                <dt>"Effect"</dt><dd>{side_effect}</dd>
                <dt>"Calls"</dt><dd><code>{hosts}</code></dd>
                {security}
            </dl>
        </header>
        <Bench enabled />
        <details class="fold">
            <summary>"Inputs"</summary>
            <SchemaTree schema=capability.input.clone() />
            <Raw value=capability.input.clone() />
        </details>
        <details class="fold">
            <summary>"Outputs"</summary>
            <SchemaTree schema=capability.output.clone() />
            <Raw value=capability.output.clone() />
        </details>
        <div class="buttons">{single}</div>
    }
}

#[component]
fn Raw(value: serde_json::Value) -> impl IntoView {
    let open = RwSignal::new(false);
    view! {
        <Button kind=Kind::Quiet press=move || open.update(|open| *open = !*open)>
            {dynamic(move || if open.get() { "Hide JSON Schema" } else { "Show JSON Schema" })}
        </Button>
        {dynamic(move || open.get().then(|| {
            let text = serde_json::to_string_pretty(&value).unwrap_or_default();
            view! { <pre class="raw" tabindex="0">{text}</pre> }
        }))}
    }
}

/// Arguments, the request that they make, and what came of sending it.
#[component]
fn Bench(enabled: bool) -> impl IntoView {
    let shell = use_shell();
    let request = shell.view(|model| model.federation.bench.as_ref().map(view::request));
    let sent = shell.view(|model| {
        let id = model.federation.bench.as_ref()?.sent.clone()?;
        model.entry(&id).is_some().then_some(id)
    });
    let send = move |event: SubmitEvent| {
        event.prevent_default();
        shell.person(Person::FormDone(FormOf::Bench));
    };
    view! {
        <section class="bench" aria-label="Try it">
            <form class="bench-form" aria-label="Arguments" novalidate on:submit=send>
                <div class="bench-head">
                    <h4>"Try it"</h4>
                    <Button kind=Kind::Quiet press=move || shell.clerk(Clerk::FillExample)>"Fill in an example"</Button>
                </div>
                <Arguments of=FormOf::Bench />
                <div class="buttons">
                    <Button press=move || shell.clerk(Clerk::DryRun)>"Dry run"</Button>
                    <button type="submit" class="button button-main" disabled=!enabled>"Send"</button>
                    {(!enabled).then(|| view! { <span class="field-note">"Enable it to send. A dry run sends nothing."</span> })}
                </div>
            </form>
            <div id=REQUEST class="request" tabindex="-1" role="group" aria-label="Request">
                <h4>"The request"</h4>
                {dynamic(move || request.get().map(drawn))}
            </div>
        </section>
        <div id=OUTCOME class="outcome" tabindex="-1">
            {dynamic(move || sent.get().map(|id| view! { <EntryCard id place="tried" /> }))}
        </div>
    }
}

fn drawn(request: RequestView) -> AnyView {
    match request {
        RequestView::Waits(words) => view! { <p class="muted">{words}</p> }.into_any(),
        RequestView::Refused(problem) => view! { <Trouble problem /> }.into_any(),
        RequestView::Shown { line, headers, body, missing, is_old } => {
            let class = if is_old { "request-text request-old" } else { "request-text" };
            let headers = headers.into_iter().map(|(name, value)| {
                view! { <span class="request-header">{name}": "</span>{value}"\n" }
            });
            view! {
                <pre class=class tabindex="0">
                    <b>{line}</b>
                    "\n"
                    {headers.collect_view()}
                    {body.map(|body| format!("\n{body}"))}
                </pre>
                {missing.map(|words| view! { <p class="complaint">{words}</p> })}
                <p class="field-note">"Nothing is sent until you press Send."</p>
            }
            .into_any()
        }
    }
}
