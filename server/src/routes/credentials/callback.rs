//! `GET /api/credentials/oauth/callback/{source}`

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use mtor_shared::source::SourceId;
use serde::Deserialize;

use crate::{credentials::browser::Browser, http::params::Params, state::AppState};

/// What a provider sends back with a person (RFC 6749, 4.1.2).
#[derive(Deserialize, utoipa::IntoParams)]
pub struct Returned {
    /// Says which authorization it is; it counts once.
    #[serde(default)]
    state: String,
    /// The permission.
    code: Option<String>,
    /// Why there is none.
    error: Option<String>,
}

/// Where a provider sends a person back to after they agreed, in the browser in which they began. The answer is a page
/// for that person.
#[utoipa::path(get, path = "/api/credentials/oauth/callback/{source}", tag = "credentials", operation_id = "oauth_callback",
    params(("source" = String, Path, description = "Whose provider sends the person."), Returned), responses(
    (status = 200, description = "The credential can be used.", body = String, content_type = "text/html"),
    (status = 403, description = "There is no such authorization.", body = String, content_type = "text/html"),
))]
pub async fn callback(
    State(state): State<AppState>,
    Path(source): Path<String>,
    headers: HeaderMap,
    Params(returned): Params<Returned>,
) -> Response {
    let Returned { state: known, code, error } = returned;
    let (source, browser) = (SourceId(source), Browser::of(&headers));
    let (code, error) = (code.as_deref(), error.as_deref());
    let outcome = state.credentials.come_back(&source, browser.as_ref(), &known, code, error).await;
    let (status, title, advice) = match outcome {
        Ok(credential) => (
            StatusCode::OK,
            format!("MTOR may use {} now.", credential.source),
            "You can close this page.".to_owned(),
        ),
        Err(problem) => (StatusCode::FORBIDDEN, problem.title, problem.advice),
    };
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>MTOR</title><h1>{}</h1><p>{}</p>\
         <p><a href=\"/\">Back to MTOR</a></p></html>",
        escaped(&title),
        escaped(&advice)
    );
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, page).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
