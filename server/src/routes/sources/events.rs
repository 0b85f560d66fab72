//! `GET /api/catalogue/sources/{id}/events`

use std::convert::Infallible;

use axum::{
    extract::{Path, State},
    response::{Response, sse::Event},
};
use futures_util::StreamExt;
use mtor_shared::source::{Source, SourceId};

use crate::{
    error::{ApiError, ProblemDocument},
    identity::Caller,
    routes::runs::server_sent,
    state::AppState,
};

/// A source each time it changes, beginning with how it is now; the stream ends when nothing is being done with it.
#[utoipa::path(get, path = "/api/catalogue/sources/{id}/events", tag = "sources", operation_id = "follow_source",
    params(("id" = String, Path, description = "The source.")), responses(
    (status = 200, description = "Server-sent events; the data of each is the source.", body = Source,
        content_type = "text/event-stream"),
    (status = 404, description = "No such source.", body = ProblemDocument),
))]
pub async fn events(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let sources = state.sources.follow(&SourceId(id))?;
    let sources = sources.take_until(Box::pin(state.identity.ends(&caller)));
    let events = sources.filter_map(|source| async move {
        let data = serde_json::to_string(&source).ok()?;
        Some(Ok::<_, Infallible>(Event::default().data(data)))
    });
    Ok(server_sent(events))
}
