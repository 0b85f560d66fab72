//! Query strings and path pieces that strangers wrote.

use axum::{
    extract::{FromRequestParts, Query},
    http::{HeaderMap, request::Parts},
};
use mtor_shared::run::RunId;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// A query string of type `T`.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Query::try_from_uri(&parts.uri).map(|Query(params)| Self(params)).map_err(|rejection| {
            ApiError::bad_request(
                format!("The query is not what is asked for: {}.", rejection.body_text()),
                "GET /openapi.json describes it.",
            )
        })
    }
}

/// A run id out of a path or a query.
pub fn run_id(text: String) -> Result<RunId, ApiError> {
    RunId::try_from(text).map_err(|error| ApiError::bad_request(format!("This is no run id: {error}."), ""))
}

/// The number after the last chunk that a reader has: the `Last-Event-ID` header, which a browser sends by itself
/// when it connects again, else `after`.
pub fn resume_from(headers: &HeaderMap, after: Option<u32>) -> Result<u32, ApiError> {
    let wrong = || ApiError::bad_request("Last-Event-ID is not the number of a chunk.", "");
    let last = match headers.get("last-event-id") {
        Some(last) => Some(last.to_str().ok().and_then(|last| last.parse().ok()).ok_or_else(wrong)?),
        None => after,
    };
    last.map_or(Ok(0), |last: u32| last.checked_add(1).ok_or_else(wrong))
}
