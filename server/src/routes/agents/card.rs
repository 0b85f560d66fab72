//! `GET /.well-known/agent-card.json`

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::IntoResponse,
};
use serde_json::{Value, json};

use crate::state::AppState;

/// Skills that are shown: a card is read by people and models, and search finds the rest.
const SKILLS: usize = 40;

/// The realm as an agent (A2A 1.0): where messages go, and what it can be asked for.
#[utoipa::path(get, path = "/.well-known/agent-card.json", tag = "discovery", operation_id = "agent_card",
    responses((status = 200, description = "The card.", body = Object)))]
pub async fn show(State(state): State<AppState>, headers: HeaderMap) -> impl IntoResponse {
    // The name under which the asker knows the realm; it was checked before the request got here.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let scheme = if state.config.realm.https { "https" } else { "http" };
    let url = format!("{scheme}://{host}/a2a");
    let snapshot = state.catalogue.now();
    let listing = snapshot.listing();
    let skills = listing.capabilities.iter().filter(|capability| !capability.examples.is_empty());
    let mut skills: Vec<Value> = skills
        .take(SKILLS)
        .map(|capability| {
            let examples: Vec<String> =
                capability.examples.iter().take(3).map(|example| example.sentence()).collect();
            let description = match capability.summary.as_str() {
                "" => &capability.title,
                summary => summary,
            };
            json!({"id": capability.id, "name": capability.title, "description": description,
                "tags": [capability.provider.name], "examples": examples})
        })
        .collect();
    if !state.gateway.models().is_empty() {
        skills.push(json!({"id": "chat", "name": "Chat", "description": "Answers with a language model.",
            "tags": ["chat"], "examples": ["Explain tides in two sentences."]}));
    }
    let card = json!({
        "name": state.config.realm.name,
        "description": "A realm of MTOR: it answers questions with the capabilities and models that it offers.",
        "version": env!("CARGO_PKG_VERSION"),
        "supportedInterfaces": [
            {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
            {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "0.3"}],
        // As readers of version 0.3 look for them.
        "protocolVersion": "0.3.0", "url": url, "preferredTransport": "JSONRPC",
        "capabilities": {"streaming": false, "pushNotifications": false},
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain", "application/json"],
        "skills": skills,
    });
    ([(header::CACHE_CONTROL, "no-cache"), (HeaderName::from_static("vary"), "host")], Json(card))
}
