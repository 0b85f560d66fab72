//! A stand-in of a model server on a real socket, shaped by OpenAI's API reference (chat completions whole and streamed,
//! tools, embeddings, images, audio, models) and failing in the ways that real ones fail. It answers with what it was
//! asked, so that a test sees what arrived.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::Service;

/// What it does with a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Behaviour {
    /// Answers.
    Answer,
    /// Answers after so long.
    Slow(Duration),
    /// An error status, with the words of the request in it.
    Status(u16),
    /// An error status that asks for a pause of so many seconds.
    Pause(u16, u64),
    /// Never answers.
    Hang,
    /// Closes the connection without an answer.
    Reset,
    /// Sends the head, and then a byte now and then.
    Drip,
    /// Streams so many words and then nothing more.
    Stall(usize),
    /// Streams so many words and then closes the connection.
    Cut(usize),
    /// Streams words for ever.
    Endless,
    /// Answers whole with more bytes than anybody takes.
    Huge,
    /// Answers with a header of this many bytes.
    BigHeader(usize),
    /// Sends on to another address.
    Redirect(String),
    /// Answers with something that is no JSON.
    Garbage,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Its path.
    pub(crate) path: String,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body; null where it was no JSON.
    pub(crate) body: Value,
}

/// See the module.
#[derive(Clone)]
pub(crate) struct ModelServer {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    state: Arc<Shared>,
}

struct Shared {
    name: String,
    behaviour: Mutex<Behaviour>,
    seen: Mutex<Vec<Seen>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The answer should be no answer: the connection is closed.
#[derive(Clone, Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut")
    }
}

impl std::error::Error for Cut {}

impl ModelServer {
    /// Begins on a free port. Its name is in every answer.
    pub(crate) async fn start(name: &str) -> std::io::Result<Self> {
        Self::on(TcpListener::bind("127.0.0.1:0").await?, name)
    }

    /// Begins on a listener.
    pub(crate) fn on(listener: TcpListener, name: &str) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let state = Arc::new(Shared {
            name: name.to_owned(),
            behaviour: Mutex::new(Behaviour::Answer),
            seen: Mutex::default(),
        });
        tokio::spawn(serve(listener, Arc::clone(&state)));
        Ok(Self { address, state })
    }

    /// From now on it does this.
    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *lock(&self.state.behaviour) = behaviour;
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        lock(&self.state.seen).clone()
    }

    /// Its address for a configuration.
    pub(crate) fn base(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

async fn serve(listener: TcpListener, state: Arc<Shared>) {
    let router = Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/embeddings", post(embeddings))
        .route("/v1/images/generations", post(images))
        .route("/v1/audio/speech", post(speech))
        .route("/v1/audio/{verb}", post(transcription))
        .route("/v1/models", get(models))
        .with_state(Arc::clone(&state));
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let (router, state) = (router.clone(), Arc::clone(&state));
        // By hand instead of `axum::serve`: a connection that is closed without an answer is one of the behaviours.
        let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let (mut router, state) = (router.clone(), Arc::clone(&state));
            async move {
                let request = note(&state, request.map(Body::new)).await;
                let behaviour = lock(&state.behaviour).clone();
                match behaviour {
                    Behaviour::Reset => return Err(Cut),
                    Behaviour::Hang => std::future::pending::<()>().await,
                    Behaviour::Slow(time) => tokio::time::sleep(time).await,
                    _ => {}
                }
                let answer: Result<Response, Infallible> = router.call(request).await;
                answer.map_err(|_| Cut)
            }
        });
        tokio::spawn(async move {
            // A client that goes away is no news.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn note(state: &Shared, request: Request) -> Request {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20).await.unwrap_or_default();
    lock(&state.seen).push(Seen {
        path: head.uri.path().to_owned(),
        headers: head.headers.clone(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    });
    Request::from_parts(head, Body::from(body))
}

/// The failures that are the same whatever is asked.
fn fault(state: &Shared, said: &str) -> Option<Response> {
    let behaviour = lock(&state.behaviour).clone();
    Some(match behaviour {
        Behaviour::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let message = format!("cannot answer: {said}");
            (status, Json(json!({"error": {"message": message, "type": "server_error"}}))).into_response()
        }
        Behaviour::Pause(status, seconds) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::TOO_MANY_REQUESTS);
            let headers = [(header::RETRY_AFTER, seconds.to_string())];
            (status, headers, Json(json!({"error": {"message": "slow down"}}))).into_response()
        }
        Behaviour::Redirect(to) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)], "elsewhere").into_response()
        }
        Behaviour::Garbage => "<html>not JSON</html>".into_response(),
        Behaviour::Drip => {
            let bytes = stream::unfold(0_u32, |count| async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let byte = if count == 0 { "{" } else { " " };
                Some((Ok::<_, Infallible>(Bytes::from(byte)), count + 1))
            });
            ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(bytes)).into_response()
        }
        Behaviour::Huge => {
            let piece = Bytes::from(vec![b' '; 1 << 20]);
            let bytes = stream::repeat(piece).map(Ok::<_, Infallible>);
            ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(bytes)).into_response()
        }
        Behaviour::BigHeader(bytes) => {
            let value = HeaderValue::try_from("x".repeat(bytes)).unwrap_or(HeaderValue::from_static("x"));
            ([("x-big", value)], Json(json!({"choices": []}))).into_response()
        }
        Behaviour::Answer
        | Behaviour::Slow(_)
        | Behaviour::Hang
        | Behaviour::Reset
        | Behaviour::Stall(_)
        | Behaviour::Cut(_)
        | Behaviour::Endless => return None,
    })
}

