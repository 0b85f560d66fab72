//! `POST /v1/audio/speech`

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::{Body, OpenAiError, OpenAiErrorBody, asked, reasons};
use crate::{identity::Caller, openai::media::SpeechBody, state::AppState};

/// Speaks a text.
#[utoipa::path(post, path = "/v1/audio/speech", tag = "gateway", operation_id = "create_speech",
    request_body = SpeechBody, responses(
    (status = 200, description = "The recording.", body = Vec<u8>, content_type = "audio/*"),
    (status = 400, description = "The request cannot be answered as it is.", body = OpenAiErrorBody),
    (status = 404, description = "No such model.", body = OpenAiErrorBody),
    (status = 502, description = "Everybody who was asked failed.", body = OpenAiErrorBody),
))]
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body<SpeechBody>,
) -> Result<Response, OpenAiError> {
    let (model, request) = body.read();
    let answered = state.gateway.speak(&asked(caller, &headers, model, None), request).await?;
    let mut headers = reasons(&answered);
    headers.insert(header::CONTENT_TYPE, passed_on(&answered.value.content_type, "audio/"));
    Ok((headers, answered.value.body).into_response())
}

/// A type that an upstream gave, where it is one of those that a browser only plays or reads; else plain bytes.
pub(super) fn passed_on(content_type: &str, family: &str) -> HeaderValue {
    let plain = content_type.split(';').next().unwrap_or_default().trim();
    let known = plain.starts_with(family) || matches!(plain, "application/json" | "text/plain" | "text/vtt");
    let kind = if known { content_type } else { "application/octet-stream" };
    HeaderValue::try_from(kind).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}
