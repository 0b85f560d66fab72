//! Models on this device: what there is, what is stored, what this machine can run.

mod card;

use leptos::{ev::DragEvent, html, prelude::*};

use self::card::ModelCard;
use crate::{
    platform::files,
    shell::{dispatcher::use_shell, event::ModelAct, view::models as view},
    ui::{Button, Kind, Trouble, dynamic, memo, when},
};

/// What others draw of it.
#[derive(Clone, Copy)]
pub(crate) struct Parts {
    /// The whole screen.
    pub(crate) whole: fn() -> AnyView,
}

/// The only way in, so that all of it can come later.
pub(crate) const PARTS: Parts = Parts { whole: || view! { <Models /> }.into_any() };

#[component]
fn Models() -> impl IntoView {
    let shell = use_shell();
    let cards = shell.view(view::cards);
    let ids = memo(move || cards.with(|cards| cards.iter().map(|card| card.id.clone()).collect::<Vec<_>>()));
    let removed = shell.view(|model| model.shelf.removed.as_ref().map(|(_, id)| model.shelf.name(id)));
    let over = RwSignal::new(false);
    let dropped = move |event: DragEvent| {
        event.prevent_default();
        over.set(false);
        let chosen = event.data_transfer().and_then(|data| data.files());
        shell.bring(files::first(chosen.as_ref()));
    };
    view! {
        <main
            class="models"
            class:dropping=move || over.get()
            on:dragover=move |event: DragEvent| {
                event.prevent_default();
                over.set(true);
            }
            on:dragleave=move |_| over.set(false)
            on:drop=dropped
        >
            <h2 class="detail-title">"Models"</h2>
            <p class="models-lead">"They run in this tab. What you ask them stays on this device, and they work offline once they are here."</p>
            <Overview />
            <div class="model-cards">
                <For each=move || ids.get() key=Clone::clone let:id>
                    <ModelCard id cards />
                </For>
                <Bring />
            </div>
            {dynamic(move || removed.get().map(|name| view! {
                <p class="notice notice-undo notice-floating">
                    {format!("{name} goes in a moment. ")}
                    <Button press=move || shell.models(ModelAct::Undo)>"Keep it"</Button>
                </p>
            }))}
        </main>
    }
}

/// The machine and its storage.
#[component]
fn Overview() -> impl IntoView {
    let shell = use_shell();
    let overview = shell.view(view::overview);
    let can_persist = memo(move || overview.with(|overview| overview.can_persist));
    view! {
        <dl class="overview">
            <div>
                <dt>"This machine"</dt>
                <dd>
                    {dynamic(move || overview.with(|overview| overview.machine.clone()).into_iter().map(|words| view! { <p>{words}</p> }).collect_view())}
                    {dynamic(move || overview.with(|overview| overview.measured.clone()).map(|words| view! { <p class="number">{words}</p> }))}
                    {dynamic(move || {
                        let (is_measuring, can_measure, is_measured) = overview
                            .with(|known| (known.is_measuring, known.can_measure, known.measured.is_some()));
                        let words = match (is_measuring, is_measured) {
                            (true, _) => "Measuring …",
                            (false, true) => "Measure again",
                            (false, false) => "See what this machine can run (2 s)",
                        };
                        let disabled = !can_measure;
                        view! {
                            <div class="buttons">
                                <Button disabled press=move || shell.models(ModelAct::Measure)>{words}</Button>
                            </div>
                        }
                    })}
                </dd>
            </div>
            <div>
                <dt>"Storage"</dt>
                <dd>
                    <p class="number">{dynamic(move || overview.with(|overview| overview.storage.clone()))}</p>
                    {dynamic(move || overview.with(|overview| overview.share).map(|share| view! {
                        <progress class="bar" max="1" value=share.to_string() aria-label="Storage used"></progress>
                    }))}
                    <p>{dynamic(move || overview.with(|overview| overview.persistence))}</p>
                    {when(can_persist, move || view! {
                        <div class="buttons">
                            <Button press=move || shell.models(ModelAct::Persist)>"Ask the browser to keep it"</Button>
                        </div>
                    })}
                </dd>
            </div>
        </dl>
    }
}

/// A person's own file.
#[component]
fn Bring() -> impl IntoView {
    let shell = use_shell();
    let brought = shell.view(view::brought);
    let is_reading = shell
        .view(|model| matches!(model.shelf.brought, Some(crate::shell::models::Brought::Reading { .. })));
    let chooser = NodeRef::<html::Input>::new();
    let chosen = move |_| {
        if let Some(input) = chooser.get_untracked() {
            shell.bring(files::first(input.files().as_ref()));
            input.set_value("");
        }
    };
    view! {
        <section class="card model-card bring" aria-label="Your own model">
            <h3 class="model-title">"Your own model"</h3>
            <p>"Drop a GGUF file of a Qwen 2, Gemma 3 or Llama model here. It is copied to this browser's storage and goes nowhere else."</p>
            {dynamic(move || brought.get().map(|outcome| match outcome {
                Ok(words) => view! { <p class="number" role="note">{words}</p> }.into_any(),
                Err(problem) => view! { <Trouble problem /> }.into_any(),
            }))}
            <div class="buttons">
                <label class="button">
                    "Choose a file"
                    <input node_ref=chooser class="unseen" type="file" accept=".gguf" on:change=chosen />
                </label>
                {when(is_reading, move || view! {
                    <Button kind=Kind::Quiet press=move || shell.models(ModelAct::DropFile)>"Stop"</Button>
                })}
            </div>
        </section>
    }
}
