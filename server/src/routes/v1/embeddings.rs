//! `POST /v1/embeddings`

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};

use super::{Body, OpenAiError, OpenAiErrorBody, asked, reasons};
use crate::{
    identity::Caller,
    openai::media::{EmbedBody, encode_embeddings},
    state::AppState,
};

/// Texts that are embedded at once.
const MOST: usize = 2_048;

/// Turns texts into vectors.
#[utoipa::path(post, path = "/v1/embeddings", tag = "gateway", operation_id = "create_embeddings",
    request_body = EmbedBody, responses(
    (status = 200, description = "A vector for each text.", body = Object),
    (status = 400, description = "The request cannot be answered as it is.", body = OpenAiErrorBody),
    (status = 404, description = "No such model.", body = OpenAiErrorBody),
    (status = 502, description = "Everybody who was asked failed.", body = OpenAiErrorBody),
))]
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body<EmbedBody>,
) -> Result<Response, OpenAiError> {
    let (model, request, base64) = body.read();
    if request.texts.is_empty() || request.texts.len() > MOST {
        return Err(OpenAiError::field((format!("input has not 1 to {MOST} texts."), "input")));
    }
    let answered = state.gateway.embed(&asked(caller, &headers, model, None), request).await?;
    let body = encode_embeddings(&answered.model, &answered.value, base64);
    Ok((reasons(&answered), Json(body)).into_response())
}
