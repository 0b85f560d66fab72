//! `DELETE /api/keys/{id}`

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use mtor_shared::identity::KeyId;

use crate::{
    error::{ApiError, ProblemDocument},
    identity::Caller,
    state::AppState,
};

/// Revokes a key for good, and every key that was minted with it.
#[utoipa::path(delete, path = "/api/keys/{id}", tag = "keys", operation_id = "revoke_key",
    params(("id" = String, Path, description = "The key.")), responses(
    (status = 204, description = "It counts no longer."),
    (status = 404, description = "The caller has no such key.", body = ProblemDocument),
))]
pub async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    state.identity.revoke(&caller, &KeyId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
