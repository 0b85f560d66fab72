//! One model with how it stands.

use leptos::prelude::*;
use mtor_shared::model::ModelId;

use crate::{
    shell::{
        dispatcher::use_shell,
        event::ModelAct,
        view::models::{Card, CardState},
    },
    ui::{Button, Icon, Kind, Picture, Trouble, dynamic, memo},
};

/// A model: what it is, where it comes from, and what can be done about it.
#[component]
pub(super) fn ModelCard(id: ModelId, cards: Memo<Vec<Card>>) -> impl IntoView {
    let of = id.clone();
    let card = memo(move || cards.with(|cards| cards.iter().find(|card| card.id == of).cloned()));
    let state = memo(move || card.with(|card| card.as_ref().map(|card| card.state.clone())));
    let verdict =
        memo(move || card.with(|card| card.as_ref().map(|card| card.verdict.clone()).unwrap_or_default()));
    let first = card.get_untracked()?;
    let heading = format!("model-{}", id.0);
    let named_by = heading.clone();
    let facts = first
        .facts
        .iter()
        .map(|(name, value)| view! { <dt>{*name}</dt><dd>{value.clone()}</dd> })
        .collect_view();
    let home = first.home.clone().map(|(name, address)| view! {
        <dt>"From"</dt>
        <dd><a href=address rel="noopener noreferrer" target="_blank">{name}<Icon picture=Picture::Leave /></a></dd>
    });
    Some(view! {
        <section class="card model-card" aria-labelledby=named_by>
            <h3 class="model-title" id=heading>{first.title.clone()}</h3>
            <p class="model-what">{first.what.clone()}</p>
            <p class="model-task">{first.task}</p>
            <dl class="facts">{facts}{home}</dl>
            {dynamic(move || Some(verdict.get()).filter(|words| !words.is_empty()).map(|words| view! { <p class="verdict number">{words}</p> }))}
            <State id state />
        </section>
    })
}

#[component]
fn State(id: ModelId, state: Memo<Option<CardState>>) -> impl IntoView {
    let shell = use_shell();
    let press = move |act: fn(ModelId) -> ModelAct| {
        let id = id.clone();
        move || shell.models(act(id.clone()))
    };
    let press = StoredValue::new(press);
    let press = move |act: fn(ModelId) -> ModelAct| press.with_value(|press| press(act));
    // While bytes come, the words change and the buttons stay where they are. What is drawn reads this alone: a part
    // that also read what this is worked out from would miss changes.
    let shape = memo(move || state.get().map(CardState::shape));
    dynamic(move || {
        let shape = shape.get();
        if let Some(CardState::Going { can_pause, .. }) = shape {
            let words = move || {
                state.with(|state| match state {
                    Some(CardState::Going { words, .. }) => words.clone(),
                    _ => String::new(),
                })
            };
            let share = move || {
                state.with(|state| match state {
                    Some(CardState::Going { share, .. }) => share.map(|share| share.to_string()),
                    _ => None,
                })
            };
            return view! {
                <p class="number model-state">{words}</p>
                <progress class="bar" max="1" value=share aria-label="On its way"></progress>
                <div class="buttons">
                    {can_pause.then(|| view! { <Button press=press(ModelAct::Pause)>"Pause"</Button> })}
                </div>
            }
            .into_any();
        }
        let remove = || view! { <Button kind=Kind::Quiet press=press(ModelAct::Remove)>"Delete"</Button> };
        match shape {
            None | Some(CardState::Going { .. }) => ().into_any(),
            Some(CardState::Absent { verb, hindrance }) => {
                let disabled = hindrance.is_some();
                view! {
                    {hindrance.map(|words| view! { <p class="complaint">{words}</p> })}
                    <div class="buttons">
                        <Button disabled press=press(ModelAct::Load)>{verb}</Button>
                    </div>
                }
                .into_any()
            }
            Some(CardState::Partial { words, share }) => view! {
                <p class="number model-state">{words}</p>
                <progress class="bar" max="1" value=share.to_string() aria-label="Downloaded"></progress>
                <div class="buttons">
                    <Button kind=Kind::Main press=press(ModelAct::Load)>"Resume"</Button>
                    {remove()}
                </div>
            }
            .into_any(),
            Some(CardState::Stored(words)) => view! {
                <p class="number model-state"><Icon picture=Picture::Tick />{words}</p>
                <div class="buttons">
                    <Button press=press(ModelAct::Load)>"Load"</Button>
                    {remove()}
                </div>
            }
            .into_any(),
            Some(CardState::Loaded { words, can_unload }) => view! {
                <p class="number model-state"><Icon picture=Picture::Tick />{words}</p>
                <div class="buttons">
                    {can_unload.then(|| view! { <Button press=press(ModelAct::Unload)>"Free the memory"</Button> })}
                    {remove()}
                </div>
            }
            .into_any(),
            Some(CardState::Failed(problem)) => view! {
                <Trouble problem />
                <div class="buttons">
                    <Button press=press(ModelAct::Load)><Icon picture=Picture::Again />"Try again"</Button>
                    {remove()}
                </div>
            }
            .into_any(),
            Some(CardState::Leaving) => view! { <p class="model-state muted">"Goes in a moment."</p> }.into_any(),
        }
    })
}
