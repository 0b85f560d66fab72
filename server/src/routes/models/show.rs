//! `GET /models/sha256/{hash}`

use axum::{
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use tower::ServiceExt;
use tower_http::services::ServeFile;

use crate::{
    error::{ApiError, ProblemDocument},
    etag,
    state::AppState,
};

/// A file of model weights, whole or in ranges. The address is the content's hash, so it never changes.
#[utoipa::path(get, path = "/models/sha256/{hash}", tag = "models",
    params(("hash" = String, Path, description = "64 lower-case hexadecimal digits.")), responses(
    (status = 200, description = "The file.", content_type = "application/octet-stream", body = Vec<u8>),
    (status = 206, description = "The range that was asked for."),
    (status = 304, description = "The reader has it."),
    (status = 404, description = "The realm does not have it.", body = ProblemDocument),
))]
pub async fn show(
    State(state): State<AppState>,
    Path(hash): Path<String>,
    mut request: Request,
) -> Result<Response, ApiError> {
    let missing = || {
        ApiError::not_found(
            format!("This realm does not have the model file {}.", hash.chars().take(12).collect::<String>()),
            "`cargo xtask models` fetches it.",
        )
    };
    // Only digits reach the file system: there is nothing to climb out with.
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
        return Err(missing());
    }
    let path = state.config.realm.models.join(&hash);
    if !tokio::fs::metadata(&path).await.is_ok_and(|file| file.is_file()) {
        return Err(missing());
    }
    let tag = format!("\"{hash}\"");
    let mut response = if etag::matches(request.headers(), &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let headers = request.headers_mut();
        // A range of something else than the reader has begun with would be glued to it.
        if headers.remove(header::IF_RANGE).is_some_and(|range| range.as_bytes() != tag.as_bytes()) {
            headers.remove(header::RANGE);
        }
        headers.remove(header::IF_MODIFIED_SINCE);
        match ServeFile::new(&path).oneshot(request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    };
    let headers = response.headers_mut();
    headers.remove(header::LAST_MODIFIED);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}
