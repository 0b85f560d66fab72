//! `POST /api/keys`

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use mtor_shared::identity::{MintKey, MintedKey};

use crate::{
    error::{ApiError, ProblemDocument},
    http::json::StrictJson,
    identity::Caller,
    state::AppState,
};

/// Mints a key that may do no more than the caller. Its secret is told now and never again.
#[utoipa::path(post, path = "/api/keys", tag = "keys", operation_id = "mint_key", request_body = MintKey, responses(
    (status = 201, description = "The key with its secret.", body = MintedKey),
    (status = 400, description = "It makes no sense.", body = ProblemDocument),
    (status = 403, description = "It could do more than the caller.", body = ProblemDocument),
))]
pub async fn mint(
    State(state): State<AppState>,
    caller: Caller,
    StrictJson(given): StrictJson<MintKey>,
) -> Result<impl IntoResponse, ApiError> {
    let minted: MintedKey = state.identity.mint(&caller, given, &state.ledger).await?;
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(minted)))
}
