//! Looking at a description: for the first time, on demand, or because it is time.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use mtor_shared::{
    problem::{Problem, ProblemCode},
    source::{Origin, Source, SourceId},
};
use url::Url;

use super::{
    Inner, Sources, conflict, difference,
    entry::Work,
    fetch, unknown,
    version::{self, Version},
};
use crate::storage::sources::{Description, Standing, Texts};

/// Those who watch are told of each piece of this size.
const PIECE_BYTES: u64 = 64 * 1024;
/// How often a description may turn out to refer to more.
const MAX_ROUNDS: usize = 8;

impl Sources {
    /// Looks again, now.
    ///
    /// # Errors
    /// There is none of that name, or nothing to look at again.
    pub fn look_again(&self, id: &SourceId) -> Result<Source, Problem> {
        let (origin, working) = {
            let entries = self.inner.read();
            let entry = entries.get(id).ok_or_else(|| unknown(id))?;
            (entry.record.origin.clone(), entry.work.is_some())
        };
        match origin {
            Origin::Url { .. } if working => {}
            Origin::Url { .. } => self.look_in_background(id, None)?,
            Origin::Builtin => {
                return Err(conflict(format!("{id} comes with MTOR and changes with it."), ""));
            }
            Origin::Text { .. } => {
                return Err(conflict(
                    format!("{id} was given as a text, so there is no address to look at."),
                    "Add the new text under another name, or remove this one first.",
                ));
            }
        }
        self.show(id)
    }

    /// Looks at every source whose time has come.
    pub(super) fn look_where_due(&self) {
        let now = self.inner.clock.now_ms();
        let due: Vec<SourceId> = {
            let entries = self.inner.read();
            let due = entries.values().filter(|entry| {
                let record = &entry.record;
                let next = record.rescan_s.map(|s| record.scanned_at_ms.saturating_add(u64::from(s) * 1000));
                record.standing == Standing::Enabled
                    && matches!(record.origin, Origin::Url { .. })
                    && entry.work.is_none()
                    && next.is_some_and(|next| next <= now)
            });
            due.map(|entry| entry.record.id.clone()).collect()
        };
        for id in due {
            if let Err(problem) = self.look_in_background(&id, None) {
                tracing::warn!(source = %id, %problem, "a source is not looked at");
            }
        }
    }

    /// Begins to look; a text is given for what was not fetched.
    pub(super) fn look_in_background(
        &self,
        id: &SourceId,
        given: Option<Description>,
    ) -> Result<(), Problem> {
        let (gone, origin) = {
            let mut entries = self.inner.write();
            let entry = entries.get_mut(id).ok_or_else(|| unknown(id))?;
            entry.work = Some(match &given {
                Some(given) => Work::Compiling { bytes: given.text.len() as u64 },
                None => Work::Fetching { done_bytes: 0, total_bytes: None },
            });
            entry.changed();
            (entry.gone.clone(), entry.record.origin.clone())
        };
        let (inner, id) = (Arc::clone(&self.inner), id.clone());
        self.inner.tasks.spawn(async move {
            let shutdown = inner.shutdown.clone();
            tokio::select! {
                () = gone.cancelled() => {}
                // What was not read is read after the next start.
                () = shutdown.cancelled() => {}
                () = inner.look(&id, &origin, given) => {}
            }
        });
        Ok(())
    }
}

impl Inner {
    async fn look(self: &Arc<Self>, id: &SourceId, origin: &Origin, given: Option<Description>) {
        let outcome = match (origin, given) {
            (_, Some(given)) => self.compile_with_others(id, given).await,
            (Origin::Url { url }, None) => match self.fetch(id, url).await {
                Ok(description) => self.compile_with_others(id, description).await,
                Err(problem) => Err(problem),
            },
            (Origin::Builtin | Origin::Text { .. }, None) => return,
        };
        self.settle(id, outcome).await;
    }

    async fn fetch(self: &Arc<Self>, id: &SourceId, url: &str) -> Result<Description, Problem> {
        let url = fetch::address(url)?;
        let (inner, own, told) = (Arc::clone(self), id.clone(), AtomicU64::new(0));
        let progress = move |done_bytes: u64, total_bytes: Option<u64>| {
            let piece = done_bytes / PIECE_BYTES + 1;
            if told.swap(piece, Ordering::Relaxed) != piece {
                inner.working(&own, Work::Fetching { done_bytes, total_bytes });
            }
        };
        let settings = &self.config.sources;
        let fetched =
            fetch::document(&self.egress, settings, url, settings.bytes, Some(Box::new(progress))).await?;
        Ok(Description { text: fetched.text, base: Some(fetched.url.to_string()), ..Description::default() })
    }

    fn working(&self, id: &SourceId, work: Work) {
        if let Some(entry) = self.write().get_mut(id) {
            entry.work = Some(work);
            entry.changed();
        }
    }

