//! What is remembered about credentials: facts in the clear, secrets sealed.

use async_trait::async_trait;
use mtor_shared::credential::{CredentialId, Kind};
use mtor_shared::source::SourceId;
use serde::{Deserialize, Serialize};

use super::StorageError;

/// How a credential stands, as far as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "kebab-case")]
pub enum KnownStanding {
    /// It is used.
    Ready,
    /// A person has to agree at the provider.
    Waiting,
    /// The provider does not take it.
    Refused {
        /// In words for a person.
        reason: String,
    },
}

/// What is known about a credential without opening it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialRecord {
    /// Its name.
    pub id: CredentialId,
    /// The source.
    pub source: SourceId,
    /// The scheme.
    pub scheme: String,
    /// What it is.
    pub kind: Kind,
    /// Where it may be sent.
    pub hosts: Vec<String>,
    /// In milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it was last sent.
    pub used_at_ms: Option<u64>,
    /// How it stands.
    pub standing: KnownStanding,
}

/// See the module.
#[async_trait]
pub trait CredentialStorage {
    /// Every credential with its sealed secret, oldest first.
    async fn credentials(&self) -> Result<Vec<(CredentialRecord, Vec<u8>)>, StorageError>;

    /// Writes a credential, new or known.
    async fn put_credential(&self, record: &CredentialRecord, sealed: &[u8]) -> Result<(), StorageError>;

    /// Forgets a credential; whether there was one.
    async fn delete_credential(&self, id: &CredentialId) -> Result<bool, StorageError>;
}
