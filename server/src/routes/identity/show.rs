//! `GET /api/identity`

use axum::{Json, extract::State};
use mtor_shared::identity::Me;

use crate::{identity::Caller, state::AppState};

/// Who the realm takes the caller for, and whether somebody has claimed it.
#[utoipa::path(get, path = "/api/identity", tag = "identity", operation_id = "who_am_i", responses(
    (status = 200, description = "The caller, or nobody.", body = Me),
))]
pub async fn show(State(state): State<AppState>, caller: Option<Caller>) -> Json<Me> {
    Json(state.identity.me(caller.as_ref()))
}
