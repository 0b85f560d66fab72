//! $9000 credits: a local ledger of balanced entries that only ever grows, and the limits beside it.
//!
//! An [`Entry`] moves credits between two accounts at a time, so nothing is made or lost but by issuing. Work is paid
//! in three steps: a hold before it, then either a settlement by what was used or a release. The [`Book`] is the fold
//! of all entries and the only judge of the next one; a chain of hashes over them makes a later change visible.
//! [`Meters`] count what keys, people and providers spend and how often they ask.

mod account;
mod amount;
mod book;
mod canonical;
mod chain;
mod entry;
mod limit;
mod price;
mod view;

#[cfg(test)]
mod properties;

pub use account::{Account, AccountError, ProviderId, ReservationId};
pub use amount::{Amount, AmountError};
pub use book::{Book, Held, Refusal};
pub use canonical::canonical;
pub use chain::{Broken, BrokenEntry, Hash, Head, Sealed};
pub use entry::{Body, Entry, Leg, Released, Text, TextError};
pub use limit::{Budget, LimitRefusal, Limits, Meters, Rate, Subject, Window, month_label};
pub use price::{Price, Usage};
pub use view::{
    AccountBalance, Balance, EntryPage, EntryView, GiveCredits, Month, NamedPrice, SetLimits, SetPrice,
    Transfer,
};
