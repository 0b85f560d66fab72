//! Cards in which it has ended: the result or the problem, and the receipt.

use leptos::prelude::*;
use mtor_shared::{problem::Problem, stream::RunStatus};

use super::{cards::Result, words::InWords};
use crate::{
    shell::{
        dispatcher::use_shell,
        event::Person,
        model::{Entry, EntryId, Shared},
        view::{self, ReceiptView, format::bytes},
    },
    ui::{Button, Icon, Picture, memo, when},
};

/// It ran.
#[component]
pub(super) fn Over(entry: Shared<Entry>) -> impl IntoView {
    let run = entry.run()?;
    let problem = match &run.status {
        RunStatus::Failed { problem, .. } => Some(problem.clone()),
        RunStatus::Waiting | RunStatus::Running | RunStatus::Finished { .. } => None,
    };
    let words = (!run.text.is_empty()).then(|| run.text.clone());
    let succeeded = problem.is_none();
    let id = entry.id.clone();
    let told = id.clone();
    let receipt = view::receipt(&entry);
    let data = view::data(&entry);
    Some(view! {
        {words.map(|words| view! { <p class="words">{words}</p> })}
        {succeeded.then(|| view! {
            <InWords id=told />
            <Result entry />
            {data.map(|data| view! { <Data data /> })}
        })}
        {problem.map(|problem| view! { <Ended id problem /> })}
        {receipt.map(|receipt| view! { <Receipt receipt /> })}
    })
}

/// What came, as it came, below a card that shows what a person asks for.
#[component]
fn Data(data: String) -> impl IntoView {
    let is_open = RwSignal::new(false);
    view! {
        <details class="data" on:toggle=move |_| is_open.set(true)>
            <summary>"Data"</summary>
            // Drawn when it is looked at: it may be long. The keyboard must be able to scroll it.
            {when(memo(move || is_open.get()), move || {
                view! { <pre tabindex="0" role="region" aria-label="Data">{data.clone()}</pre> }
            })}
        </details>
    }
}

/// It did not work, or was stopped.
#[component]
pub(super) fn Ended(id: EntryId, problem: Problem) -> impl IntoView {
    let shell = use_shell();
    view! {
        <div class="problem">
            <p class="problem-title">{problem.title}</p>
            {(!problem.advice.is_empty()).then(|| view! { <p>{problem.advice}</p> })}
            <div class="buttons">
                <Button press=move || shell.person(Person::Retry(id.clone()))>
                    <Icon picture=Picture::Again />
                    "Retry"
                </Button>
            </div>
        </div>
    }
}

/// Who answered, where, how long, for how much, how sure; opened, the why.
#[component]
fn Receipt(receipt: ReceiptView) -> impl IntoView {
    let line = receipt.line.join(" · ");
    let sent = receipt
        .sent
        .into_iter()
        .map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> })
        .collect_view();
    let considered = receipt.considered.into_iter().map(|(title, score, nearest)| {
        view! {
            <tr>
                <td>{title}</td>
                <td class="number">{score}</td>
                <td class="muted">{nearest}</td>
            </tr>
        }
    });
    let considered = considered.collect_view();
    let has_considered = !considered.is_empty();
    let exchanges = receipt.exchanges.into_iter().map(|exchange| {
        let status = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let figures = format!("{status} · {} ms · {}", exchange.elapsed_ms, bytes(exchange.bytes));
        view! {
            <li>
                <code class="long">{exchange.method} " " {exchange.url}</code>
                <span class="number muted">{figures}</span>
            </li>
        }
    });
    let exchanges = exchanges.collect_view();
    let has_exchanges = !exchanges.is_empty();
    view! {
        {receipt.attribution.map(|words| view! { <p class="attribution">{words} <Home home=receipt.home /></p> })}
        <details class="receipt">
            <summary class="number">{line}</summary>
            <div class="story">
                <h3>"How it was understood"</h3>
                <p>{receipt.understood}</p>
                {has_considered.then(|| view! {
                    <table>
                        <thead><tr><th scope="col">"Considered"</th><th scope="col">"Fit"</th><th scope="col">"Nearest example"</th></tr></thead>
                        <tbody>{considered}</tbody>
                    </table>
                })}
                <h3>"What was sent"</h3>
                <p>{receipt.went}</p>
                <dl>{sent}</dl>
                {has_exchanges.then(|| view! { <h3>"Requests"</h3><ol class="exchanges">{exchanges}</ol> })}
            </div>
        </details>
    }
}

#[component]
fn Home(home: Option<String>) -> impl IntoView {
    home.map(|home| {
        view! {
            <a href=home rel="noopener noreferrer" target="_blank">
                "About the source"
                <Icon picture=Picture::Leave />
            </a>
        }
    })
}
