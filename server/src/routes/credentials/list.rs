//! `GET /api/credentials`

use axum::{Json, extract::State, http::HeaderMap, response::IntoResponse};
use mtor_shared::credential::Credential;

use crate::{error::ApiError, state::AppState};

/// Every credential without its secret, newest first. Where one waits for a person, the answer knows the browser again.
#[utoipa::path(get, path = "/api/credentials", tag = "credentials", operation_id = "list_credentials", responses(
    (status = 200, description = "The credentials.", body = Vec<Credential>),
))]
pub async fn list(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<impl IntoResponse + use<>, ApiError> {
    let browser = state.credentials.browser(&headers)?;
    let credentials: Vec<Credential> = state.credentials.list(&browser);
    Ok((super::cookie(&state, &browser, &credentials), Json(credentials)))
}
