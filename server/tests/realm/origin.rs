//! Requests in somebody else's name.

use mtor_shared::problem::ProblemCode;
use reqwest::header;

use crate::harness::{Settings, refused, run_id, weather_plan};

#[tokio::test]
async fn foreign_hosts_are_not_answered() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).set("REALM_ALLOWED_HOSTS", "realm.example").start().await;
    let port = realm.server.address().port();
    for good in [
        format!("localhost:{port}"),
        format!("127.0.0.1:{port}"),
        format!("[::1]:{port}"),
        "realm.example".into(),
    ] {
        let response = realm.get("/healthz").header(header::HOST, &good).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{good}");
    }
    for bad in
        [format!("rebound.example:{port}"), "localhost".into(), "127.0.0.1:1".into(), "evil@localhost".into()]
    {
        let (status, problem) = refused(realm.get("/api/catalogue").header(header::HOST, &bad)).await;
        assert_eq!((status, problem.code), (421, ProblemCode::Forbidden), "{bad}");
    }
}

#[tokio::test]
async fn other_sites_change_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let post = || realm.post_run(&run_id(1), &weather_plan());
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let (status, problem) = refused(post().header(name, value)).await;
        assert_eq!((status, problem.code), (403, ProblemCode::Forbidden), "{name}: {value}");
    }
    let stop = realm.client.delete(format!("{}/api/runs/{}", realm.base, run_id(1)));
    assert_eq!(refused(stop.header("origin", "https://evil.example")).await.0, 403);
    let own = post().header("origin", &realm.base).header("sec-fetch-site", "same-origin");
    let response = own.send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert!(!response.headers().keys().any(|name| name.as_str().starts_with("access-control")));
}
