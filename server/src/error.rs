//! Domain errors to HTTP: one exhaustive mapping, so that a new kind of failure cannot be forgotten here.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use mtor_shared::problem::{Problem, ProblemCode};
use serde::Serialize;

use crate::{runs::RunError, storage::StorageError};

/// A failed request: a [`Problem`] on its way out as `application/problem+json` (RFC 9457).
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    problem: Problem,
    /// In seconds.
    retry_after: Option<u64>,
}

/// The document that goes out.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ProblemDocument {
    #[serde(flatten)]
    problem: Problem,
    /// The HTTP status, for readers that only have the document.
    status: u16,
}

impl ApiError {
    /// A problem under the status that belongs to its code.
    pub fn new(problem: Problem) -> Self {
        Self { status: status(problem.code), problem, retry_after: None }
    }

    /// A problem whose status is more exact than its code.
    pub fn with_status(status: StatusCode, problem: Problem) -> Self {
        Self { status, problem, retry_after: None }
    }

    /// After how many milliseconds the same request may succeed.
    #[must_use]
    pub fn retry_after_ms(self, retry_after_ms: Option<u64>) -> Self {
        Self { retry_after: retry_after_ms.map(|ms| ms.div_ceil(1_000)), ..self }
    }

    /// A request that is not what the interface asks for.
    pub fn bad_request(title: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Problem::new(ProblemCode::BadRequest, title, advice))
    }

    /// Its status and what is wrong, for surfaces with another form of errors.
    pub fn into_parts(self) -> (StatusCode, Problem) {
        (self.status, self.problem)
    }

    /// Nothing of that name.
    pub fn not_found(title: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Problem::new(ProblemCode::NotFound, title, advice))
    }
}

/// The status of each kind of problem when it is the answer to a request. (A run that fails is no failed request:
/// its problem travels in its last chunk.)
fn status(code: ProblemCode) -> StatusCode {
    match code {
        ProblemCode::BadRequest | ProblemCode::BadArgument => StatusCode::BAD_REQUEST,
        ProblemCode::NotFound | ProblemCode::NoResult => StatusCode::NOT_FOUND,
        ProblemCode::Conflict | ProblemCode::Stopped | ProblemCode::Interrupted => StatusCode::CONFLICT,
        ProblemCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ProblemCode::TooMany => StatusCode::TOO_MANY_REQUESTS,
        ProblemCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ProblemCode::NotEnoughCredits => StatusCode::PAYMENT_REQUIRED,
        ProblemCode::Forbidden | ProblemCode::EgressRefused => StatusCode::FORBIDDEN,
        ProblemCode::UpstreamUnreachable | ProblemCode::UpstreamError | ProblemCode::UpstreamGarbage => {
            StatusCode::BAD_GATEWAY
        }
        ProblemCode::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        ProblemCode::Offline | ProblemCode::Unsupported | ProblemCode::DeviceLost => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ProblemCode::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        ProblemCode::HashMismatch | ProblemCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<RunError> for ApiError {
    fn from(error: RunError) -> Self {
        if let RunError::Storage(error) = &error {
            tracing::error!(%error, "the database failed");
        }
        match error {
            RunError::Ledger(error) => error.into(),
            error => Self::new(error.problem()),
        }
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "the database failed");
        Self::new(error.problem())
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self::new(problem)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let document = ProblemDocument { status: self.status.as_u16(), problem: self.problem };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let too_many = self.status == StatusCode::TOO_MANY_REQUESTS;
        if let Some(seconds) = self.retry_after.or_else(|| too_many.then_some(1)) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"mtor\""));
        }
        response
    }
}
