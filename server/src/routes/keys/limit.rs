//! `PUT /api/keys/{id}/limits`

use axum::{
    Json,
    extract::{Path, State},
};
use mtor_shared::identity::{ApiKey, ChangeLimits, KeyId};

use crate::{
    error::{ApiError, ProblemDocument},
    http::json::StrictJson,
    identity::Caller,
    state::AppState,
};

/// Changes how much and how often a key may be used; what was spent stays counted.
#[utoipa::path(put, path = "/api/keys/{id}/limits", tag = "keys", operation_id = "limit_key",
    params(("id" = String, Path, description = "The key.")), request_body = ChangeLimits, responses(
    (status = 200, description = "The key as it is now.", body = ApiKey),
    (status = 404, description = "The caller has no such key.", body = ProblemDocument),
))]
pub async fn limit(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    StrictJson(given): StrictJson<ChangeLimits>,
) -> Result<Json<ApiKey>, ApiError> {
    Ok(Json(state.identity.limit_key(&caller, &KeyId(id), given.limits, &state.ledger).await?))
}
