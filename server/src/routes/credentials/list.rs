//! `GET /api/credentials`

use axum::{Json, extract::State};
use mtor_shared::credential::Credential;

use crate::state::AppState;

/// Every credential without its secret, newest first.
#[utoipa::path(get, path = "/api/credentials", tag = "credentials", operation_id = "list_credentials", responses(
    (status = 200, description = "The credentials.", body = Vec<Credential>),
))]
pub async fn list(State(state): State<AppState>) -> Json<Vec<Credential>> {
    Json(state.credentials.list())
}
