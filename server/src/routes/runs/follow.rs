//! `GET /api/runs/{id}/events`

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use futures_util::StreamExt;
use mtor_shared::stream::Chunk;
use serde::Deserialize;

use crate::{
    error::{ApiError, ProblemDocument},
    http::params::{Params, resume_from, run_id},
    identity::Caller,
    state::AppState,
};

/// Where to go on.
#[derive(Deserialize, utoipa::IntoParams)]
pub struct From {
    /// The number of the last chunk that the reader has; the header `Last-Event-ID` comes before it.
    after: Option<u32>,
}

/// The rest of a run: what follows the last chunk that the reader has, each exactly once, then live.
#[utoipa::path(get, path = "/api/runs/{id}/events", tag = "runs",
    params(("id" = String, Path, description = "The run."), From), responses(
    (status = 200, description = "As for starting a run.", body = Chunk, content_type = "text/event-stream"),
    (status = 404, description = "No such run.", body = ProblemDocument),
))]
pub async fn follow(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Params(from): Params<From>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let from = resume_from(&headers, from.after)?;
    let chunks = state.runs.follow(caller.person(), &run_id(id)?, from).await?;
    Ok(super::events(chunks.take_until(Box::pin(state.identity.ends(&caller)))))
}
