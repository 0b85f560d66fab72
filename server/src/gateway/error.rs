//! Why the gateway has no answer.

use std::{sync::Arc, time::Duration};

use mtor_shared::{
    gateway::LeftOut,
    problem::{Problem, ProblemCode},
};

use crate::providers::{Fault, ProviderError};

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// No model of that name, or none at all.
    #[error("no such model")]
    NoModel(Option<String>),
    /// Nobody who offers the model can be asked.
    #[error("nobody can answer")]
    NobodyFits {
        /// The model.
        model: String,
        /// Why not, for each.
        left_out: Vec<LeftOut>,
        /// Whether it is the request that fits nobody, rather than everybody being down.
        never: bool,
        /// When somebody may be back.
        retry_after: Option<Duration>,
    },
    /// Everybody who was asked failed.
    #[error("{target}: {error}")]
    Failed {
        /// Who failed last.
        target: String,
        /// How.
        error: ProviderError,
    },
    /// The asker may not have it.
    #[error("{0}")]
    Refused(Problem),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

/// A request without an answer, and where the reasons are.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{error}")]
pub struct Unanswered {
    /// Why.
    pub error: Arc<GatewayError>,
    /// The id of the decision; none when it did not come to one.
    pub decision: Option<String>,
}

impl From<GatewayError> for Unanswered {
    fn from(error: GatewayError) -> Self {
        Self { error: Arc::new(error), decision: None }
    }
}

impl GatewayError {
    /// HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::NoModel(_) => 404,
            Self::NobodyFits { never: true, .. } => 400,
            Self::NobodyFits { never: false, .. } => 503,
            Self::Failed { error, .. } => match (error, error.fault()) {
                (ProviderError::Status { status, .. }, Fault::Request) => *status,
                (_, Fault::Request) => 400,
                (_, Fault::Resting(_)) => 429,
                (ProviderError::Unsupported(_), _) => 400,
                (ProviderError::Busy, _) => 503,
                (ProviderError::TimedOut { .. }, _) => 504,
                _ => 502,
            },
            Self::Refused(problem) => match problem.code {
                ProblemCode::TooMany => 429,
                ProblemCode::Unauthorized => 401,
                ProblemCode::NotEnoughCredits => 402,
                ProblemCode::Forbidden => 403,
                ProblemCode::NotFound => 404,
                ProblemCode::Conflict => 409,
                ProblemCode::BadRequest | ProblemCode::BadArgument => 400,
                _ => 503,
            },
            Self::NoRandomness => 500,
        }
    }

    /// When it is worth asking again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NobodyFits { retry_after, .. } => *retry_after,
            Self::Failed { error, .. } => match error.fault() {
                Fault::Resting(rest) => Some(rest),
                Fault::Upstream | Fault::Unfit | Fault::Request => None,
            },
            Self::Refused(problem) if problem.retryable => Some(Duration::from_secs(1)),
            Self::NoModel(_) | Self::Refused(_) | Self::NoRandomness => None,
        }
    }

    /// In words for the asker.
    pub fn message(&self) -> String {
        let problem = self.problem();
        if problem.advice.is_empty() {
            problem.title
        } else {
            format!("{} {}", problem.title, problem.advice)
        }
    }

    /// In words and a code.
    pub fn problem(&self) -> Problem {
        match self {
            Self::NoModel(Some(name)) => {
                let shown: String = name.chars().take(120).collect();
                Problem::new(
                    ProblemCode::NotFound,
                    format!("This realm offers no model {shown}."),
                    "GET /v1/models lists those that it offers.",
                )
            }
            Self::NoModel(None) => Problem::new(
                ProblemCode::NotFound,
                "Nothing that answers is set up in this realm.",
                "Its operator can name models in the configuration, or fetch the small one with `cargo xtask models`.",
            ),
            Self::NobodyFits { model, left_out, never, .. } => {
                let why: Vec<String> =
                    left_out.iter().map(|left| format!("{}: {}", left.target, left.why)).collect();
                let title = format!("Nobody who offers {model} can answer now ({}).", why.join("; "));
                if *never {
                    Problem::new(ProblemCode::BadRequest, title, "Ask another model.")
                } else {
                    Problem::retryable(ProblemCode::Offline, title, "Try again in a moment.")
                }
            }
            Self::Failed { target, error } => failed(target, error),
            Self::Refused(problem) => problem.clone(),
            Self::NoRandomness => Problem::new(
                ProblemCode::Internal,
                "The system gives no random bytes.",
                "The realm's operator has to look into it.",
            ),
        }
    }
}

fn failed(target: &str, error: &ProviderError) -> Problem {
    let said = match error {
        ProviderError::Status { message, .. } | ProviderError::Invalid(message) if !message.is_empty() => {
            format!("{target}: {message}")
        }
        other => format!("{target} has no answer: {other}."),
    };
    match error.fault() {
        Fault::Request => Problem::new(ProblemCode::BadRequest, said, "Change the request."),
        Fault::Resting(_) => Problem::retryable(ProblemCode::TooMany, said, "Try again in a moment."),
        Fault::Unfit => Problem::new(ProblemCode::Unsupported, said, "Ask another model."),
        Fault::Upstream => {
            let code = match error {
                ProviderError::Unreachable(_) | ProviderError::Broken(_) => ProblemCode::UpstreamUnreachable,
                ProviderError::TimedOut { .. } => ProblemCode::UpstreamTimeout,
                ProviderError::Garbage(_) | ProviderError::TooLarge(_) => ProblemCode::UpstreamGarbage,
                ProviderError::Status { .. }
                | ProviderError::Invalid(_)
                | ProviderError::Unsupported(_)
                | ProviderError::Busy
                | ProviderError::NotSetUp(_) => ProblemCode::UpstreamError,
            };
            Problem::retryable(code, said, "Try again in a moment.")
        }
    }
}
