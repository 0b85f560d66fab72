//! `POST /api/identity/claim`

use axum::{extract::State, http::HeaderMap, response::Response};
use mtor_shared::identity::{Claim, SignedIn};

use crate::{
    error::{ApiError, ProblemDocument},
    http::json::StrictJson,
    state::AppState,
};

/// Makes the signer the sysop of a realm that has none, with the token that the realm printed when it started. What
/// belonged to the person at the machine is theirs from then on.
#[utoipa::path(post, path = "/api/identity/claim", tag = "identity", operation_id = "claim_realm",
    request_body = Claim, responses(
    (status = 200, description = "A session of the sysop, with its cookie.", body = SignedIn),
    (status = 401, description = "The proof does not hold.", body = ProblemDocument),
    (status = 403, description = "The token does not.", body = ProblemDocument),
    (status = 409, description = "The realm is claimed already.", body = ProblemDocument),
))]
pub async fn claim(
    State(state): State<AppState>,
    headers: HeaderMap,
    StrictJson(given): StrictJson<Claim>,
) -> Result<Response, ApiError> {
    Ok(super::signed(state.identity.claim(super::host(&headers), &given, &state.ledger).await?))
}
