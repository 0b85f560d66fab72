//! `POST /mcp`

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};

use crate::{mcp, state::AppState};

/// The Model Context Protocol over streamable HTTP, without sessions: the tools `search`, `describe` and `invoke`.
#[utoipa::path(post, path = "/mcp", tag = "gateway", operation_id = "mcp", request_body = Object, responses(
    (status = 200, description = "A JSON-RPC answer.", body = Object),
    (status = 400, description = "This is no call.", body = Object),
))]
pub async fn call(State(state): State<AppState>, request: Request) -> Response {
    mcp::service(&state).handle(request).await.map(Body::new)
}
