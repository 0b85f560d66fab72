//! Single operations, and finding them.

pub mod dry_run;
pub mod search;
pub mod show;

use std::sync::Arc;

use mtor_shared::capability::CapabilityId;

use crate::{catalogue::Shelf, error::ApiError, state::AppState};

/// A capability and the source that it is of, enabled or not.
fn find(state: &AppState, source: &str, operation: &str) -> Result<(CapabilityId, Arc<Shelf>), ApiError> {
    let id = CapabilityId(format!("{source}/{operation}"));
    let shelf = state.catalogue.now().shelf_of(&id).cloned();
    let shelf = shelf.ok_or_else(|| {
        let shown: String = id.0.chars().take(160).collect();
        ApiError::not_found(format!("This realm has no operation {shown}."), "Search for it.")
    })?;
    Ok((id, shelf))
}
