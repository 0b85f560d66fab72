//! The voice loop: "computer", a request, "computer" again, and a spoken answer. Pure: whoever hears sound and knows the
//! time tells [`Loop`] what happened, and does what it answers.
//!
//! [`words`] decides what a transcript means: it comes from a speech recogniser that hears a short word in many
//! spellings.

mod machine;
pub mod words;

pub use machine::{Ear, Effect, Event, Loop, Rules, State, Why};
