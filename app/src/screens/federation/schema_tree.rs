//! A schema as a tree; what is folded is not drawn.

use leptos::{html::Details, prelude::*};
use serde_json::Value;

use crate::shell::schema::{Line, lines};

/// The lines of a schema.
#[component]
pub(super) fn SchemaTree(
    /// It.
    schema: Value,
) -> impl IntoView {
    let root = StoredValue::new(schema);
    let top = root.with_value(|root| lines(root, root));
    view! { <div class="tree schema">{level(root, top)}</div> }
}

fn level(root: StoredValue<Value>, lines: Vec<Line>) -> AnyView {
    if lines.is_empty() {
        return view! { <p class="muted">"Nothing."</p> }.into_any();
    }
    view! { <ul class="branch">{lines.into_iter().map(|line| drawn(root, line)).collect_view()}</ul> }
        .into_any()
}

fn drawn(root: StoredValue<Value>, line: Line) -> AnyView {
    let head = view! {
        {(!line.name.is_empty()).then(|| view! { <code class="schema-name">{line.name}</code>" " })}
        <span class="schema-words">{line.words}</span>
        {line.required.then(|| view! { " "<span class="schema-required">"required"</span> })}
    };
    let note = (!line.note.is_empty()).then(|| view! { <p class="schema-note">{line.note}</p> });
    match line.below {
        None => view! { <li class="leaf">{head}{note}</li> }.into_any(),
        Some(below) => {
            let details = NodeRef::<Details>::new();
            let open = RwSignal::new(false);
            let below = StoredValue::new(below);
            let toggled = move |_| open.set(details.get_untracked().is_some_and(|details| details.open()));
            let inside = move || {
                open.get().then(|| {
                    let lines = root.with_value(|root| below.with_value(|below| lines(root, below)));
                    level(root, lines)
                })
            };
            view! {
                <li>
                    <details node_ref=details on:toggle=toggled>
                        <summary>{head}</summary>
                        {note}
                        {inside}
                    </details>
                </li>
            }
            .into_any()
        }
    }
}
