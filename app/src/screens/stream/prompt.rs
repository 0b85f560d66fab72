//! The line that a person types into.

use leptos::{ev::KeyboardEvent, html::Textarea, prelude::*};

use crate::{
    platform::page,
    shell::{
        dispatcher::use_shell,
        event::{ChatAct, Person},
        view::chat as view,
    },
    ui::{Button, Icon, Kind, Picture, dynamic, memo, wording},
};

/// Asks what is typed into it.
#[component]
pub(super) fn PromptBar() -> impl IntoView {
    let shell = use_shell();
    let prompt = shell.view(view::prompt);
    let text = memo(move || prompt.with(|prompt| prompt.text.clone()));
    let notice = memo(move || prompt.with(|prompt| prompt.notice.clone()));
    let recalls = memo(move || prompt.with(|prompt| prompt.recalls));
    let in_chat = memo(move || prompt.with(|prompt| prompt.in_chat));
    // Whoever types on wants to send; whoever does not wants to stop.
    let stops =
        memo(move || prompt.with(|prompt| prompt.stops.clone().filter(|_| prompt.text.trim().is_empty())));
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
            aria-label=wording(move || if in_chat.get() { "Write".to_owned() } else { "Ask".to_owned() })
            on:submit=move |event| {
                event.prevent_default();
                shell.person(Person::Submitted);
            }
        >
            <label class="unseen" for=page::PROMPT>
                {dynamic(move || if in_chat.get() { "Message to the model" } else { "Ask MTOR" })}
            </label>
            <textarea
                id=page::PROMPT
                node_ref=area
                class="prompt-text"
                placeholder=wording(move || if in_chat.get() { "Write to the model …".to_owned() } else { "Ask …".to_owned() })
                autocomplete="off"
                spellcheck="true"
                enterkeyhint="send"
                aria-describedby="prompt-notice"
                rows=move || rows().to_string()
                prop:value=wording(move || text.get())
                on:input=move |event| shell.person(Person::Typed(event_target_value(&event)))
                on:keydown=pressed
            ></textarea>
            {dynamic(move || match stops.get() {
                Some(id) => view! {
                    <Button kind=Kind::Main label="Stop the answer" press=move || shell.chat(ChatAct::Stop(id.clone()))>
                        <Icon picture=Picture::Stop />
                    </Button>
                }.into_any(),
                None => {
                    let (name, title) = if in_chat.get() { ("Send", "Send (Enter)") } else { ("Ask", "Ask (Enter)") };
                    view! {
                        <button type="submit" class="button button-main prompt-send" aria-label=name title=title>
                            <Icon picture=Picture::Arrow />
                        </button>
                    }.into_any()
                }
            })}
            <p id="prompt-notice" class="prompt-notice">
                {dynamic(move || notice.get())}
            </p>
        </form>
    }
}
