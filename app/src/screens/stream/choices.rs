//! Cards in which a person decides.

use leptos::{ev::SubmitEvent, prelude::*};
use mtor_shared::capability::CapabilityId;

use super::opening::Suggestion;
use crate::{
    screens::arguments::Arguments,
    shell::{
        dispatcher::use_shell,
        event::{ChatAct, Decided, FormOf, Person},
        model::{EntryId, Standing},
        view::listed,
    },
    ui::{Button, Icon, Kind, Picture, when},
};

/// Which of two?
#[component]
pub(super) fn Asking(id: EntryId, candidates: Vec<(CapabilityId, String, String)>) -> impl IntoView {
    let shell = use_shell();
    let (none, by_model, joined) = (id.clone(), id.clone(), id.clone());
    let buttons = candidates.into_iter().map(|(capability, title, nearest)| {
        let id = id.clone();
        let press = move || shell.person(Person::Picked(id.clone(), capability.clone()));
        view! {
            <Button press>
                {title}
                {(!nearest.is_empty()).then(|| view! { <span class="button-note">{format!("as in “{nearest}”")}</span> })}
            </Button>
        }
    });
    view! {
        <p>"Did you mean"</p>
        <div class="buttons" role="group" aria-label="Did you mean">
            {buttons.collect_view()}
            <Join id=joined />
            <AskModel id=by_model />
            <Button kind=Kind::Quiet press=move || shell.person(Person::NoneFits(none.clone()))>"None of these"</Button>
        </div>
    }
}

/// Nothing answers it.
#[component]
pub(super) fn Unknown(id: EntryId, offers: Vec<String>, suggestions: Vec<String>) -> impl IntoView {
    let can = match offers.as_slice() {
        [] => "This realm offers nothing yet.".to_owned(),
        _ => {
            let lower: Vec<String> = offers.iter().map(|title| lowered(title)).collect();
            format!("What it can do: {}. For example:", listed(&lower))
        }
    };
    let chips = suggestions.into_iter().take(6).map(|sentence| view! { <li><Suggestion sentence /></li> });
    view! {
        <p>"Nothing in this realm answers that yet, so nothing was sent anywhere. " {can}</p>
        <ul class="chips" aria-label="Try one of these">{chips.collect_view()}</ul>
        <div class="buttons">
            <Join id=id.clone() />
            <AskModel id />
        </div>
    }
}

/// The model on this device may put an answer together from what there is.
#[component]
fn Join(id: EntryId) -> impl IntoView {
    let shell = use_shell();
    // A part of an answer is not put together itself.
    let of = id.clone();
    let is_whole = shell.view(move |model| model.entry(&of).is_some_and(|entry| entry.part_of.is_none()));
    when(is_whole, move || {
        let id = id.clone();
        view! { <Button press=move || shell.person(Person::Join(id.clone()))>"Put an answer together"</Button> }
    })
}

/// The model on this device may answer what nothing else does.
#[component]
fn AskModel(id: EntryId) -> impl IntoView {
    let shell = use_shell();
    view! {
        <Button press=move || shell.chat(ChatAct::AskModel(id.clone()))>
            <Icon picture=Picture::Lock />
            "Ask the model on this device"
        </Button>
    }
}

fn lowered(title: &str) -> String {
    let mut characters = title.chars();
    match (characters.next(), characters.next()) {
        // An abbreviation stays as it is.
        (Some(_), Some(second)) if second.is_uppercase() => title.to_owned(),
        (Some(first), _) => format!("{}{}", first.to_lowercase(), &title[first.len_utf8()..]),
        (None, _) => String::new(),
    }
}

/// Something was not said, or is to be checked.
#[component]
pub(super) fn Missing(id: EntryId, title: String, words: &'static str, has_form: bool) -> impl IntoView {
    let shell = use_shell();
    let of = FormOf::Entry(id);
    let whose = of.clone();
    let send = move |event: SubmitEvent| {
        event.prevent_default();
        shell.person(Person::FormDone(whose.clone()));
    };
    view! {
        <form class="form" aria-label=title novalidate on:submit=send>
            <p>{words}</p>
            {if has_form {
                view! {
                    <Arguments of />
                    <div class="buttons"><button type="submit" class="button button-main">"Continue"</button></div>
                }
                .into_any()
            } else {
                view! { <p class="muted">"The realm does not offer this at the moment."</p> }.into_any()
            }}
        </form>
    }
}

/// May something be changed?
#[component]
pub(super) fn Confirm(id: EntryId, sentence: String, verb: &'static str) -> impl IntoView {
    let shell = use_shell();
    let declined = id.clone();
    view! {
        <p>{sentence}</p>
        <div class="buttons" role="group" aria-label="May it be sent">
            <Button kind=Kind::Main press=move || shell.person(Person::Confirmed(id.clone()))>{verb}</Button>
            <Button press=move || shell.person(Person::Declined(declined.clone()))>"Do not send"</Button>
        </div>
    }
}

/// May words leave?
#[component]
pub(super) fn Consent(id: EntryId, sentence: String) -> impl IntoView {
    let shell = use_shell();
    let decide = move |decided: Decided| {
        let id = id.clone();
        move || shell.person(Person::Decided(id.clone(), decided))
    };
    view! {
        <p>{sentence}</p>
        <div class="buttons" role="group" aria-label="May your words go there">
            <Button kind=Kind::Main press=decide(Decided::Once)>"This time"</Button>
            <Button press=decide(Decided::Standing(Standing::Always))>"Always"</Button>
            <Button press=decide(Decided::Standing(Standing::Never))>"Never"</Button>
        </div>
    }
}

/// Words may not leave.
#[component]
pub(super) fn Refused(id: EntryId, sentence: String) -> impl IntoView {
    let shell = use_shell();
    let decide = move |decided: Decided| {
        let id = id.clone();
        move || shell.person(Person::Decided(id.clone(), decided))
    };
    view! {
        <p>{sentence}</p>
        <div class="buttons">
            <Button press=decide(Decided::Once)>"Allow this time"</Button>
            <Button press=decide(Decided::Standing(Standing::Always))>"Always allow"</Button>
        </div>
    }
}
