//! What is remembered of the ledger: entries, in order, and how to find them.

use async_trait::async_trait;
use mtor_shared::{
    identity::PersonId,
    ledger::{Account, Hash, Limits, Price, ReservationId, Sealed, Subject},
};

use super::StorageError;

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its number.
    pub seq: u64,
    /// Its canonical text.
    pub text: String,
    /// Its place in the chain.
    pub hash: Hash,
}

/// An entry on its way into the database.
#[derive(Clone, Debug)]
pub struct Append {
    /// The entry.
    pub sealed: Sealed,
    /// What its maker calls it; a later entry may take the name over.
    pub name: Option<(PersonId, String)>,
}

/// Where a reservation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredReservation {
    /// The entry that began it.
    pub hold: u64,
    /// The entry that ended it.
    pub ended: Option<u64>,
}

/// See the module.
#[async_trait]
pub trait LedgerStorage: Send + Sync {
    /// Entries after a number, in order.
    async fn ledger(&self, after: u64, limit: u32) -> Result<Vec<StoredEntry>, StorageError>;

    /// Adds entries: all of them, durably, or none.
    async fn append_ledger(&self, entries: &[Append]) -> Result<(), StorageError>;

    /// One entry.
    async fn ledger_entry(&self, seq: u64) -> Result<Option<StoredEntry>, StorageError>;

    /// Entries that move credits of any of these accounts, from before a number, newest first.
    async fn ledger_of(
        &self,
        accounts: &[Account],
        before: u64,
        limit: u32,
    ) -> Result<Vec<StoredEntry>, StorageError>;

    /// A reservation, ended or not.
    async fn reservation(&self, id: &ReservationId) -> Result<Option<StoredReservation>, StorageError>;

    /// The entry that somebody gave this name to.
    async fn ledger_named(&self, owner: &PersonId, name: &str) -> Result<Option<u64>, StorageError>;

    /// What operators allow, by whom it is for.
    async fn limits(&self) -> Result<Vec<(Subject, Limits)>, StorageError>;

    /// Keeps what operators allow.
    async fn put_limits(&self, subject: &Subject, limits: &Limits) -> Result<(), StorageError>;

    /// Prices that operators set.
    async fn prices(&self) -> Result<Vec<(String, Price)>, StorageError>;

    /// Keeps a price, or forgets it.
    async fn put_price(&self, of: &str, price: Option<&Price>) -> Result<(), StorageError>;
}
