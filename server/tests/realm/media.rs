//! Pictures that results name.

use axum::{Json, response::IntoResponse};
use mtor_shared::problem::ProblemCode;
use reqwest::header;
use serde_json::json;

use crate::{
    harness::{Realm, Settings, call, refused, run_id},
    provider::Provider,
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0123456789";

/// An encyclopedia whose article names pictures of its own host.
async fn encyclopedia() -> (Provider, std::sync::Arc<std::sync::OnceLock<String>>) {
    let base = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let own = base.clone();
    let provider = Provider::start(move |target| {
        let base = own.get().cloned().unwrap_or_default();
        Box::pin(async move {
            match target.as_str() {
                "/p.png" => ([("content-type", "text/html")], PNG).into_response(),
                "/p.svg" => ([("content-type", "image/png")], "<svg onload=alert(1)>").into_response(),
                "/huge.png" => [PNG, &vec![0; 6 << 20]].concat().into_response(),
                _ => {
                    let pictures = ["/p.png", "/p.svg", "/huge.png"].map(|path| format!("{base}{path}"));
                    Json(json!({"latitude": 1, "longitude": 2, "pictures": pictures})).into_response()
                }
            }
        })
    })
    .await;
    base.set(format!("http://{}", provider.address)).expect("set once");
    (provider, base)
}

fn media(realm: &Realm, url: &str) -> reqwest::RequestBuilder {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("run", run_id(1).as_str())
        .append_pair("url", url)
        .finish();
    realm.get(&format!("/api/media?{query}"))
}

#[tokio::test]
async fn only_pictures_that_the_result_names_are_fetched() {
    let data = tempfile::tempdir().expect("a folder");
    let (provider, base) = encyclopedia().await;
    let base = base.get().expect("set").clone();
    let realm = Settings::new(data.path()).provider(&provider).start().await;
    assert_eq!(refused(media(&realm, &format!("{base}/p.png"))).await.0, 404, "before there is a run");
    realm.run(1, &call("open-meteo/forecast", json!({"latitude": 1, "longitude": 2}))).await;

    let response = media(&realm, &format!("{base}/p.png")).send().await.expect("an answer");
    let headers = response.headers().clone();
    assert_eq!(response.status(), 200);
    assert_eq!(headers[header::CONTENT_TYPE], "image/png");
    assert_eq!(headers[header::CONTENT_SECURITY_POLICY], "sandbox; default-src 'none'");
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert!(headers[header::CACHE_CONTROL].to_str().expect("text").starts_with("private"));
    assert_eq!(response.bytes().await.expect("bytes"), PNG);

    let (status, problem) = refused(media(&realm, &format!("{base}/p.svg"))).await;
    assert_eq!((status, problem.code), (502, ProblemCode::UpstreamGarbage));
    let (status, problem) = refused(media(&realm, &format!("{base}/huge.png"))).await;
    assert_eq!((status, problem.code), (413, ProblemCode::TooLarge));
    let before = provider.calls().len();
    for other in [format!("{base}/other.png"), "https://example.org/p.png".to_owned(), String::new()] {
        let (status, problem) = refused(media(&realm, &other)).await;
        assert_eq!((status, problem.code), (403, ProblemCode::Forbidden), "{other}");
    }
    assert_eq!(provider.calls().len(), before);
}
