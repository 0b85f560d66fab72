//! Runs at work: starting, attaching, following, stopping, and going on with them after a restart.
//!
//! A run belongs to the realm, not to the connection that asked for it. Its one writer is a task with a
//! [`journal::Journal`]; readers read what is stored and wait for more, so every reader sees every chunk once.

pub mod charge;
pub mod journal;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{FutureExt, Stream, stream};
use mtor_shared::{
    capability::CapabilityId,
    identity::PersonId,
    ledger::Released,
    plan::StepId,
    problem::{Problem, ProblemCode},
    run::{RunId, RunRequest},
    stream::{Chunk, ChunkBody},
};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    charge::{Charge, Payer},
    journal::{Journal, Past, Tail},
};
use crate::{
    catalogue::{Catalogue, Snapshot},
    clock::Clock,
    config::Config,
    credentials::Vault,
    federated::{
        egress::Egress,
        execute::{Ended, Executor},
        prepare::{PrepareError, Prepared, prepare},
    },
    identity::Caller,
    ledger::{Ledger, LedgerError},
    storage::{Created, RunRecord, Storage, StorageError},
};

/// Why a run is not started, followed or stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The plan cannot be carried out.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The id is taken by another plan.
    #[error("another run has this id")]
    Conflict,
    /// No run of that id is known, or it is somebody else's.
    #[error("no run has this id")]
    Unknown,
    /// The caller's key is not for this capability.
    #[error("the key is not for {0}")]
    NotAllowed(CapabilityId),
    /// It cannot be paid, or would exceed a limit.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// As many runs as the realm carries out at once are at work.
    #[error("{0} runs are at work")]
    TooMany(usize),
    /// The realm is shutting down.
    #[error("the realm is shutting down")]
    ShuttingDown,
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl RunError {
    /// The same in words for a person.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Prepare(error) => error.problem(),
            Self::Conflict => Problem::new(
                ProblemCode::Conflict,
                "Another request has used this id for something else.",
                "Ask again; a new id is chosen.",
            ),
            Self::Unknown => Problem::new(
                ProblemCode::NotFound,
                "This realm knows no run of that id.",
                "It may have been forgotten with time; ask again.",
            ),
            Self::NotAllowed(id) => Problem::new(
                ProblemCode::Forbidden,
                format!("This key is not for the capability {id}."),
                "Use another key, or mint one for it.",
            ),
            Self::Ledger(error) => error.problem(),
            Self::TooMany(count) => Problem::retryable(
                ProblemCode::TooMany,
                format!("The realm is busy with {count} requests."),
                "Try again in a moment.",
            ),
            Self::ShuttingDown => Problem::retryable(
                ProblemCode::Offline,
                "The realm is shutting down.",
                "Try again in a moment.",
            ),
            Self::Storage(error) => error.problem(),
        }
    }
}

struct Live {
    stop: CancellationToken,
    tail: watch::Receiver<Tail>,
}

/// See the module.
#[derive(Clone)]
pub struct Runs {
    inner: Arc<Inner>,
}

struct Inner {
    config: Arc<Config>,
    catalogue: Arc<Catalogue>,
    storage: Arc<dyn Storage>,
    egress: Arc<Egress>,
    vault: Vault,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
    live: Mutex<HashMap<RunId, Live>>,
    /// Between storing a new run and listing it as live nobody else may look.
    starting: tokio::sync::Mutex<()>,
}

