//! `GET /api/ledger/limits`

use axum::{Json, extract::State};
use mtor_shared::ledger::SetLimits;

use crate::{
    error::{ApiError, ProblemDocument},
    state::AppState,
};

/// Everybody who has limits: keys, people, providers.
#[utoipa::path(get, path = "/api/ledger/limits", tag = "ledger", operation_id = "list_limits", responses(
    (status = 200, description = "Who, and what they may do.", body = Vec<SetLimits>),
    (status = 500, description = "The database does not answer.", body = ProblemDocument),
))]
pub async fn limits(State(state): State<AppState>) -> Result<Json<Vec<SetLimits>>, ApiError> {
    let all = state.storage.limits().await?;
    Ok(Json(all.into_iter().map(|(subject, limits)| SetLimits { subject, limits }).collect()))
}
