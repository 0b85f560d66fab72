//! `GET /api/keys`

use axum::{Json, extract::State};
use mtor_shared::identity::ApiKey;

use crate::{identity::Caller, state::AppState};

/// The caller's keys without their secrets, newest first; with a key, those that it minted.
#[utoipa::path(get, path = "/api/keys", tag = "keys", operation_id = "list_keys", responses(
    (status = 200, description = "The keys.", body = Vec<ApiKey>),
))]
pub async fn list(State(state): State<AppState>, caller: Caller) -> Json<Vec<ApiKey>> {
    Json(state.identity.keys_of(&caller, &state.ledger))
}
