//! Markdown as elements: each block and each word is put there by name, so nothing that a model writes is ever markup.

use leptos::prelude::*;

use super::message::CopyButton;
use crate::shell::markdown::{Block, Inline, fingerprint, read};

/// Blocks with their place and what tells them from others: one that has not changed is not drawn again.
pub(super) fn numbered(text: &str) -> Vec<(usize, u64, Block)> {
    read(text).into_iter().enumerate().map(|(index, block)| (index, fingerprint(&block), block)).collect()
}

/// A block as elements.
pub(super) fn drawn(block: &Block) -> AnyView {
    match block {
        Block::Paragraph(words) => view! { <p>{inlines(words)}</p> }.into_any(),
        // The page's title and the conversation's come before those of an answer.
        Block::Heading(1, words) => view! { <h3>{inlines(words)}</h3> }.into_any(),
        Block::Heading(2, words) => view! { <h4>{inlines(words)}</h4> }.into_any(),
        Block::Heading(_, words) => view! { <h5>{inlines(words)}</h5> }.into_any(),
        Block::Code { language, text } => code(language, text),
        Block::Quote(inside) => view! { <blockquote>{all(inside)}</blockquote> }.into_any(),
        Block::List(None, items) => view! { <ul>{listed(items)}</ul> }.into_any(),
        Block::List(Some(from), items) => {
            view! { <ol start=from.to_string()>{listed(items)}</ol> }.into_any()
        }
        Block::Table { head, rows } => table(head, rows),
        Block::Rule => view! { <hr /> }.into_any(),
    }
}

fn all(blocks: &[Block]) -> Vec<AnyView> {
    blocks.iter().map(drawn).collect()
}

fn listed(items: &[Vec<Block>]) -> Vec<AnyView> {
    let item = |blocks: &Vec<Block>| match blocks.as_slice() {
        // An item of one paragraph is its words.
        [Block::Paragraph(words), rest @ ..] => view! { <li>{inlines(words)}{all(rest)}</li> }.into_any(),
        blocks => view! { <li>{all(blocks)}</li> }.into_any(),
    };
    items.iter().map(item).collect()
}

fn code(language: &str, text: &str) -> AnyView {
    let name = if language.is_empty() { "text".to_owned() } else { language.to_owned() };
    let label = format!("Code, {name}");
    view! {
        <div class="code-block">
            <div class="code-head">
                <span>{name}</span>
                <CopyButton text=text.to_owned() label="Copy the code" />
            </div>
            // Long lines scroll, and the keyboard must be able to.
            <pre tabindex="0" role="region" aria-label=label><code>{text.to_owned()}</code></pre>
        </div>
    }
    .into_any()
}

fn table(head: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>]) -> AnyView {
    let head: Vec<AnyView> =
        head.iter().map(|cell| view! { <th scope="col">{inlines(cell)}</th> }.into_any()).collect();
    let row = |cells: &Vec<Vec<Inline>>| {
        let cells: Vec<AnyView> =
            cells.iter().map(|cell| view! { <td>{inlines(cell)}</td> }.into_any()).collect();
        view! { <tr>{cells}</tr> }.into_any()
    };
    let rows: Vec<AnyView> = rows.iter().map(row).collect();
    view! {
        <div class="table" tabindex="0" role="region" aria-label="Table">
            <table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>
        </div>
    }
    .into_any()
}

fn inlines(words: &[Inline]) -> Vec<AnyView> {
    words.iter().map(inline).collect()
}

fn inline(word: &Inline) -> AnyView {
    match word {
        Inline::Text(text) => text.clone().into_any(),
        Inline::Code(text) => view! { <code>{text.clone()}</code> }.into_any(),
        Inline::Emphasis(inside) => view! { <em>{inlines(inside)}</em> }.into_any(),
        Inline::Strong(inside) => view! { <strong>{inlines(inside)}</strong> }.into_any(),
        Inline::Struck(inside) => view! { <s>{inlines(inside)}</s> }.into_any(),
        Inline::Link(address, inside) => view! {
            <a href=address.clone() rel="noopener noreferrer nofollow" target="_blank">{inlines(inside)}</a>
        }
        .into_any(),
        Inline::Break => view! { <br /> }.into_any(),
    }
}
