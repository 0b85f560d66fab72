//! Arithmetic on the CPU: what networks spend their time on, written so that the compiler turns the
//! fixed-size inner loops into SIMD (simd128 in the browser, AVX2 with FMA natively where the machine has it).
//!
//! Everything here works on row-major slices on one thread, allocates only what its caller asks for
//! and knows nothing of models.

mod attention;
mod causal;
mod conv;
mod cross;
mod depthwise;
mod elementwise;
mod gemm;
#[cfg(feature = "gpu")]
pub(crate) mod gpu;
mod lineage;
mod pairwise;
mod pointwise;
mod quant;
mod rotary;
mod simd;

pub(crate) use attention::{AttentionScratch, attend, softmax};
pub(crate) use causal::{Heads, attend_causal};
pub(crate) use conv::{Window, convolve};
pub(crate) use cross::{Memory, attend_memory};
pub(crate) use elementwise::{Gate, add_layer_norm, gated, layer_norm, log_softmax, normalise, rms_norm};
pub(crate) use gemm::{Activation, Packed, gemm};
pub(crate) use lineage::attend_lineage;
pub(crate) use pairwise::{Pairwise, combine, combine_with};
pub(crate) use pointwise::{Pointwise, apply};
pub(crate) use quant::{Activations, FloatMatrix, Matrix, product};
pub(crate) use rotary::{Pairing, rotate};
pub(crate) use simd::Level;
