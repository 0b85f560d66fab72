//! What an answer waits for: a model that is offered, on its way, or in trouble.

use leptos::prelude::*;
use mtor_shared::model::ModelId;

use crate::{
    shell::{
        chat::ConversationId,
        dispatcher::use_shell,
        event::{ChatAct, ModelAct},
        place::Place,
        view::chat::{self as view, Waiting},
    },
    ui::{Button, Countdown, Kind, Trouble, dynamic, memo},
};

/// Says what is waited for, with the first step.
#[component]
pub(super) fn Waits(id: ConversationId, by: ModelId) -> impl IntoView {
    let shell = use_shell();
    let waiting = shell.view(move |model| view::waiting(model, &by));
    // While bytes come, the words change and the buttons stay where they are. What is drawn reads this alone: a part
    // that also read what this is worked out from would miss changes.
    let shape = memo(move || waiting.get().shape());
    let stop = move || {
        let id = id.clone();
        view! { <Button kind=Kind::Quiet press=move || shell.chat(ChatAct::Stop(id.clone()))>"Not now"</Button> }
    };
    dynamic(move || {
        let shape = shape.get();
        if let Waiting::Coming { model, can_pause, .. } = shape {
            let words = move || {
                waiting.with(|waiting| match waiting {
                    Waiting::Coming { words, .. } => words.clone(),
                    _ => String::new(),
                })
            };
            let share = move || {
                waiting.with(|waiting| match waiting {
                    Waiting::Coming { share, .. } => share.map(|share| share.to_string()),
                    _ => None,
                })
            };
            return view! {
                <div class="coming">
                    <p class="number">{words}</p>
                    <progress class="bar" max="1" value=share aria-label="The model is on its way"></progress>
                    <div class="buttons">
                        {can_pause.then(|| {
                            let model = model.clone();
                            view! { <Button press=move || shell.models(ModelAct::Pause(model.clone()))>"Pause"</Button> }
                        })}
                        {stop()}
                    </div>
                </div>
            }
            .into_any();
        }
        match shape {
            Waiting::Soon(words) => view! { <p class="muted">{words}</p> }.into_any(),
            Waiting::Offer { model, sentence, verb } => view! {
                <div class="card offer">
                    <p>{sentence}</p>
                    <div class="buttons">
                        <Button kind=Kind::Main press=move || shell.models(ModelAct::Load(model.clone()))>{verb}</Button>
                        {stop()}
                        <a class="button button-quiet" href=Place::Models.address()>"All models"</a>
                    </div>
                </div>
            }
            .into_any(),
            Waiting::Trouble { model, problem, verb, retry_at_ms } => view! {
                <Trouble problem />
                {retry_at_ms.map(|until_ms| view! { <p>"Starting again " <Countdown until_ms /> "."</p> })}
                <div class="buttons">
                    <Button press=move || shell.models(ModelAct::Load(model.clone()))>{verb}</Button>
                    {stop()}
                </div>
            }
            .into_any(),
            Waiting::Coming { .. } => ().into_any(),
        }
    })
}
