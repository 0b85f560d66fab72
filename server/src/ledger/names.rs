//! Requests by the names that callers gave them, so that one sent twice is done once.

use std::collections::{HashMap, VecDeque};

use mtor_shared::{
    identity::PersonId,
    ledger::{Amount, Body, Entry, EntryView, ReservationId, Text},
};

use super::{
    Ledger, LedgerError, Reserved, Settled, Work,
    authority::{Ended, State},
};
use crate::storage::{StorageError, ledger::StoredEntry};

/// Names that are answered from memory.
const RECENT: usize = 20_000;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Named {
    /// A hold. One of nothing is remembered here alone.
    Hold { reservation: ReservationId, capability: Text, amount: Amount },
    /// Any other entry.
    Entry(u64),
}

/// The latest ones; the others are in the database.
#[derive(Default)]
pub(super) struct Names {
    known: HashMap<(PersonId, String), Named>,
    order: VecDeque<(PersonId, String)>,
}

impl Names {
    pub(super) fn note(&mut self, name: (PersonId, String), named: Named) {
        if self.known.insert(name.clone(), named).is_none() {
            self.order.push_back(name);
        }
        if self.order.len() > RECENT
            && let Some(old) = self.order.pop_front()
        {
            self.known.remove(&old);
        }
    }
}

/// Holds and other entries have names of their own.
pub(super) fn of_hold(name: &Text) -> String {
    format!("hold/{}", name.as_str())
}

fn of_entry(name: &Text) -> String {
    format!("send/{}", name.as_str())
}

fn unreadable(error: &serde_json::Error) -> LedgerError {
    StorageError::Damaged(error.to_string()).into()
}

/// A stored entry as people see it.
pub(super) fn view(stored: &StoredEntry) -> Result<EntryView, LedgerError> {
    let entry: Entry = serde_json::from_str(&stored.text).map_err(|error| unreadable(&error))?;
    Ok(EntryView { entry, hash: stored.hash })
}

impl Ledger {
    async fn entry(&self, seq: u64) -> Result<EntryView, LedgerError> {
        let stored = self.inner.storage.ledger_entry(seq).await?;
        view(&stored.ok_or_else(|| StorageError::Damaged(format!("entry {seq} of the ledger is missing")))?)
    }

    /// How a reservation ended that memory does not know, if it did.
    pub(super) async fn ended_before(&self, id: &ReservationId) -> Result<Option<Ended>, LedgerError> {
        let Some(seq) = self.inner.storage.reservation(id).await?.and_then(|found| found.ended) else {
            return Ok(None);
        };
        Ok(Some(match self.entry(seq).await?.entry.body {
            Body::Settle { charged, .. } => Ended::Settled { charged, seq },
            _ => Ended::Released,
        }))
    }

    /// What became of the work of this name; none where it is to be done.
    pub(super) async fn named_hold(&self, name: &Text, work: &Work) -> Result<Option<Reserved>, LedgerError> {
        let full = (work.person.clone(), of_hold(name));
        let known = self.inner.lock().names.known.get(&full).cloned();
        let known = match known {
            Some(known) => known,
            None => match self.inner.storage.ledger_named(&full.0, &full.1).await? {
                None => return Ok(None),
                Some(seq) => match self.entry(seq).await?.entry.body {
                    Body::Hold { reservation, capability, amount, .. } => {
                        Named::Hold { reservation, capability, amount }
                    }
                    _ => return Err(LedgerError::NameTaken),
                },
            },
        };
        let Named::Hold { reservation, capability, amount } = known else {
            return Err(LedgerError::NameTaken);
        };
        let ended = {
            let state = self.inner.lock();
            if state.live.contains_key(&reservation) {
                return same(&capability, work).map(|()| Some(Reserved::AtWork(reservation)));
            }
            state.ended.get(&reservation).copied()
        };
        let ended = match ended {
            Some(ended) => Some(ended),
            None if amount.is_zero() => None,
            None => self.ended_before(&reservation).await?,
        };
        match ended {
            Some(Ended::Settled { charged, seq }) => {
                same(&capability, work)?;
                self.stored(seq).await?;
                Ok(Some(Reserved::Done(reservation, Settled { charged, beyond: Amount::ZERO })))
            }
            Some(Ended::Released) | None => Ok(None),
        }
    }

    /// Writes an entry under a name, once. Answered when it is stored for good. `check` sees the book before.
    pub(super) async fn write_named(
        &self,
        owner: &PersonId,
        name: &Text,
        body: Body,
        check: impl FnOnce(&State) -> Result<(), LedgerError> + Send,
    ) -> Result<EntryView, LedgerError> {
        let full = (owner.clone(), of_entry(name));
        let _naming = self.inner.naming.lock().await;
        let known = self.inner.lock().names.known.get(&full).cloned();
        let there = match known {
            Some(Named::Entry(seq)) => Some(seq),
            Some(Named::Hold { .. }) => return Err(LedgerError::NameTaken),
            None => self.inner.storage.ledger_named(&full.0, &full.1).await?,
        };
        if let Some(seq) = there {
            self.stored(seq).await?;
            let view = self.entry(seq).await?;
            return if view.entry.body == body { Ok(view) } else { Err(LedgerError::NameTaken) };
        }
        let seq = {
            let now_ms = self.inner.clock.now_ms();
            let mut state = self.inner.lock();
            if state.closing {
                return Err(LedgerError::Closing);
            }
            check(&state)?;
            let seq = state.write(now_ms, body, Some(full.clone()))?;
            state.names.note(full, Named::Entry(seq));
            seq
        };
        self.inner.wake.notify_one();
        self.stored(seq).await?;
        self.entry(seq).await
    }
}

fn same(capability: &Text, work: &Work) -> Result<(), LedgerError> {
    if *capability == work.capability { Ok(()) } else { Err(LedgerError::NameTaken) }
}
