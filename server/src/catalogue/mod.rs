//! What this realm offers at the moment. A [`Snapshot`] never changes; another one takes its place when a source is
//! added, enabled, changed or removed. Whoever has one keeps it: a run goes on with what it was started with.

pub mod listing;
pub mod vectors;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use mtor_federation::{Operation, example};
use mtor_shared::{
    capability::{Capability, CapabilityId},
    catalogue::Catalogue as Listing,
    source::{OperationDetail, SourceId},
};
use serde_json::Value;
use tokio::sync::watch;

use crate::{etag, sources::version::Version};

/// A source as it is offered.
pub struct Shelf {
    /// Its name.
    pub id: SourceId,
    /// Whether it may be called.
    pub enabled: bool,
    /// Whether it comes with MTOR.
    pub builtin: bool,
    /// Capabilities that were taken out.
    pub disabled: BTreeSet<CapabilityId>,
    /// When it was enabled, in milliseconds since 1970: the newest are listed first.
    pub enabled_at_ms: u64,
    /// What was agreed to, or is looked at before that.
    pub version: Arc<Version>,
}

impl Shelf {
    /// Whether a capability of it may be called. One that is made of several takes all of them.
    pub fn offers(&self, id: &CapabilityId) -> bool {
        let out = |id: &CapabilityId| self.disabled.contains(id);
        let steps = self.version.capability(id).and_then(|capability| capability.plan.as_ref());
        let mut steps = steps.into_iter().flat_map(|plan| &plan.steps);
        self.enabled && !out(id) && !steps.any(|step| out(&step.capability))
    }
}

impl Shelf {
    /// All of a capability.
    pub fn detail(&self, id: &CapabilityId) -> Option<OperationDetail> {
        let number = self.version.number(id)?;
        let capability = self.version.at(number)?;
        let operation = self.version.operation(id);
        let security = operation.map(|operation| operation.security.as_slice()).unwrap_or_default();
        Some(OperationDetail {
            capability: capability.clone(),
            line: self.version.line(number, self.offers(id))?,
            source: self.id.clone(),
            server: operation.map(|operation| operation.server.clone()).unwrap_or_default(),
            security: security
                .iter()
                .map(|requirement| requirement.schemes.iter().map(|scheme| scheme.name.clone()).collect())
                .collect(),
            example: example(capability, operation),
        })
    }
}

/// Arguments to begin with.
fn example(capability: &Capability, operation: Option<&Arc<Operation>>) -> Value {
    let made = operation.and_then(|operation| example::arguments(operation, example::Fill::Required));
    made.map_or_else(|| example::value(&capability.input, example::Fill::Required), Value::Object)
}

/// Why a capability cannot be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// There is none of that name.
    Unknown,
    /// Nobody enabled it, or somebody took it out.
    NotEnabled,
}

/// What is offered at one moment.
pub struct Snapshot {
    shelves: BTreeMap<String, Arc<Shelf>>,
    listing: Listing,
    json: Bytes,
    etag: String,
}

impl Snapshot {
    /// Puts sources together; `listed` is how many capabilities a shell gets in one piece.
    ///
    /// # Errors
    /// [`serde_json::Error`] when the listing cannot be written.
    pub fn new(realm: &str, shelves: Vec<Shelf>, listed: usize) -> Result<Self, serde_json::Error> {
        let shelves: BTreeMap<String, Arc<Shelf>> =
            shelves.into_iter().map(|shelf| (shelf.id.0.clone(), Arc::new(shelf))).collect();
        let listing = listing::of(realm, shelves.values(), listed);
        let json = Bytes::from(serde_json::to_vec(&listing)?);
        let etag = etag::of(&json);
        Ok(Self { shelves, listing, json, etag })
    }

    /// What a shell gets to see.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// The listing as JSON, with its entity tag.
    pub fn json(&self) -> (Bytes, &str) {
        (self.json.clone(), &self.etag)
    }

    /// Every source that is compiled, by name.
    pub fn shelves(&self) -> impl Iterator<Item = &Arc<Shelf>> {
        self.shelves.values()
    }

    /// The source of that name.
    pub fn shelf(&self, id: &SourceId) -> Option<&Arc<Shelf>> {
        self.shelves.get(&id.0)
    }

    /// The source of a capability, whether it is offered or not.
    pub fn shelf_of(&self, id: &CapabilityId) -> Option<&Arc<Shelf>> {
        let (source, _) = id.0.split_once('/')?;
        self.shelves.get(source).filter(|shelf| shelf.version.number(id).is_some())
    }

    /// A capability that may be called.
    ///
    /// # Errors
    /// [`Absent`]
    pub fn capability(&self, id: &CapabilityId) -> Result<&Capability, Absent> {
        let shelf = self.shelf_of(id).ok_or(Absent::Unknown)?;
        let capability = shelf.version.capability(id).ok_or(Absent::Unknown)?;
        if shelf.offers(id) { Ok(capability) } else { Err(Absent::NotEnabled) }
    }

    /// How a capability that is one call, and may be called, is called.
    pub fn operation(&self, id: &CapabilityId) -> Option<Arc<Operation>> {
        let shelf = self.shelf_of(id).filter(|shelf| shelf.offers(id))?;
        shelf.version.operation(id).cloned()
    }
}

/// The place of the snapshot.
pub struct Catalogue {
    now: watch::Sender<Arc<Snapshot>>,
}

impl Catalogue {
    /// With a first snapshot in it.
    pub fn new(snapshot: Snapshot) -> Self {
        Self { now: watch::Sender::new(Arc::new(snapshot)) }
    }

    /// What is offered now.
    pub fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.now.borrow())
    }

    /// Puts another one in its place.
    pub fn replace(&self, snapshot: Snapshot) {
        self.now.send_replace(Arc::new(snapshot));
    }

    /// Hears of each new one, or at least of the newest.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.now.subscribe()
    }
}
