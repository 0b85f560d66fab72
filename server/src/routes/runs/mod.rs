//! Carrying plans out.

pub mod follow;
pub mod start;
pub mod stop;

use std::{convert::Infallible, time::Duration};

use axum::{
    http::{HeaderName, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{Stream, StreamExt};
use mtor_shared::stream::Chunk;

/// A comment this often keeps proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// A run's chunks as server-sent events; the id of each is its number.
fn events(chunks: impl Stream<Item = Chunk> + Send + 'static) -> Response {
    let events = chunks.filter_map(|chunk| async move {
        // A chunk was JSON in the database a moment ago.
        let data = serde_json::to_string(&chunk).ok()?;
        Some(Ok::<_, Infallible>(Event::default().id(chunk.seq.to_string()).data(data)))
    });
    server_sent(events)
}

/// A stream of events that nobody on the way keeps or holds back.
pub(super) fn server_sent(
    events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
) -> Response {
    let stream = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let headers = [(header::CACHE_CONTROL, "no-store"), (HeaderName::from_static("x-accel-buffering"), "no")];
    (headers, stream).into_response()
}
