//! Why the ledger does not do something.

use mtor_shared::{
    ledger::{Amount, LimitRefusal, Refusal, ReservationId},
    problem::{Problem, ProblemCode},
};

use crate::{error::ApiError, storage::StorageError};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// A budget or a rate is used up.
    #[error(transparent)]
    Limit(#[from] LimitRefusal),
    /// The book's rules do not allow it; too few credits, mostly.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There was never such a reservation.
    #[error("there is no reservation {0}")]
    Unknown(ReservationId),
    /// It was given back before.
    #[error("the reservation {0} was released")]
    Released(ReservationId),
    /// The name was given to a request for something else.
    #[error("the name of this request was used for another one")]
    NameTaken,
    /// More than may ever be issued.
    #[error("at most {cap} credits are ever issued, and {issued} are")]
    SupplyCap {
        /// The most.
        cap: Amount,
        /// What is issued.
        issued: Amount,
    },
    /// The database does not keep up, or not at all. What was asked for may still be done: asking again under the same
    /// name, or settling again, tells.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The realm is shutting down.
    #[error("the realm is shutting down")]
    Closing,
    /// The system has no random bytes.
    #[error("the system has no random bytes: {0}")]
    Random(String),
}

impl LedgerError {
    /// The same in words for a person.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Limit(limit @ LimitRefusal::Budget { .. }) => Problem::new(
                ProblemCode::NotEnoughCredits,
                sentence(limit),
                "Wait for the next span, or raise the budget.",
            ),
            Self::Limit(limit @ LimitRefusal::Rate { .. }) => {
                Problem::retryable(ProblemCode::TooMany, sentence(limit), "Ask again then.")
            }
            Self::Refused(refusal @ Refusal::NotEnough { .. }) => Problem::new(
                ProblemCode::NotEnoughCredits,
                sentence(refusal),
                "Ask the realm's operator for credits.",
            ),
            Self::Refused(refusal @ (Refusal::NotHeld(_) | Refusal::HeldAlready(_))) => {
                Problem::new(ProblemCode::Conflict, sentence(refusal), "")
            }
            Self::Refused(
                refusal @ (Refusal::TooMany
                | Refusal::Nothing
                | Refusal::SameAccount
                | Refusal::NotTransferable(_)
                | Refusal::MoreThanHeld { .. }
                | Refusal::NoSuchEntry(_)),
            ) => Problem::new(ProblemCode::BadRequest, sentence(refusal), ""),
            Self::Unknown(_) => Problem::new(ProblemCode::NotFound, sentence(self), ""),
            Self::Released(_) => Problem::new(ProblemCode::Conflict, sentence(self), "Reserve anew."),
            Self::NameTaken => Problem::new(ProblemCode::Conflict, sentence(self), "Choose a new name."),
            Self::SupplyCap { .. } => {
                Problem::new(ProblemCode::Forbidden, sentence(self), "The cap is ledger.supply_cap.")
            }
            Self::Storage(error) => error.problem(),
            Self::Closing => {
                Problem::retryable(ProblemCode::Offline, sentence(self), "Try again in a moment.")
            }
            Self::Random(_) => {
                Problem::new(ProblemCode::Internal, sentence(self), "The realm's log says more.")
            }
        }
    }

    /// After how long the same request may succeed, in milliseconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Limit(LimitRefusal::Rate { retry_after_ms, .. }) => Some(*retry_after_ms),
            _ => None,
        }
    }
}

/// An error as a sentence.
fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

impl From<LedgerError> for ApiError {
    fn from(error: LedgerError) -> Self {
        if let LedgerError::Storage(error) = &error {
            tracing::error!(%error, "the ledger's database failed");
        }
        Self::new(error.problem()).retry_after_ms(error.retry_after_ms())
    }
}
