//! What is remembered of people, their sessions and their keys. No secret is here, only hashes of them.

use async_trait::async_trait;
use mtor_shared::identity::{ApiKey, Person, PersonId, SessionId};

use super::StorageError;

/// SHA-256 of a secret.
pub type Digest = [u8; 32];

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its name.
    pub id: SessionId,
    /// Of its token.
    pub token: Digest,
    /// Whose.
    pub person: PersonId,
    /// In milliseconds since 1970.
    pub created_at_ms: u64,
    /// In milliseconds since 1970.
    pub expires_at_ms: u64,
}

/// An API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// What its owner sees; what was spent is not kept here.
    pub key: ApiKey,
    /// Of the whole key.
    pub secret: Digest,
}

/// See the module.
#[async_trait]
pub trait IdentityStorage {
    /// Everybody.
    async fn people(&self) -> Result<Vec<Person>, StorageError>;

    /// Keeps a person, new or known.
    async fn put_person(&self, person: &Person) -> Result<(), StorageError>;

    /// Every session that has not ended at a time; the others are forgotten.
    async fn sessions(&self, now_ms: u64) -> Result<Vec<SessionRecord>, StorageError>;

    /// Keeps a session, new or known.
    async fn put_session(&self, session: &SessionRecord) -> Result<(), StorageError>;

    /// Ends a session.
    async fn delete_session(&self, id: &SessionId) -> Result<(), StorageError>;

    /// Every key, revoked ones too.
    async fn api_keys(&self) -> Result<Vec<KeyRecord>, StorageError>;

    /// Keeps a key, new or known.
    async fn put_api_key(&self, key: &KeyRecord) -> Result<(), StorageError>;

    /// Makes what belonged to whoever sat at the machine somebody's: runs and keys.
    async fn hand_over(&self, from: &PersonId, to: &PersonId) -> Result<(), StorageError>;
}
