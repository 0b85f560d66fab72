//! The one writer of a run: numbers its chunks, stores each, and only then tells the readers.

use std::{collections::BTreeMap, sync::Arc};

use mtor_shared::{
    plan::StepId,
    problem::Problem,
    receipt::Exchange,
    run::RunId,
    stream::{Chunk, ChunkBody, Delta, StepInfo},
};
use serde_json::Value;
use tokio::sync::watch;

use crate::storage::{Entry, Storage, StorageError};

/// How far a run's journal is, as its readers see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tail {
    /// The number of the next chunk.
    pub next_seq: u32,
    /// Why nothing more can be stored.
    pub broken: Option<Problem>,
}

/// What an earlier process did of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// Whether readers were told about the steps.
    pub began: bool,
    /// The steps that readers were told about.
    pub steps: Vec<StepInfo>,
    /// Steps that are done.
    pub outputs: BTreeMap<StepId, Value>,
    /// The step that was at work.
    pub open: Option<StepId>,
    /// Requests that are recorded.
    pub exchanges: Vec<Exchange>,
    /// The number of the next chunk.
    pub next_seq: u32,
}

impl Past {
    /// Reads a run's entries.
    pub fn read(entries: Vec<Entry>) -> Self {
        let mut past = Self::default();
        for entry in entries {
            past.next_seq = entry.chunk.seq + 1;
            past.exchanges.extend(entry.exchanges);
            match entry.chunk.body {
                ChunkBody::Started { steps } => {
                    past.began = true;
                    past.steps = steps;
                }
                ChunkBody::Delta { delta: Delta::StepStarted { step } | Delta::StepRetried { step, .. } } => {
                    past.open = Some(step);
                }
                ChunkBody::Delta { delta: Delta::StepFinished { step, output, .. } } => {
                    past.open = None;
                    past.outputs.insert(step, output);
                }
                ChunkBody::Delta { delta: Delta::Text { .. } } => {}
                ChunkBody::Finished { .. } | ChunkBody::Failed { .. } => past.open = None,
            }
        }
        past
    }
}

/// See the module.
pub struct Journal {
    run: RunId,
    started_at_ms: u64,
    storage: Arc<dyn Storage>,
    tail: watch::Sender<Tail>,
    exchanges: Vec<Exchange>,
    /// How many of them are stored.
    stored: usize,
}

impl Journal {
    /// Goes on after what an earlier process wrote.
    pub fn new(
        run: RunId,
        started_at_ms: u64,
        storage: Arc<dyn Storage>,
        past: &Past,
    ) -> (Self, watch::Receiver<Tail>) {
        let (tail, reader) = watch::channel(Tail { next_seq: past.next_seq, broken: None });
        let (exchanges, stored) = (past.exchanges.clone(), past.exchanges.len());
        (Self { run, started_at_ms, storage, tail, exchanges, stored }, reader)
    }

    /// When the run was asked for, in milliseconds since 1970.
    pub fn started_at_ms(&self) -> u64 {
        self.started_at_ms
    }

    /// Every request so far.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// Notes requests; they are stored with the next chunk.
    pub fn add_exchanges(&mut self, exchanges: impl Iterator<Item = Exchange>) {
        self.exchanges.extend(exchanges);
    }

    /// Writes the next chunk.
    ///
    /// # Errors
    /// [`StorageError`]; the readers are told that nothing more comes.
    pub async fn write(&mut self, body: ChunkBody) -> Result<(), StorageError> {
        let seq = self.tail.borrow().next_seq;
        let entry = Entry {
            chunk: Chunk { run: self.run.clone(), seq, body },
            exchanges: self.exchanges[self.stored..].to_vec(),
        };
        match self.storage.append(&entry).await {
            Ok(()) => {
                self.stored = self.exchanges.len();
                self.tail.send_modify(|tail| tail.next_seq = seq + 1);
                Ok(())
            }
            Err(error) => {
                tracing::error!(run = %self.run, %error, "a run's journal cannot be written");
                self.tail.send_modify(|tail| tail.broken = Some(error.problem()));
                Err(error)
            }
        }
    }

    /// Writes the last chunk of a run that failed.
    ///
    /// # Errors
    /// As [`Journal::write`].
    pub async fn fail(&mut self, problem: Problem) -> Result<(), StorageError> {
        let exchanges = self.exchanges.clone();
        self.write(ChunkBody::Failed { problem, exchanges }).await
    }
}
