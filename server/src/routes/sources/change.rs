//! `PATCH /api/catalogue/sources/{id}`

use axum::{
    Json,
    extract::{Path, State},
};
use mtor_shared::source::{ChangeSource, Source, SourceId};

use crate::{
    error::{ApiError, ProblemDocument},
    http::json::LargeJson,
    state::AppState,
};

/// Enables or disables a source or some of its operations, agrees to a changed description, or sets how it is read.
/// All of it is done or nothing.
#[utoipa::path(patch, path = "/api/catalogue/sources/{id}", tag = "sources", operation_id = "change_source",
    params(("id" = String, Path, description = "The source.")), request_body = ChangeSource, responses(
    (status = 200, description = "The source as it is now.", body = Source),
    (status = 400, description = "The change does not fit.", body = ProblemDocument),
    (status = 404, description = "No such source.", body = ProblemDocument),
    (status = 409, description = "It is another one than was looked at, or not ready for this.", body = ProblemDocument),
))]
pub async fn change(
    State(state): State<AppState>,
    Path(id): Path<String>,
    LargeJson(change): LargeJson<ChangeSource>,
) -> Result<Json<Source>, ApiError> {
    Ok(Json(state.sources.change(&SourceId(id), change).await?))
}
