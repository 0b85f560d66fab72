//! `GET /readyz`

use axum::extract::State;

use crate::{
    error::{ApiError, ProblemDocument},
    state::AppState,
};

/// The database answers, so requests can be served.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "It does.", body = String),
    (status = 500, description = "It does not, and why.", body = ProblemDocument),
))]
pub async fn ready(State(state): State<AppState>) -> Result<&'static str, ApiError> {
    state.storage.ping().await?;
    Ok("ready\n")
}
