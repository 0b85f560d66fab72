//! `PATCH /api/identity/people/{id}`

use axum::{
    Json,
    extract::{Path, State},
};
use mtor_shared::identity::{ChangePerson, Person, PersonId};

use crate::{
    error::{ApiError, ProblemDocument},
    http::json::StrictJson,
    identity::Caller,
    state::AppState,
};

/// Gives somebody another role, shuts them out, or lets them in again. Their sessions and keys follow at once.
#[utoipa::path(patch, path = "/api/identity/people/{id}", tag = "identity", operation_id = "change_person",
    params(("id" = String, Path, description = "Their did:key.")), request_body = ChangePerson, responses(
    (status = 200, description = "As they are now.", body = Person),
    (status = 403, description = "They are above the caller, or would be; or the last sysop.", body = ProblemDocument),
    (status = 404, description = "The realm does not know them.", body = ProblemDocument),
))]
pub async fn change_person(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    StrictJson(given): StrictJson<ChangePerson>,
) -> Result<Json<Person>, ApiError> {
    let id = PersonId::try_from(id)
        .map_err(|_| ApiError::not_found("The realm does not know this person.", "Let them in first."))?;
    Ok(Json(state.identity.change(&caller, &id, &given).await?))
}
