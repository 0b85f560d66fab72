//! `GET /api/catalogue/sources/{id}/skipped`

use axum::{
    Json,
    extract::{Path, State},
};
use mtor_shared::source::{SkippedOperation, SourceId};

use crate::{
    error::{ApiError, ProblemDocument},
    state::AppState,
};

/// What of a source cannot be called, each with where it stands and why.
#[utoipa::path(get, path = "/api/catalogue/sources/{id}/skipped", tag = "sources", operation_id = "list_skipped",
    params(("id" = String, Path, description = "The source.")), responses(
    (status = 200, description = "They.", body = Vec<SkippedOperation>),
    (status = 404, description = "No such source.", body = ProblemDocument),
))]
pub async fn skipped(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<Vec<SkippedOperation>>, ApiError> {
    Ok(Json(state.sources.skipped(&SourceId(id))?))
}
