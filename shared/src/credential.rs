//! Credentials that a realm holds for a person. Secrets travel in one direction: into the realm, never out of it.

use serde::{Deserialize, Serialize};

use crate::source::SourceId;

/// Names a credential within a realm: 32 small hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct CredentialId(pub String);

impl std::fmt::Display for CredentialId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The kinds of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One string in a header field, a query parameter or a cookie.
    ApiKey,
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic`.
    Basic,
    /// OAuth 2.0 client credentials (RFC 6749, 4.4).
    ClientCredentials,
    /// OAuth 2.0 authorization code with PKCE (RFC 7636).
    AuthorizationCode,
}

/// What `POST /api/credentials` takes. It is kept encrypted and bound to the hosts of the source as they are now.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AddCredential {
    /// The source whose operations it is for.
    pub source: SourceId,
    /// The scheme of the source that it meets.
    pub scheme: String,
    /// The secret.
    pub secret: Secret,
}

/// A secret on its way into the realm. Printing it shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Secret {
    /// See [`Kind::ApiKey`].
    ApiKey {
        /// The key.
        key: String,
    },
    /// See [`Kind::Bearer`].
    Bearer {
        /// The token.
        token: String,
    },
    /// See [`Kind::Basic`].
    Basic {
        /// Without a colon.
        user: String,
        /// The password.
        password: String,
    },
    /// See [`Kind::ClientCredentials`].
    ClientCredentials {
        /// Issued by the provider.
        client_id: String,
        /// Issued by the provider.
        client_secret: String,
        /// The token endpoint where the description does not name one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token_url: Option<String>,
        /// What to ask for.
        #[serde(default)]
        scopes: Vec<String>,
    },
    /// See [`Kind::AuthorizationCode`]. Storing it answers with the address to send the person to.
    AuthorizationCode {
        /// Issued by the provider.
        client_id: String,
        /// Empty for a public client.
        #[serde(default)]
        client_secret: String,
        /// The authorization endpoint where the description does not name one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authorization_url: Option<String>,
        /// The token endpoint where the description does not name one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token_url: Option<String>,
        /// What to ask for.
        #[serde(default)]
        scopes: Vec<String>,
    },
}

impl Secret {
    /// What it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::ApiKey { .. } => Kind::ApiKey,
            Self::Bearer { .. } => Kind::Bearer,
            Self::Basic { .. } => Kind::Basic,
            Self::ClientCredentials { .. } => Kind::ClientCredentials,
            Self::AuthorizationCode { .. } => Kind::AuthorizationCode,
        }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({:?}, •••)", self.kind())
    }
}

impl std::fmt::Debug for AddCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddCredential")
            .field("source", &self.source)
            .field("scheme", &self.scheme)
            .field("secret", &self.secret)
            .finish()
    }
}

/// A credential as a person sees it: everything but the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Credential {
    /// Its name.
    pub id: CredentialId,
    /// The source.
    pub source: SourceId,
    /// The scheme.
    pub scheme: String,
    /// What it is.
    pub kind: Kind,
    /// The hosts that it was given for; it is sent nowhere else, also when the description changes.
    pub hosts: Vec<String>,
    /// When it was stored, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it was last sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at_ms: Option<u64>,
    /// How it stands.
    pub standing: Standing,
}

/// Whether a credential can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "standing", rename_all = "kebab-case")]
pub enum Standing {
    /// It is used.
    Ready,
    /// The person has to agree at the provider first.
    Waiting {
        /// Where to send the person.
        authorize_at: String,
    },
    /// The provider does not take it any more.
    Refused {
        /// In words for a person.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_a_credential_shows_no_secret() {
        let secret = Secret::Basic { user: "ada-user".into(), password: "correct horse".into() };
        let given = AddCredential { source: SourceId("s".into()), scheme: "basic".into(), secret };
        let shown = format!("{given:?} {given:#?}");
        assert!(!shown.contains("ada-user") && !shown.contains("horse"), "{shown}");
    }
}
