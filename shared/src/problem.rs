//! What went wrong, in words for a person and a code for a program.

use serde::{Deserialize, Serialize};

/// The kinds of failure that the shell treats differently. The wire form is kebab-case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProblemCode {
    /// The request is not what the interface asks for.
    BadRequest,
    /// An argument does not fit its schema.
    BadArgument,
    /// Nothing of that name is here.
    NotFound,
    /// The same id was used for something else.
    Conflict,
    /// More bytes than are taken.
    TooLarge,
    /// More requests than are taken.
    TooMany,
    /// The caller is not known, or no longer.
    Unauthorized,
    /// The caller may not do this.
    Forbidden,
    /// The caller has too few credits, or a budget is used up.
    NotEnoughCredits,
    /// The egress guard refused an address.
    EgressRefused,
    /// The service could not be reached.
    UpstreamUnreachable,
    /// The service did not answer in time.
    UpstreamTimeout,
    /// The service answered with an error status.
    UpstreamError,
    /// The service answered with something that its description does not promise.
    UpstreamGarbage,
    /// The service answered that there is nothing to show.
    NoResult,
    /// A person stopped it.
    Stopped,
    /// The realm went away in the middle of something that must not be done twice.
    Interrupted,
    /// The realm cannot be reached.
    Offline,
    /// Bytes do not have the hash that they must have.
    HashMismatch,
    /// There is no room left to store something.
    StorageFull,
    /// The device cannot do this.
    Unsupported,
    /// The GPU was lost or computed wrongly.
    DeviceLost,
    /// A defect in MTOR itself.
    Internal,
}

/// One failure. `title` and `advice` are shown as they are: plain, short, present tense, no blame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[error("{title} {advice}")]
pub struct Problem {
    /// What kind of failure.
    pub code: ProblemCode,
    /// What is wrong and where, one sentence: "Open-Meteo did not answer in 4 s."
    pub title: String,
    /// What to do about it, one sentence; empty when there is nothing to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub advice: String,
    /// Whether the same request may succeed later.
    #[serde(default)]
    pub retryable: bool,
}

impl Problem {
    /// A failure that trying again does not mend.
    pub fn new(code: ProblemCode, title: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { code, title: title.into(), advice: advice.into(), retryable: false }
    }

    /// A failure that may be gone at the next try.
    pub fn retryable(code: ProblemCode, title: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { retryable: true, ..Self::new(code, title, advice) }
    }
}
