//! API keys as people see them: everything but the secret, which is shown once.

use serde::{Deserialize, Serialize};

use super::{Grant, PersonId};
use crate::ledger::{Amount, Limits};

/// Names an API key: the part of it that is no secret, 12 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct KeyId(pub String);

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// `POST /api/keys`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MintKey {
    /// For the one who owns it, 1 to 80 characters.
    pub name: String,
    /// What it may be used for; nothing that the caller may not do.
    pub grant: Grant,
    /// How much and how often.
    #[serde(default)]
    pub limits: Limits,
    /// When it ends, in milliseconds since 1970; left out, when it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<u64>,
}

/// `PUT /api/keys/{id}/limits`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeLimits {
    /// How much and how often from now on.
    pub limits: Limits,
}

/// A key without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKey {
    /// Its name for programs.
    pub id: KeyId,
    /// Its name for its owner.
    pub name: String,
    /// Who pays.
    pub owner: PersonId,
    /// The key that minted it, whose limits count too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<KeyId>,
    /// How it begins, to find it again.
    pub begins: String,
    /// What it may be used for.
    pub grant: Grant,
    /// How much and how often.
    pub limits: Limits,
    /// What was paid or is held with it in the window of its budget.
    #[serde(default)]
    pub spent: Amount,
    /// In milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<u64>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at_ms: Option<u64>,
}

/// A key with its secret: told once, when it is minted or rotated.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MintedKey {
    /// Everything else.
    pub key: ApiKey,
    /// The whole key, as it is sent: `Authorization: Bearer …`.
    pub secret: String,
}

impl std::fmt::Debug for MintedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MintedKey").field("key", &self.key).finish_non_exhaustive()
    }
}
