//! One field for an address or a description, and files.

use leptos::{
    ev::{KeyboardEvent, SubmitEvent},
    html,
    prelude::*,
};

use super::add_files;
use crate::{
    shell::{dispatcher::use_shell, event::Clerk, view::federation as view},
    ui::{Trouble, dynamic, flag, memo, when, wording},
};

/// Adds a source.
#[component]
pub(super) fn Add() -> impl IntoView {
    let shell = use_shell();
    let text = shell.view(|model| model.federation.draft.text.clone());
    let endpoint = shell.view(|model| model.federation.draft.endpoint.clone());
    let draft = shell.view(view::draft);
    let asks_endpoint = memo(move || draft.with(|draft| draft.asks_endpoint));
    let problem = memo(move || draft.with(|draft| draft.problem.clone()));
    let chooser = NodeRef::<html::Input>::new();
    let chosen = move |_| {
        if let Some(input) = chooser.get_untracked() {
            add_files(shell, input.files());
            // The same file can be chosen again.
            input.set_value("");
        }
    };
    let pressed = move |event: KeyboardEvent| {
        let is_address = text.with_untracked(|text| !text.contains('\n'));
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() && is_address {
            event.prevent_default();
            shell.clerk(Clerk::Add);
        }
    };
    view! {
        <form
            class="add"
            aria-label="Add an API"
            on:submit=move |event: SubmitEvent| {
                event.prevent_default();
                shell.clerk(Clerk::Add);
            }
        >
            <label class="add-label" for="add-text">"Add an API"</label>
            <textarea
                id="add-text"
                class="area code"
                rows="2"
                spellcheck="false"
                autocomplete="off"
                placeholder="Address or description"
                aria-describedby="add-hint"
                prop:value=wording(move || text.get())
                on:input=move |event| shell.clerk(Clerk::Typed(event_target_value(&event)))
                on:keydown=pressed
            ></textarea>
            <p id="add-hint" class="field-note">{dynamic(move || draft.with(|draft| draft.hint.clone()))}</p>
            {when(asks_endpoint, move || view! {
                <label class="field">
                    <span>"Where the API is, if the description does not say it (GraphQL)"</span>
                    <input
                        type="text"
                        inputmode="url"
                        autocomplete="off"
                        placeholder="https://…"
                        prop:value=wording(move || endpoint.get())
                        on:input=move |event| shell.clerk(Clerk::EndpointTyped(event_target_value(&event)))
                    />
                </label>
            })}
            {dynamic(move || problem.get().map(|problem| view! { <Trouble problem /> }))}
            <div class="buttons">
                <button type="submit" class="button button-main" disabled=flag(move || draft.with(|draft| !draft.can_add))>
                    {dynamic(move || if draft.with(|draft| draft.on_the_way) { "Sending …" } else { "Add" })}
                </button>
                <label class="button">
                    "Choose a file"
                    <input
                        node_ref=chooser
                        class="unseen"
                        type="file"
                        multiple
                        accept=".json,.yaml,.yml,.graphql,.gql,.txt"
                        on:change=chosen
                    />
                </label>
            </div>
        </form>
    }
}
