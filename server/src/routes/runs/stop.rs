//! `DELETE /api/runs/{id}`

use axum::{
    extract::{Path, State},
    http::StatusCode,
};

use crate::{
    error::{ApiError, ProblemDocument},
    http::params::run_id,
    identity::Caller,
    state::AppState,
};

/// Stops a run: its last chunk says so. One that is over stays as it is.
#[utoipa::path(delete, path = "/api/runs/{id}", tag = "runs",
    params(("id" = String, Path, description = "The run.")), responses(
    (status = 204, description = "It is over, or will be in a moment."),
    (status = 404, description = "No such run.", body = ProblemDocument),
))]
pub async fn stop(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    state.runs.stop(caller.person(), &run_id(id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
