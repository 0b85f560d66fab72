//! `GET /api/gateway/targets`

use axum::{Json, extract::State};

use crate::{gateway::TargetView, state::AppState};

/// Every upstream: what it can do, whether it is down, and what was measured in the last five minutes.
#[utoipa::path(get, path = "/api/gateway/targets", tag = "gateway", operation_id = "list_targets", responses(
    (status = 200, description = "The upstreams.", body = Vec<TargetView>),
))]
pub async fn list(State(state): State<AppState>) -> Json<Vec<TargetView>> {
    Json(state.gateway.targets())
}
