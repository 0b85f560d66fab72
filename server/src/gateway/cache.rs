//! Exact answers, kept for a while. The key holds who asks, the model with all that is set about it, and every byte of
//! the request; so an answer is never another person's, nor one of a route that has changed. Askers of the same at the
//! same time wait for one computation.

use std::{sync::Arc, time::Duration};

use moka::{Expiry, future::Cache};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{GatewayError, meter::Asker};
use crate::providers::{chat::ChatResponse, media::Embeddings};

/// The hash of everything that an answer depends on.
pub(super) type Key = [u8; 32];

/// What is kept.
#[derive(Clone)]
pub(super) enum Kept {
    /// Of a chat.
    Chat(Arc<ChatResponse>),
    /// Vectors.
    Embeddings(Arc<Embeddings>),
}

#[derive(Clone)]
struct Entry {
    kept: Kept,
    /// Who answered.
    target: Arc<str>,
    ttl: Duration,
}

struct ByEntry;

impl Expiry<Key, Entry> for ByEntry {
    fn expire_after_create(&self, _: &Key, entry: &Entry, _: std::time::Instant) -> Option<Duration> {
        Some(entry.ttl)
    }
}

/// See the module.
pub(super) struct Answers {
    cache: Cache<Key, Entry>,
}

/// The key of a request.
pub(super) fn key(
    asker: &Asker,
    route: &str,
    generation: &Key,
    operation: &str,
    request: &impl Serialize,
) -> Key {
    let mut hash = Sha256::new();
    // Lengths before parts: two requests never run together into the same bytes.
    for part in [asker.person.as_bytes(), route.as_bytes(), generation.as_slice(), operation.as_bytes()] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    // What cannot be written as JSON was never read from it.
    hash.update(serde_json::to_vec(request).unwrap_or_default());
    hash.finalize().into()
}

impl Answers {
    pub(super) fn new(bytes: u64) -> Self {
        let weigh = |_: &Key, entry: &Entry| {
            let bytes = match &entry.kept {
                Kept::Chat(answer) => {
                    let calls = answer.calls.iter();
                    let calls: usize =
                        calls.map(|call| call.id.len() + call.name.len() + call.arguments.len()).sum();
                    answer.text.len() + answer.reasoning.len() + calls
                }
                Kept::Embeddings(embeddings) => embeddings.vectors.iter().map(|v| v.len() * 4).sum(),
            };
            u32::try_from(bytes + 256).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().max_capacity(bytes).weigher(weigh).expire_after(ByEntry).build();
        Self { cache }
    }

    /// What is kept, with who answered.
    pub(super) async fn get(&self, key: &Key) -> Option<(Kept, Arc<str>)> {
        self.cache.get(key).await.map(|entry| (entry.kept, entry.target))
    }

    /// Keeps an answer.
    pub(super) async fn put(&self, key: Key, kept: Kept, target: &str, ttl: Duration) {
        self.cache.insert(key, Entry { kept, target: target.into(), ttl }).await;
    }

    /// What is kept, or what `compute` makes: once for all who ask at the same time. False when this asker made it.
    pub(super) async fn get_or(
        &self,
        key: Key,
        ttl: Duration,
        compute: impl Future<Output = Result<(Kept, String), GatewayError>>,
    ) -> Result<(Kept, Arc<str>, bool), Arc<GatewayError>> {
        let made = std::sync::atomic::AtomicBool::new(false);
        let entry = self
            .cache
            .try_get_with(key, async {
                made.store(true, std::sync::atomic::Ordering::Relaxed);
                let (kept, target) = compute.await?;
                Ok(Entry { kept, target: target.into(), ttl })
            })
            .await?;
        Ok((entry.kept, entry.target, !made.load(std::sync::atomic::Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Caller;

    #[test]
    fn keys_differ_in_everything_that_matters() {
        let named = |name: &str| Asker { person: name.into(), caller: Caller::machine() };
        let ann = named("ann");
        let base = key(&ann, "m", &[0; 32], "chat", &"x");
        for other in [
            key(&named("bob"), "m", &[0; 32], "chat", &"x"),
            key(&ann, "n", &[0; 32], "chat", &"x"),
            key(&ann, "m", &[1; 32], "chat", &"x"),
            key(&ann, "m", &[0; 32], "embed", &"x"),
            key(&ann, "m", &[0; 32], "chat", &"y"),
            key(&named("an"), "nm", &[0; 32], "chat", &"x"),
        ] {
            assert_ne!(base, other);
        }
        assert_eq!(base, key(&ann, "m", &[0; 32], "chat", &"x"));
    }
}
