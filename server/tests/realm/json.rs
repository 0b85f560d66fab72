//! Bodies that strangers write.

use mtor_shared::problem::ProblemCode;
use reqwest::header;

use crate::harness::{Settings, refused, run_id};

#[tokio::test]
async fn a_body_that_is_not_what_is_asked_for_is_named() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let post = |kind: &str, body: Vec<u8>| {
        realm.client.post(format!("{}/api/runs", realm.base)).header(header::CONTENT_TYPE, kind).body(body)
    };
    let id = run_id(1);
    for (kind, body, status, part) in [
        ("text/plain", b"{}".to_vec(), 415, "must be JSON"),
        ("application/json", vec![], 400, "EOF"),
        ("application/json", b"\x89PNG\r\n\x1a\n\0\0".to_vec(), 400, "byte 0 is not UTF-8 text"),
        ("application/json", b"{\"id\":\0}".to_vec(), 400, "byte 6 is NUL"),
        ("application/json", b"{\"id\":\"x\",\"plan\":[]}".to_vec(), 400, "32 lower-case hexadecimal digits"),
        (
            "application/json",
            format!("{{\"id\":\"{id}\",\"id\":\"{id}\"}}").into_bytes(),
            400,
            "`id` is there twice",
        ),
        ("application/json", format!("{{\"id\":\"{id}\"}}").into_bytes(), 400, "missing field `plan`"),
        ("application/json; charset=utf-8", b"[".repeat(100_000), 400, "deeper than 32"),
        ("application/json", vec![b' '; 1 << 20], 413, "more than 256 KB"),
    ] {
        let (got, problem) = refused(post(kind, body)).await;
        assert_eq!(got, status, "{problem}");
        assert!(problem.title.contains(part), "{problem}");
    }
    assert_eq!(realm.get("/healthz").send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn a_query_that_is_not_what_is_asked_for_is_named() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    for path in [
        "/api/runs/../../etc/events".to_owned(),
        "/api/runs/XYZ/events".to_owned(),
        format!("/api/runs/{}/events?after=-1", run_id(1)),
        format!("/api/runs/{}/events?after=99999999999", run_id(1)),
        "/api/media?run=x".to_owned(),
    ] {
        let (status, problem) = refused(realm.get(&path)).await;
        assert!(
            matches!((status, problem.code), (400 | 404, ProblemCode::BadRequest | ProblemCode::NotFound)),
            "{path}"
        );
    }
    let last = realm.get(&format!("/api/runs/{}/events", run_id(1))).header("last-event-id", "x");
    assert_eq!(refused(last).await.0, 400);
}
