//! A line, a number and an id for each request; never what a person wrote.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use mtor_shared::problem::{Problem, ProblemCode};
use tracing::Instrument;

use crate::{error::ApiError, state::AppState};

/// Names one request in the log and in the answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Counts requests; with the start of the process before it the id is unique in a log.
static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// Measures and logs. Query strings stay out: they may hold what a person asked for.
pub async fn observe(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = format!("{:x}-{:x}", state.started_at_ms, REQUESTS.fetch_add(1, Ordering::Relaxed));
    let route = request.extensions().get::<MatchedPath>().map_or("shell", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let began = Instant::now();
    let span = tracing::info_span!("request", %id, %method, route);
    let mut response = next.run(request).instrument(span.clone()).await;
    let elapsed = began.elapsed();
    let status = response.status().as_u16();
    span.in_scope(|| tracing::debug!(status, elapsed_ms = elapsed.as_secs_f64() * 1e3, "answered"));
    let labels = [("method", method.to_string()), ("route", route), ("status", status.to_string())];
    metrics::counter!("mtor_http_requests_total", &labels).increment(1);
    metrics::histogram!("mtor_http_request_seconds", &labels[1..2]).record(elapsed.as_secs_f64());
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The answer when a handler panics: a problem like any other; the process goes on.
pub fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let title = "MTOR made a mistake while it answered this.";
    ApiError::with_status(
        StatusCode::INTERNAL_SERVER_ERROR,
        Problem::new(ProblemCode::Internal, title, "The realm's log says more."),
    )
    .into_response()
}
