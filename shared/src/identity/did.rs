//! `did:key` of an Ed25519 public key (<https://w3c-ccg.github.io/did-key-spec/>).

/// Multicodec prefix of an Ed25519 public key, as an unsigned varint.
const ED25519_PUB: [u8; 2] = [0xed, 0x01];

/// A `did:key` of an Ed25519 key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DidKey([u8; 32]);

/// Why a string is no Ed25519 `did:key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DidKeyError {
    /// It does not begin with `did:key:z`.
    #[error("a did:key begins with did:key:z")]
    Prefix,
    /// What follows is not base58btc.
    #[error("the key is not base58btc")]
    Encoding,
    /// It is a key of another kind or length.
    #[error("the key is not an Ed25519 public key")]
    NotEd25519,
}

impl DidKey {
    /// The identity of a raw 32-byte public key.
    pub fn from_public_key(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The raw public key.
    pub fn public_key(&self) -> &[u8; 32] {
        &self.0
    }

    /// A short form for a person: the last eight characters.
    pub fn short(&self) -> String {
        let full = self.to_string();
        full[full.len() - 8..].to_owned()
    }
}

impl std::fmt::Display for DidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [ED25519_PUB.as_slice(), &self.0].concat();
        write!(f, "did:key:z{}", bs58::encode(bytes).into_string())
    }
}

impl std::str::FromStr for DidKey {
    type Err = DidKeyError;

    fn from_str(did: &str) -> Result<Self, DidKeyError> {
        let encoded = did.strip_prefix("did:key:z").ok_or(DidKeyError::Prefix)?;
        let bytes = bs58::decode(encoded).into_vec().map_err(|_| DidKeyError::Encoding)?;
        let key = bytes.strip_prefix(ED25519_PUB.as_slice()).ok_or(DidKeyError::NotEd25519)?;
        key.try_into().map(Self).map_err(|_| DidKeyError::NotEd25519)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the test vectors of the specification.
    const KNOWN: &str = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";

    #[test]
    fn a_known_identity_round_trips() {
        let did: DidKey = KNOWN.parse().expect("valid");
        assert_eq!(did.to_string(), KNOWN);
        assert_eq!(did.short(), "X3mDooWp");
    }

    #[test]
    fn other_things_are_refused_by_reason() {
        assert_eq!("did:web:a.b".parse::<DidKey>(), Err(DidKeyError::Prefix));
        assert_eq!("did:key:z0OIl".parse::<DidKey>(), Err(DidKeyError::Encoding));
        // A secp256k1 key of the specification's vectors.
        let other = "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme";
        assert_eq!(other.parse::<DidKey>(), Err(DidKeyError::NotEd25519));
    }
}
