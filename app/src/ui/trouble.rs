//! What went wrong, and what to do.

use leptos::prelude::*;
use mtor_shared::problem::Problem;

/// A problem in its own words.
#[component]
pub(crate) fn Trouble(
    /// It.
    problem: Problem,
) -> impl IntoView {
    view! {
        <div class="problem">
            <p class="problem-title">{problem.title}</p>
            {(!problem.advice.is_empty()).then(|| view! { <p>{problem.advice}</p> })}
        </div>
    }
}
