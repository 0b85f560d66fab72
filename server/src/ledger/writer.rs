//! The one writer: takes all entries that wait, stores them with one commit, and tells who waits for them.

use std::{sync::Arc, time::Duration};

use super::authority::Inner;
use crate::storage::{StorageError, ledger::Append};

/// How far entries are stored for good.
#[derive(Clone, Debug)]
pub(super) struct Durable {
    /// The last one that is.
    pub(super) seq: u64,
    /// Why the next ones are not.
    pub(super) failure: Option<StorageError>,
    /// How often storing has failed, so that whoever waits notices a new failure.
    pub(super) failures: u64,
}

/// The first pause after a failure; it doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Tries when the realm shuts down; what is not stored then was not promised to anybody.
const LAST_TRIES: u32 = 5;

pub(super) async fn run(inner: Arc<Inner>) {
    loop {
        let batch = {
            let mut state = inner.lock();
            let batch = std::mem::take(&mut state.queue);
            state.in_flight = batch.len();
            if batch.is_empty() && state.closing {
                return;
            }
            batch
        };
        let Some(last) = batch.last().map(|last| last.sealed.entry.seq) else {
            inner.wake.notified().await;
            continue;
        };
        if !store(&inner, &batch, last).await {
            return;
        }
        let count = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        metrics::histogram!("mtor_ledger_commit_entries").record(f64::from(count));
        inner.lock().in_flight = 0;
        inner.durable.send_modify(|durable| (durable.seq, durable.failure) = (last, None));
    }
}

/// Stores entries, as often as it takes; whether they are stored.
async fn store(inner: &Inner, batch: &[Append], last: u64) -> bool {
    let mut pause = PAUSE;
    for tries in 0.. {
        // A commit may have been answered with an error after it was done.
        let there = tries > 0 && matches!(inner.storage.ledger_entry(last).await, Ok(Some(_)));
        let Err(error) = (if there { Ok(()) } else { inner.storage.append_ledger(batch).await }) else {
            return true;
        };
        tracing::error!(%error, entries = batch.len(), "the ledger's entries cannot be stored");
        inner.durable.send_modify(|durable| {
            durable.failures += 1;
            durable.failure = Some(error);
        });
        if inner.lock().closing && tries >= LAST_TRIES {
            return false;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    false
}
