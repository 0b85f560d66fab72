//! A provider whose answers a test scripts: a real HTTP server on a free port.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// See the module.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    calls: Arc<Mutex<Vec<Seen>>>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }
}

impl Provider {
    /// Answers each request by a script: path and query in, answer out.
    pub(crate) async fn start<F>(script: F) -> Self
    where
        F: Fn(String) -> BoxFuture<'static, Response> + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let calls: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (script, seen) = (Arc::new(script), Arc::clone(&calls));
        let app = Router::new().fallback(move |request: Request| {
            let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
            async move {
                let (head, body) = request.into_parts();
                let target = head.uri.to_string();
                let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
                seen.lock().expect("a lock").push(Seen {
                    method: head.method.to_string(),
                    target: target.clone(),
                    headers: head.headers,
                    body: String::from_utf8_lossy(&body).into_owned(),
                });
                script(target).await
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
        Self { address, calls }
    }

    /// Weather that works.
    pub(crate) async fn weather() -> Self {
        Self::start(|target| Box::pin(async move { weather(&target) })).await
    }

    /// Every path and query so far.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.target).collect()
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.calls.lock().expect("a lock").clone()
    }

    pub(crate) fn count(&self, part: &str) -> usize {
        self.calls().iter().filter(|call| call.contains(part)).count()
    }
}

/// The two calls that weather takes.
pub(crate) fn weather(target: &str) -> Response {
    if target.contains("/v1/search") {
        return place("Lisbon", 38.72, -9.14);
    }
    if target.contains("/v1/forecast") {
        return Json(forecast()).into_response();
    }
    StatusCode::NOT_FOUND.into_response()
}

pub(crate) fn place(name: &str, latitude: f64, longitude: f64) -> Response {
    let place =
        json!({"id": 1, "name": name, "latitude": latitude, "longitude": longitude, "country": "Portugal"});
    Json(json!({"results": [place]})).into_response()
}

pub(crate) fn forecast() -> Value {
    json!({
        "latitude": 38.72, "longitude": -9.14, "timezone": "Europe/Lisbon",
        "current": {"time": "2026-01-01T12:00", "temperature_2m": 18.4, "weather_code": 1},
        "hourly": {"time": ["2026-01-01T12:00"], "temperature_2m": [18.4]},
        "daily": {"time": ["2026-01-01"], "temperature_2m_max": [19.0]}
    })
}

/// Never answers.
pub(crate) async fn hang() -> Response {
    std::future::pending().await
}
