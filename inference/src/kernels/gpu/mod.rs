//! Kernels of the token loop on wgpu: products with weights that stay quantised, attention over a cache, sampling.
//!
//! Each kernel is a WGSL file beside this one; its sizes are `override` constants, so a pipeline is compiled for the
//! shapes of one model, once. A [`Step`] is one dispatch with everything bound: a pass over the network is a list of
//! them, made when the model is loaded.

mod launch;
mod matrix;

pub(crate) use launch::{Gpu, Grid, Step};
pub(crate) use matrix::{Filling, GpuMatrix, Operands};

/// Tokens of one pass at most: what the kernels' buffers hold.
pub(crate) const TOKENS: usize = 64;
/// Candidates that [`Gpu::best`] gives back.
pub(crate) const CANDIDATES: usize = 64;
