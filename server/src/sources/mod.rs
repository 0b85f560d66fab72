//! Descriptions that the realm was given: taking them in, looking at them again, and doing what a person decides.
//!
//! Nothing is called that nobody agreed to. What is agreed to are exact bytes, by their SHA-256: they are kept, and
//! what capabilities are made of. Bytes that are others at the next look wait beside them until a person accepts
//! them. A source that was never enabled is looked at and listed, its requests can be shown, and none is sent.

mod change;
mod difference;
mod entry;
mod fetch;
mod load;
mod look;
pub mod name;
pub mod version;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use futures_util::{Stream, stream};
use mtor_shared::{
    problem::{Problem, ProblemCode},
    source::{AddSource, Origin, SkippedOperation, Source, SourceId, Stage},
};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::entry::Entry;
pub use self::load::LoadError;
use crate::{
    catalogue::{Catalogue, Snapshot},
    clock::Clock,
    config::Config,
    credentials::Vault,
    federated::{egress::Egress, execute::egress_problem},
    storage::{
        Storage,
        sources::{Description, SourceRecord, Standing, Texts},
    },
};

/// Descriptions that are compiled at the same time.
const COMPILERS: usize = 2;
/// The largest overlay, in bytes.
const OVERLAY_BYTES: usize = 1 << 20;

/// See the module.
#[derive(Clone)]
pub struct Sources {
    inner: Arc<Inner>,
}

struct Inner {
    config: Arc<Config>,
    storage: Arc<dyn Storage>,
    egress: Arc<Egress>,
    clock: Arc<dyn Clock>,
    vault: Vault,
    catalogue: Arc<Catalogue>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
    entries: RwLock<BTreeMap<SourceId, Entry>>,
    /// One change at a time, from the database to the catalogue.
    writing: tokio::sync::Mutex<()>,
    compilers: Semaphore,
}

fn unknown(id: &SourceId) -> Problem {
    Problem::new(ProblemCode::NotFound, format!("There is no source {id}."), "Reload the list.")
}

fn conflict(title: impl Into<String>, advice: impl Into<String>) -> Problem {
    Problem::new(ProblemCode::Conflict, title, advice)
}

fn wrong(title: impl Into<String>, advice: impl Into<String>) -> Problem {
    Problem::new(ProblemCode::BadRequest, title, advice)
}

impl Sources {
    /// Every source: what was added last comes first, what comes with MTOR comes at the end.
    pub fn list(&self) -> Vec<Source> {
        let entries = self.inner.read();
        let mut all: Vec<&Entry> = entries.values().collect();
        all.sort_by_key(|entry| {
            (entry.record.origin == Origin::Builtin, std::cmp::Reverse(entry.record.created_at_ms))
        });
        all.into_iter().map(Entry::shown).collect()
    }

