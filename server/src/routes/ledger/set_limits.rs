//! `PUT /api/ledger/limits`

use axum::{extract::State, http::StatusCode};
use mtor_shared::ledger::SetLimits;

use crate::{
    error::{ApiError, ProblemDocument},
    http::json::StrictJson,
    state::AppState,
};

/// Sets how much and how often a key, a person or a provider may be used from now on; what was spent stays counted.
#[utoipa::path(put, path = "/api/ledger/limits", tag = "ledger", operation_id = "set_limits",
    request_body = SetLimits, responses(
    (status = 204, description = "They hold from now on."),
    (status = 400, description = "There is no such limit.", body = ProblemDocument),
))]
pub async fn set_limits(
    State(state): State<AppState>,
    StrictJson(given): StrictJson<SetLimits>,
) -> Result<StatusCode, ApiError> {
    state.ledger.set_limits(given.subject, given.limits).await?;
    Ok(StatusCode::NO_CONTENT)
}
