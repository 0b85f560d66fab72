//! Challenges that the realm signs itself, so that asking for a million of them takes no memory. One counts once.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mtor_shared::identity::Challenge;
use ring::hmac;

use crate::random::Random;

/// How long a device may take to sign, in milliseconds.
const VALID_MS: u64 = 2 * 60 * 1_000;
/// Random bytes, the time of its end, the realm's own signature.
const NONCE: usize = 16;
const BODY: usize = NONCE + 8;

/// See the module.
pub(super) struct Challenges {
    /// Of this process: what an earlier one gave out does not count.
    key: hmac::Key,
    /// Those that were signed by somebody, until they end. Only a valid signature makes one of these.
    used: Mutex<HashMap<String, u64>>,
}

impl Challenges {
    pub(super) fn new(random: &dyn Random) -> std::io::Result<Self> {
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        random.fill(secret.as_mut_slice())?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice()), used: Mutex::default() })
    }

    pub(super) fn give(&self, random: &dyn Random, now_ms: u64) -> std::io::Result<Challenge> {
        let expires_at_ms = now_ms.saturating_add(VALID_MS);
        let mut bytes = vec![0; NONCE];
        random.fill(&mut bytes)?;
        bytes.extend(expires_at_ms.to_be_bytes());
        let tag = hmac::sign(&self.key, &bytes);
        bytes.extend(tag.as_ref());
        Ok(Challenge { challenge: URL_SAFE_NO_PAD.encode(bytes), expires_at_ms })
    }

    /// When a challenge ends; none where it is not ours or has ended.
    pub(super) fn ends(&self, challenge: &str, now_ms: u64) -> Option<u64> {
        let bytes = URL_SAFE_NO_PAD.decode(challenge).ok()?;
        let (body, tag) = bytes.split_at_checked(BODY)?;
        hmac::verify(&self.key, body, tag).ok()?;
        let expires_at_ms = u64::from_be_bytes(body.get(NONCE..)?.try_into().ok()?);
        (expires_at_ms > now_ms).then_some(expires_at_ms)
    }

    /// Uses a challenge that [`Self::ends`] knows; whether it was not used before.
    pub(super) fn take(&self, challenge: &str, ends_ms: u64, now_ms: u64) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, ends_ms| *ends_ms > now_ms);
        used.insert(challenge.to_owned(), ends_ms).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn a_challenge_counts_once_for_a_while_and_only_as_it_was_given() {
        let challenges = Challenges::new(&SystemRandom).expect("random");
        let given = challenges.give(&SystemRandom, 1_000).expect("random");
        let ends = challenges.ends(&given.challenge, 1_000).expect("ours");
        assert_eq!(ends, given.expires_at_ms);
        assert!(challenges.take(&given.challenge, ends, 1_000));
        assert!(!challenges.take(&given.challenge, ends, 2_000));
        assert_eq!(challenges.ends(&given.challenge, ends), None);
        let other = Challenges::new(&SystemRandom).expect("random");
        assert_eq!(other.ends(&given.challenge, 1_000), None);
        let mut bytes = URL_SAFE_NO_PAD.decode(&given.challenge).expect("valid");
        bytes[NONCE] ^= 1;
        for wrong in
            [URL_SAFE_NO_PAD.encode(bytes), String::new(), "x".repeat(90), format!("{}=", given.challenge)]
        {
            assert_eq!(challenges.ends(&wrong, 1_000), None, "{wrong}");
        }
    }
}
