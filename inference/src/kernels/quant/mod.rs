//! Products with weights that stay quantised in memory: the token loop of a language model.
//!
//! [`Matrix`] keeps weights at their file's 4, 5, 6 or 8 bits, rearranged once so that a row becomes bytes by masks and
//! shifts of whole vectors. [`Activations`] are quantised to 16 bits, so that the products are sums of integers.

mod activations;
mod dot;
mod float;
mod matrix;
mod product;

pub(crate) use activations::Activations;
pub(crate) use float::FloatMatrix;
pub(super) use float::inner;
pub(crate) use matrix::Matrix;
pub(in crate::kernels) use matrix::PANEL;
pub(crate) use product::product;
