//! How a provider fails, and what follows from that.

use std::time::Duration;

use crate::federated::egress::Phase;

/// Why there is no answer. Only [`ProviderError::Status`] and [`ProviderError::Invalid`] hold words of the upstream,
/// which may repeat what was asked: they go to the asker, never into a log or a decision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// No connection.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// Too slow.
    #[error("it took too long ({phase:?}, {} ms)", after.as_millis())]
    TimedOut {
        /// Where it was stuck.
        phase: Phase,
        /// The limit that ran out.
        after: Duration,
    },
    /// The connection broke before the end of the answer.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The answer is not what the provider's interface promises.
    #[error("it answered with something else than its interface promises: {0}")]
    Garbage(&'static str),
    /// More bytes than are taken.
    #[error("its answer is larger than {0} bytes")]
    TooLarge(usize),
    /// An error status.
    #[error("it answered with status {status}")]
    Status {
        /// HTTP status.
        status: u16,
        /// What it says, for the asker.
        message: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The request makes no sense to it.
    #[error("it does not take the request")]
    Invalid(String),
    /// It has nothing of the kind.
    #[error("it does not do {0}")]
    Unsupported(&'static str),
    /// It is as busy as it may be.
    #[error("it is busy")]
    Busy,
    /// It has no key, or no weights.
    #[error("it is not set up: {0}")]
    NotSetUp(String),
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The upstream's: another one is asked, and it counts against this one.
    Upstream,
    /// The upstream wants to be left alone: another one is asked.
    Resting(Duration),
    /// It cannot do this: another one is asked, and it counts against nobody.
    Unfit,
    /// The request's: nobody else is asked.
    Request,
}

/// How long an upstream is left alone that says "too many requests" and not how long.
const USUAL_REST: Duration = Duration::from_secs(1);
/// The longest that an upstream may ask for.
const LONGEST_REST: Duration = Duration::from_secs(300);

impl ProviderError {
    /// What follows from it.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unreachable(_)
            | Self::TimedOut { .. }
            | Self::Broken(_)
            | Self::Garbage(_)
            | Self::TooLarge(_)
            | Self::NotSetUp(_) => Fault::Upstream,
            Self::Status { status, retry_after, .. } => match status {
                429 => Fault::Resting(retry_after.unwrap_or(USUAL_REST).min(LONGEST_REST)),
                503 | 529 if retry_after.is_some() => {
                    Fault::Resting(retry_after.unwrap_or(USUAL_REST).min(LONGEST_REST))
                }
                400 | 409 | 413 | 415 | 422 => Fault::Request,
                // 401, 403 and 404 are the operator's: a key or a model's name is wrong there, and right elsewhere.
                _ => Fault::Upstream,
            },
            Self::Invalid(_) => Fault::Request,
            Self::Unsupported(_) | Self::Busy => Fault::Unfit,
        }
    }
}
