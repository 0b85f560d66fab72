//! `POST /v1/chat/completions`

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response, sse::Event},
};
use futures_util::{Stream, StreamExt, stream};

use super::{Body, OpenAiError, OpenAiErrorBody, asked, error_event, reasons};
use crate::{
    gateway::{AnswerStream, GatewayError},
    identity::Caller,
    openai::{
        chat::{Asked, ChatBody},
        completion::{self, Label},
    },
    providers::chat::{Chunk, Usage},
    routes::runs::server_sent,
    state::AppState,
};

/// Answers a conversation, whole or in pieces. `x-mtor-decision` names the reasons for who answered.
#[utoipa::path(post, path = "/v1/chat/completions", tag = "gateway", operation_id = "create_chat_completion",
    request_body = ChatBody, responses(
    (status = 200, description = "A chat completion; server-sent events where `stream` is true.", body = Object),
    (status = 400, description = "The request cannot be answered as it is.", body = OpenAiErrorBody),
    (status = 404, description = "No such model.", body = OpenAiErrorBody),
    (status = 429, description = "Too many requests.", body = OpenAiErrorBody),
    (status = 502, description = "Everybody who was asked failed.", body = OpenAiErrorBody),
    (status = 503, description = "Nobody can answer now.", body = OpenAiErrorBody),
))]
pub async fn complete(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body<ChatBody>,
) -> Result<Response, OpenAiError> {
    let Asked { model, request, stream, include_usage, conversation } =
        body.read().map_err(OpenAiError::field)?;
    let ask = asked(caller, &headers, model, conversation);
    let label = |id: &str, model: &str| Label {
        id: format!("chatcmpl-{id}"),
        created: state.gateway.now_s(),
        model: model.to_owned(),
    };
    if stream {
        let answered = state.gateway.chat_stream(&ask, request).await?;
        let label = label(&answered.decision, &answered.model);
        let headers = reasons(&answered);
        let events = events(label, answered.value, include_usage).map(Ok::<_, Infallible>);
        return Ok((headers, server_sent(events)).into_response());
    }
    let answered = state.gateway.chat(&ask, request).await?;
    let label = label(&answered.decision, &answered.model);
    Ok((reasons(&answered), Json(completion::encode(&label, &answered.value))).into_response())
}

struct Sending {
    label: Label,
    pieces: AnswerStream,
    include_usage: bool,
    next: Next,
}

enum Next {
    First,
    Piece,
    Usage(Usage),
    Done,
    Nothing,
}

/// Pieces as events, `[DONE]` at the end. An error is an event, and the last one.
fn events(label: Label, pieces: AnswerStream, include_usage: bool) -> impl Stream<Item = Event> + Send {
    let sending = Sending { label, pieces, include_usage, next: Next::First };
    stream::unfold(sending, |mut sending| async move {
        let data = sending.next().await?;
        Some((Event::default().data(data), sending))
    })
}

impl Sending {
    async fn next(&mut self) -> Option<String> {
        let first = match std::mem::replace(&mut self.next, Next::Piece) {
            Next::First => true,
            Next::Piece => false,
            Next::Usage(usage) => {
                self.next = Next::Done;
                return Some(completion::encode_usage_piece(&self.label, &usage));
            }
            Next::Done => {
                self.next = Next::Nothing;
                return Some("[DONE]".to_owned());
            }
            Next::Nothing => return None,
        };
        let piece: Result<Chunk, Arc<GatewayError>> = self.pieces.next().await?;
        match piece {
            Ok(chunk) => {
                if let Chunk::End { usage, .. } = &chunk {
                    self.next = match usage {
                        Some(usage) if self.include_usage => Next::Usage(*usage),
                        Some(_) | None => Next::Done,
                    };
                }
                Some(completion::encode_piece(&self.label, &chunk, first))
            }
            Err(error) => {
                self.next = Next::Nothing;
                Some(error_event(&error))
            }
        }
    }
}
