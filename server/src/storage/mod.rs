//! What the realm remembers. The trait is all that the other rooms know; SQLite is the default behind it.

pub mod credentials;
pub mod identity;
pub mod ledger;
pub mod sources;
mod sqlite;

use std::collections::HashMap;

use async_trait::async_trait;
use mtor_shared::{
    identity::PersonId,
    plan::Plan,
    problem::{Problem, ProblemCode},
    receipt::Exchange,
    run::RunId,
    stream::Chunk,
};

use self::{
    credentials::CredentialStorage, identity::IdentityStorage, ledger::LedgerStorage, sources::SourceStorage,
};
pub use sqlite::Sqlite;

/// Why something could not be remembered or recalled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// No room on the disk.
    #[error("there is no room left on the disk of the data folder")]
    Full,
    /// The folder or the file cannot be written.
    #[error("the data folder is not writable: {0}")]
    NotWritable(String),
    /// Somebody else holds the database.
    #[error("the data folder is in use by another process: {0}")]
    Locked(String),
    /// The file is not a database that this version reads.
    #[error("the database is damaged or of another version: {0}")]
    Damaged(String),
    /// Anything else.
    #[error("the database failed: {0}")]
    Other(String),
}

impl StorageError {
    /// The same in words for a person.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Full => Problem::retryable(
                ProblemCode::StorageFull,
                "The realm has no room left on its disk.",
                "Free some space there and try again.",
            ),
            Self::NotWritable(_) => Problem::retryable(
                ProblemCode::StorageFull,
                "The realm cannot write to its data folder.",
                "Make the folder writable and try again.",
            ),
            Self::Locked(_) => Problem::retryable(
                ProblemCode::Internal,
                "The realm's database is busy.",
                "Try again in a moment.",
            ),
            Self::Damaged(_) | Self::Other(_) => Problem::new(
                ProblemCode::Internal,
                "The realm's database does not answer as it should.",
                "The realm's log says why.",
            ),
        }
    }
}

/// What became of asking for a run to be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is new.
    New,
    /// It was there, with the same plan and owner.
    Same,
    /// That id is taken by another plan or owner.
    Different,
}

/// A run as it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// Its name.
    pub id: RunId,
    /// Whose it is.
    pub owner: PersonId,
    /// What is to be done.
    pub plan: Plan,
    /// When it was asked for, in milliseconds since 1970.
    pub created_at_ms: u64,
}

/// A chunk as it is kept: with the requests that were made since the one before.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What readers get.
    pub chunk: Chunk,
    /// For the receipt, should the run be carried on by another process.
    pub exchanges: Vec<Exchange>,
}

/// What the realm remembers.
#[async_trait]
pub trait Storage: SourceStorage + CredentialStorage + IdentityStorage + LedgerStorage + Send + Sync {
    /// Writes everything back and lets go of the database.
    async fn close(&self);

    /// Whether it answers.
    async fn ping(&self) -> Result<(), StorageError>;

    /// Creates a run unless there is one of that id.
    async fn create_run(&self, record: &RunRecord) -> Result<Created, StorageError>;

    /// The run of that id.
    async fn run(&self, id: &RunId) -> Result<Option<RunRecord>, StorageError>;

    /// Runs without a last chunk, oldest first.
    async fn unfinished_runs(&self) -> Result<Vec<RunRecord>, StorageError>;

    /// Adds the next chunk of a run; a number that is taken is an error, so nothing is ever told twice.
    async fn append(&self, entry: &Entry) -> Result<(), StorageError>;

    /// Chunks of a run from a number on, in order.
    async fn entries(&self, id: &RunId, from: u32) -> Result<Vec<Entry>, StorageError>;

    /// Forgets finished runs from before `before_ms`, and of the others the oldest beyond `keep_count`. Returns how
    /// many.
    async fn prune_runs(&self, before_ms: u64, keep_count: u32) -> Result<u64, StorageError>;

    /// Every vector of a model, by its text.
    async fn vectors(&self, model: &str) -> Result<HashMap<String, Vec<f32>>, StorageError>;

    /// Keeps vectors of a model.
    async fn put_vectors(&self, model: &str, vectors: &[(String, Vec<f32>)]) -> Result<(), StorageError>;
}
