//! `GET /api/catalogue`

use axum::{extract::State, http::HeaderMap, response::Response};
use mtor_shared::catalogue::Catalogue;

use crate::state::AppState;

/// What this realm offers: what comes with MTOR and what was enabled last. Where there is more it is found by search.
/// Results' schemas, and the nested parts of large arguments, are with the single operation.
#[utoipa::path(get, path = "/api/catalogue", tag = "catalogue", responses(
    (status = 200, description = "The catalogue.", body = Catalogue),
    (status = 304, description = "It has not changed."),
))]
pub async fn list(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let snapshot = state.catalogue.now();
    let (json, tag) = snapshot.json();
    super::revalidated(&headers, json, tag)
}
