//! Serving the built app.

use std::path::Path;

use reqwest::{RequestBuilder, header};

use crate::harness::{Realm, Settings, refused};

const INDEX: &str = "<!doctype html><title>shell</title>";

async fn realm(data: &Path) -> Realm {
    let dist = data.join("dist");
    std::fs::create_dir_all(dist.join("engine-0123abcd")).expect("made");
    for (name, content) in [
        ("index.html", INDEX),
        ("app-0123456789abcdef.js", "plain"),
        ("app-0123456789abcdef.js.br", "brotli"),
        ("app-0123456789abcdef.js.gz", "gzip"),
        ("engine-0123abcd/engine_bg.wasm", "wasm"),
        ("sw.js", "worker"),
    ] {
        std::fs::write(dist.join(name), content).expect("written");
    }
    std::fs::write(data.join("secret.txt"), "secret").expect("written");
    Settings::new(data).start().await
}

fn navigate(request: RequestBuilder) -> RequestBuilder {
    request.header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
}

#[tokio::test]
async fn the_smallest_form_that_the_browser_takes_is_sent() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = realm(data.path()).await;
    for (accept, encoding, content) in [
        ("gzip, deflate, br", Some("br"), "brotli"),
        ("gzip", Some("gzip"), "gzip"),
        ("identity", None, "plain"),
    ] {
        let request = realm.get("/app-0123456789abcdef.js").header(header::ACCEPT_ENCODING, accept);
        let response = request.send().await.expect("an answer");
        let headers = response.headers().clone();
        assert_eq!(
            headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().expect("text")),
            encoding
        );
        assert_eq!(headers[header::VARY], "accept-encoding");
        assert_eq!(headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
        assert_eq!(headers[header::CONTENT_LENGTH], content.len().to_string());
        assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(response.text().await.expect("a body"), content);
        let again = realm.get("/app-0123456789abcdef.js").header(header::ACCEPT_ENCODING, accept);
        let again =
            again.header(header::IF_NONE_MATCH, &headers[header::ETAG]).send().await.expect("an answer");
        assert_eq!(again.status(), 304);
    }
}

#[tokio::test]
async fn what_may_change_is_asked_about_and_wasm_is_wasm() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = realm(data.path()).await;
    for (path, kind, cache) in [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/index.html", "text/html; charset=utf-8", "no-cache"),
        ("/sw.js", "text/javascript; charset=utf-8", "no-cache"),
        ("/engine-0123abcd/engine_bg.wasm", "application/wasm", "public, max-age=31536000, immutable"),
    ] {
        let response = realm.get(path).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], kind);
        assert_eq!(response.headers()[header::CACHE_CONTROL], cache);
    }
}

#[tokio::test]
async fn addresses_inside_the_app_are_the_app_but_missing_files_are_missing() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = realm(data.path()).await;
    let page = navigate(realm.get("/history/42")).send().await.expect("an answer");
    assert_eq!((page.status().as_u16(), page.text().await.expect("a body").as_str()), (200, INDEX));
    for path in ["/app-ffffffffffffffff.js", "/engine-0123abcd/missing.wasm", "/app-0123456789abcdef.js.br"] {
        assert_eq!(refused(realm.get(path)).await.0, 404, "{path}");
    }
    for path in ["/api/nothing", "/models/nothing"] {
        assert_eq!(refused(navigate(realm.get(path))).await.0, 404, "{path}");
    }
    assert_eq!(refused(realm.client.post(format!("{}/index.html", realm.base))).await.0, 405);
    assert_eq!(refused(realm.client.delete(format!("{}/api/catalogue", realm.base))).await.0, 405);
}

#[tokio::test]
async fn nothing_outside_the_folder_is_served() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let data = tempfile::tempdir().expect("a folder");
    let realm = realm(data.path()).await;
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/engine-0123abcd/../../secret.txt",
        "/..\\secret.txt",
        "//secret.txt",
        "/.%00/secret.txt",
        "/engine-0123abcd/..%5c..%5csecret.txt",
    ] {
        // By hand: a client would tidy the path up.
        let mut stream = tokio::net::TcpStream::connect(realm.server.address()).await.expect("connected");
        let host = realm.server.address();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
        assert!(!answer.contains("secret\n") && !answer.ends_with("secret"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_realm_without_a_shell_says_how_to_build_one() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let page = navigate(realm.get("/")).send().await.expect("an answer");
    assert_eq!(page.status(), 503);
    assert!(page.text().await.expect("a body").contains("cargo xtask run"));
}
