//! Arithmetic on the CPU: what an encoder spends its time on, written so that the compiler turns the
//! fixed-size inner loops into SIMD (simd128 in the browser, AVX2 with FMA natively where the machine has it).
//!
//! Everything here works on row-major `f32` slices on one thread, allocates only what its caller asks for
//! and knows nothing of models.

mod attention;
mod elementwise;
mod gemm;
mod simd;

pub(crate) use attention::{AttentionScratch, attend};
pub(crate) use elementwise::{add_layer_norm, layer_norm, normalise};
pub(crate) use gemm::{Activation, Packed, gemm};
pub(crate) use simd::Level;
