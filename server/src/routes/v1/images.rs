//! `POST /v1/images/generations`

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};

use super::{Body, OpenAiError, OpenAiErrorBody, asked, reasons};
use crate::{
    identity::Caller,
    openai::media::{ImageBody, encode_images},
    state::AppState,
};

/// Makes images of words.
#[utoipa::path(post, path = "/v1/images/generations", tag = "gateway", operation_id = "create_images",
    request_body = ImageBody, responses(
    (status = 200, description = "Images, as base64 or as addresses.", body = Object),
    (status = 400, description = "The request cannot be answered as it is.", body = OpenAiErrorBody),
    (status = 404, description = "No such model.", body = OpenAiErrorBody),
    (status = 502, description = "Everybody who was asked failed.", body = OpenAiErrorBody),
))]
pub async fn generate(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body<ImageBody>,
) -> Result<Response, OpenAiError> {
    let (model, request) = body.read().map_err(OpenAiError::field)?;
    let answered = state.gateway.image(&asked(caller, &headers, model, None), request).await?;
    let body = encode_images(state.gateway.now_s(), &answered.value);
    Ok((reasons(&answered), Json(body)).into_response())
}
