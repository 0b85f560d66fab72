//! `POST /api/identity/sessions`

use axum::{extract::State, http::HeaderMap, response::Response};
use mtor_shared::identity::{SignIn, SignedIn};

use crate::{
    error::{ApiError, ProblemDocument},
    http::json::StrictJson,
    state::AppState,
};

/// Signs in with a signed challenge. What is signed is
/// `MTOR sign-in 1\nrealm: HOST\nperson: DID\nchallenge: CHALLENGE\n`, HOST being the name and port of the page.
#[utoipa::path(post, path = "/api/identity/sessions", tag = "identity", operation_id = "sign_in",
    request_body = SignIn, responses(
    (status = 200, description = "A session, with its cookie.", body = SignedIn),
    (status = 401, description = "The proof does not hold.", body = ProblemDocument),
    (status = 403, description = "The person is not let in.", body = ProblemDocument),
))]
pub async fn sign_in(
    State(state): State<AppState>,
    headers: HeaderMap,
    StrictJson(given): StrictJson<SignIn>,
) -> Result<Response, ApiError> {
    Ok(super::signed(state.identity.sign_in(super::host(&headers), &given, &state.ledger).await?))
}
