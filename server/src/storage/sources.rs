//! What is remembered about descriptions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use mtor_shared::{
    capability::CapabilityId,
    problem::Problem,
    source::{Origin, SourceId},
};
use serde::{Deserialize, Serialize};

use super::StorageError;

/// What a person decided about a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Nothing yet.
    Preview,
    /// It may be called.
    Enabled,
    /// It was enabled, and is not any more.
    Disabled,
}

/// A source without its texts, which may be large.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// Its name.
    pub id: SourceId,
    /// Where it comes from; a text is not kept here.
    pub origin: Origin,
    /// What was decided.
    pub standing: Standing,
    /// Where the API is, if somebody said it.
    pub endpoint: Option<String>,
    /// The overlay, if somebody wrote one.
    pub overlay: Option<String>,
    /// Capabilities that were taken out.
    pub disabled: BTreeSet<CapabilityId>,
    /// Seconds between two looks.
    pub rescan_s: Option<u32>,
    /// When it was added, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it was last enabled.
    pub enabled_at_ms: u64,
    /// When it was last looked at.
    pub scanned_at_ms: u64,
    /// Why the last look failed.
    pub problem: Option<Problem>,
}

/// The texts of one version of a description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Itself.
    pub text: String,
    /// The absolute address that relative ones in it are resolved against.
    pub base: Option<String>,
    /// Documents that it refers to, by absolute address.
    pub others: BTreeMap<String, String>,
}

/// What becomes of the texts of a source when its record is written.
#[derive(Clone, Copy, Debug)]
pub enum Texts<'a> {
    /// They stay.
    Keep,
    /// This is the version in use, and nothing waits for consent.
    Current(&'a Description),
    /// This waits for consent.
    Candidate(&'a Description),
    /// Nothing waits for consent.
    DropCandidate,
    /// What waited is in use now.
    Accept,
}

/// See the module.
#[async_trait]
pub trait SourceStorage {
    /// Every source without its texts, oldest first.
    async fn sources(&self) -> Result<Vec<SourceRecord>, StorageError>;

    /// The texts of a source: those in use, or those that wait for consent.
    async fn description(&self, id: &SourceId, candidate: bool) -> Result<Option<Description>, StorageError>;

    /// Writes a source, new or known, and its texts, all or nothing.
    async fn put_source(&self, record: &SourceRecord, texts: Texts<'_>) -> Result<(), StorageError>;

    /// Forgets a source, its texts and its credentials.
    async fn delete_source(&self, id: &SourceId) -> Result<(), StorageError>;

    /// What is known of these hashes' meanings.
    async fn meanings(
        &self,
        model: &str,
        texts: &[[u8; 32]],
    ) -> Result<HashMap<[u8; 32], Vec<i8>>, StorageError>;

    /// Keeps meanings.
    async fn put_meanings(&self, model: &str, meanings: &[([u8; 32], Vec<i8>)]) -> Result<(), StorageError>;

    /// Forgets the meanings of all other texts, and those of other models. Returns how many.
    async fn prune_meanings(
        &self,
        model: &str,
        keep: &std::collections::HashSet<[u8; 32]>,
    ) -> Result<u64, StorageError>;
}
