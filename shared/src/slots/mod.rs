//! Taking the arguments of a capability out of a sentence.
//!
//! [`extract`] knows the examples of the capability and the types of its arguments. It is deterministic and instant: it
//! answers before any model is loaded. [`ask()`] puts what is left to a language model, and [`accept`] takes of its answer
//! what the sentence bears out. What nobody finds is left out, so that the shell asks.

mod ask;
mod dates;
mod example;
mod fill;

pub use ask::{accept, ask, extract};
pub use dates::{dates, day};
pub use example::{Example, ExampleError, Part};
use fill::fill;
pub use time::Date;
