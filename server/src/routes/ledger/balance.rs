//! `GET /api/ledger`

use axum::{Json, extract::State};
use mtor_shared::ledger::Balance;

use crate::{identity::Caller, state::AppState};

/// What the caller has, what is set aside, and how many more questions that makes.
#[utoipa::path(get, path = "/api/ledger", tag = "ledger", operation_id = "show_balance", responses(
    (status = 200, description = "Amounts are in millionths of a credit.", body = Balance),
))]
pub async fn balance(State(state): State<AppState>, caller: Caller) -> Json<Balance> {
    Json(state.ledger.balance_of(caller.person()))
}
