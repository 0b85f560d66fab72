//! `POST /api/keys/{id}/rotate`

use axum::{
    Json,
    extract::{Path, State},
    http::header,
    response::IntoResponse,
};
use mtor_shared::identity::{KeyId, MintedKey};

use crate::{
    error::{ApiError, ProblemDocument},
    identity::Caller,
    state::AppState,
};

/// A new secret for the same key; the old one counts no longer. Limits and what was spent stay.
#[utoipa::path(post, path = "/api/keys/{id}/rotate", tag = "keys", operation_id = "rotate_key",
    params(("id" = String, Path, description = "The key.")), responses(
    (status = 200, description = "The key with its new secret.", body = MintedKey),
    (status = 403, description = "It is revoked.", body = ProblemDocument),
    (status = 404, description = "The caller has no such key.", body = ProblemDocument),
))]
pub async fn rotate(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let minted: MintedKey = state.identity.rotate_key(&caller, &KeyId(id)).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(minted)))
}
