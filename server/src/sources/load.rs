//! The sources of a realm that starts: what comes with MTOR, and what was added before.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::{StreamExt, stream};
use mtor_federation::{CompileError, pilots::Pilot};
use mtor_shared::{
    problem::{Problem, ProblemCode},
    source::{Origin, SourceId},
};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    COMPILERS, Inner, Sources, difference,
    entry::Entry,
    version::{self, Version},
};
use crate::{
    catalogue::{Catalogue, Snapshot},
    clock::Clock,
    config::Config,
    credentials::Vault,
    federated::egress::Egress,
    storage::{
        Storage, StorageError,
        sources::{Description, SourceRecord, Standing},
    },
};

/// Why there is no catalogue.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A description that comes with MTOR does not compile.
    #[error("the description {source_id} does not compile: {error}")]
    Compile {
        /// The description's name.
        source_id: String,
        /// What is wrong.
        error: CompileError,
    },
    /// A replaced base address is used by no description.
    #[error("federation.base: no description calls {0}")]
    UnusedBase(String),
    /// It cannot be written as JSON.
    #[error("the catalogue cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The description of that name that comes with MTOR.
pub(super) fn pilot(id: &SourceId) -> Option<Pilot> {
    mtor_federation::pilots::all().into_iter().find(|pilot| pilot.id == id.0)
}

impl Sources {
    /// Compiles everything. A source that was added and fails is shown as failed; it does not stop the realm.
    ///
    /// # Errors
    /// [`LoadError`]
    pub async fn load(
        config: Arc<Config>,
        storage: Arc<dyn Storage>,
        egress: Arc<Egress>,
        clock: Arc<dyn Clock>,
        vault: Vault,
        shutdown: CancellationToken,
    ) -> Result<(Self, Arc<Catalogue>), LoadError> {
        let stored = storage.sources().await?;
        let mut entries = builtins(&config, &stored)?;
        let added = stored.into_iter().filter(|record| record.origin != Origin::Builtin);
        let compiled = stream::iter(added).map(|record| entry(record, &*storage)).buffer_unordered(COMPILERS);
        for entry in compiled.collect::<Vec<_>>().await {
            let entry = entry?;
            entries.insert(entry.record.id.clone(), entry);
        }
        let shelves = entries.values().filter_map(Entry::shelf).collect();
        let snapshot = Snapshot::new(&config.realm.name, shelves, config.sources.listed)?;
        let catalogue = Arc::new(Catalogue::new(snapshot));
        let inner = Inner {
            config,
            storage,
            egress,
            clock,
            vault,
            catalogue: Arc::clone(&catalogue),
            shutdown,
            tasks: TaskTracker::new(),
            entries: std::sync::RwLock::new(entries),
            writing: tokio::sync::Mutex::new(()),
            compilers: Semaphore::new(COMPILERS),
        };
        let sources = Self { inner: Arc::new(inner) };
        sources.go_on();
        Ok((sources, catalogue))
    }

    /// Fetches what an earlier process did not, and begins to look again on schedule.
    fn go_on(&self) {
        let unread: Vec<SourceId> = {
            let entries = self.inner.read();
            let unread = entries.values().filter(|entry| {
                matches!(entry.record.origin, Origin::Url { .. })
                    && entry.current.is_none()
                    && entry.record.problem.is_none()
            });
            unread.map(|entry| entry.record.id.clone()).collect()
        };
        for id in unread {
            if let Err(problem) = self.look_in_background(&id, None) {
                tracing::warn!(source = %id, %problem, "a source is not looked at");
            }
        }
        let sources = self.clone();
        self.inner.tasks.spawn(async move {
            let mut tick = tokio::time::interval(sources.inner.config.sources.tick);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = sources.inner.shutdown.cancelled() => return,
                    _ = tick.tick() => sources.look_where_due(),
                }
            }
        });
    }
}

/// What comes with MTOR, with what was decided about it.
fn builtins(config: &Config, stored: &[SourceRecord]) -> Result<BTreeMap<SourceId, Entry>, LoadError> {
    let mut moved = vec![0; config.federation.base.len()];
    let mut entries = BTreeMap::new();
    for pilot in mtor_federation::pilots::all() {
        let mut compiled = mtor_federation::compile(pilot.id, pilot.document, Some(pilot.overlay))
            .map_err(|error| LoadError::Compile { source_id: pilot.id.to_owned(), error })?;
        for (base, count) in config.federation.base.iter().zip(&mut moved) {
            // Both addresses were parsed when the configuration was read.
            *count += compiled.move_origin(&base.from, base.to.as_str()).unwrap_or(0);
        }
        for skipped in &compiled.skipped {
            tracing::warn!(
                source = pilot.id,
                operation = skipped.operation,
                reason = skipped.reason,
                "skipped"
            );
        }
        let known = stored.iter().find(|record| record.id.0 == pilot.id);
        let mut record = known.map_or_else(|| builtin(pilot.id), Clone::clone);
        record.overlay = Some(pilot.overlay.to_owned());
        let mut entry = Entry::new(record);
        entry.current = Some(Arc::new(Version::builtin(compiled, pilot.document)));
        entries.insert(entry.record.id.clone(), entry);
    }
    match config.federation.base.iter().zip(&moved).find(|(_, count)| **count == 0) {
        Some((base, _)) => Err(LoadError::UnusedBase(base.from.clone())),
        None => Ok(entries),
    }
}

fn builtin(id: &str) -> SourceRecord {
    SourceRecord {
        id: SourceId(id.to_owned()),
        origin: Origin::Builtin,
        standing: Standing::Enabled,
        endpoint: None,
        overlay: None,
        disabled: Default::default(),
        rescan_s: None,
        created_at_ms: 0,
        enabled_at_ms: 0,
        scanned_at_ms: 0,
        problem: None,
    }
}

/// A source that was added, compiled again: its texts are read when it is its turn.
async fn entry(record: SourceRecord, storage: &dyn Storage) -> Result<Entry, StorageError> {
    let id = record.id.clone();
    let (current, candidate) =
        (storage.description(&id, false).await?, storage.description(&id, true).await?);
    let own = record.clone();
    let compiled = tokio::task::spawn_blocking(move || {
        let compile = |description: Option<Description>| {
            let (overlay, endpoint) = (record.overlay.as_deref(), record.endpoint.as_deref());
            let compile = |description| version::compile(&record.id, description, overlay, endpoint);
            description.as_ref().map(compile).transpose()
        };
        (compile(current), compile(candidate))
    });
    let (current, candidate) = compiled.await.unwrap_or_else(|error| {
        tracing::error!(source = %id, %error, "a source cannot be compiled");
        let title = "MTOR made a mistake while it compiled the description.";
        (Err(Problem::new(ProblemCode::Internal, title, "The realm's log says more.")), Ok(None))
    });
    let mut entry = Entry::new(own);
    entry.current =
        current.map(|version| version.map(|(version, _)| Arc::new(version))).unwrap_or_else(|problem| {
            tracing::warn!(source = %id, %problem, "a source does not compile any more");
            let title = format!("What was agreed to does not compile any more: {}", problem.title);
            entry.record.problem = Some(Problem::new(ProblemCode::BadRequest, title, problem.advice));
            None
        });
    entry.candidate = candidate.ok().flatten().zip(entry.current.as_ref()).map(|((new, _), agreed)| {
        let change = difference::between(agreed, &new);
        (Arc::new(new), change)
    });
    Ok(entry)
}
