//! `DELETE /api/credentials/{id}`

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use mtor_shared::credential::CredentialId;

use crate::{
    error::{ApiError, ProblemDocument},
    state::AppState,
};

/// Forgets a credential; nothing is sent with it any more.
#[utoipa::path(delete, path = "/api/credentials/{id}", tag = "credentials", operation_id = "remove_credential",
    params(("id" = String, Path, description = "The credential.")), responses(
    (status = 204, description = "It is gone."),
    (status = 404, description = "No such credential.", body = ProblemDocument),
))]
pub async fn remove(State(state): State<AppState>, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    state.credentials.remove(&CredentialId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
