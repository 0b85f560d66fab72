//! Faults on demand, and a log of what was asked.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};

const PROVIDERS: [&str; 5] =
    ["open-meteo", "open-meteo-geocoding", "wikipedia", "open-library", "free-dictionary"];
/// What `huge` sends, in pieces: more than any realm reads.
const HUGE_PIECES: u32 = 1024;
const PIECE: &[u8] = &[b' '; 64 * 1024];
/// Requests that are remembered.
const MAX_LOG: usize = 10_000;

/// What goes wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum Fault {
    /// The request is taken and never answered.
    Hang,
    /// An error status with the provider's kind of reason.
    Status { status: u16 },
    /// Half a JSON document.
    Garbage,
    /// A web page with status 200.
    Page,
    /// The connection is cut without an answer.
    Reset,
    /// The right answer, late.
    Slow { delay_ms: u64 },
    /// 64 MB of JSON.
    Huge,
    /// A redirect.
    Redirect { location: String },
}

/// `POST /control`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    provider: String,
    fault: Fault,
    /// For how many requests; all of them where it is not given.
    #[serde(default)]
    times: Option<u32>,
}

#[derive(Default)]
struct Book {
    orders: Vec<Order>,
    log: VecDeque<Value>,
}

/// Orders and log, shared by every request.
#[derive(Clone, Default)]
pub(super) struct Control(Arc<Mutex<Book>>);

/// Marks an answer that must not be sent: the connection is cut instead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reset;

impl std::fmt::Display for Reset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is cut on demand")
    }
}

impl std::error::Error for Reset {}

impl Control {
    fn with<T>(&self, work: impl FnOnce(&mut Book) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes a request down, and takes the fault that is ordered for it.
    fn take(&self, method: &str, target: &str) -> Option<Fault> {
        let provider = target.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
        self.with(|book| {
            if book.log.len() == MAX_LOG {
                book.log.pop_front();
            }
            book.log.push_back(json!({"provider": provider, "method": method, "url": target}));
            let at = book.orders.iter().position(|order| order.provider == provider)?;
            let order = &mut book.orders[at];
            let fault = order.fault.clone();
            if let Some(times) = &mut order.times {
                *times -= 1;
                if *times == 0 {
                    book.orders.remove(at);
                }
            }
            Some(fault)
        })
    }
}

/// `/control`, which no fault touches.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(control: Control) -> Router<S> {
    Router::new()
        .route("/control", post(order).delete(clear))
        .route("/control/log", get(log))
        .with_state(control)
}

async fn order(State(control): State<Control>, Json(order): Json<Order>) -> Response {
    if !PROVIDERS.contains(&order.provider.as_str()) || order.times == Some(0) {
        let reason = format!(
            "no order for `{}`; providers are {}; `times` is at least 1",
            order.provider,
            PROVIDERS.join(", ")
        );
        return (StatusCode::UNPROCESSABLE_ENTITY, reason).into_response();
    }
    control.with(|book| book.orders.push(order));
    StatusCode::NO_CONTENT.into_response()
}

async fn clear(State(control): State<Control>) -> StatusCode {
    control.with(|book| *book = Book::default());
    StatusCode::NO_CONTENT
}

async fn log(State(control): State<Control>) -> Json<Value> {
    Json(control.with(|book| Value::Array(book.log.iter().cloned().collect())))
}

/// Stands before every provider.
pub(super) async fn intercept(State(control): State<Control>, request: Request, next: Next) -> Response {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
    match control.take(request.method().as_str(), &target) {
        None => next.run(request).await,
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Status { status }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let reason = status.canonical_reason().unwrap_or("On demand");
            (status, Json(json!({"error": true, "reason": reason}))).into_response()
        }
        Some(Fault::Garbage) => {
            ([(header::CONTENT_TYPE, "application/json")], "{\"latitude\": 38.7, \"curr").into_response()
        }
        Some(Fault::Page) => {
            axum::response::Html("<!doctype html><title>Maintenance</title>").into_response()
        }
        Some(Fault::Reset) => {
            let mut response = StatusCode::OK.into_response();
            response.extensions_mut().insert(Reset);
            response
        }
        Some(Fault::Slow { delay_ms }) => {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            next.run(request).await
        }
        Some(Fault::Huge) => {
            let pieces =
                stream::iter((0..HUGE_PIECES).map(|_| Ok::<_, Infallible>(Bytes::from_static(PIECE))));
            ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(pieces)).into_response()
        }
        Some(Fault::Redirect { location }) => {
            (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
        }
    }
}
