//! What can be asked for.

pub mod list;
pub mod vectors;

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;

use crate::etag;

/// JSON that a browser keeps and asks about each time.
fn revalidated(headers: &HeaderMap, json: Bytes, tag: &str) -> Response {
    let cache = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache")];
    if etag::matches(headers, tag) {
        return (StatusCode::NOT_MODIFIED, cache).into_response();
    }
    (cache, [(header::CONTENT_TYPE, "application/json")], json).into_response()
}
