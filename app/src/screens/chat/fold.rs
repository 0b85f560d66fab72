//! How a model answers in a conversation: instructions, sampling, its name. Folded away.

use leptos::prelude::*;

use crate::{
    shell::{
        chat::{ConversationId, Manner},
        dispatcher::use_shell,
        event::ChatAct,
        view::chat as view,
    },
    ui::{dynamic, memo, wording},
};

/// The fold.
#[component]
pub(super) fn Fold(id: ConversationId) -> impl IntoView {
    let shell = use_shell();
    let of = id.clone();
    let manner =
        shell.view(move |model| model.chats.get(&of).map(|known| known.manner.clone()).unwrap_or_default());
    let of = id.clone();
    let title = shell.view(move |model| {
        model.chats.get(&of).filter(|known| !known.nodes.is_empty()).map(|known| known.name())
    });
    let choices = shell.view(move |model| manner.with(|manner| view::choices(model, &manner.model)));
    let has_title = memo(move || title.with(Option::is_some));
    let told = memo(move || manner.with(|manner| !manner.system.trim().is_empty()));
    let whose = id.clone();
    let change = move |edit: &dyn Fn(&mut Manner)| {
        let mut next = manner.get_untracked();
        edit(&mut next);
        shell.chat(ChatAct::Manner(whose.clone(), Box::new(next)));
    };
    let change = StoredValue::new_local(change);
    let set = move |edit: &dyn Fn(&mut Manner)| change.with_value(|change| change(edit));
    let number = move |name: &'static str,
                       note: &'static str,
                       bounds: (&'static str, &'static str, &'static str),
                       read: fn(&Manner) -> String,
                       write: fn(&mut Manner, f32)| {
        view! {
            <label class="field">
                <span>{name}</span>
                <input
                    type="number"
                    inputmode="decimal"
                    min=bounds.0
                    max=bounds.1
                    step=bounds.2
                    title=note
                    prop:value=wording(move || manner.with(read))
                    on:change=move |event| {
                        // What is no number leaves it as it was.
                        if let Ok(value) = event_target_value(&event).trim().parse::<f32>() {
                            set(&|manner| write(manner, value));
                        }
                    }
                />
                <span class="field-note">{note}</span>
            </label>
        }
        .into_any()
    };
    let renamed = StoredValue::new(id);
    view! {
        <details class="manner">
            <summary>
                "Instructions and sampling"
                {dynamic(move || told.get().then(|| view! { <span class="muted">" · has instructions"</span> }))}
            </summary>
            <div class="manner-fields">
                {dynamic(move || has_title.get().then(|| view! {
                    <label class="field field-wide">
                        <span>"Name of this conversation"</span>
                        <input
                            type="text"
                            maxlength="120"
                            autocomplete="off"
                            prop:value=wording(move || title.get().unwrap_or_default())
                            on:change=move |event| shell.chat(ChatAct::Rename(renamed.get_value(), event_target_value(&event)))
                        />
                    </label>
                }))}
                <label class="field field-wide">
                    <span>"Instructions: what the model is told before everything else"</span>
                    <textarea
                        class="area"
                        rows="3"
                        placeholder="For example: Answer in two sentences. Write code in Rust."
                        prop:value=wording(move || manner.with(|manner| manner.system.clone()))
                        on:input=move |event| {
                            let text = event_target_value(&event);
                            set(&|manner| manner.system.clone_from(&text));
                        }
                    ></textarea>
                </label>
                {dynamic(move || {
                    let choices = choices.get();
                    (choices.len() > 1).then(|| {
                        let chosen = manner.with_untracked(|manner| manner.model.clone());
                        let options = choices.into_iter().map(|(id, title)| {
                            view! { <option value=id.0.clone() selected={id == chosen}>{title}</option> }
                        });
                        view! {
                            <label class="field field-wide">
                                <span>"Model"</span>
                                <select on:change=move |event| {
                                    let id = event_target_value(&event);
                                    set(&|manner| manner.model.0.clone_from(&id));
                                }>{options.collect_view()}</select>
                            </label>
                        }
                    })
                })}
                {number("Temperature", "0 always takes the likeliest word; 1 takes more chances", ("0", "2", "0.05"),
                    |manner| manner.temperature.to_string(), |manner, value| manner.temperature = value)}
                {number("Top-p", "Only the likeliest words that make up this share; 1 for all", ("0", "1", "0.05"),
                    |manner| manner.top_p.to_string(), |manner, value| manner.top_p = value)}
                {number("Top-k", "Only this many of the likeliest; 0 for all", ("0", "1000", "1"),
                    |manner| manner.top_k.to_string(), |manner, value| manner.top_k = value.max(0.0) as usize)}
                {number("Min-p", "Only words at least this share as likely as the best; 0 for all", ("0", "1", "0.01"),
                    |manner| manner.min_p.to_string(), |manner, value| manner.min_p = value)}
                {number("Repetition penalty", "1 for none", ("1", "2", "0.01"),
                    |manner| manner.repetition_penalty.to_string(), |manner, value| manner.repetition_penalty = value)}
                {number("Longest answer", "In tokens; a token is about three quarters of a word", ("1", "4096", "1"),
                    |manner| manner.max_tokens.to_string(), |manner, value| manner.max_tokens = value.max(1.0) as u32)}
                <label class="field">
                    <span>"Seed"</span>
                    <input
                        type="text"
                        inputmode="numeric"
                        autocomplete="off"
                        placeholder="another one each time"
                        prop:value=wording(move || manner.with(|manner| manner.seed.map(|seed| seed.to_string()).unwrap_or_default()))
                        on:change=move |event| {
                            let seed = event_target_value(&event).trim().parse::<u64>().ok();
                            set(&|manner| manner.seed = seed);
                        }
                    />
                    <span class="field-note">"The same seed gives the same answer to the same words"</span>
                </label>
            </div>
        </details>
    }
}
