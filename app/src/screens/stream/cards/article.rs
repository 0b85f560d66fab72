//! The beginning of an article.

use leptos::prelude::*;

use super::article_data;
use crate::{
    platform::{net, page},
    ui::{Icon, Picture},
};

/// Picture, first lines, and the way to the rest.
#[component]
pub(super) fn Article(
    /// What was read.
    article: article_data::Article,
    /// The run that it came from: the realm hands on the pictures of a run, and no others.
    run: String,
) -> impl IntoView {
    let picture = article.picture.map(|picture| {
        view! {
            <img
                class="article-picture"
                src=net::media(&run, &picture.url)
                width=picture.width.to_string()
                height=picture.height.to_string()
                alt=format!("Picture of {}", article.title)
                loading="lazy"
                on:error=move |event| page::hide(&event_target(&event))
            />
        }
    });
    view! {
        <div class="article">
            {picture}
            <div class="article-words">
                <h3>{article.title.clone()}</h3>
                {article.description.map(|words| view! { <p class="muted">{words}</p> })}
                {article.is_ambiguous.then(|| view! { <p>"This title means several things."</p> })}
                {article.extract.map(|words| view! { <p>{words}</p> })}
                {article.page.map(|page| view! {
                    <p>
                        <a href=page rel="noopener noreferrer" target="_blank" aria-label=format!("Read the whole article on {}", article.title)>
                            "Read the whole article"
                            <Icon picture=Picture::Leave />
                        </a>
                    </p>
                })}
            </div>
        </div>
    }
}
