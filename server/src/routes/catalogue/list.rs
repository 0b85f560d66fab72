//! `GET /api/catalogue`

use axum::{extract::State, http::HeaderMap, response::Response};
use mtor_shared::catalogue::Catalogue;

use crate::state::AppState;

/// Every capability that this realm offers.
#[utoipa::path(get, path = "/api/catalogue", tag = "catalogue", responses(
    (status = 200, description = "The catalogue.", body = Catalogue),
    (status = 304, description = "It has not changed."),
))]
pub async fn list(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let (json, tag) = state.catalogue.json();
    super::revalidated(&headers, json, tag)
}
