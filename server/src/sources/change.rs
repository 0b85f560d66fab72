//! What a person decides about a source.

use std::sync::Arc;

use mtor_shared::{
    problem::{Problem, ProblemCode},
    source::{ChangeSource, Origin, Source, SourceId},
};

use super::{OVERLAY_BYTES, Sources, conflict, difference, unknown, version::Version, wrong};
use crate::storage::sources::{SourceRecord, Standing, Texts};

/// The shortest time between two looks, in seconds.
const MIN_RESCAN_S: u32 = 60;

/// The versions of a source.
type Versions = (Option<Arc<Version>>, Option<Arc<Version>>);

impl Sources {
    /// Does all of a change or nothing.
    ///
    /// # Errors
    /// What of it cannot be done, and why.
    pub async fn change(&self, id: &SourceId, change: ChangeSource) -> Result<Source, Problem> {
        let inner = &self.inner;
        let _writing = inner.writing.lock().await;
        let (mut record, versions, working) = {
            let entries = inner.read();
            let entry = entries.get(id).ok_or_else(|| unknown(id))?;
            let candidate = entry.candidate.as_ref().map(|(version, _)| Arc::clone(version));
            (entry.record.clone(), (entry.current.clone(), candidate), entry.work.is_some())
        };
        let rewritten = change.overlay.is_some() || change.endpoint.is_some();
        if working && (rewritten || change.accept.is_some()) {
            return Err(conflict(format!("{id} is being looked at."), "Try again in a moment."));
        }
        if record.origin == Origin::Builtin && (rewritten || change.rescan_s.is_some()) {
            return Err(conflict(format!("{id} comes with MTOR and stays as it is."), "It can be disabled."));
        }
        let (mut current, mut candidate) =
            if rewritten { self.rewritten(id, &change, &mut record, &versions).await? } else { versions };
        let mut texts = Texts::Keep;
        if let Some(agreed) = &change.accept {
            texts = accept(id, agreed, &record, &mut current, &mut candidate)?;
        }
        if let Some(enabled) = change.enabled {
            self.enable(id, enabled, current.is_some(), &mut record)?;
        }
        for (capability, enabled) in change.operations {
            if current.as_ref().is_none_or(|version| version.number(&capability).is_none()) {
                return Err(wrong(format!("{id} has no operation {capability}."), "Reload the list."));
            }
            if enabled {
                record.disabled.remove(&capability);
            } else {
                record.disabled.insert(capability);
            }
        }
        if let Some(rescan_s) = change.rescan_s {
            record.rescan_s = rescan(rescan_s, &record.origin)?;
        }
        // An overlay that comes with MTOR is not kept beside it.
        let mut kept = record.clone();
        if record.origin == Origin::Builtin {
            kept.overlay = None;
        }
        inner.storage.put_source(&kept, texts).await.map_err(|error| error.problem())?;
        if let Some(entry) = inner.write().get_mut(id) {
            entry.record = record;
            entry.candidate = candidate.zip(current.as_ref()).map(|(new, agreed)| {
                let change = difference::between(agreed, &new);
                (new, change)
            });
            entry.current = current;
            entry.changed();
        }
        inner.publish();
        self.show(id)
    }

    fn enable(
        &self,
        id: &SourceId,
        enabled: bool,
        compiled: bool,
        record: &mut SourceRecord,
    ) -> Result<(), Problem> {
        if enabled {
            if !compiled {
                return Err(conflict(
                    format!("{id} is not compiled, so there is nothing to enable."),
                    "Look at it again first.",
                ));
            }
            record.standing = Standing::Enabled;
            record.enabled_at_ms = self.inner.clock.now_ms();
        } else if record.standing == Standing::Enabled {
            record.standing = Standing::Disabled;
        }
        if compiled {
            record.problem = None;
        }
        Ok(())
    }

    /// The versions with another overlay or endpoint.
    async fn rewritten(
        &self,
        id: &SourceId,
        change: &ChangeSource,
        record: &mut SourceRecord,
        (current, candidate): &Versions,
    ) -> Result<Versions, Problem> {
        if let Some(overlay) = &change.overlay {
            if overlay.len() > OVERLAY_BYTES {
                let title = format!("The overlay has more than {} KB.", OVERLAY_BYTES >> 10);
                return Err(Problem::new(ProblemCode::TooLarge, title, "Make it smaller."));
            }
            record.overlay = Some(overlay.clone()).filter(|overlay| !overlay.trim().is_empty());
        }
        if let Some(endpoint) = &change.endpoint {
            record.endpoint = self.endpoint(endpoint)?;
        }
        let mut versions: [Option<Arc<Version>>; 2] = [None, None];
        for (version, (known, is_candidate)) in versions.iter_mut().zip([(current, false), (candidate, true)])
        {
            // Without a version there may be a text all the same: one that needs just this change to compile.
            if is_candidate && known.is_none() {
                continue;
            }
            let found = self.inner.storage.description(id, is_candidate).await;
            let Some(description) = found.map_err(|error| error.problem())? else { continue };
            let (overlay, endpoint) = (record.overlay.clone(), record.endpoint.clone());
            let (_, outcome) = self.inner.compile_as(id, description, overlay, endpoint).await?;
            let (compiled, _) = outcome?;
            *version = Some(Arc::new(compiled));
            record.problem = None;
        }
        let [current, candidate] = versions;
        Ok((current, candidate))
    }
}

/// Agrees to exact bytes, and to no others.
fn accept(
    id: &SourceId,
    agreed: &str,
    record: &SourceRecord,
    current: &mut Option<Arc<Version>>,
    candidate: &mut Option<Arc<Version>>,
) -> Result<Texts<'static>, Problem> {
    if let Some(new) = candidate.take_if(|new| new.sha256 == agreed) {
        *current = Some(new);
        return Ok(Texts::Accept);
    }
    let seen = current.as_ref().is_some_and(|version| version.sha256 == agreed);
    if seen && (record.standing == Standing::Preview || candidate.is_none()) {
        return Ok(Texts::Keep);
    }
    Err(conflict(
        format!("{id} has changed again since you looked at it."),
        "Look at what is different now, and agree to that.",
    ))
}

fn rescan(rescan_s: u32, origin: &Origin) -> Result<Option<u32>, Problem> {
    match (rescan_s, origin) {
        (0, _) => Ok(None),
        (MIN_RESCAN_S.., Origin::Url { .. }) => Ok(Some(rescan_s)),
        (MIN_RESCAN_S.., _) => Err(wrong(
            "A text cannot be looked at again.",
            "Only a source that was added by its address can.",
        )),
        _ => Err(wrong(
            format!("{rescan_s} s between two looks is too often."),
            format!("Give at least {MIN_RESCAN_S} s, or 0 for looking on demand alone."),
        )),
    }
}
