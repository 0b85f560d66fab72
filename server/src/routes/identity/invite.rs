//! `POST /api/identity/people`

use axum::{Json, extract::State, http::StatusCode};
use mtor_shared::identity::{InvitePerson, Person};

use crate::{
    error::{ApiError, ProblemDocument},
    http::json::StrictJson,
    identity::Caller,
    state::AppState,
};

/// Lets somebody in, in a role that is not above the caller's own.
#[utoipa::path(post, path = "/api/identity/people", tag = "identity", operation_id = "invite_person",
    request_body = InvitePerson, responses(
    (status = 201, description = "They can sign in.", body = Person),
    (status = 400, description = "The realm knows them already.", body = ProblemDocument),
    (status = 403, description = "The role is above the caller's own.", body = ProblemDocument),
))]
pub async fn invite(
    State(state): State<AppState>,
    caller: Caller,
    StrictJson(given): StrictJson<InvitePerson>,
) -> Result<(StatusCode, Json<Person>), ApiError> {
    Ok((StatusCode::CREATED, Json(state.identity.invite(&caller, &given).await?)))
}
