//! What is wrong with a graph, before it is said to a person.

use std::fmt;

use mtor_shared::problem::{Problem, ProblemCode};

/// Why a graph cannot be read or computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// A fault in these words: half a sentence without a full stop.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// The same fault with the place where it is.
    #[must_use]
    pub fn at(self, place: impl fmt::Display) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Problem::new(
            ProblemCode::Unsupported,
            format!("The model cannot be run: {fault}."),
            "Choose another model, or delete this one and load it again.",
        )
    }
}
