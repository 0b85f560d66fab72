//! `GET /api/ledger/prices`

use axum::{Json, extract::State};
use mtor_shared::ledger::NamedPrice;

use crate::state::AppState;

/// Prices that the realm's operators set; what is not listed costs what its description says.
#[utoipa::path(get, path = "/api/ledger/prices", tag = "ledger", operation_id = "list_prices", responses(
    (status = 200, description = "In millionths of a credit.", body = Vec<NamedPrice>),
))]
pub async fn prices(State(state): State<AppState>) -> Json<Vec<NamedPrice>> {
    let prices = state.ledger.prices().into_iter();
    Json(prices.map(|(of, price)| NamedPrice { of, price }).collect())
}
