//! `POST /api/identity/challenges`

use axum::{Json, extract::State, http::StatusCode};
use mtor_shared::identity::Challenge;

use crate::{error::ApiError, state::AppState};

/// Something to sign with the key of the device, once and within two minutes.
#[utoipa::path(post, path = "/api/identity/challenges", tag = "identity", operation_id = "challenge", responses(
    (status = 201, description = "The challenge.", body = Challenge),
))]
pub async fn challenge(State(state): State<AppState>) -> Result<(StatusCode, Json<Challenge>), ApiError> {
    Ok((StatusCode::CREATED, Json(state.identity.challenge()?)))
}
