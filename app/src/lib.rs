//! The shell: one prompt, a stream of cards, a status light.
//!
//! What happens is decided in `shell::update`, a pure function that is tested without a browser. `platform` is the only
//! room that touches the browser; `executors` carry effects out; `screens` and `ui` draw what `shell::view` says.

// `#[component]` makes the type of its properties `pub` whatever the component is.
#![cfg_attr(target_arch = "wasm32", allow(unreachable_pub))]

#[cfg(target_arch = "wasm32")]
mod executors;
#[cfg(target_arch = "wasm32")]
mod later;
#[cfg(target_arch = "wasm32")]
mod platform;
pub mod screens;
pub mod shell;
#[cfg(target_arch = "wasm32")]
mod ui;

#[cfg(target_arch = "wasm32")]
pub use screens::mount;
