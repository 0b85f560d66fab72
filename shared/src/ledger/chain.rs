//! The chain of hashes: each entry's covers the one before, so that whoever knows the last knows that none was changed.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Book, Entry, Refusal, account::from_hex, canonical};

/// A SHA-256; 64 lower-case hexadecimal digits on the wire.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String))]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// Of these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What an entry adds to the chain: SHA-256 over the hash before and the canonical text.
    pub fn after(self, text: &str) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(text.as_bytes()).finalize().into())
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl TryFrom<String> for Hash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        from_hex(&text).map(Self).ok_or("a hash is 64 lower-case hexadecimal digits")
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

/// Where a chain ends. Whoever keeps it can tell later that nothing before it was changed or taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Head {
    /// The number of the last entry; 0 where there is none.
    pub seq: u64,
    /// Its hash; zeros where there is none.
    pub hash: Hash,
}

/// An entry in its place of the chain, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The entry.
    pub entry: Entry,
    /// Its canonical text: what is hashed.
    pub text: String,
    /// Over the hash before and the text.
    pub hash: Hash,
}

impl Sealed {
    pub(super) fn new(entry: Entry, previous: Hash) -> Self {
        // Numbers, texts and lists of them always become JSON.
        let text = canonical(&serde_json::to_value(&entry).unwrap_or_default());
        let hash = previous.after(&text);
        Self { entry, text, hash }
    }
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Its text is no entry.
    #[error("its text is no entry: {0}")]
    Unreadable(String),
    /// Its text is not in canonical form.
    #[error("its text is not in canonical form")]
    NotCanonical,
    /// Its hash does not fit its text and the entry before.
    #[error("its hash does not fit its text and the entry before it")]
    Hash,
    /// An entry is missing, or there twice.
    #[error("entry {0} should stand here")]
    Sequence(u64),
    /// It is older than the one before.
    #[error("it is older than the entry before it")]
    Time,
    /// It moves other credits than it says.
    #[error("it moves other credits than what it says amounts to")]
    Legs,
    /// The rules do not allow it here.
    #[error("it could not have been written: {0}")]
    Refused(Refusal),
}

/// The first entry of a chain that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq} is broken: {broken}")]
pub struct BrokenEntry {
    /// The number under which it is stored.
    pub seq: u64,
    /// What is wrong with it.
    pub broken: Broken,
}

impl Book {
    /// Takes the next stored entry, checking everything that can be checked about it.
    ///
    /// # Errors
    /// What is wrong with it; the book is then as it was.
    pub fn replay(&mut self, seq: u64, text: &str, hash: Hash) -> Result<Sealed, BrokenEntry> {
        self.check(seq, text, hash).map_err(|broken| BrokenEntry { seq, broken })
    }

    fn check(&mut self, seq: u64, text: &str, hash: Hash) -> Result<Sealed, Broken> {
        if self.head().hash.after(text) != hash {
            return Err(Broken::Hash);
        }
        let entry: Entry =
            serde_json::from_str(text).map_err(|error| Broken::Unreadable(error.to_string()))?;
        let expected = self.head().seq + 1;
        if entry.seq != expected || seq != expected {
            return Err(Broken::Sequence(expected));
        }
        if entry.at_ms < self.last_ms() {
            return Err(Broken::Time);
        }
        let sealed = Sealed::new(entry, self.head().hash);
        if sealed.text != text {
            return Err(Broken::NotCanonical);
        }
        if self.legs(&sealed.entry.body).map_err(Broken::Refused)? != sealed.entry.legs {
            return Err(Broken::Legs);
        }
        self.take(&sealed).map_err(Broken::Refused)?;
        Ok(sealed)
    }
}
