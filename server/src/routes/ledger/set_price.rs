//! `PUT /api/ledger/prices`

use axum::{extract::State, http::StatusCode};
use mtor_shared::ledger::SetPrice;

use crate::{
    error::{ApiError, ProblemDocument},
    http::json::StrictJson,
    state::AppState,
};

/// Sets what a capability or a model costs, or goes back to what its description says.
#[utoipa::path(put, path = "/api/ledger/prices", tag = "ledger", operation_id = "set_price",
    request_body = SetPrice, responses(
    (status = 204, description = "It holds for whatever begins from now on."),
    (status = 400, description = "There is no such price.", body = ProblemDocument),
))]
pub async fn set_price(
    State(state): State<AppState>,
    StrictJson(given): StrictJson<SetPrice>,
) -> Result<StatusCode, ApiError> {
    state.ledger.set_price(given.of.as_str(), given.price).await?;
    Ok(StatusCode::NO_CONTENT)
}
