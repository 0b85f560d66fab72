//! `POST /api/catalogue/sources`

use axum::{Json, extract::State, http::StatusCode};
use mtor_shared::source::{AddSource, Source};

use crate::{
    error::{ApiError, ProblemDocument},
    http::json::LargeJson,
    state::AppState,
};

/// Takes a description in: by its address, or as a text. It answers at once; how the work goes on is told by the
/// source's events. Nothing of it is called until it is enabled.
#[utoipa::path(post, path = "/api/catalogue/sources", tag = "sources", request_body = AddSource, responses(
    (status = 202, description = "It is being read.", body = Source),
    (status = 400, description = "There is no such address or name.", body = ProblemDocument),
    (status = 403, description = "The address is none that the realm calls.", body = ProblemDocument),
    (status = 409, description = "The name is taken.", body = ProblemDocument),
    (status = 413, description = "It is too large.", body = ProblemDocument),
))]
pub async fn add(
    State(state): State<AppState>,
    LargeJson(given): LargeJson<AddSource>,
) -> Result<(StatusCode, Json<Source>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(state.sources.add(given).await?)))
}
