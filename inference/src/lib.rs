//! Runs models on the device: the only room that names burn.
//!
//! The same code serves a browser tab (the binary `engine`, a Web Worker that speaks [`mtor_shared::engine`]) and the
//! realm's own machine ([`Embedder`]). Two ways to compute, chosen at run time by [`device`]:
//!
//! - *GPU*: the model as a burn graph on wgpu (feature `gpu`), WebGPU in the tab;
//! - *CPU*: the same network on the SIMD kernels in `kernels`, one thread, no padding.
//!
//! ```no_run
//! # async fn example() -> Result<(), mtor_shared::problem::Problem> {
//! use mtor_inference::{Embedder, models_folder};
//! use mtor_shared::engine::BackendPreference;
//!
//! let mut embedder = Embedder::load(&models_folder(), BackendPreference::Cpu).await?;
//! let vectors = embedder.embed(&["What is the weather in Berlin?"]).await?;
//! assert_eq!(vectors[0].len(), 384);
//! # Ok(())
//! # }
//! ```

pub mod audio;
pub mod chat;
pub mod constrain;
pub mod device;
pub mod generate;
pub mod graph;
pub mod image;
mod kernels;
pub mod memory;
pub mod models;
pub mod onnx;
pub mod probe;
pub mod schedule;
pub mod tfjs;
pub mod tokenizer;
pub mod weights;

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
pub mod worker;

#[cfg(not(target_arch = "wasm32"))]
pub use native::{
    Embedder, classifier, clock, models_folder, speaker, speech_detector, text_model, text_reader,
    thing_finder, whisper,
};
