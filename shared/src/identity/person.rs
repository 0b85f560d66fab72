//! People as a realm knows them.

use serde::{Deserialize, Serialize};

use super::{DidKey, Role};

/// Names a person within a realm: their `did:key`, or `local` for whoever sits at a machine whose realm nobody has
/// claimed yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct PersonId(String);

/// A text is no name of a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a person is named by a did:key of an Ed25519 key")]
pub struct PersonIdError;

const LOCAL: &str = "local";

impl PersonId {
    /// The person in front of a machine whose realm nobody has claimed.
    pub fn local() -> Self {
        Self(LOCAL.to_owned())
    }

    /// Whether it is [`PersonId::local`].
    pub fn is_local(&self) -> bool {
        self.0 == LOCAL
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&DidKey> for PersonId {
    fn from(did: &DidKey) -> Self {
        Self(did.to_string())
    }
}

impl TryFrom<String> for PersonId {
    type Error = PersonIdError;

    fn try_from(id: String) -> Result<Self, PersonIdError> {
        if id == LOCAL {
            return Ok(Self::local());
        }
        // Written anew: base58 has one form for each key, and two names of one person would have two balances.
        let did: DidKey = id.parse().map_err(|_| PersonIdError)?;
        Ok(Self::from(&did))
    }
}

impl From<PersonId> for String {
    fn from(id: PersonId) -> Self {
        id.0
    }
}

impl std::fmt::Display for PersonId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person as operators see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// What they may do.
    pub role: Role,
    /// Whether they are shut out: no session and no key of theirs counts.
    pub banned: bool,
    /// When the realm first knew them, in milliseconds since 1970.
    pub since_ms: u64,
}

/// `POST /api/identity/people`: lets somebody in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InvitePerson {
    /// Who.
    pub id: PersonId,
    /// What they may do; never more than the one who invites.
    #[serde(default)]
    pub role: Role,
}

/// `PATCH /api/identity/people/{id}`: what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangePerson {
    /// What they may do from now on; never more than the one who changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Whether they are shut out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub banned: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_one_name() {
        let did = DidKey::from_public_key([7; 32]);
        let id = PersonId::from(&did);
        assert_eq!(PersonId::try_from(did.to_string()), Ok(id.clone()));
        assert_eq!(serde_json::from_str::<PersonId>(&format!("\"{did}\"")).expect("valid"), id);
        for wrong in ["", "LOCAL", "did:web:a.b", "did:key:z0", " local"] {
            assert_eq!(PersonId::try_from(wrong.to_owned()), Err(PersonIdError), "{wrong}");
        }
    }
}
