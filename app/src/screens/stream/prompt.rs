//! The line that a person types into.

use leptos::{ev::KeyboardEvent, html::Textarea, prelude::*};

use crate::{
    platform::page,
    shell::{dispatcher::use_shell, event::Person},
    ui::{Icon, Picture, dynamic, wording},
};

/// Asks what is typed into it.
#[component]
pub(super) fn PromptBar() -> impl IntoView {
    let shell = use_shell();
    let text = shell.view(|model| model.prompt.text.clone());
    let notice = shell.view(|model| model.prompt.notice.clone());
    let recalls = shell.view(|model| model.prompt.text.is_empty() || model.prompt.recalled.is_some());
    let area = NodeRef::<Textarea>::new();
    // As many lines as there are, within bounds; long ones wrap and scroll.
    let rows =
        move || text.with(|text| text.bytes().take(4000).filter(|byte| *byte == b'\n').count().min(7) + 1);
    let pressed = move |event: KeyboardEvent| {
        // Enter and the arrows belong to an input method while it composes.
        if event.is_composing() {
            return;
        }
        let in_first_line = || area.get_untracked().is_some_and(|area| page::cursor_in_first_line(&area));
        let person = match event.key().as_str() {
            "Enter" if !event.shift_key() => Person::Submitted,
            "Escape" => Person::Escaped,
            "ArrowUp" if recalls.get_untracked() && in_first_line() => Person::RecalledOlder,
            "ArrowDown" if recalls.get_untracked() && !text.with_untracked(String::is_empty) => {
                Person::RecalledNewer
            }
            _ => return,
        };
        event.prevent_default();
        shell.person(person);
    };
    view! {
        <form
            class="prompt"
            aria-label="Ask"
            on:submit=move |event| {
                event.prevent_default();
                shell.person(Person::Submitted);
            }
        >
            <label class="unseen" for=page::PROMPT>"Ask MTOR"</label>
            <textarea
                id=page::PROMPT
                node_ref=area
                class="prompt-text"
                placeholder="Ask …"
                autocomplete="off"
                spellcheck="true"
                enterkeyhint="send"
                aria-describedby="prompt-notice"
                rows=move || rows().to_string()
                prop:value=wording(move || text.get())
                on:input=move |event| shell.person(Person::Typed(event_target_value(&event)))
                on:keydown=pressed
            ></textarea>
            <button type="submit" class="button button-main prompt-send" aria-label="Ask" title="Ask (Enter)">
                <Icon picture=Picture::Arrow />
            </button>
            <p id="prompt-notice" class="prompt-notice">
                {dynamic(move || notice.get())}
            </p>
        </form>
    }
}
