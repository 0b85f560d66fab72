//! `POST /v1/audio/transcriptions` and `POST /v1/audio/translations`

use std::convert::Infallible;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;

use super::{OpenAiError, OpenAiErrorBody, asked, reasons, speech::passed_on};
use crate::{
    error::ApiError, http::json::collect, identity::Caller, providers::media::TranscribeRequest,
    state::AppState,
};

/// Fields of a form at most.
const MOST_FIELDS: usize = 64;

/// Writes down what is said in a recording: a form with `file` and `model`.
#[utoipa::path(post, path = "/v1/audio/transcriptions", tag = "gateway", operation_id = "create_transcription",
    request_body(content = Object, content_type = "multipart/form-data"), responses(
    (status = 200, description = "The words, in the form that was asked for.", body = Object),
    (status = 400, description = "The request cannot be answered as it is.", body = OpenAiErrorBody),
    (status = 404, description = "No such model.", body = OpenAiErrorBody),
    (status = 502, description = "Everybody who was asked failed.", body = OpenAiErrorBody),
))]
pub async fn transcribe(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> Result<Response, OpenAiError> {
    pass_on(&state, caller, request, "transcriptions").await
}

/// The same in English, whatever was spoken.
#[utoipa::path(post, path = "/v1/audio/translations", tag = "gateway", operation_id = "create_translation",
    request_body(content = Object, content_type = "multipart/form-data"), responses(
    (status = 200, description = "The words, in the form that was asked for.", body = Object),
    (status = 400, description = "The request cannot be answered as it is.", body = OpenAiErrorBody),
    (status = 404, description = "No such model.", body = OpenAiErrorBody),
    (status = 502, description = "Everybody who was asked failed.", body = OpenAiErrorBody),
))]
pub async fn translate(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> Result<Response, OpenAiError> {
    pass_on(&state, caller, request, "translations").await
}

async fn pass_on(
    state: &AppState,
    caller: Caller,
    request: Request,
    verb: &'static str,
) -> Result<Response, OpenAiError> {
    let headers = request.headers().clone();
    let (model, request) = read(state, &headers, request, verb).await?;
    let answered = state.gateway.transcribe(&asked(caller, &headers, model, None), request).await?;
    let mut headers = reasons(&answered);
    headers.insert(header::CONTENT_TYPE, passed_on(&answered.value.content_type, "text/plain"));
    Ok((headers, answered.value.body).into_response())
}

async fn read(
    state: &AppState,
    headers: &HeaderMap,
    request: Request,
    verb: &'static str,
) -> Result<(Option<String>, TranscribeRequest), OpenAiError> {
    let no_form =
        || OpenAiError::field(("the body is no form with a file (multipart/form-data).".to_owned(), "file"));
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).ok_or_else(no_form)?;
    let boundary = multer::parse_boundary(kind).map_err(|_| no_form())?;
    let patience = state.config.limits.body_timeout;
    let body = tokio::time::timeout(patience, collect(request.into_body(), state.gateway.body_bytes()));
    let late = || ApiError::bad_request("The recording did not arrive in time.", "Try again.");
    let body = body.await.map_err(|_| late())??;
    let mut form = multer::Multipart::new(stream::iter([Ok::<_, Infallible>(body)]), boundary);
    let (mut model, mut file, mut fields) = (None, None, Vec::new());
    while let Some(field) = form.next_field().await.map_err(|_| no_form())? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let file_name = field.file_name().unwrap_or("recording").to_owned();
            file = Some((file_name, field.bytes().await.map_err(|_| no_form())?));
            continue;
        }
        let value = field.text().await.map_err(|_| no_form())?;
        if name == "model" {
            model = Some(value);
        } else if fields.len() < MOST_FIELDS {
            fields.push((name, value));
        }
    }
    let (file_name, file) = file.ok_or_else(no_form)?;
    Ok((model, TranscribeRequest { file, file_name, fields, verb }))
}
