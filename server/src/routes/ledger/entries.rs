//! `GET /api/ledger/entries`

use axum::{Json, extract::State};
use mtor_shared::ledger::EntryPage;
use serde::Deserialize;

use crate::{
    error::{ApiError, ProblemDocument},
    http::params::Params,
    identity::Caller,
    state::AppState,
};

/// Entries on a page.
const USUAL: u32 = 50;
const MOST: u32 = 500;

/// Which entries.
#[derive(Deserialize, utoipa::IntoParams)]
pub struct Wanted {
    /// Only those with a smaller number.
    before: Option<u64>,
    /// How many at most: 50 where it is not given, never more than 500.
    limit: Option<u32>,
}

/// Entries that moved the caller's credits, newest first.
#[utoipa::path(get, path = "/api/ledger/entries", tag = "ledger", operation_id = "list_entries", params(Wanted),
    responses(
    (status = 200, description = "A page of them.", body = EntryPage),
    (status = 500, description = "The database does not answer.", body = ProblemDocument),
))]
pub async fn entries(
    State(state): State<AppState>,
    caller: Caller,
    Params(wanted): Params<Wanted>,
) -> Result<Json<EntryPage>, ApiError> {
    let limit = wanted.limit.unwrap_or(USUAL).clamp(1, MOST);
    Ok(Json(state.ledger.entries_of(caller.person(), wanted.before, limit).await?))
}
