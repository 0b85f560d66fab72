//! `GET /api/catalogue/sources/{id}/document`

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use mtor_shared::source::SourceId;

use crate::{
    error::{ApiError, ProblemDocument},
    state::AppState,
};

/// The text that a source's capabilities come from, byte for byte. A stranger wrote it, so it is plain text whatever
/// is in it.
#[utoipa::path(get, path = "/api/catalogue/sources/{id}/document", tag = "sources", operation_id = "show_document",
    params(("id" = String, Path, description = "The source.")), responses(
    (status = 200, description = "The text.", body = String, content_type = "text/plain"),
    (status = 404, description = "No such source, or it was not read yet.", body = ProblemDocument),
))]
pub async fn document(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let text = state.sources.document(&SourceId(id)).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, text).into_response())
}
