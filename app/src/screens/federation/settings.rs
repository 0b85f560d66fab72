//! How a source is read: schedule, address, overlay.

use leptos::{ev::SubmitEvent, html, prelude::*};
use mtor_shared::source::SourceId;

use crate::{
    shell::{
        dispatcher::use_shell,
        event::Clerk,
        view::federation::{self as view, SCHEDULES},
    },
    ui::{memo, when},
};

/// What can be set.
#[component]
pub(super) fn Settings(id: SourceId) -> impl IntoView {
    let shell = use_shell();
    let of = id.clone();
    let known = shell.view(move |model| view::source(model, &of));
    let rescan_s = memo(move || known.with(|known| known.as_ref().map_or(0, |known| known.rescan_s)));
    let can_scan = memo(move || known.with(|known| known.as_ref().is_some_and(|known| known.can_scan)));
    let stored = known.with_untracked(|known| {
        known.as_ref().map(|known| (known.endpoint.clone(), known.overlay.clone())).unwrap_or_default()
    });
    let endpoint = NodeRef::<html::Input>::new();
    let overlay = NodeRef::<html::Textarea>::new();
    let id = StoredValue::new(id);
    let options = move || {
        SCHEDULES
            .into_iter()
            .map(|(seconds, words)| {
                view! { <option value=seconds.to_string() selected=rescan_s.get() == seconds>{words}</option> }
            })
            .collect_view()
    };
    let scheduled = move |event| {
        if let Ok(seconds) = event_target_value(&event).parse() {
            shell.clerk(Clerk::Schedule(id.get_value(), seconds));
        }
    };
    let keep_endpoint = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(input) = endpoint.get_untracked() {
            shell.clerk(Clerk::Endpoint(id.get_value(), input.value()));
        }
    };
    let keep_overlay = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(area) = overlay.get_untracked() {
            shell.clerk(Clerk::Overlay(id.get_value(), area.value()));
        }
    };
    view! {
        <div class="settings">
            {when(can_scan, move || view! {
                <div class="field">
                    <label for="schedule">"Look whether the description has changed"</label>
                    <select id="schedule" on:change=scheduled>{options}</select>
                </div>
            })}
            <form aria-label="Address of the API" on:submit=keep_endpoint>
                <div class="field">
                    <label for="endpoint">"Where the API is"</label>
                    <input id="endpoint" node_ref=endpoint type="text" inputmode="url" autocomplete="off" prop:value=stored.0 />
                    <p class="field-note">"Empty: what the description says."</p>
                </div>
                <div class="buttons"><button type="submit" class="button">"Save the address"</button></div>
            </form>
            <form aria-label="Overlay" on:submit=keep_overlay>
                <div class="field">
                    <label for="overlay">"Overlay"</label>
                    <textarea id="overlay" node_ref=overlay class="area code" rows="10" spellcheck="false" prop:value=stored.1></textarea>
                    <p class="field-note">
                        "An OpenAPI Overlay in YAML or JSON. It gives operations better titles, examples and effects by x-mtor."
                    </p>
                </div>
                <div class="buttons"><button type="submit" class="button">"Save the overlay"</button></div>
            </form>
        </div>
    }
}
