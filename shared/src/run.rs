//! A run: one plan being carried out. Its id is chosen by the shell, so that asking twice runs once.

use serde::{Deserialize, Serialize};

use crate::plan::Plan;

/// Names a run: 32 lower-case hexadecimal digits from a strong random source. Whoever knows it may read the run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// A run id has another form than it must have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run id is 32 lower-case hexadecimal digits")]
pub struct RunIdError;

impl RunId {
    /// The id made of 128 random bits.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RunId {
    type Error = RunIdError;

    fn try_from(id: String) -> Result<Self, RunIdError> {
        let hex = id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if id.len() == 32 && hex { Ok(Self(id)) } else { Err(RunIdError) }
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What `POST /api/runs` takes. It answers with the run's chunks as server-sent events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunRequest {
    /// Chosen by the caller. The same id with the same plan attaches to the run that is there.
    pub id: RunId,
    /// What to do.
    pub plan: Plan,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_their_form() {
        let id = RunId::from_bytes([0xab; 16]);
        assert_eq!(RunId::try_from(String::from(id.clone())), Ok(id));
        for wrong in ["", "AB", "../../etc/passwd", &"A".repeat(32), &"a".repeat(33)] {
            assert_eq!(RunId::try_from(wrong.to_owned()), Err(RunIdError), "{wrong}");
        }
    }
}
