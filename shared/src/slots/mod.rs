//! Taking the arguments of a capability out of a sentence.
//!
//! [`fill`] knows the examples of the capability alone, [`extract`] the types of its arguments too. Both are
//! deterministic and instant: they answer before any model is loaded. [`ask`] puts what is left to a language model,
//! and [`accept`] takes of its answer what the sentence bears out. What nobody finds is left out, so that the shell
//! asks.

mod ask;
mod dates;
mod example;
mod fill;

pub use ask::{accept, ask, extract};
pub use dates::dates;
pub use example::{Example, ExampleError, Part};
pub use fill::fill;
