//! One source in memory, and how a person sees it.

use std::sync::Arc;

use mtor_shared::source::{Change, Origin, Source, Stage};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::version::Version;
use crate::{
    catalogue::Shelf,
    storage::sources::{SourceRecord, Standing},
};

/// What is being done with a source at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Fetching { done_bytes: u64, total_bytes: Option<u64> },
    Compiling { bytes: u64 },
}

pub(super) struct Entry {
    pub(super) record: SourceRecord,
    pub(super) work: Option<Work>,
    /// What was agreed to, or is looked at before that.
    pub(super) current: Option<Arc<Version>>,
    /// What is there now and was not agreed to.
    pub(super) candidate: Option<(Arc<Version>, Change)>,
    /// Ends what is being done when the source is removed.
    pub(super) gone: CancellationToken,
    /// Counts up with each change that somebody may be watching.
    pub(super) changes: watch::Sender<u64>,
}

impl Entry {
    pub(super) fn new(record: SourceRecord) -> Self {
        Self {
            record,
            work: None,
            current: None,
            candidate: None,
            gone: CancellationToken::new(),
            changes: watch::Sender::new(0),
        }
    }

    pub(super) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// What comes first is what a person has to know first.
    fn stage(&self) -> Stage {
        match (&self.work, &self.record.problem, &self.candidate) {
            (Some(Work::Fetching { done_bytes, total_bytes }), _, _) => {
                Stage::Fetching { done_bytes: *done_bytes, total_bytes: *total_bytes }
            }
            (Some(Work::Compiling { bytes }), _, _) => Stage::Compiling { bytes: *bytes },
            (None, Some(problem), _) => Stage::Failed { problem: problem.clone() },
            (None, None, Some((_, change))) => Stage::Changed { change: change.clone() },
            (None, None, None) => match self.record.standing {
                Standing::Preview => Stage::Preview,
                Standing::Enabled => Stage::Enabled,
                Standing::Disabled => Stage::Disabled,
            },
        }
    }

    pub(super) fn shown(&self) -> Source {
        let record = &self.record;
        let version = self.current.as_deref();
        let count = |count: fn(&Version) -> usize| {
            version.map_or(0, |version| u32::try_from(count(version)).unwrap_or(u32::MAX))
        };
        Source {
            id: record.id.clone(),
            title: version.map_or_else(|| record.id.0.clone(), |version| version.title.clone()),
            origin: record.origin.clone(),
            format: version.map(|version| version.format.clone()).unwrap_or_default(),
            stage: self.stage(),
            enabled: self.record.standing == Standing::Enabled && version.is_some(),
            sha256: version.map(|version| version.sha256.clone()).unwrap_or_default(),
            bytes: version.map_or(0, |version| version.bytes),
            operations: count(|version| version.operations.len() + version.skipped.len()),
            capabilities: count(Version::len),
            skipped: count(|version| version.skipped.len()),
            hosts: version.map(|version| version.hosts.clone()).unwrap_or_default(),
            schemes: version.map(|version| version.schemes.clone()).unwrap_or_default(),
            endpoint: record.endpoint.clone(),
            overlay: record.overlay.clone(),
            disabled: record.disabled.clone(),
            rescan_s: record.rescan_s,
            scanned_at_ms: record.scanned_at_ms,
            compile_ms: version.map_or(0, |version| version.compile_ms),
            warnings: version.map(|version| version.warnings.clone()).unwrap_or_default(),
        }
    }

    pub(super) fn shelf(&self) -> Option<Shelf> {
        Some(Shelf {
            id: self.record.id.clone(),
            enabled: self.record.standing == Standing::Enabled,
            builtin: self.record.origin == Origin::Builtin,
            disabled: self.record.disabled.clone(),
            enabled_at_ms: self.record.enabled_at_ms,
            version: Arc::clone(self.current.as_ref()?),
        })
    }
}
