//! `GET /api/gateway/decisions` and `GET /api/gateway/decisions/{id}`

use axum::{
    Json,
    extract::{Path, State},
};
use mtor_shared::gateway::Decision;
use serde::Deserialize;

use crate::{
    error::{ApiError, ProblemDocument},
    gateway::meter::Asker,
    http::params::Params,
    identity::Caller,
    state::AppState,
};

/// How many.
#[derive(Deserialize, utoipa::IntoParams)]
pub struct Wanted {
    /// At most; 50 where it is not given, never more than 500.
    limit: Option<usize>,
}

/// The asker's own newest decisions, the newest first.
#[utoipa::path(get, path = "/api/gateway/decisions", tag = "gateway", operation_id = "list_decisions",
    params(Wanted), responses((status = 200, description = "The decisions.", body = Vec<Decision>)))]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Params(wanted): Params<Wanted>,
) -> Json<Vec<Decision>> {
    let most = wanted.limit.unwrap_or(50).min(500);
    Json(state.gateway.decisions().of(&Asker::from(caller), most))
}

/// Why a request was answered by whom: the header `x-mtor-decision` of the answer names it.
#[utoipa::path(get, path = "/api/gateway/decisions/{id}", tag = "gateway", operation_id = "show_decision",
    params(("id" = String, Path, description = "Its id.")), responses(
    (status = 200, description = "The decision.", body = Decision),
    (status = 404, description = "No such decision, or not any more.", body = ProblemDocument),
))]
pub async fn show(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<Decision>, ApiError> {
    state.gateway.decisions().get(&id).map(Json).ok_or_else(|| {
        ApiError::not_found("This realm knows no decision of that id.", "Only the newest are kept.")
    })
}
