//! Encryption of secrets at rest: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) with a fresh random nonce each.
//!
//! What a secret is bound to, its name, source, scheme and hosts, is authenticated with it: a row that is given other
//! hosts in the database does not open.

use std::{fs, io::Write, path::Path};

use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use crate::{config::Realm, random::Random, storage::credentials::CredentialRecord};

const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;
/// Names the way of sealing, so that another one can follow.
const VERSION: u8 = 1;
/// The file in the data folder.
const FILE: &str = "credentials.key";

/// Why nothing can be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key file cannot be read or made.
    #[error("the key of the credentials cannot be used: {0}")]
    Key(String),
    /// It was sealed with another key, or is not what was sealed.
    #[error("it was stored with another key, or was changed since")]
    Foreign,
    /// No randomness.
    #[error("the machine has no random bytes: {0}")]
    Random(String),
}

/// Seals and opens.
pub struct Sealer {
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    /// With the key from the configuration, else from its file, else from a file in the data folder. That one is made
    /// when it is not there and `random` is given.
    ///
    /// # Errors
    /// [`SealError::Key`]; none when there is no key yet and none is to be made.
    pub fn open(realm: &Realm, random: Option<&dyn Random>) -> Result<Option<Self>, SealError> {
        if let Some(key) = &realm.credentials_key {
            return Self::of(key.expose()).map(Some);
        }
        let own = realm.data.join(FILE);
        let (path, given) = match &realm.credentials_key_file {
            Some(path) => (path, true),
            None => (&own, false),
        };
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            SealError::Key(format!("{} {what}: {error}", path.display()))
        };
        match fs::read_to_string(path) {
            Ok(text) => {
                warn_if_open(path);
                let text = Zeroizing::new(text);
                Self::of(text.trim())
                    .map_err(|_| failed("holds no key", &"it must hold 64 hexadecimal digits"))
                    .map(Some)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !given => match random {
                Some(random) => {
                    let key = make(random)?;
                    keep(path, &key).map_err(|error| failed("cannot be written", &error))?;
                    Self::of(&key).map(Some)
                }
                None => Ok(None),
            },
            Err(error) => Err(failed("cannot be read", &error)),
        }
    }

    fn of(digits: &str) -> Result<Self, SealError> {
        let wrong = || SealError::Key("it must be 64 hexadecimal digits".to_owned());
        let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
        if digits.len() != KEY_BYTES * 2 || !digits.is_ascii() {
            return Err(wrong());
        }
        for (at, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).map_err(|_| wrong())?;
        }
        let key = Key::try_from(key.as_slice()).map_err(|_| wrong())?;
        Ok(Self { cipher: XChaCha20Poly1305::new(&key) })
    }

    /// Version, nonce and ciphertext of a secret.
    ///
    /// # Errors
    /// [`SealError::Random`]
    pub fn seal(
        &self,
        record: &CredentialRecord,
        secret: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_BYTES];
        random.fill(&mut nonce).map_err(|error| SealError::Random(error.to_string()))?;
        let payload = Payload { msg: secret, aad: &bound_to(record) };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Foreign)?;
        Ok([&[VERSION][..], &nonce, &sealed].concat())
    }

    /// The secret.
    ///
    /// # Errors
    /// [`SealError::Foreign`]
    pub fn unseal(&self, record: &CredentialRecord, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (version, rest) = sealed.split_first().ok_or(SealError::Foreign)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES).ok_or(SealError::Foreign)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| SealError::Foreign)?;
        if *version != VERSION {
            return Err(SealError::Foreign);
        }
        let payload = Payload { msg: sealed, aad: &bound_to(record) };
        self.cipher.decrypt(&nonce, payload).map(Zeroizing::new).map_err(|_| SealError::Foreign)
    }
}

/// What is authenticated with a secret, unambiguously: JSON.
fn bound_to(record: &CredentialRecord) -> Vec<u8> {
    let CredentialRecord { id, source, scheme, kind, hosts, .. } = record;
    serde_json::json!([VERSION, id, source, scheme, kind, hosts]).to_string().into_bytes()
}

fn make(random: &dyn Random) -> Result<Zeroizing<String>, SealError> {
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    random.fill(key.as_mut_slice()).map_err(|error| SealError::Random(error.to_string()))?;
    let mut digits = Zeroizing::new(String::with_capacity(KEY_BYTES * 2));
    for byte in key.iter() {
        digits.push_str(&format!("{byte:02x}"));
    }
    Ok(digits)
}

/// Written for this user alone, and never over something that is there.
fn keep(path: &Path, digits: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(digits.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(unix)]
fn warn_if_open(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
        tracing::warn!(path = %path.display(), "other users may read the key of the credentials; `chmod 600` closes it");
    }
}

#[cfg(not(unix))]
fn warn_if_open(_: &Path) {}

#[cfg(test)]
mod tests {
    use mtor_shared::{
        credential::{CredentialId, Kind},
        source::SourceId,
    };

    use super::*;
    use crate::{random::SystemRandom, storage::credentials::KnownStanding};

    fn record() -> CredentialRecord {
        CredentialRecord {
            id: CredentialId("a".repeat(32)),
            source: SourceId("pets".into()),
            scheme: "key".into(),
            kind: Kind::ApiKey,
            hosts: vec!["pets.example".into()],
            created_at_ms: 1,
            used_at_ms: None,
            standing: KnownStanding::Ready,
        }
    }

    #[test]
    fn what_is_sealed_opens_only_for_what_it_was_bound_to() {
        let sealer = Sealer::of(&"5a".repeat(32)).expect("a key");
        let sealed = sealer.seal(&record(), b"correct horse", &SystemRandom).expect("sealed");
        assert!(!sealed.windows(5).any(|part| part == b"horse"));
        assert_eq!(sealer.unseal(&record(), &sealed).expect("opens").as_slice(), b"correct horse");
        let used = CredentialRecord { used_at_ms: Some(7), ..record() };
        assert!(sealer.unseal(&used, &sealed).is_ok(), "use does not change what it is bound to");
        for other in [
            CredentialRecord { hosts: vec!["evil.example".into()], ..record() },
            CredentialRecord { source: SourceId("evil".into()), ..record() },
            CredentialRecord { scheme: "other".into(), ..record() },
            CredentialRecord { id: CredentialId("b".repeat(32)), ..record() },
        ] {
            assert_eq!(sealer.unseal(&other, &sealed), Err(SealError::Foreign));
        }
        let other_key = Sealer::of(&"5b".repeat(32)).expect("a key");
        assert_eq!(other_key.unseal(&record(), &sealed), Err(SealError::Foreign));
        for broken in [&sealed[..10], &[], &sealed[1..]] {
            assert_eq!(sealer.unseal(&record(), broken), Err(SealError::Foreign));
        }
    }

    #[test]
    fn the_same_secret_is_never_sealed_alike() {
        let sealer = Sealer::of(&"5a".repeat(32)).expect("a key");
        let seal = || sealer.seal(&record(), b"secret", &SystemRandom).expect("sealed");
        assert_ne!(seal(), seal());
    }
}
