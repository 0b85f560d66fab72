//! The capabilities that a realm offers, and the vectors that an intent is compared with.

use serde::{Deserialize, Serialize};

use crate::{
    capability::{Capability, CapabilityId},
    model::ModelId,
};

/// What `GET /api/catalogue` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Catalogue {
    /// The realm's name for a person.
    pub realm: String,
    /// What can be asked for, in a stable order.
    pub capabilities: Vec<Capability>,
    /// Sentences that no capability answers; they keep routing from guessing.
    pub background: Vec<String>,
}

impl Catalogue {
    /// The capability of that name.
    pub fn find(&self, id: &CapabilityId) -> Option<&Capability> {
        self.capabilities.iter().find(|capability| &capability.id == id)
    }
}

/// What `GET /api/catalogue/vectors` answers: embeddings of every example and background sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatalogueVectors {
    /// The model that made them; vectors of another model say nothing.
    pub model: ModelId,
    /// For each capability one unit vector an example, in the order of [`Capability::examples`].
    pub examples: Vec<(CapabilityId, Vec<Vec<f32>>)>,
    /// One unit vector a sentence of [`Catalogue::background`], in order.
    pub background: Vec<Vec<f32>>,
}
