//! `GET /api/ledger/head`

use axum::{Json, extract::State};
use mtor_shared::ledger::Head;

use crate::{
    error::{ApiError, ProblemDocument},
    state::AppState,
};

/// The end of the chain of entries. Whoever keeps it can show later that entries were changed or taken away.
#[utoipa::path(get, path = "/api/ledger/head", tag = "ledger", operation_id = "show_head", responses(
    (status = 200, description = "The last entry's number and hash.", body = Head),
    (status = 500, description = "The database does not answer.", body = ProblemDocument),
))]
pub async fn head(State(state): State<AppState>) -> Result<Json<Head>, ApiError> {
    Ok(Json(state.ledger.head().await?))
}
