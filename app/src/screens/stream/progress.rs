//! Cards in which something goes on.

use leptos::prelude::*;

use crate::{
    shell::{
        dispatcher::use_shell,
        event::Person,
        model::EntryId,
        view::{Line, Mark},
    },
    ui::{Button, Countdown, Elapsed, Icon, Kind, Picture},
};

/// It is not known yet what answers.
#[component]
pub(super) fn Routing(id: EntryId, words: &'static str, retry_at_ms: Option<u64>) -> impl IntoView {
    let shell = use_shell();
    view! {
        <p>
            {words}
            {retry_at_ms.map(|until_ms| view! { " Retrying " <Countdown until_ms /> "." })}
        </p>
        <div class="buttons">
            {retry_at_ms.map(|_| view! { <Button press=move || shell.person(Person::RetryRealm)>"Retry now"</Button> })}
            <Stop id />
        </div>
    }
}

/// Steps with how far each is.
#[component]
pub(super) fn Running(
    id: EntryId,
    steps: Vec<(String, Mark)>,
    text: String,
    since_ms: u64,
    line: Line,
    stopping: bool,
) -> impl IntoView {
    let shell = use_shell();
    let of = id.clone();
    let reconnect = move || {
        let of = of.clone();
        view! { <Button press=move || shell.person(Person::Reconnect(of.clone()))>"Retry now"</Button> }
    };
    let (news, button) = match line {
        Line::Open => (None, None),
        Line::Reopening => (Some(view! { <p class="complaint">"Reconnecting…"</p> }.into_any()), None),
        Line::Broken { retry_at_ms, realm_is_gone: true } => (
            Some(
                view! {
                    <p class="complaint">"The realm is not reachable. Retrying " <Countdown until_ms=retry_at_ms /> "."</p>
                }
                .into_any(),
            ),
            Some(reconnect()),
        ),
        Line::Broken { retry_at_ms, realm_is_gone: false } => (
            Some(
                view! { <p class="complaint">"Reconnecting… Next try " <Countdown until_ms=retry_at_ms /> "."</p> }
                    .into_any(),
            ),
            Some(reconnect()),
        ),
    };
    let begun = !steps.is_empty();
    let steps = steps.into_iter().map(|(title, mark)| {
        let (class, state) = match mark {
            Mark::Waiting => ("step", "waiting".to_owned()),
            Mark::Running(0) => ("step step-running", "at work".to_owned()),
            Mark::Running(1) => ("step step-running", "trying again".to_owned()),
            Mark::Running(retries) => ("step step-running", format!("trying again, {retries} failed")),
            Mark::Done => ("step step-done", "done".to_owned()),
        };
        let retried = matches!(mark, Mark::Running(1..))
            .then(|| view! { <span class="muted">{format!(" ({state})")}</span> });
        let name = format!("{title}: {state}");
        view! {
            <li class=class aria-label=name>
                {title}
                {(mark == Mark::Done).then(|| view! { <Icon picture=Picture::Tick /> })}
                {(matches!(mark, Mark::Running(_))).then_some(" …")}
                {retried}
            </li>
        }
    });
    view! {
        {(!begun && line == Line::Open).then(|| view! { <p>"Asking the realm …"</p> })}
        <ol class="steps">{steps.collect_view()}</ol>
        {(!text.is_empty()).then(|| view! { <p class="words">{text}</p> })}
        {news}
        <div class="buttons">
            {button}
            {if stopping { view! { <span class="muted">"Stopping …"</span> }.into_any() } else { view! { <Stop id /> }.into_any() }}
            <Elapsed since_ms />
        </div>
    }
}

#[component]
fn Stop(id: EntryId) -> impl IntoView {
    let shell = use_shell();
    view! {
        <Button kind=Kind::Quiet press=move || shell.person(Person::Stop(id.clone()))>
            <Icon picture=Picture::Stop />
            "Stop"
        </Button>
    }
}
