//! HTTP to the realm that served this page.

use std::{cell::Cell, rc::Rc};

use eventsource_stream::Eventsource;
use futures_util::{
    StreamExt, TryStreamExt,
    future::{Either, select},
};
use gloo_net::http::{Method, Request, RequestBuilder, Response};
use gloo_timers::future::TimeoutFuture;
use mtor_shared::{
    problem::{Problem, ProblemCode},
    wire,
};
use serde::{Serialize, de::DeserializeOwned};
use web_sys::{AbortController, AbortSignal, js_sys::Uint8Array};

use super::clock;
use crate::shell::federation::Verb;

/// How long a plain answer may take.
const PATIENCE_MS: u32 = 10_000;
/// How long a stream may be silent; the realm sends a comment every 15 s.
const SILENCE_MS: u64 = 45_000;
/// How often that is looked at.
const LISTEN_MS: u32 = 5_000;

/// Ends a request when it is dropped.
pub(crate) struct Abort(AbortController);

impl Abort {
    /// Nothing to end yet; none where the browser has no such thing.
    pub(crate) fn new() -> Option<Self> {
        AbortController::new().ok().map(Self)
    }

    /// What a request listens to.
    pub(crate) fn signal(&self) -> AbortSignal {
        self.0.signal()
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The realm did not answer at all.
fn unreachable() -> Problem {
    Problem::retryable(
        ProblemCode::Offline,
        "The realm is not reachable.",
        "Check the connection, or wait a moment.",
    )
}

/// Fetches JSON.
///
/// # Errors
/// [`ProblemCode::Offline`] when the realm does not answer, otherwise what the realm says.
pub(crate) async fn get<T: DeserializeOwned>(path: &str) -> Result<T, Problem> {
    read(path, &exchange(Verb::Get, path, None).await?)
}

/// Fetches numbers: plain, and too many to be put into a buffer first.
///
/// # Errors
/// As [`get`].
pub(crate) async fn get_numbers<T: DeserializeOwned>(path: &str) -> Result<T, Problem> {
    let text = exchange(Verb::Get, path, None).await?;
    serde_json::from_str(&text).map_err(|error| unexpected(path, &error))
}

/// Reads an answer.
///
/// # Errors
/// Where it is not what this shell expects.
pub(crate) fn read<T: DeserializeOwned>(path: &str, text: &str) -> Result<T, Problem> {
    wire::read(text).map_err(|error| unexpected(path, &error))
}

fn unexpected(path: &str, error: &serde_json::Error) -> Problem {
    let title = format!("The realm answers {path} with something else than this shell expects: {error}.");
    Problem::new(ProblemCode::Internal, title, "Reload the page.")
}

/// Deletes.
///
/// # Errors
/// As [`get`].
pub(crate) async fn delete(path: &str) -> Result<(), Problem> {
    exchange(Verb::Delete, path, None).await.map(drop)
}

/// Makes a request with a JSON body or none, and reads the answer to its end.
///
/// # Errors
/// As [`get`].
pub(crate) async fn exchange(verb: Verb, path: &str, body: Option<String>) -> Result<String, Problem> {
    let method = match verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
        Verb::Patch => Method::PATCH,
        Verb::Delete => Method::DELETE,
    };
    let mut patience_ms = PATIENCE_MS;
    // A long description takes its time on a thin line.
    patience_ms += body.as_ref().map_or(0, |body| u32::try_from(body.len() / 100).unwrap_or(u32::MAX / 2));
    let abort = Abort::new();
    let builder = Request::get(path).method(method).abort_signal(abort.as_ref().map(Abort::signal).as_ref());
    let request = match body {
        Some(body) => builder.header("Content-Type", "application/json").body(body),
        None => builder.build(),
    };
    let request = request.map_err(|_| unreachable())?;
    let answer = async {
        let response = request.send().await.map_err(|_| unreachable())?;
        if !response.ok() {
            return Err(refusal(response).await);
        }
        response.text().await.map_err(|_| unreachable())
    };
    match select(Box::pin(answer), TimeoutFuture::new(patience_ms)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(unreachable()),
    }
}

/// What the realm says about why not.
async fn refusal(response: Response) -> Problem {
    let status = response.status();
    let said = response.text().await.ok().and_then(|text| wire::read(&text).ok());
    said.unwrap_or_else(|| {
        let code = if status == 404 { ProblemCode::NotFound } else { ProblemCode::Internal };
        let mut problem =
            Problem::new(code, format!("The realm answers with status {status}."), "Try again in a moment.");
        problem.retryable = true;
        problem
    })
}

/// How a stream ended.
pub(crate) enum Ending {
    /// It ended or broke; what it told of may go on.
    Broken,
    /// The realm does not do this, and asking the same again does not help.
    Refused(Problem),
}

/// A stream of server-sent events to open.
pub(crate) struct StreamRequest {
    builder: RequestBuilder,
    body: Option<String>,
}

impl StreamRequest {
    /// Listens to what follows an event.
    pub(crate) fn resume(path: &str, after: u32) -> Self {
        Self { builder: Request::get(path).header("Last-Event-ID", &after.to_string()), body: None }
    }

    /// Listens from the beginning.
    pub(crate) fn listen(path: &str) -> Self {
        Self { builder: Request::get(path), body: None }
    }

    /// Asks for something that answers with events.
    pub(crate) fn ask<T: Serialize>(path: &str, body: &T) -> Self {
        // Types of the protocol always serialise: their maps have strings as keys.
        let body = serde_json::to_string(body).unwrap_or_default();
        let builder = Request::get(path).method(Method::POST).header("Content-Type", "application/json");
        Self { builder, body: Some(body) }
    }
}

/// Reads a stream to its end and hands over the data of each event.
pub(crate) async fn listen(
    request: StreamRequest,
    signal: &AbortSignal,
    mut hear: impl FnMut(&str),
) -> Ending {
    let builder = request.builder.header("Accept", "text/event-stream").abort_signal(Some(signal));
    let built = match request.body {
        Some(body) => builder.body(body),
        None => builder.build(),
    };
    let Ok(built) = built else { return Ending::Broken };
    let Ok(response) = built.send().await else { return Ending::Broken };
    match response.status() {
        200..300 => {}
        // Too busy, or broken on the way: that passes.
        408 | 429 | 500.. => return Ending::Broken,
        _ => return Ending::Refused(refusal(response).await),
    }
    let Some(body) = response.body() else { return Ending::Broken };
    let heard_at = Rc::new(Cell::new(clock::now_ms()));
    let noted = Rc::clone(&heard_at);
    let bytes = wasm_streams::ReadableStream::from_raw(body).into_stream().map_ok(move |piece| {
        noted.set(clock::now_ms());
        Uint8Array::new(&piece).to_vec()
    });
    let mut events = bytes.eventsource();
    loop {
        match select(events.next(), TimeoutFuture::new(LISTEN_MS)).await {
            Either::Left((Some(Ok(event)), _)) => hear(&event.data),
            Either::Left((Some(Err(_)) | None, _)) => return Ending::Broken,
            Either::Right(_) if clock::now_ms().saturating_sub(heard_at.get()) > SILENCE_MS => {
                return Ending::Broken;
            }
            Either::Right(_) => {}
        }
    }
}

/// Where the realm hands on a picture that a run's answer names.
pub(crate) fn media(run: &str, url: &str) -> String {
    format!("/api/media?run={run}&url={}", String::from(js_sys::encode_uri_component(url)))
}
