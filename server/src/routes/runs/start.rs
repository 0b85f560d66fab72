//! `POST /api/runs`

use axum::{extract::State, http::HeaderMap, response::Response};
use futures_util::StreamExt;
use mtor_shared::{run::RunRequest, stream::Chunk};

use crate::{
    error::{ApiError, ProblemDocument},
    http::{json::StrictJson, params::resume_from},
    identity::Caller,
    state::AppState,
};

/// Carries a plan out and streams what happens. The same id with the same plan attaches to the run that is there;
/// the run goes on when the reader goes away.
#[utoipa::path(post, path = "/api/runs", tag = "runs", request_body = RunRequest, responses(
    (status = 200, description = "Server-sent events; the data of each is a chunk, its id the chunk's number.",
        body = Chunk, content_type = "text/event-stream"),
    (status = 402, description = "The caller has too few credits, or a budget is used up.", body = ProblemDocument),
    (status = 400, description = "The plan cannot be carried out.", body = ProblemDocument),
    (status = 409, description = "The id is taken by another plan.", body = ProblemDocument),
    (status = 429, description = "Too many runs are at work.", body = ProblemDocument),
))]
pub async fn start(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    StrictJson(request): StrictJson<RunRequest>,
) -> Result<Response, ApiError> {
    let from = resume_from(&headers, None)?;
    let chunks = state.runs.start(&caller, request, from).await?;
    Ok(super::events(chunks.take_until(Box::pin(state.identity.ends(&caller)))))
}
