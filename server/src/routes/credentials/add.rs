//! `POST /api/credentials`

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use mtor_shared::credential::{AddCredential, Credential};

use crate::{
    error::{ApiError, ProblemDocument},
    http::json::StrictJson,
    state::AppState,
};

/// Keeps a credential for a scheme of a source, in place of the one before: encrypted, and for the hosts that the
/// source calls now. For an authorization the answer says where to send the person.
#[utoipa::path(post, path = "/api/credentials", tag = "credentials", operation_id = "add_credential",
    request_body = AddCredential, responses(
    (status = 201, description = "Everything but the secret.", body = Credential,
        headers(("set-cookie" = String, description = "Knows the browser again that begins an authorization."))),
    (status = 400, description = "It does not fit the scheme.", body = ProblemDocument),
    (status = 404, description = "No such source or scheme.", body = ProblemDocument),
))]
pub async fn add(
    State(state): State<AppState>,
    headers: HeaderMap,
    StrictJson(given): StrictJson<AddCredential>,
) -> Result<impl IntoResponse, ApiError> {
    let shelf = state.catalogue.now().shelf(&given.source).cloned();
    let shelf = shelf.ok_or_else(|| {
        let shown: String = given.source.0.chars().take(80).collect();
        ApiError::not_found(format!("There is no source {shown}, or it is not compiled."), "Reload the list.")
    })?;
    // The name under which the person's browser knows the realm; it was checked before the request got here.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let scheme = if state.config.realm.https { "https" } else { "http" };
    let own = format!("{scheme}://{host}");
    let browser = state.credentials.browser(&headers)?;
    let credential = state.credentials.add(given, &shelf.version, &own, &browser).await?;
    let cookie = super::cookie(&state, &browser, std::slice::from_ref(&credential));
    Ok((StatusCode::CREATED, cookie, Json(credential)))
}
