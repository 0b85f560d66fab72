//! `GET /api/ledger/accounts`

use axum::{Json, extract::State};
use mtor_shared::ledger::AccountBalance;

use crate::state::AppState;

/// Every account and what it has; `issue` is what was issued in all, which is the sum of the others.
#[utoipa::path(get, path = "/api/ledger/accounts", tag = "ledger", operation_id = "list_accounts", responses(
    (status = 200, description = "The accounts.", body = Vec<AccountBalance>),
))]
pub async fn accounts(State(state): State<AppState>) -> Json<Vec<AccountBalance>> {
    Json(state.ledger.accounts())
}
