//! What a person looks at.

pub mod stream;

#[cfg(target_arch = "wasm32")]
mod arguments;
#[cfg(target_arch = "wasm32")]
mod chat;
#[cfg(target_arch = "wasm32")]
mod federation;
#[cfg(target_arch = "wasm32")]
mod frame;
#[cfg(target_arch = "wasm32")]
mod models;

#[cfg(target_arch = "wasm32")]
pub use frame::mount;
