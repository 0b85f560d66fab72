//! Signing in: the realm asks with a challenge, the device signs, the realm answers with a session.

use serde::{Deserialize, Serialize};

use super::{Grant, KeyId, PersonId, Role};

/// What is signed, as UTF-8. It names the realm as the person's device knows it (`host:port` of the page), so that a
/// signature made for one realm is worth nothing at another, and says what it is for, so that nothing else that the
/// device signs can be taken for it.
pub fn sign_in_message(host: &str, person: &PersonId, challenge: &str) -> String {
    format!(
        "MTOR sign-in 1\nrealm: {}\nperson: {person}\nchallenge: {challenge}\n",
        host.to_ascii_lowercase()
    )
}

/// `POST /api/identity/challenges` answers with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Challenge {
    /// To be signed within the message, and sent back as it is.
    pub challenge: String,
    /// Until when it counts, in milliseconds since 1970 by the realm's clock.
    pub expires_at_ms: u64,
}

/// `POST /api/identity/sessions`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// A `did:key`.
    pub person: PersonId,
    /// As the realm gave it.
    pub challenge: String,
    /// Ed25519 over the message, base64url without padding.
    pub signature: String,
}

/// `POST /api/identity/claim`: makes the signer the sysop of a realm that has none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The one-time token that the realm printed on its console when it started.
    pub token: String,
    /// Who claims it.
    #[serde(rename = "sign-in")]
    pub sign_in: SignIn,
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim").field("sign_in", &self.sign_in).finish_non_exhaustive()
    }
}

/// Names a session; no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct SessionId(pub String);

/// The answer to signing in. The cookie that comes with it is all that a browser needs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedIn {
    /// For programs: sent as `Authorization: Bearer …`.
    pub token: String,
    /// Until when it counts, in milliseconds since 1970.
    pub expires_at_ms: u64,
    /// Who is signed in.
    pub me: Me,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn").field("me", &self.me).finish_non_exhaustive()
    }
}

/// A session of a person, for that person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionInfo {
    /// To end it by.
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// In milliseconds since 1970.
    pub created_at_ms: u64,
    /// In milliseconds since 1970.
    pub expires_at_ms: u64,
}

/// Who the realm takes the caller for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// Whether somebody is the realm's sysop. A realm that nobody has claimed answers to the person at its machine.
    pub claimed: bool,
    /// Nobody where the caller is not known.
    pub person: Option<PersonId>,
    /// What they may do.
    pub role: Option<Role>,
    /// What this session or key may be used for.
    pub grant: Option<Grant>,
    /// The key that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_names_the_realm_the_person_and_the_challenge() {
        let message = sign_in_message("Realm.Example:443", &PersonId::local(), "abc");
        assert_eq!(message, "MTOR sign-in 1\nrealm: realm.example:443\nperson: local\nchallenge: abc\n");
    }

    #[test]
    fn secrets_are_not_shown_by_debug() {
        let me = Me { claimed: true, person: None, role: None, grant: None, key: None };
        let signed_in = SignedIn { token: "swordfish".into(), expires_at_ms: 0, me };
        assert!(!format!("{signed_in:?}").contains("swordfish"));
    }
}
