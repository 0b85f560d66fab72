//! `GET /api/catalogue/sources/{id}/operations`

use axum::{
    Json,
    extract::{Path, State},
};
use mtor_shared::source::{OperationPage, SourceId};
use serde::Deserialize;

use crate::{
    error::{ApiError, ProblemDocument},
    http::params::Params,
    search::{Scope, Window, search},
    state::AppState,
};

/// Which of them.
#[derive(Deserialize, utoipa::IntoParams)]
pub struct Wanted {
    /// What to search for; all of them in the order of the description without it.
    q: Option<String>,
    /// How many to leave out before.
    offset: Option<u32>,
    /// How many at most: 50 where it is not given, never more than 200.
    limit: Option<u32>,
}

/// What of a source can be called, enabled or not.
#[utoipa::path(get, path = "/api/catalogue/sources/{id}/operations", tag = "sources",
    operation_id = "list_operations", params(("id" = String, Path, description = "The source."), Wanted), responses(
    (status = 200, description = "A page of them.", body = OperationPage),
    (status = 404, description = "No such source.", body = ProblemDocument),
))]
pub async fn operations(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<OperationPage>, ApiError> {
    let id = SourceId(id);
    // One that is not compiled has no operations, and is not unknown for that.
    state.sources.show(&id)?;
    let snapshot = state.catalogue.now();
    if snapshot.shelf(&id).is_none() {
        return Ok(Json(OperationPage::default()));
    }
    let window = Window::new(wanted.offset, wanted.limit);
    let query = wanted.q.unwrap_or_default();
    Ok(Json(search(snapshot, &state.engine, &Scope::Source(id), &query, window).await?))
}
