//! What this realm offers: compiled from descriptions at start-up, unchanged while it runs.

pub mod vectors;

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use mtor_federation::{CompileError, Operation};
use mtor_shared::{
    capability::{Capability, CapabilityId},
    catalogue::Catalogue as Listing,
};

use crate::{config::Config, etag};

/// See the module.
pub struct Catalogue {
    listing: Listing,
    operations: HashMap<CapabilityId, Arc<Operation>>,
    json: Bytes,
    etag: String,
}

/// Why there is no catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A description does not compile.
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
}

impl Catalogue {
    /// Compiles the descriptions that come with MTOR.
    ///
    /// # Errors
    /// [`CatalogueError`] names the description or the setting.
    pub fn load(config: &Config) -> Result<Self, CatalogueError> {
        let mut listing = Listing { realm: config.realm.name.clone(), ..Listing::default() };
        let mut operations = HashMap::new();
        let mut moved = vec![0; config.federation.base.len()];
        for pilot in mtor_federation::pilots::all() {
            let mut compiled = mtor_federation::compile(pilot.id, pilot.document, Some(pilot.overlay))
                .map_err(|error| CatalogueError::Compile { source_id: pilot.id.to_owned(), error })?;
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
            listing.capabilities.extend(compiled.capabilities().cloned());
            listing.background.append(&mut compiled.background);
            operations.extend(
                compiled
                    .operations
                    .into_iter()
                    .map(|operation| (operation.capability.id.clone(), Arc::new(operation))),
            );
        }
        if let Some((base, _)) = config.federation.base.iter().zip(&moved).find(|(_, count)| **count == 0) {
            return Err(CatalogueError::UnusedBase(base.from.clone()));
        }
        listing.background.sort();
        listing.background.dedup();
        let json = Bytes::from(serde_json::to_vec(&listing)?);
        let etag = etag::of(&json);
        Ok(Self { listing, operations, json, etag })
    }

    /// What a shell gets to see.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// The listing as JSON.
    pub fn json(&self) -> (Bytes, &str) {
        (self.json.clone(), &self.etag)
    }

    /// The capability of that name.
    pub fn capability(&self, id: &CapabilityId) -> Option<&Capability> {
        self.listing.find(id)
    }

    /// How a capability that is one call is called.
    pub fn operation(&self, id: &CapabilityId) -> Option<Arc<Operation>> {
        self.operations.get(id).cloned()
    }
}
