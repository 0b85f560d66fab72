//! Any JSON, foldable. What is folded is not drawn.

use leptos::{html::Details, prelude::*};
use serde_json::Value;

use super::tree_data::{Node, read};

/// A value, its first level open.
#[component]
pub(super) fn Tree(
    /// It.
    value: Value,
) -> impl IntoView {
    match read(&value) {
        Node::Leaf(text) => view! { <p class="words">{text}</p> }.into_any(),
        Node::Branch { children, more, .. } => {
            view! { <div class="tree"><Children children more /></div> }.into_any()
        }
    }
}

#[component]
fn Children(children: Vec<(String, Value)>, more: usize) -> impl IntoView {
    let lines = children.into_iter().map(|(name, value)| match read(&value) {
        Node::Leaf(text) => {
            view! { <li class="leaf"><span class="leaf-name">{name}</span> " " <span>{text}</span></li> }
                .into_any()
        }
        Node::Branch { summary, .. } => view! { <li><Branch name summary value /></li> }.into_any(),
    });
    view! {
        <ul class="branch">
            {lines.collect_view()}
            {(more > 0).then(|| view! { <li class="muted">{format!("and {more} more")}</li> })}
        </ul>
    }
}

#[component]
fn Branch(name: String, summary: String, value: Value) -> impl IntoView {
    let details = NodeRef::<Details>::new();
    let open = RwSignal::new(false);
    let value = StoredValue::new(value);
    let toggled = move |_| open.set(details.get_untracked().is_some_and(|details| details.open()));
    let below = move || {
        open.get().then(|| match value.with_value(read) {
            Node::Leaf(text) => text.into_any(),
            Node::Branch { children, more, .. } => view! { <Children children more /> }.into_any(),
        })
    };
    view! {
        <details node_ref=details on:toggle=toggled>
            <summary><span class="leaf-name">{name}</span> " " <span class="muted">{summary}</span></summary>
            {below}
        </details>
    }
    .into_any()
}
