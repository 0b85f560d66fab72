//! `GET /api/identity/people`

use axum::{Json, extract::State};
use mtor_shared::identity::Person;

use crate::state::AppState;

/// Everybody whom the realm knows, first come first.
#[utoipa::path(get, path = "/api/identity/people", tag = "identity", operation_id = "list_people", responses(
    (status = 200, description = "The people.", body = Vec<Person>),
))]
pub async fn people(State(state): State<AppState>) -> Json<Vec<Person>> {
    Json(state.identity.people())
}
