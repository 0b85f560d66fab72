//! `GET /api/catalogue/search`

use axum::{Json, extract::State};
use mtor_shared::source::OperationPage;
use serde::Deserialize;

use crate::{
    error::{ApiError, ProblemDocument},
    http::params::Params,
    search::{Scope, Window, search},
    state::AppState,
};

/// What to search for.
#[derive(Deserialize, utoipa::IntoParams)]
pub struct Wanted {
    /// Words, or a sentence.
    #[serde(default)]
    q: String,
    /// How many to leave out before.
    offset: Option<u32>,
    /// How many at most: 50 where it is not given, never more than 200.
    limit: Option<u32>,
}

/// Searches everything that can be called, by words and, as soon as it is computed, by meaning.
#[utoipa::path(get, path = "/api/catalogue/search", tag = "operations", operation_id = "search_operations",
    params(Wanted), responses(
    (status = 200, description = "What fits best comes first.", body = OperationPage),
    (status = 400, description = "The query is too long.", body = ProblemDocument),
))]
pub async fn find(
    State(state): State<AppState>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<OperationPage>, ApiError> {
    let window = Window::new(wanted.offset, wanted.limit);
    Ok(Json(search(state.catalogue.now(), &state.engine, &Scope::Enabled, &wanted.q, window).await?))
}
