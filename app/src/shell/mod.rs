//! The shell: events in, a new model and effects out. Nothing in here but `dispatcher` knows of a browser.

#[cfg(target_arch = "wasm32")]
pub mod dispatcher;
pub mod effect;
mod entry;
pub mod event;
pub mod federation;
pub mod form;
pub mod model;
pub mod place;
pub mod schema;
pub mod update;
pub mod view;
pub mod wire;
