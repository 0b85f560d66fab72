//! `DELETE /api/catalogue/sources/{id}`

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use mtor_shared::source::SourceId;

use crate::{
    error::{ApiError, ProblemDocument},
    state::AppState,
};

/// Forgets a source, its capabilities and its credentials. Runs that are at work end as they were begun.
#[utoipa::path(delete, path = "/api/catalogue/sources/{id}", tag = "sources", operation_id = "remove_source",
    params(("id" = String, Path, description = "The source.")), responses(
    (status = 204, description = "It is gone."),
    (status = 404, description = "No such source.", body = ProblemDocument),
    (status = 409, description = "It comes with MTOR.", body = ProblemDocument),
))]
pub async fn remove(State(state): State<AppState>, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    state.sources.remove(&SourceId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
