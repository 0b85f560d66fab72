//! `DELETE /api/identity/sessions/{id}`

use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::IntoResponse,
};

use crate::{
    error::{ApiError, ProblemDocument},
    identity::Caller,
    state::AppState,
};

/// Ends one of the caller's own sessions; `current` is the one that asks.
#[utoipa::path(delete, path = "/api/identity/sessions/{id}", tag = "identity", operation_id = "sign_out",
    params(("id" = String, Path, description = "The session, or `current`.")), responses(
    (status = 204, description = "It has ended, and every stream that it had open with it."),
    (status = 404, description = "The caller has no such session.", body = ProblemDocument),
))]
pub async fn sign_out(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let cookie = state.identity.sign_out(&caller, &id).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]))
}
