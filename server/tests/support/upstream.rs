//! A stand-in for the pilots' providers, for development and tests only: real HTTP, the providers' documented shapes,
//! data computed from the request, and faults on demand. No realm uses it unless its configuration says so.
//!
//! Each provider is under a path of its own: `/open-meteo`, `/open-meteo-geocoding`, `/wikipedia`, `/open-library`,
//! `/free-dictionary`. `POST /control` orders a fault, `DELETE /control` takes all back and forgets the log,
//! `GET /control/log` lists what was asked.

#[path = "upstream/articles.rs"]
mod articles;
#[path = "upstream/books.rs"]
mod books;
#[path = "upstream/faults.rs"]
mod faults;
#[path = "upstream/picture.rs"]
mod picture;
#[path = "upstream/places.rs"]
mod places;
#[path = "upstream/weather.rs"]
mod weather;
#[path = "upstream/words.rs"]
mod words;

use std::{collections::BTreeMap, convert::Infallible};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::Service;

use faults::{Control, Reset};

/// Seconds since 1970 at which the stand-in believes to be.
#[derive(Clone, Copy)]
struct Now(u64);

type Words = Query<BTreeMap<String, String>>;

/// Answers on a listener until the task is dropped. `now` is in seconds since 1970.
pub(crate) async fn serve(listener: TcpListener, now: u64) -> std::io::Result<()> {
    let router = router(now);
    loop {
        let (stream, _) = listener.accept().await?;
        let router = router.clone();
        // By hand instead of `axum::serve`: a connection that is cut without an answer is one of the faults.
        let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let mut router = router.clone();
            async move {
                let response: Result<Response, Infallible> = router.call(request.map(Body::new)).await;
                match response {
                    Ok(response) if response.extensions().get::<Reset>().is_none() => Ok(response),
                    _ => Err(Reset),
                }
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

fn router(now: u64) -> Router {
    let control = Control::default();
    Router::new()
        .route("/open-meteo-geocoding/v1/search", get(geocode))
        .route("/open-meteo/v1/forecast", get(forecast))
        .route("/wikipedia/w/rest.php/v1/search/page", get(search_articles))
        .route("/wikipedia/api/rest_v1/page/summary/{title}", get(summary))
        .route("/wikipedia/thumb/{name}", get(thumb))
        .route("/open-library/search.json", get(search_books))
        .route("/free-dictionary/api/v2/entries/en/{word}", get(entries))
        .layer(middleware::from_fn_with_state(control.clone(), faults::intercept))
        .merge(faults::routes(control))
        .with_state(Now(now))
}

async fn geocode(Query(words): Words) -> Json<Value> {
    let name = words.get("name").map(String::as_str).unwrap_or_default();
    let count = words.get("count").and_then(|count| count.parse().ok()).unwrap_or(10);
    Json(places::search(name, count))
}

async fn forecast(State(Now(now)): State<Now>, Query(words): Words) -> Response {
    match weather::forecast(&words, now) {
        Ok(value) => Json(value).into_response(),
        Err(reason) => {
            (StatusCode::BAD_REQUEST, Json(json!({"error": true, "reason": reason}))).into_response()
        }
    }
}

async fn search_articles(headers: HeaderMap, Query(words): Words) -> Response {
    let limit = words.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(50);
    match words.get("q").filter(|q| !q.trim().is_empty()) {
        Some(q) => Json(articles::search(q, limit, &own_address(&headers))).into_response(),
        None => {
            let problem = json!({"errorKey": "rest-missing-body-field", "httpCode": 400, "httpReason": "Bad Request",
                "messageTranslations": {"en": "The parameter \"q\" must be set."}});
            (StatusCode::BAD_REQUEST, Json(problem)).into_response()
        }
    }
}

async fn summary(headers: HeaderMap, Path(title): Path<String>) -> Response {
    match articles::summary(&title, &own_address(&headers)) {
        Some(value) => Json(value).into_response(),
        None => {
            let problem = json!({"type": "https://mediawiki.org/wiki/HyperSwitch/errors/not_found", "title": "Not found.",
                "method": "get", "detail": "Page or revision not found.", "uri": format!("/en.wikipedia.org/v1/page/summary/{title}")});
            (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/problem+json")], problem.to_string())
                .into_response()
        }
    }
}

async fn thumb(Path(name): Path<String>) -> Response {
    match name.strip_suffix(".png").and_then(|title| articles::summary(title, "")) {
        Some(_) => ([(header::CONTENT_TYPE, "image/png")], picture::png(&name)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn search_books(Query(words): Words) -> Json<Value> {
    let number = |name: &str, usual: usize| words.get(name).and_then(|n| n.parse().ok()).unwrap_or(usual);
    let q = words.get("q").map(String::as_str).unwrap_or_default();
    let fields = words.get("fields").map(|fields| fields.split(',').collect::<Vec<_>>());
    Json(books::search(q, number("limit", 100), number("page", 1), fields.as_deref()))
}

async fn entries(Path(word): Path<String>) -> Response {
    match words::entries(&word) {
        Some(value) => Json(value).into_response(),
        None => {
            let problem = json!({
                "title": "No Definitions Found",
                "message": "Sorry pal, we couldn't find definitions for the word you were looking for.",
                "resolution": "You can try the search again at later time or head to the web instead."
            });
            (StatusCode::NOT_FOUND, Json(problem)).into_response()
        }
    }
}

/// The address under which whoever asks reaches the stand-in; pictures are on it too.
fn own_address(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    format!("http://{host}")
}

/// Words of a question that say what it is about, in small letters without accents.
fn keywords(text: &str) -> Vec<String> {
    const EMPTY: [&str; 15] =
        ["the", "a", "an", "of", "on", "in", "about", "by", "and", "to", "for", "is", "was", "book", "books"];
    let plain = plain(text);
    let words = plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.filter(|word| !EMPTY.contains(word)).map(str::to_owned).collect()
}

/// Small letters, the accents that the data has taken off.
fn plain(text: &str) -> String {
    let letter = |c: char| match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        other => other,
    };
    text.to_lowercase().chars().map(letter).collect()
}