/// The words of the last message, images counted.
fn said(body: &Value) -> String {
    let last = body["messages"].as_array().and_then(|messages| messages.last()).cloned().unwrap_or_default();
    match &last["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .map(|part| part["text"].as_str().map_or_else(|| "[image]".to_owned(), str::to_owned))
            .collect::<Vec<_>>()
            .join(" "),
        _ => String::new(),
    }
}

async fn chat(State(state): State<Arc<Shared>>, Json(body): Json<Value>) -> Response {
    let said = said(&body);
    if let Some(fault) = fault(&state, &said) {
        return fault;
    }
    let format = body["response_format"]["type"].as_str().unwrap_or("text");
    let answer = if format == "text" {
        format!("{} heard: {said}", state.name)
    } else {
        json!({"heard": said}).to_string()
    };
    let usage = json!({"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 2}});
    let tool = body["tools"][0]["function"]["name"].as_str().filter(|_| body["tool_choice"] != "none");
    let last_is_user =
        body["messages"].as_array().and_then(|m| m.last()).is_some_and(|m| m["role"] == "user");
    let call = tool.filter(|_| last_is_user).map(|name| {
        json!({"id": "call_1", "type": "function", "function": {"name": name, "arguments": "{\"place\":\"Lisbon\"}"}})
    });
    if body["stream"] == true {
        return streamed(&state, &answer, call, &usage);
    }
    let (message, finish) = match call {
        Some(call) => (json!({"role": "assistant", "content": null, "tool_calls": [call]}), "tool_calls"),
        None => (json!({"role": "assistant", "content": answer}), "stop"),
    };
    Json(json!({
        "id": "chatcmpl-standin", "object": "chat.completion", "created": 1, "model": body["model"], "usage": usage,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish}],
    }))
    .into_response()
}

fn streamed(state: &Shared, answer: &str, call: Option<Value>, usage: &Value) -> Response {
    let behaviour = lock(&state.behaviour).clone();
    let piece = |delta: Value, finish: Option<&str>| {
        let chunk = json!({"id": "chatcmpl-standin", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
        format!("data: {chunk}\n\n")
    };
    let mut events = vec![piece(json!({"role": "assistant", "content": ""}), None)];
    match call {
        Some(call) => {
            let name = &call["function"]["name"];
            for function in [
                json!({"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": ""}}),
                json!({"index": 0, "function": {"arguments": "{\"place\":"}}),
                json!({"index": 0, "function": {"arguments": "\"Lisbon\"}"}}),
            ] {
                events.push(piece(json!({"tool_calls": [function]}), None));
            }
            events.push(piece(json!({}), Some("tool_calls")));
        }
        None => {
            events.extend(answer.split_inclusive(' ').map(|word| piece(json!({"content": word}), None)));
            events.push(piece(json!({}), Some("stop")));
        }
    }
    events.push(format!("data: {}\n\n", json!({"choices": [], "usage": usage})));
    events.push("data: [DONE]\n\n".to_owned());
    let ok = |events: Vec<String>| {
        stream::iter(events.into_iter().map(|event| Ok::<_, Cut>(Bytes::from(event))).collect::<Vec<_>>())
    };
    let body = match behaviour {
        Behaviour::Stall(words) => {
            events.truncate(words + 1);
            Body::from_stream(ok(events).chain(stream::pending()))
        }
        Behaviour::Cut(words) => {
            events.truncate(words + 1);
            // What is written leaves the machine before the connection is closed.
            let cut = stream::once(async {
                tokio::task::yield_now().await;
                Err(Cut)
            });
            Body::from_stream(ok(events).chain(cut))
        }
        Behaviour::Endless => {
            let word = Bytes::from(piece(json!({"content": "and on "}), None));
            Body::from_stream(stream::repeat(word).map(Ok::<_, Cut>))
        }
        _ => Body::from_stream(ok(events)),
    };
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

async fn embeddings(State(state): State<Arc<Shared>>, Json(body): Json<Value>) -> Response {
    if let Some(fault) = fault(&state, "") {
        return fault;
    }
    let texts = body["input"].as_array().cloned().unwrap_or_default();
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let length = text.as_str().map_or(0, str::len);
            json!({"object": "embedding", "index": index, "embedding": [length as f32, 1.0, 0.5]})
        })
        .collect();
    Json(json!({"object": "list", "data": data, "model": body["model"],
        "usage": {"prompt_tokens": texts.len(), "total_tokens": texts.len()}}))
    .into_response()
}

/// The smallest PNG.
pub(crate) const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async fn images(State(state): State<Arc<Shared>>, Json(body): Json<Value>) -> Response {
    if let Some(fault) = fault(&state, "") {
        return fault;
    }
    let count = body["n"].as_u64().unwrap_or(1);
    let images: Vec<Value> = (0..count).map(|_| json!({"b64_json": PIXEL})).collect();
    Json(json!({"created": 1, "data": images})).into_response()
}

async fn speech(State(state): State<Arc<Shared>>, Json(body): Json<Value>) -> Response {
    if let Some(fault) = fault(&state, "") {
        return fault;
    }
    let spoken = format!("spoken: {}", body["input"].as_str().unwrap_or_default());
    ([(header::CONTENT_TYPE, "audio/mpeg")], spoken).into_response()
}

async fn transcription(
    State(state): State<Arc<Shared>>,
    Path(verb): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(fault) = fault(&state, "") {
        return fault;
    }
    let form = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(&body).into_owned();
    let whole = form.starts_with("multipart/form-data") && text.contains("name=\"model\"");
    Json(json!({"text": format!("{verb}: {} bytes, whole: {whole}", body.len())})).into_response()
}

async fn models(State(state): State<Arc<Shared>>) -> Response {
    if let Some(fault) = fault(&state, "") {
        return fault;
    }
    Json(json!({"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": state.name}]}))
        .into_response()
}
