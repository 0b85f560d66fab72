//! `GET /api/catalogue/sources/{id}`

use axum::{
    Json,
    extract::{Path, State},
};
use mtor_shared::source::{Source, SourceId};

use crate::{
    error::{ApiError, ProblemDocument},
    state::AppState,
};

/// One source.
#[utoipa::path(get, path = "/api/catalogue/sources/{id}", tag = "sources", operation_id = "show_source",
    params(("id" = String, Path, description = "The source.")), responses(
    (status = 200, description = "The source.", body = Source),
    (status = 404, description = "No such source.", body = ProblemDocument),
))]
pub async fn show(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<Source>, ApiError> {
    Ok(Json(state.sources.show(&SourceId(id))?))
}
