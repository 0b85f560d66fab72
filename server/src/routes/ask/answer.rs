//! `POST /api/ask`

use std::{convert::Infallible, time::Instant};

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response, sse::Event},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use mtor_shared::{intent::Intent, problem::Problem};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::find::{Failed, Found, find};
use crate::{
    error::{ApiError, ProblemDocument},
    gateway::{AnswerStream, Answered, Unanswered},
    http::json::{collect, strict},
    identity::Caller,
    providers::chat::Chunk,
    routes::{
        runs::server_sent,
        v1::{DECISION, asked, reasons},
    },
    state::AppState,
};

/// What `POST /api/ask` takes, where it is JSON. Any other body is the question itself.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Question {
    /// The words.
    prompt: String,
    /// A model of `GET /v1/models`; left out, a capability or the usual model answers.
    #[serde(default)]
    model: Option<String>,
}

/// A whole answer.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Reply {
    /// The words, or the data as JSON.
    answer: String,
    /// Who answered.
    who: String,
    /// The data of a capability.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
    /// The reasons of a model's answer: `GET /api/gateway/decisions/{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<String>,
    /// From the question to the whole answer.
    elapsed_ms: u64,
}

/// How an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Words as they come.
    Text,
    /// One object.
    Json,
    /// Events.
    Events,
}

/// Answers a question: `curl -d "weather in Lisbon" …/api/ask`. Words come as they are made; with
/// `accept: application/json` as one object, with `accept: text/event-stream` as events.
#[utoipa::path(post, path = "/api/ask", tag = "gateway", operation_id = "ask", request_body = Question, responses(
    (status = 200, description = "The answer.", body = Reply),
    (status = 400, description = "There is no question.", body = ProblemDocument),
    (status = 503, description = "Nobody can answer.", body = ProblemDocument),
))]
pub async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let began = Instant::now();
    let headers = request.headers().clone();
    let question = read(&state, &headers, request).await?;
    let intent = Intent::text(&question.prompt)
        .map_err(|error| ApiError::bad_request(error.to_string(), "Send the question as the body."))?;
    let ask = asked(caller, &headers, question.model, None);
    let found = find(&state, &ask, intent.words()).await.map_err(|failed| match failed {
        Failed::Capability(problem) => ApiError::new(problem),
        Failed::Model(unanswered) => unanswered.into(),
    })?;
    let elapsed_ms = || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let form = form(&headers);
    Ok(match (found, form) {
        (Found::Data { capability, who, data }, form) => {
            let who = format!("{who} ({capability})");
            let text = serde_json::to_string_pretty(&data).unwrap_or_default();
            match form {
                Form::Text => words([(header::CACHE_CONTROL, "no-store")], Body::from(text + "\n")),
                Form::Json => {
                    let elapsed_ms = elapsed_ms();
                    let reply = Reply { answer: text, who, data: Some(data), decision: None, elapsed_ms };
                    Json(reply).into_response()
                }
                Form::Events => {
                    let events = [json!({"data": data}), json!({"done": true, "who": who})];
                    let events =
                        events.map(|event| Ok::<_, Infallible>(Event::default().data(event.to_string())));
                    server_sent(stream::iter(events))
                }
            }
        }
        (Found::Words(answered), Form::Text) => {
            let headers = reasons(&answered);
            words(headers, Body::from_stream(plain(answered.value)))
        }
        (Found::Words(answered), Form::Json) => {
            let headers = reasons(&answered);
            let Answered { mut value, decision, target, .. } = answered;
            let mut text = String::new();
            while let Some(piece) = value.next().await {
                match piece {
                    Ok(Chunk::Text(more)) => text.push_str(&more),
                    Ok(Chunk::Reasoning(_) | Chunk::Call { .. } | Chunk::End { .. }) => {}
                    Err(error) => return Err(Unanswered { error, decision: Some(decision) }.into()),
                }
            }
            let decision = Some(decision);
            let reply = Reply { answer: text, who: target, data: None, decision, elapsed_ms: elapsed_ms() };
            (headers, Json(reply)).into_response()
        }
        (Found::Words(answered), Form::Events) => {
            let headers = reasons(&answered);
            let who = answered.target;
            let events = answered.value.filter_map(move |piece| {
                let event = match piece {
                    Ok(Chunk::Text(text)) => Some(json!({"text": text})),
                    Ok(Chunk::End { .. }) => Some(json!({"done": true, "who": who})),
                    Ok(Chunk::Reasoning(_) | Chunk::Call { .. }) => None,
                    Err(error) => Some(json!({"problem": error.problem()})),
                };
                let event = event.map(|event| Ok::<_, Infallible>(Event::default().data(event.to_string())));
                async move { event }
            });
            (headers, server_sent(events)).into_response()
        }
    })
}

fn words(headers: impl axum::response::IntoResponseParts, body: Body) -> Response {
    let mut response = (headers, body).into_response();
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// The words as they come, and a line break. A failure in the middle cuts the answer off, so that a program notices.
fn plain(pieces: AnswerStream) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> + Send {
    pieces.filter_map(|piece| async move {
        match piece {
            Ok(Chunk::Text(text)) => Some(Ok(Bytes::from(text))),
            Ok(Chunk::End { .. }) => Some(Ok(Bytes::from_static(b"\n"))),
            Ok(Chunk::Reasoning(_) | Chunk::Call { .. }) => None,
            Err(error) => Some(Err(std::io::Error::other(error.message()))),
        }
    })
}

fn form(headers: &HeaderMap) -> Form {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("text/event-stream") {
        Form::Events
    } else if accept.contains("application/json") {
        Form::Json
    } else {
        Form::Text
    }
}

async fn read(state: &AppState, headers: &HeaderMap, request: Request) -> Result<Question, ApiError> {
    let limits = &state.config.limits;
    let body = collect(request.into_body(), limits.body_bytes);
    let late = |_| ApiError::bad_request("The question did not arrive in time.", "Try again.");
    let body = tokio::time::timeout(limits.body_timeout, body).await.map_err(late)??;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return strict(&body).map_err(|what| {
            let title = format!("The body is not what is asked for: {what}.");
            ApiError::bad_request(title, "Send {\"prompt\": \"…\"}, or the question itself as text.")
        });
    }
    let prompt = String::from_utf8(body.into())
        .map_err(|_| ApiError::bad_request("The question is not UTF-8 text.", "Send it as text."))?;
    Ok(Question { prompt, model: None })
}

impl From<Unanswered> for ApiError {
    fn from(Unanswered { error, decision }: Unanswered) -> Self {
        let status = axum::http::StatusCode::from_u16(error.status());
        let status = status.unwrap_or(axum::http::StatusCode::BAD_GATEWAY);
        let mut problem: Problem = error.problem();
        if let Some(decision) = decision {
            problem.advice = format!("{} ({DECISION}: {decision})", problem.advice).trim_start().to_owned();
        }
        Self::with_status(status, problem)
    }
}