    /// Compiles, reads what the description refers to, and compiles again until nothing is missing.
    async fn compile_with_others(
        self: &Arc<Self>,
        id: &SourceId,
        mut description: Description,
    ) -> Result<(Description, Version), Problem> {
        self.working(id, Work::Compiling { bytes: description.text.len() as u64 });
        let mut unread: Vec<String> = Vec::new();
        let mut tried: std::collections::BTreeSet<String> = std::collections::BTreeSet::new();
        for _ in 0..MAX_ROUNDS {
            let (back, outcome) = self.compile(id, description).await?;
            description = back;
            let (mut version, mut wanted) = outcome?;
            wanted.retain(|address| tried.insert(address.clone()));
            if wanted.is_empty() {
                if !unread.is_empty() && self.read().get(id).is_some_and(|entry| entry.current.is_some()) {
                    // A document that is away for a moment must not look like a changed description.
                    let title =
                        format!("A document that the description refers to cannot be read: {}", unread[0]);
                    return Err(Problem::retryable(
                        ProblemCode::UpstreamUnreachable,
                        title,
                        "Look again later.",
                    ));
                }
                version.warnings.extend(unread);
                return Ok((description, version));
            }
            // Relative references of a text that has no address lead nowhere.
            wanted.retain(|address| Url::parse(address).is_ok());
            let own = description.text.len();
            let others = &mut description.others;
            unread.extend(fetch::others(&self.egress, &self.config.sources, own, &wanted, others).await?);
        }
        let title = "The description refers to documents that refer to others without end.";
        Err(Problem::new(ProblemCode::BadRequest, title, "Bundle it into one file and give that."))
    }

    /// Compiles on a thread where that may take its time; the description comes back.
    pub(super) async fn compile(
        &self,
        id: &SourceId,
        description: Description,
    ) -> Result<(Description, Result<(Version, Vec<String>), Problem>), Problem> {
        let (overlay, endpoint) = {
            let entries = self.read();
            let entry = entries.get(id).ok_or_else(|| unknown(id))?;
            (entry.record.overlay.clone(), entry.record.endpoint.clone())
        };
        self.compile_as(id, description, overlay, endpoint).await
    }

    pub(super) async fn compile_as(
        &self,
        id: &SourceId,
        description: Description,
        overlay: Option<String>,
        endpoint: Option<String>,
    ) -> Result<(Description, Result<(Version, Vec<String>), Problem>), Problem> {
        let mistake = |error: &dyn std::fmt::Display| {
            tracing::error!(source = %id, %error, "a description cannot be compiled");
            let title = "MTOR made a mistake while it compiled the description.";
            Problem::new(ProblemCode::Internal, title, "The realm's log says more.")
        };
        let _place = self.compilers.acquire().await.map_err(|error| mistake(&error))?;
        let own = id.clone();
        let work = move || {
            let outcome = version::compile(&own, &description, overlay.as_deref(), endpoint.as_deref());
            (description, outcome)
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| mistake(&error))
    }

    /// Writes down what a look gave. What a person has not agreed to takes the place of what they looked at; what they
    /// agreed to stays.
    async fn settle(&self, id: &SourceId, outcome: Result<(Description, Version), Problem>) {
        let _writing = self.writing.lock().await;
        let Some((mut record, known)) =
            self.read().get(id).map(|entry| (entry.record.clone(), entry.current.clone()))
        else {
            return;
        };
        record.scanned_at_ms = self.clock.now_ms();
        record.problem = outcome.as_ref().err().cloned();
        let agreed = known.filter(|_| record.standing != Standing::Preview);
        let (texts, found) = match (&outcome, &agreed) {
            (Err(_), _) => (Texts::Keep, Found::Nothing),
            (Ok((_, version)), Some(agreed)) if version.sha256 == agreed.sha256 => {
                (Texts::DropCandidate, Found::Same)
            }
            (Ok((description, _)), Some(_)) => (Texts::Candidate(description), Found::Other),
            (Ok((description, _)), None) => {
                // Also where something was agreed to that does not compile any more: this is something else.
                record.standing = Standing::Preview;
                (Texts::Current(description), Found::First)
            }
        };
        let stored = self.storage.put_source(&record, texts).await;
        if let Err(error) = &stored {
            tracing::error!(source = %id, %error, "a source cannot be kept");
            record.problem = Some(error.problem());
        }
        let version = outcome.ok().map(|(_, version)| Arc::new(version)).filter(|_| stored.is_ok());
        if let Some(entry) = self.write().get_mut(id) {
            entry.record = record;
            entry.work = None;
            match (found, version) {
                (Found::First, Some(version)) => (entry.current, entry.candidate) = (Some(version), None),
                (Found::Other, Some(version)) => {
                    let change =
                        agreed.map(|agreed| difference::between(&agreed, &version)).unwrap_or_default();
                    entry.candidate = Some((version, change));
                }
                (Found::Same, Some(_)) => entry.candidate = None,
                (Found::Nothing, _) | (_, None) => {}
            }
            entry.changed();
        }
        self.publish();
    }
}

/// What a look found, held against what was agreed to.
#[derive(Clone, Copy)]
enum Found {
    Nothing,
    Same,
    Other,
    First,
}