    /// One source.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn show(&self, id: &SourceId) -> Result<Source, Problem> {
        self.inner.read().get(id).map(Entry::shown).ok_or_else(|| unknown(id))
    }

    /// What of a source cannot be called.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn skipped(&self, id: &SourceId) -> Result<Vec<SkippedOperation>, Problem> {
        let entries = self.inner.read();
        let entry = entries.get(id).ok_or_else(|| unknown(id))?;
        Ok(entry.current.as_ref().map(|version| version.skipped.clone()).unwrap_or_default())
    }

    /// The text that a source's capabilities come from.
    ///
    /// # Errors
    /// There is none of that name, or it was not fetched yet.
    pub async fn document(&self, id: &SourceId) -> Result<String, Problem> {
        let origin = self.inner.read().get(id).map(|entry| entry.record.origin.clone());
        let text = match origin.ok_or_else(|| unknown(id))? {
            Origin::Builtin => load::pilot(id).map(|pilot| pilot.document.to_owned()),
            Origin::Url { .. } | Origin::Text { .. } => {
                let found = self.inner.storage.description(id, false).await;
                found.map_err(|error| error.problem())?.map(|description| description.text)
            }
        };
        text.ok_or_else(|| {
            Problem::new(
                ProblemCode::NotFound,
                "The description was not read yet.",
                "Look again in a moment.",
            )
        })
    }

    /// Takes a description in. It answers at once; the work goes on.
    ///
    /// # Errors
    /// The name is taken, the address is none that may be called, or the text is too large.
    pub async fn add(&self, given: AddSource) -> Result<Source, Problem> {
        let inner = &self.inner;
        let AddSource { id, from, endpoint } = given;
        if let Some(id) = &id
            && !name::is_valid(&id.0)
        {
            let shown: String = id.0.chars().take(80).collect();
            return Err(wrong(
                format!("`{shown}` cannot name a source."),
                "Use 1 to 64 small letters, digits, `-`, `.` and `_`.",
            ));
        }
        let endpoint = self.endpoint(endpoint.as_deref().unwrap_or_default())?;
        let (origin, text, made) = match from {
            Origin::Builtin => {
                return Err(wrong(
                    "A source cannot be added as one that comes with MTOR.",
                    "Give an address or a text.",
                ));
            }
            Origin::Url { url } => {
                let url = fetch::address(&url)?;
                let host = url.host_str().unwrap_or_default();
                let refused =
                    |refusal| egress_problem(host, &crate::federated::egress::EgressError::Refused(refusal));
                inner.egress.check(&url).map_err(refused)?;
                let made = name::of_url(&url);
                (Origin::Url { url: url.to_string() }, None, made)
            }
            Origin::Text { text, name } => {
                let limit = inner.config.sources.bytes;
                if text.len() > limit {
                    let title = format!("The description has more than {} MB.", limit >> 20);
                    return Err(Problem::new(ProblemCode::TooLarge, title, "Give a smaller part of it."));
                }
                if text.trim().is_empty() {
                    return Err(wrong("There is no text.", "Paste an OpenAPI or GraphQL description."));
                }
                let made = match name::of_text(&text).as_str() {
                    "api" => name::of_file(name.as_deref().unwrap_or_default()),
                    titled => titled.to_owned(),
                };
                let name = name.map(|name| name.chars().filter(|c| !c.is_control()).take(120).collect());
                (Origin::Text { text: String::new(), name }, Some(text), made)
            }
        };
        let _writing = inner.writing.lock().await;
        let id = self.free(id, &made)?;
        let record = SourceRecord {
            id: id.clone(),
            origin,
            standing: Standing::Preview,
            endpoint,
            overlay: None,
            disabled: Default::default(),
            rescan_s: None,
            created_at_ms: inner.clock.now_ms(),
            enabled_at_ms: 0,
            scanned_at_ms: 0,
            problem: None,
        };
        let description = text.map(|text| Description { text, ..Description::default() });
        let texts = description.as_ref().map_or(Texts::Keep, Texts::Current);
        inner.storage.put_source(&record, texts).await.map_err(|error| error.problem())?;
        inner.write().insert(id.clone(), Entry::new(record));
        metrics::counter!("mtor_sources_added_total").increment(1);
        self.look_in_background(&id, description)?;
        self.show(&id)
    }

    /// A name that no source has.
    fn free(&self, wanted: Option<SourceId>, made: &str) -> Result<SourceId, Problem> {
        let entries = self.inner.read();
        let limit = self.inner.config.sources.count;
        if entries.len() >= limit {
            let title = format!("The realm has {limit} sources, and no room for more.");
            return Err(Problem::new(ProblemCode::TooMany, title, "Remove one that is not used."));
        }
        let taken = |id: &SourceId| entries.contains_key(id);
        match wanted {
            Some(id) if taken(&id) => Err(conflict(
                format!("There is a source named {id} already."),
                "Give another name, or remove that one first.",
            )),
            Some(id) => Ok(id),
            None => {
                let numbered = (2_u32..).map(|number| format!("{made}-{number}"));
                let mut names = std::iter::once(made.to_owned()).chain(numbered).map(SourceId);
                names.find(|id| !taken(id)).ok_or_else(|| conflict("No name is free.", "Give one."))
            }
        }
    }

    /// An address of an API as a person gives it; empty means none.
    fn endpoint(&self, text: &str) -> Result<Option<String>, Problem> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let url = fetch::address(text)?;
        let host = url.host_str().unwrap_or_default();
        self.inner.egress.check(&url).map_err(|refusal| {
            egress_problem(host, &crate::federated::egress::EgressError::Refused(refusal))
        })?;
        Ok(Some(url.to_string()))
    }

    /// Forgets a source with its capabilities and credentials.
    ///
    /// # Errors
    /// There is none of that name, or it comes with MTOR.
    pub async fn remove(&self, id: &SourceId) -> Result<(), Problem> {
        let inner = &self.inner;
        let _writing = inner.writing.lock().await;
        match inner.read().get(id) {
            None => return Err(unknown(id)),
            Some(entry) if entry.record.origin == Origin::Builtin => {
                return Err(conflict(format!("{id} comes with MTOR."), "Disable it instead of removing it."));
            }
            Some(entry) => entry.gone.cancel(),
        }
        inner.storage.delete_source(id).await.map_err(|error| error.problem())?;
        inner.vault.forget_source(id);
        let gone = inner.write().remove(id);
        if let Some(entry) = gone {
            entry.changed();
        }
        inner.publish();
        Ok(())
    }

    /// A source each time it changes, from now until nothing is being done with it any more.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn follow(&self, id: &SourceId) -> Result<impl Stream<Item = Source> + use<>, Problem> {
        let mut changes = {
            let entries = self.inner.read();
            entries.get(id).ok_or_else(|| unknown(id))?.changes.subscribe()
        };
        changes.mark_changed();
        let reader = Some((Arc::clone(&self.inner), id.clone(), changes));
        Ok(stream::unfold(reader, |reader| async move {
            let (inner, id, mut changes) = reader?;
            let shutdown = inner.shutdown.clone();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return None,
                changed = changes.changed() => changed.ok()?,
            }
            let shown = inner.read().get(&id).map(Entry::shown)?;
            let settled = !matches!(shown.stage, Stage::Fetching { .. } | Stage::Compiling { .. });
            Some((shown, (!settled).then_some((inner, id, changes))))
        }))
    }

    /// Waits until nothing is being done any more, after the shutdown token was cancelled.
    pub async fn settled(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}

impl Inner {
    /// The map is never left half changed, so a poisoned lock is as good as another.
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<SourceId, Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<SourceId, Entry>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a catalogue of what is there now in place of the one before.
    fn publish(&self) {
        match self.snapshot() {
            Ok(snapshot) => self.catalogue.replace(snapshot),
            Err(error) => tracing::error!(%error, "the catalogue cannot be written; the one before stays"),
        }
    }

    fn snapshot(&self) -> Result<Snapshot, serde_json::Error> {
        let shelves = self.read().values().filter_map(Entry::shelf).collect();
        Snapshot::new(&self.config.realm.name, shelves, self.config.sources.listed)
    }
}
