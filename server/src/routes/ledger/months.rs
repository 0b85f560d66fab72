//! `GET /api/ledger/months`

use axum::{Json, extract::State};
use mtor_shared::ledger::Month;

use crate::{
    error::{ApiError, ProblemDocument},
    identity::Caller,
    state::AppState,
};

/// The caller's months, newest first: what was paid, what came in, what was sent.
#[utoipa::path(get, path = "/api/ledger/months", tag = "ledger", operation_id = "list_months", responses(
    (status = 200, description = "The months in which something moved.", body = Vec<Month>),
    (status = 500, description = "The database does not answer.", body = ProblemDocument),
))]
pub async fn months(State(state): State<AppState>, caller: Caller) -> Result<Json<Vec<Month>>, ApiError> {
    Ok(Json(state.ledger.months(caller.person()).await?))
}