impl Runs {
    /// Nothing is at work yet.
    #[expect(clippy::too_many_arguments, reason = "each is another service of the realm, at one call")]
    pub fn new(
        config: Arc<Config>,
        catalogue: Arc<Catalogue>,
        storage: Arc<dyn Storage>,
        egress: Arc<Egress>,
        vault: Vault,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        shutdown: CancellationToken,
    ) -> Self {
        let (tasks, live, starting) = Default::default();
        let inner = Inner {
            config,
            catalogue,
            storage,
            egress,
            vault,
            ledger,
            clock,
            shutdown,
            tasks,
            live,
            starting,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Starts a run, or attaches to it when it is there with the same plan. Its chunks follow from `from` on.
    ///
    /// # Errors
    /// [`RunError`]; nothing was started then.
    pub async fn start(
        &self,
        caller: &Caller,
        request: RunRequest,
        from: u32,
    ) -> Result<impl Stream<Item = Chunk> + use<>, RunError> {
        let inner = &self.inner;
        {
            let _starting = inner.starting.lock().await;
            let there = inner.storage.run(&request.id).await?;
            match there {
                Some(found) if found.plan == request.plan && found.owner == *caller.person() => {}
                Some(_) => return Err(RunError::Conflict),
                None => self.start_new(caller, request.clone()).await?,
            }
        }
        self.follow(caller.person(), &request.id, from).await
    }

    async fn start_new(&self, caller: &Caller, request: RunRequest) -> Result<(), RunError> {
        let inner = &self.inner;
        let not_for =
            request.plan.steps.iter().find(|step| !caller.grant().capabilities.allow(&step.capability.0));
        if let Some(step) = not_for {
            return Err(RunError::NotAllowed(step.capability.clone()));
        }
        let prepared = prepare(&request.plan, &inner.catalogue.now())?;
        if inner.shutdown.is_cancelled() {
            return Err(RunError::ShuttingDown);
        }
        let limit = inner.config.limits.concurrent_runs;
        if lock(&inner.live).len() >= limit {
            return Err(RunError::TooMany(limit));
        }
        let charge = inner.charge(Payer::of(caller), &request.id, &prepared).await?;
        let record = RunRecord {
            id: request.id,
            owner: caller.person().clone(),
            plan: request.plan,
            created_at_ms: inner.clock.now_ms(),
        };
        match inner.storage.create_run(&record).await? {
            Created::New => {}
            Created::Same | Created::Different => return Err(RunError::Conflict),
        }
        metrics::counter!("mtor_runs_started_total").increment(1);
        self.spawn(record, prepared, charge, Past::default());
        Ok(())
    }

    fn spawn(&self, record: RunRecord, prepared: Prepared, charge: Charge, past: Past) {
        let inner = Arc::clone(&self.inner);
        let stop = CancellationToken::new();
        let (mut journal, tail) =
            Journal::new(record.id.clone(), record.created_at_ms, Arc::clone(&inner.storage), &past);
        lock(&inner.live).insert(record.id.clone(), Live { stop: stop.clone(), tail });
        self.inner.tasks.spawn(async move {
            let work = inner.carry_out(&prepared, &charge, &mut journal, past, &stop);
            let outcome = match std::panic::AssertUnwindSafe(work).catch_unwind().await {
                Ok(Ok(Ended::Over)) => "over",
                Ok(Ok(Ended::Left)) => "left",
                Ok(Err(_)) => "storage",
                Err(_) => {
                    // A defect of ours must not leave a reader waiting for ever.
                    let title = "MTOR made a mistake while it carried this out.";
                    let problem = Problem::new(ProblemCode::Internal, title, "The realm's log says more.");
                    match journal.fail(problem).await {
                        Ok(()) => "defect",
                        Err(_) => "storage",
                    }
                }
            };
            charge.release(if stop.is_cancelled() { Released::Stopped } else { Released::Failed });
            metrics::counter!("mtor_runs_ended_total", "outcome" => outcome).increment(1);
            let mut live = lock(&inner.live);
            live.remove(&record.id);
            metrics::gauge!("mtor_runs_live").set(u32::try_from(live.len()).unwrap_or(u32::MAX));
        });
    }

    /// A run's chunks from a number on: those that are there, then those that come, to the last. The stream ends
    /// without a last chunk when the realm shuts down.
    ///
    /// # Errors
    /// [`RunError::Unknown`], or the database's.
    pub async fn follow(
        &self,
        person: &PersonId,
        id: &RunId,
        from: u32,
    ) -> Result<impl Stream<Item = Chunk> + use<>, RunError> {
        self.owned(person, id).await?;
        let inner = Arc::clone(&self.inner);
        let tail = lock(&inner.live).get(id).map(|live| live.tail.clone());
        let reader =
            Reader { id: id.clone(), next: from, waiting: VecDeque::new(), tail, over: false, inner };
        Ok(stream::unfold(
            reader,
            |mut reader| async move { reader.next().await.map(|chunk| (chunk, reader)) },
        ))
    }

    /// Stops a run. One that is over stays as it is.
    ///
    /// # Errors
    /// [`RunError::Unknown`], or the database's.
    pub async fn stop(&self, person: &PersonId, id: &RunId) -> Result<(), RunError> {
        self.owned(person, id).await?;
        if let Some(live) = lock(&self.inner.live).get(id) {
            live.stop.cancel();
        }
        Ok(())
    }

    /// Refuses a run that is not this person's as one that is not there.
    ///
    /// # Errors
    /// [`RunError::Unknown`], or the database's.
    pub async fn owned(&self, person: &PersonId, id: &RunId) -> Result<(), RunError> {
        let run = self.inner.storage.run(id).await?;
        run.filter(|run| run.owner == *person).map(drop).ok_or(RunError::Unknown)
    }

    /// Goes on with what an earlier process left: plans that only read are carried out from their first unfinished
    /// step, others end as interrupted. Forgets what is old.
    ///
    /// # Errors
    /// The database's.
    pub async fn recover(&self) -> Result<(), StorageError> {
        let inner = &self.inner;
        for record in inner.storage.unfinished_runs().await? {
            let past = Past::read(inner.storage.entries(&record.id, 0).await?);
            match resumable(&record, &past, &inner.catalogue.now()) {
                Some(prepared) => match inner
                    .charge(Payer::person(&record.owner), &record.id, &prepared)
                    .await
                {
                    Ok(charge) => {
                        tracing::info!(run = %record.id, next = past.next_seq, "going on with a run");
                        self.spawn(record, prepared, charge, past);
                    }
                    Err(LedgerError::Storage(error)) => return Err(error),
                    Err(error) => {
                        let (mut journal, _) =
                            Journal::new(record.id, record.created_at_ms, Arc::clone(&inner.storage), &past);
                        journal.fail(error.problem()).await?;
                    }
                },
                None => {
                    tracing::info!(run = %record.id, "a run was interrupted and is not repeated");
                    let (mut journal, _) =
                        Journal::new(record.id, record.created_at_ms, Arc::clone(&inner.storage), &past);
                    journal.fail(interrupted()).await?;
                }
            }
        }
        self.prune().await
    }

    /// Forgets old runs.
    ///
    /// # Errors
    /// The database's.
    pub async fn prune(&self) -> Result<(), StorageError> {
        let inner = &self.inner;
        let keep = u64::try_from(inner.config.runs.keep.as_millis()).unwrap_or(u64::MAX);
        let before = inner.clock.now_ms().saturating_sub(keep);
        let count = inner.storage.prune_runs(before, inner.config.runs.keep_count).await?;
        if count > 0 {
            tracing::info!(count, "old runs were forgotten");
        }
        Ok(())
    }

    /// Waits until every run is over or left, after the shutdown token was cancelled.
    pub async fn settled(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}

/// The prepared plan when it may go on: it only reads, and its steps are still those that readers know.
fn resumable(record: &RunRecord, past: &Past, catalogue: &Snapshot) -> Option<Prepared> {
    let prepared = prepare(&record.plan, catalogue).ok()?;
    let known: Vec<&StepId> = past.steps.iter().map(|step| &step.id).collect();
    let same = prepared.steps.iter().map(|step| &step.step.id).eq(known);
    (prepared.only_reads() && (!past.began || same)).then_some(prepared)
}

fn interrupted() -> Problem {
    Problem::retryable(
        ProblemCode::Interrupted,
        "The realm was restarted in the middle of this, and does not repeat it by itself.",
        "Check whether it was done before you ask again.",
    )
}

impl Inner {
    async fn charge(&self, payer: Payer, run: &RunId, prepared: &Prepared) -> Result<Charge, LedgerError> {
        let settings = &self.config.federation;
        let longest = settings.total_timeout.saturating_mul(settings.retries.saturating_add(1));
        Charge::reserve(&self.ledger, payer, run, prepared, longest).await
    }

    async fn carry_out(
        &self,
        prepared: &Prepared,
        charge: &Charge,
        journal: &mut Journal,
        past: Past,
        stop: &CancellationToken,
    ) -> Result<Ended, StorageError> {
        let settings = &self.config.federation;
        let executor = Executor {
            egress: &self.egress,
            vault: &self.vault,
            charge,
            clock: &*self.clock,
            retries: settings.retries,
            retry_delay: settings.retry_delay,
            response_bytes: settings.response_bytes,
            stop,
            shutdown: &self.shutdown,
        };
        executor.run(prepared, journal, past).await
    }
}

/// One reader of a run.
struct Reader {
    id: RunId,
    next: u32,
    waiting: VecDeque<Chunk>,
    /// None when nobody is writing.
    tail: Option<watch::Receiver<Tail>>,
    over: bool,
    inner: Arc<Inner>,
}

impl Reader {
    async fn next(&mut self) -> Option<Chunk> {
        loop {
            if self.over {
                return None;
            }
            if let Some(chunk) = self.waiting.pop_front() {
                self.next = chunk.seq + 1;
                self.over = chunk.body.is_last();
                return Some(chunk);
            }
            // Seen before reading, so that a chunk stored in between wakes us again.
            let seen = self.tail.as_mut().map(|tail| tail.borrow_and_update().clone());
            match self.inner.storage.entries(&self.id, self.next).await {
                Ok(entries) => self.waiting.extend(entries.into_iter().map(|entry| entry.chunk)),
                Err(error) => return Some(self.broken(error.problem())),
            }
            if !self.waiting.is_empty() {
                continue;
            }
            if let Some(problem) = seen.and_then(|tail| tail.broken) {
                return Some(self.broken(problem));
            }
            let shutdown = self.inner.shutdown.clone();
            let woken = match &mut self.tail {
                Some(tail) => tokio::select! {
                    biased;
                    changed = tail.changed() => changed.is_ok(),
                    () = shutdown.cancelled() => return None,
                },
                None => false,
            };
            if !woken {
                return self.orphaned(shutdown.is_cancelled()).await;
            }
        }
    }

    /// The writer is gone. Usually it wrote the end first; otherwise there is none to wait for.
    async fn orphaned(&mut self, shutting_down: bool) -> Option<Chunk> {
        self.tail = None;
        match self.inner.storage.entries(&self.id, self.next).await {
            Ok(entries) if !entries.is_empty() => {
                self.waiting.extend(entries.into_iter().map(|entry| entry.chunk));
                let chunk = self.waiting.pop_front()?;
                self.next = chunk.seq + 1;
                self.over = chunk.body.is_last();
                Some(chunk)
            }
            // A reader that asked for what follows the end gets nothing, and no second end.
            Ok(_) if shutting_down || self.has_end().await => None,
            Ok(_) => Some(self.broken(interrupted())),
            Err(error) => Some(self.broken(error.problem())),
        }
    }

    async fn has_end(&self) -> bool {
        let entries = self.inner.storage.entries(&self.id, 0).await.unwrap_or_default();
        entries.last().is_some_and(|entry| entry.chunk.body.is_last())
    }

    /// An end that cannot be stored: the reader learns why, and a later one may find more.
    fn broken(&mut self, problem: Problem) -> Chunk {
        self.over = true;
        Chunk {
            run: self.id.clone(),
            seq: self.next,
            body: ChunkBody::Failed { problem, exchanges: Vec::new() },
        }
    }
}

/// The map is never left half changed, so a poisoned lock is as good as another.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
