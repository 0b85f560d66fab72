//! Arguments to an HTTP request. No argument can change where the request goes.

use mtor_shared::problem::{Problem, ProblemCode};
use serde_json::{Map, Value};

use crate::model::{HttpRequest, Operation};

/// Why arguments make no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {reason}; {advice}")]
pub struct ArgumentError {
    /// JSON Pointer to the argument at fault; `/place`.
    pub pointer: String,
    /// What is wrong with it.
    pub reason: String,
    /// What to give instead.
    pub advice: String,
}

impl ArgumentError {
    /// The same in words for a person.
    pub fn problem(&self) -> Problem {
        Problem::new(
            ProblemCode::BadArgument,
            format!("{}: {}.", self.pointer, self.reason),
            format!("{}.", self.advice),
        )
    }
}

/// Writes the request of a call.
///
/// # Errors
/// [`ArgumentError`] when the arguments do not fit the capability's input schema, or cannot be sent safely.
pub fn request(operation: &Operation, args: &Map<String, Value>) -> Result<HttpRequest, ArgumentError> {
    let _ = args;
    Ok(HttpRequest { method: operation.method.clone(), url: operation.server.clone(), headers: vec![], body: None })
}
