//! A secret in the clear, for as long as it is needed; wiped afterwards.

use mtor_shared::credential::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// What is sealed. Printing it shows nothing.
#[derive(Serialize, Deserialize)]
pub(super) struct Opened {
    pub(super) secret: Secret,
    /// Where tokens are issued; as it was when the secret was given, whatever the description says later.
    #[serde(default)]
    pub(super) token_url: String,
    /// Where a person agrees.
    #[serde(default)]
    pub(super) authorization_url: String,
    /// Where the provider sends the person back to.
    #[serde(default)]
    pub(super) redirect_uri: String,
    /// What an authorization gave.
    #[serde(default)]
    pub(super) tokens: Option<Tokens>,
}

/// Tokens that are kept, because a person would have to agree again.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Tokens {
    pub(super) access: String,
    #[serde(default)]
    pub(super) refresh: String,
    pub(super) expires_at_ms: u64,
}

impl Drop for Tokens {
    fn drop(&mut self) {
        self.access.zeroize();
        self.refresh.zeroize();
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        match &mut self.secret {
            Secret::ApiKey { key: secret }
            | Secret::Bearer { token: secret }
            | Secret::Basic { password: secret, .. }
            | Secret::ClientCredentials { client_secret: secret, .. }
            | Secret::AuthorizationCode { client_secret: secret, .. } => secret.zeroize(),
        }
    }
}

/// Client id, client secret, scopes of the OAuth kinds.
pub(super) fn client(secret: &Secret) -> Option<(&str, &str, &[String])> {
    match secret {
        Secret::ClientCredentials { client_id, client_secret, scopes, .. }
        | Secret::AuthorizationCode { client_id, client_secret, scopes, .. } => {
            Some((client_id, client_secret, scopes))
        }
        Secret::ApiKey { .. } | Secret::Bearer { .. } | Secret::Basic { .. } => None,
    }
}
