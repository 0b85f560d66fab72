//! `POST /api/identity/sessions/rotate`

use axum::{extract::State, response::Response};
use mtor_shared::identity::SignedIn;

use crate::{
    error::{ApiError, ProblemDocument},
    identity::Caller,
    state::AppState,
};

/// The same session under a new token; the old one counts no longer.
#[utoipa::path(post, path = "/api/identity/sessions/rotate", tag = "identity", operation_id = "rotate_session",
    responses(
    (status = 200, description = "The session, with its new cookie.", body = SignedIn),
    (status = 403, description = "The caller has no session.", body = ProblemDocument),
))]
pub async fn rotate(State(state): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    Ok(super::signed(state.identity.rotate_session(&caller).await?))
}
