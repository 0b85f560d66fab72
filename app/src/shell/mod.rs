//! The shell: events in, a new model and effects out. Nothing in here but `dispatcher` knows of a browser.

pub mod chat;
#[cfg(target_arch = "wasm32")]
pub mod dispatcher;
pub mod effect;
mod entry;
pub mod event;
pub mod federation;
pub mod form;
pub mod markdown;
pub mod model;
pub mod models;
pub mod place;
pub mod schema;
pub mod update;
pub mod view;
