//! `POST /api/catalogue/sources/{id}/scan`

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use mtor_shared::source::{Source, SourceId};

use crate::{
    error::{ApiError, ProblemDocument},
    state::AppState,
};

/// Looks now whether a description has changed.
#[utoipa::path(post, path = "/api/catalogue/sources/{id}/scan", tag = "sources", operation_id = "scan_source",
    params(("id" = String, Path, description = "The source.")), responses(
    (status = 202, description = "It is being read.", body = Source),
    (status = 404, description = "No such source.", body = ProblemDocument),
    (status = 409, description = "There is no address to look at.", body = ProblemDocument),
))]
pub async fn scan(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Source>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(state.sources.look_again(&SourceId(id))?)))
}
