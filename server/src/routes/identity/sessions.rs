//! `GET /api/identity/sessions`

use axum::{Json, extract::State};
use mtor_shared::identity::SessionInfo;

use crate::{identity::Caller, state::AppState};

/// The caller's own sessions, newest first.
#[utoipa::path(get, path = "/api/identity/sessions", tag = "identity", operation_id = "list_sessions", responses(
    (status = 200, description = "The sessions.", body = Vec<SessionInfo>),
))]
pub async fn sessions(State(state): State<AppState>, caller: Caller) -> Json<Vec<SessionInfo>> {
    Json(state.identity.sessions_of(&caller))
}
