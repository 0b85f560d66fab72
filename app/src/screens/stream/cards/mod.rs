//! One card for each shape that a result can have. `data` modules read whatever came, as far as it makes sense, and
//! are tested without a browser; a missing field takes nothing else away.

pub mod article_data;
pub mod books_data;
pub mod definition_data;
pub mod tree_data;
pub mod weather_data;
pub mod wmo;

#[cfg(target_arch = "wasm32")]
mod article;
#[cfg(target_arch = "wasm32")]
mod books;
#[cfg(target_arch = "wasm32")]
mod definition;
#[cfg(target_arch = "wasm32")]
mod tree;
#[cfg(target_arch = "wasm32")]
mod weather;

#[cfg(target_arch = "wasm32")]
pub(crate) use drawn::Result;

#[cfg(target_arch = "wasm32")]
mod drawn {
    use leptos::prelude::*;
    use mtor_shared::capability::CardKind;

    use super::{
        article::Article, article_data, books::Books, books_data, definition::Definition, definition_data,
        tree::Tree, weather::Weather, weather_data,
    };
    use crate::shell::model::{Entry, Shared};

    /// The result of an entry in the shape of its thing; as a tree when it does not have that shape.
    #[component]
    pub(crate) fn Result(
        /// An entry whose run has a result.
        entry: Shared<Entry>,
    ) -> impl IntoView {
        let run = entry.run()?;
        let (value, card) = run.result()?;
        let tree = || view! { <Tree value=value.clone() /> }.into_any();
        Some(match card {
            CardKind::Weather => weather_data::read(value, weather_data::place(run, &entry))
                .map_or_else(tree, |weather| view! { <Weather weather /> }.into_any()),
            CardKind::Article => article_data::read(value)
                .map_or_else(tree, |article| view! { <Article article run=run.id.to_string() /> }.into_any()),
            CardKind::Books => {
                books_data::read(value).map_or_else(tree, |books| view! { <Books books /> }.into_any())
            }
            CardKind::Definition => definition_data::read(value)
                .map_or_else(tree, |word| view! { <Definition word /> }.into_any()),
            CardKind::Data => tree(),
        })
    }
}
