//! `GET /api/catalogue/vectors`

use axum::{extract::State, http::HeaderMap, response::Response};
use mtor_shared::{
    catalogue::CatalogueVectors,
    problem::{Problem, ProblemCode},
};

use crate::{
    catalogue::vectors,
    error::{ApiError, ProblemDocument},
    state::AppState,
};

/// Embeddings of every example and background sentence.
#[utoipa::path(get, path = "/api/catalogue/vectors", tag = "catalogue", responses(
    (status = 200, description = "The vectors.", body = CatalogueVectors),
    (status = 304, description = "They have not changed."),
    (status = 503, description = "There are none, or not yet; routing by words works without.", body = ProblemDocument),
))]
pub async fn vectors(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, ApiError> {
    match state.vectors.state() {
        vectors::State::Ready(json, tag) => Ok(super::revalidated(&headers, json, &tag)),
        vectors::State::Computing => Err(ApiError::new(Problem::retryable(
            ProblemCode::Unsupported,
            "The realm is still computing the meaning of its examples.",
            "Try again in a few seconds; matching by words works meanwhile.",
        ))),
        vectors::State::Absent(problem) => Err(ApiError::new(problem)),
    }
}
