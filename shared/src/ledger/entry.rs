//! What the ledger writes down.

use serde::{Deserialize, Serialize};

use super::{Account, Amount, ProviderId, ReservationId, Usage};
use crate::identity::{KeyId, PersonId};

/// A few words for a person: 1 to 200 characters, none of which is a control character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Text(String);

/// A text is too long, empty or holds control characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a text of an entry has 1 to 200 characters and no control characters")]
pub struct TextError;

impl Text {
    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Text {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        let length = text.chars().count();
        let plain = !text.chars().any(char::is_control);
        if plain && (1..=200).contains(&length) { Ok(Self(text)) } else { Err(TextError) }
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}

/// One movement between two accounts. There is no entry that is not made of these, so every entry is balanced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Leg {
    /// Who has less after it.
    pub from: Account,
    /// Who has more after it.
    pub to: Account,
    /// More than nothing.
    pub amount: Amount,
}

/// Why a hold was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Released {
    /// The work failed.
    Failed,
    /// The person stopped it.
    Stopped,
    /// Whoever held it let go without saying why.
    Dropped,
    /// The realm ended in the middle of it.
    Crashed,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Body {
    /// New credits.
    Issue {
        /// Who gets them.
        to: Account,
        /// How many.
        amount: Amount,
        /// For whoever reads it.
        reason: Text,
    },
    /// Credits change hands.
    Transfer {
        /// Whose they were.
        from: Account,
        /// Whose they are.
        to: Account,
        /// How many.
        amount: Amount,
        /// For whoever reads it.
        reason: Text,
        /// The number of the entry that this one makes good; entries themselves are never changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        compensates: Option<u64>,
    },
    /// Credits are set aside before work is done.
    Hold {
        /// Its name.
        reservation: ReservationId,
        /// Who pays.
        person: PersonId,
        /// With which key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyId>,
        /// Who is asked.
        provider: ProviderId,
        /// For what.
        capability: Text,
        /// The most that it may cost.
        amount: Amount,
        /// What the caller calls this work: a second hold under the same words is the same hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        idempotency: Option<Text>,
    },
    /// The work is done and paid; what was set aside beyond that goes back.
    Settle {
        /// The hold that ends.
        reservation: ReservationId,
        /// Who answered.
        provider: ProviderId,
        /// What it cost; never more than was set aside.
        charged: Amount,
        /// What of that the realm keeps.
        fee: Amount,
        /// What was measured.
        usage: Usage,
    },
    /// The work is not done and not paid.
    Release {
        /// The hold that ends.
        reservation: ReservationId,
        /// Why.
        reason: Released,
    },
}

impl Body {
    /// Its kind as on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Issue { .. } => "issue",
            Self::Transfer { .. } => "transfer",
            Self::Hold { .. } => "hold",
            Self::Settle { .. } => "settle",
            Self::Release { .. } => "release",
        }
    }

    /// The reservation that it is about.
    pub fn reservation(&self) -> Option<ReservationId> {
        match self {
            Self::Hold { reservation, .. }
            | Self::Settle { reservation, .. }
            | Self::Release { reservation, .. } => Some(*reservation),
            Self::Issue { .. } | Self::Transfer { .. } => None,
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number: 1, 2, 3 …
    pub seq: u64,
    /// When, in milliseconds since 1970; never before the entry before it.
    pub at_ms: u64,
    /// What happened.
    pub body: Body,
    /// Which credits moved. It follows from the body and the entries before, and is written down so that whoever
    /// reads an export can add it up without knowing the rules.
    pub legs: Vec<Leg>,
}
