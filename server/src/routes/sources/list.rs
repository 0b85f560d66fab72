//! `GET /api/catalogue/sources`

use axum::{Json, extract::State};
use mtor_shared::source::Source;

use crate::state::AppState;

/// Every source, what was added last first.
#[utoipa::path(get, path = "/api/catalogue/sources", tag = "sources", operation_id = "list_sources", responses(
    (status = 200, description = "The sources.", body = Vec<Source>),
))]
pub async fn list(State(state): State<AppState>) -> Json<Vec<Source>> {
    Json(state.sources.list())
}
