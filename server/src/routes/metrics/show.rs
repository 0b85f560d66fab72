//! `GET /metrics`

use axum::{extract::State, http::header, response::IntoResponse};

use crate::state::AppState;

/// Counters and histograms in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, description = "The numbers.", body = String)))]
pub async fn show(State(state): State<AppState>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.render())
}
