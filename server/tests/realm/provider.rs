//! A provider whose answers a test scripts: a real HTTP server on a free port.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// See the module.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    /// Answers each request by a script: path and query in, answer out.
    pub(crate) async fn start<F>(script: F) -> Self
    where
        F: Fn(String) -> BoxFuture<'static, Response> + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let calls: Arc<Mutex<Vec<String>>> = Arc::default();
        let (script, seen) = (Arc::new(script), Arc::clone(&calls));
        let app = Router::new().fallback(move |request: Request| {
            let target = request.uri().to_string();
            seen.lock().expect("a lock").push(target.clone());
            script(target)
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
