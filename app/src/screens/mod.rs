//! What a person looks at.

pub mod stream;

#[cfg(target_arch = "wasm32")]
mod arguments;
#[cfg(target_arch = "wasm32")]
pub(crate) mod chat;
#[cfg(target_arch = "wasm32")]
pub(crate) mod federation;
#[cfg(target_arch = "wasm32")]
mod frame;
#[cfg(target_arch = "wasm32")]
mod later;
#[cfg(target_arch = "wasm32")]
pub(crate) mod models;

#[cfg(target_arch = "wasm32")]
pub use frame::mount;
