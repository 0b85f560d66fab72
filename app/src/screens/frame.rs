//! What is around every screen: the header, the words for screen readers, the way to the prompt.

use leptos::{ev::MouseEvent, prelude::*};

use super::{
    later::later,
    stream::{Foot, Stream},
};
use crate::{
    later,
    platform::page,
    shell::{
        dispatcher::{Dispatcher, use_shell},
        event::Person,
        place::{Place, Room},
        view::{self, Status},
    },
    ui::{Button, Countdown, Lens, dynamic, memo, when, word, wording},
};

/// Draws the shell into the page and begins.
pub fn mount() {
    console_error_panic_hook::set_once();
    page::remove_placeholder();
    mount_to_body(Frame);
}

#[component]
fn Frame() -> impl IntoView {
    let shell = Dispatcher::begin();
    provide_context(shell);
    later::ahead();
    let said = shell.view(|model| model.announcement.clone());
    let room = shell.view(|model| model.place.room());
    let is_in = move |wanted: Room| memo(move || room.get() == wanted);
    let to_prompt = move |event: MouseEvent| {
        // The address says where one is, and stays as it is.
        event.prevent_default();
        shell.person(Person::WantsPrompt);
    };
    view! {
        <a class="skip" href=format!("#{}", page::PROMPT) on:click=to_prompt>"Go to the prompt"</a>
        <Header />
        <Stream />
        {when(is_in(Room::Federation), || later(screen, later::federation, |parts| (parts.screen.whole)()))}
        {when(is_in(Room::Chat), || later(screen, later::chat, |parts| (parts.whole)()))}
        {when(is_in(Room::Models), || later(screen, later::models, |parts| (parts.whole)()))}
        <Foot />
        <div class="unseen" role="status" aria-live="polite">{dynamic(move || said.get().1)}</div>
    }
}

/// What stands for a screen while it is on its way.
fn screen(words: AnyView) -> AnyView {
    view! { <main class="later">{words}</main> }.into_any()
}

#[component]
fn Header() -> impl IntoView {
    let shell = use_shell();
    let eye = shell.view(view::eye);
    let realm = shell.view(view::realm);
    let engine = shell.view(view::engine);
    let room = shell.view(|model| model.place.room());
    let link = move |to: Place, name: &'static str| {
        let of = to.room();
        view! { <a href=to.address() aria-current=word(move || (room.get() == of).then_some("page"))>{name}</a> }
    };
    view! {
        <header class="header">
            <h1 class="name">
                <Lens eye />
                <span class="name-word">"MTOR"</span>
            </h1>
            <nav class="places" aria-label="Places">
                {link(Place::Stream, "Ask")}
                {link(Place::Chat, "Chat")}
                {link(Place::federation(), "Federation")}
                {link(Place::Models, "Models")}
            </nav>
            <div class="statuses">
                <StatusLine name="Realm" status=realm retry=move || shell.person(Person::RetryRealm) />
                <StatusLine name="Engine" status=engine retry=move || shell.person(Person::RetryEngine) />
                <You />
            </div>
        </header>
    }
}

/// A line of status that opens to the whole story.
#[component]
fn StatusLine(
    name: &'static str,
    status: Memo<Status>,
    retry: impl Fn() + Copy + Send + 'static,
) -> impl IntoView {
    view! {
        <details class="status" name="status">
            <summary>
                <span class="status-name">{name}</span>
                " "
                <span class="status-brief number">{dynamic(move || status.get().brief)}</span>
                {dynamic(move || {
                    status.get().progress.map(|share| {
                        view! { <progress class="status-progress" max="1" value=share.to_string() aria-label="Loading the model" /> }
                    })
                })}
            </summary>
            <div class="story">
                {dynamic(move || {
                    let status = status.get();
                    view! {
                        {status.story.into_iter().map(|sentence| view! { <p>{sentence}</p> }).collect_view()}
                        {status.retry_at_ms.map(|until_ms| view! { <p>"Trying again " <Countdown until_ms /> "."</p> })}
                        {status.can_retry.then(|| view! { <Button press=retry>"Try now"</Button> })}
                    }
                })}
            </div>
        </details>
    }
}

/// Who the person is, and what was decided once.
#[component]
fn You() -> impl IntoView {
    let shell = use_shell();
    let identity = shell.view(view::identity);
    let nickname = shell.view(|model| model.settings.nickname.clone());
    let decided = shell.view(|model| model.settings.standing.len());
    let entries = shell.view(|model| model.entries.len());
    let called = move || match nickname.get() {
        name if name.is_empty() => {
            identity.with(|(brief, whole)| whole.as_ref().map(|_| brief.clone()).unwrap_or_default())
        }
        name => name,
    };
    view! {
        <details class="status" name="status">
            <summary>
                <span class="status-name">"You"</span>
                " "
                <span class="status-brief">{called}</span>
            </summary>
            <div class="story">
                <label class="field">
                    <span>"What you like to be called"</span>
                    <input
                        type="text"
                        maxlength="40"
                        autocomplete="off"
                        prop:value=wording(move || nickname.get())
                        on:change=move |event| shell.person(Person::Named(event_target_value(&event)))
                    />
                </label>
                {dynamic(move || {
                    let (brief, whole) = identity.get();
                    match whole {
                        Some(whole) => view! {
                            <p>"Your identity on this device ends in " <code>{brief}</code> ". No account, no password."</p>
                            <p><code class="long">{whole}</code></p>
                        }.into_any(),
                        None => view! { <p>{brief}</p> }.into_any(),
                    }
                })}
                {when(memo(move || decided.get() > 0), move || view! {
                    <p>
                        <Button press=move || shell.person(Person::ForgetDecisions)>"Ask again before words leave"</Button>
                    </p>
                })}
                {when(memo(move || entries.get() > 0), move || view! {
                    <p>
                        <Button press=move || shell.person(Person::RemoveAll)>"Clear history"</Button>
                    </p>
                })}
                <p class="muted">"History, decisions and keys stay in this browser."</p>
            </div>
        </details>
    }
}
