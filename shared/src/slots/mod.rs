//! Taking the arguments of a capability out of a sentence, by the examples of that capability alone.
//!
//! Deterministic and instant: it answers before any model is loaded, and it is what a language model's
//! proposals are checked against later. What it cannot find is left out, so that the shell asks.

mod example;
mod fill;

pub use example::{Example, ExampleError, Part};
pub use fill::fill;
