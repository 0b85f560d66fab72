//! What people see of the ledger, and what operators tell it.

use serde::{Deserialize, Serialize};

use super::{Account, Amount, Entry, Hash, Limits, Price, Subject, Text};
use crate::identity::PersonId;

/// `GET /api/ledger`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Balance {
    /// Whose.
    pub person: PersonId,
    /// Whether anything costs credits here.
    pub credits: bool,
    /// What can be spent.
    pub spendable: Amount,
    /// What is set aside for work that is being done.
    pub held: Amount,
    /// How many more questions that makes, at the average price of this person's questions this month; none where
    /// nothing was paid yet.
    pub remaining_queries: Option<u64>,
    /// What may be spent, and what of that was.
    pub limits: Limits,
    /// What was spent or is held in the span of the budget.
    pub spent: Amount,
}

/// One entry with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EntryView {
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
    /// Over the hash before and the entry's canonical text.
    pub hash: Hash,
}

/// `GET /api/ledger/entries`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EntryPage {
    /// Newest first.
    pub entries: Vec<EntryView>,
    /// To ask for what is older: `?before=`; none where this is all.
    pub next: Option<u64>,
}

/// A month of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Month {
    /// For example `2026-11`, in UTC.
    pub month: String,
    /// Work that was paid.
    pub settled: u64,
    /// What was paid for it.
    pub spent: Amount,
    /// What came in from others or was issued.
    pub received: Amount,
    /// What was sent to others.
    pub sent: Amount,
}

/// `POST /api/ledger/issues`: new credits for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GiveCredits {
    /// Who.
    pub to: Account,
    /// How many.
    pub amount: Amount,
    /// Why.
    pub reason: Text,
    /// A name for this request: sent again with it, it is done once.
    pub idempotency: Text,
}

/// `POST /api/ledger/transfers`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// Left out, the caller's own; only operators send from other accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Account>,
    /// To whom.
    pub to: Account,
    /// How many.
    pub amount: Amount,
    /// Why.
    pub reason: Text,
    /// The number of an entry that this one makes good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensates: Option<u64>,
    /// A name for this request: sent again with it, it is done once.
    pub idempotency: Text,
}

/// An account and what it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountBalance {
    /// Which.
    pub account: Account,
    /// What it has; of `issue` what was issued in all.
    pub amount: Amount,
}

/// What something costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NamedPrice {
    /// A capability's id, or a model's name.
    pub of: String,
    /// In millionths of a credit.
    pub price: Price,
}

/// `PUT /api/ledger/limits`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetLimits {
    /// For whom.
    pub subject: Subject,
    /// What they may do; left out, whatever they like.
    #[serde(default)]
    pub limits: Limits,
}

/// `PUT /api/ledger/prices`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetPrice {
    /// A capability's id, or a model's name.
    pub of: Text,
    /// What it costs; none, what its description says.
    pub price: Option<Price>,
}
