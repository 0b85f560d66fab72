//! `GET /.well-known/api-catalog`

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::state::AppState;

/// What of this realm is public, as a link set (RFC 9727, RFC 9264): its description, its capabilities, its health.
/// Sources that were added are a person's own and are not listed.
#[utoipa::path(get, path = "/.well-known/api-catalog", tag = "discovery", operation_id = "api_catalog", responses(
    (status = 200, description = "The link set.", body = Object, content_type = "application/linkset+json"),
))]
pub async fn show(State(state): State<AppState>, headers: HeaderMap) -> Response {
    // The name under which the asker knows the realm; it was checked before the request got here.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let scheme = if state.config.realm.https { "https" } else { "http" };
    let at = |path: &str| format!("{scheme}://{host}{path}");
    let set = json!({"linkset": [{
        "anchor": at("/"),
        "service-desc": [
            {"href": at("/openapi.json"), "type": "application/json", "title": state.config.realm.name}],
        "item": [{"href": at("/api/catalogue"), "type": "application/json", "title": "Capabilities"}],
        "status": [{"href": at("/healthz"), "type": "text/plain"}],
    }]});
    let profile = "application/linkset+json; profile=\"https://www.rfc-editor.org/info/rfc9727\"";
    let link = format!("<{}>; rel=\"api-catalog\"", at("/.well-known/api-catalog"));
    let fields = [
        (header::CONTENT_TYPE, profile.to_owned()),
        (header::LINK, link),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    (fields, set.to_string()).into_response()
}
