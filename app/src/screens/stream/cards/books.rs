//! A list of books.

use leptos::prelude::*;

use super::books_data;

/// Title, author, year.
#[component]
pub(super) fn Books(
    /// What was read.
    books: books_data::Books,
) -> impl IntoView {
    let shown = books.books.len();
    let count = match books.found {
        Some(found) if found > shown as u64 => format!("{shown} of {found} books"),
        _ if shown == 0 => "No books found. Try other words.".to_owned(),
        _ => format!("{shown} books"),
    };
    let rows = books.books.into_iter().map(|book| {
        let title = match book.page {
            Some(page) => {
                view! { <a href=page rel="noopener noreferrer" target="_blank">{book.title}</a> }.into_any()
            }
            None => view! { <span>{book.title}</span> }.into_any(),
        };
        view! {
            <li class="book">
                <span class="book-title">{title}</span>
                <span class="book-author">{book.authors.join(", ")}</span>
                <span class="book-year number">{book.year.map(|year| year.to_string())}</span>
            </li>
        }
    });
    view! {
        <p class="muted number">{count}</p>
        <ol class="books">{rows.collect_view()}</ol>
    }
}
