//! `GET /openapi.json`

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;

use crate::etag;

/// The document that the handlers' annotations make; it is the same for the life of the process.
pub fn show(headers: &HeaderMap, document: Bytes) -> Response {
    let tag = etag::of(&document);
    let cache = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if etag::matches(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, cache).into_response();
    }
    (cache, [(header::CONTENT_TYPE, "application/json")], document).into_response()
}
