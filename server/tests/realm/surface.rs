//! What every answer has, and the small addresses.

use std::time::{Duration, Instant};

use mtor_shared::{catalogue::Catalogue, problem::ProblemCode};
use reqwest::header;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    harness::{Settings, refused, weather_plan},
    provider::Provider,
};

#[tokio::test]
async fn every_answer_is_armoured() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    for path in ["/", "/healthz", "/api/catalogue", "/api/nothing", "/openapi.json", "/models/sha256/x"] {
        let response = realm.get(path).send().await.expect("an answer");
        let headers = response.headers();
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';")
        );
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"));
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(headers[name], value, "{path}");
        }
        assert!(headers["permissions-policy"].to_str().expect("text").contains("microphone=(self)"));
        assert!(
            !headers.contains_key("strict-transport-security")
                && !headers.contains_key("access-control-allow-origin")
        );
        assert!(headers.contains_key("x-request-id"));
    }
}

#[tokio::test]
async fn the_catalogue_is_sent_once() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).set("REALM_NAME", "Test").start().await;
    let response = realm.get("/api/catalogue").send().await.expect("an answer");
    let etag = response.headers()[header::ETAG].clone();
    let catalogue: Catalogue =
        serde_json::from_str(&response.text().await.expect("a body")).expect("a catalogue");
    assert_eq!(catalogue.realm, "Test");
    let weather = catalogue.find(&"open-meteo/weather".into()).expect("weather is there");
    assert!(!weather.examples.is_empty() && weather.plan.is_some());
    let again =
        realm.get("/api/catalogue").header(header::IF_NONE_MATCH, etag).send().await.expect("an answer");
    assert_eq!(again.status(), 304);
}

#[tokio::test]
async fn a_realm_without_weights_says_so_and_works() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let (status, problem) = refused(realm.get("/api/catalogue/vectors")).await;
    assert_eq!((status, problem.code), (503, ProblemCode::Unsupported));
    assert_eq!(realm.get("/readyz").send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn numbers_count_what_happened_without_what_was_asked() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::weather().await;
    let realm = Settings::new(data.path()).provider(&provider).start().await;
    realm.run(1, &weather_plan()).await;
    let text = realm.get("/metrics").send().await.expect("an answer").text().await.expect("a body");
    for part in [
        "mtor_http_requests_total{",
        "route=\"/api/runs\"",
        "mtor_http_request_seconds_bucket{",
        "mtor_runs_started_total",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("Lisbon"));
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_headers_is_let_go() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).set("LIMITS_HEADER_TIMEOUT_MS", "50").start().await;
    let mut stream = tokio::net::TcpStream::connect(realm.server.address()).await.expect("connected");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: ").await.expect("sent");
    let began = Instant::now();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(began.elapsed() < Duration::from_secs(8));
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn headers_without_end_are_refused() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let response =
        realm.get("/healthz").header("x-long", "x".repeat(64 * 1024)).send().await.expect("an answer");
    assert_eq!(response.status(), 431);
}
