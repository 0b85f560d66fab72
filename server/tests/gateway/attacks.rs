//! Attacks 16 and 17 of the protocol's list, as far as they are the gateway's: slow, endless and oversized on either side,
//! and secrets where they do not belong.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::json;

use crate::{
    model_server::Behaviour,
    realm::{Realm, Reply, message, one, two, upstream},
};

#[tokio::test]
async fn attack_16_an_endless_stream_of_an_upstream_ends() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "[gateway]\nresponse_bytes = 100000\nresume_streams = false")).await;
    a.behave(Behaviour::Endless);
    let reply = realm.stream("x").await;
    assert!(!reply.is_whole() && reply.text.len() < 400_000, "{}", reply.text.len());
    let last = reply.events().pop().expect("events");
    assert!(last["error"]["message"].as_str().expect("words").contains("larger than 100000 bytes"), "{last}");
}

#[tokio::test]
async fn attack_16_a_huge_answer_is_cut_off_and_the_other_is_asked() {
    let (a, b) = (upstream("a").await, upstream("b").await);
    let realm = Realm::start(&two(&a, &b, "[gateway]\nresponse_bytes = 100000")).await;
    a.behave(Behaviour::Huge);
    let reply = realm.say("x").await;
    assert_eq!(reply.words(), "b heard: x");
    assert!(realm.decision(&reply.decision).await.why.contains("larger than 100000 bytes"));
}

#[tokio::test]
async fn attack_16_a_reader_that_goes_away_stops_the_upstream() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "")).await;
    a.behave(Behaviour::Endless);
    let mut response =
        realm.post("/v1/chat/completions", &message("x", true)).send().await.expect("an answer");
    assert!(response.chunk().await.expect("a piece").is_some());
    let in_flight = || async {
        let targets = Reply::of(realm.get("/api/gateway/targets")).await.body;
        let targets = targets.as_array().cloned().unwrap_or_default();
        targets.iter().find(|target| target["id"] == "a/x").expect("there")["in_flight"].as_u64()
    };
    assert_eq!(in_flight().await, Some(1));
    drop(response);
    // The realm notices when it next writes; asking is what passes the time.
    for _ in 0..10_000 {
        if in_flight().await == Some(0) {
            return;
        }
    }
    panic!("the upstream is still read");
}

#[tokio::test]
async fn attack_16_a_client_that_sends_its_body_a_byte_at_a_time_is_let_go() {
    let a = upstream("a").await;
    let realm = Realm::with(&one(&a, ""), &[("MTOR_LIMITS_BODY_TIMEOUT_MS", "200")]).await;
    let address = realm.server.address();
    let status = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: 1000\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).expect("written");
        let mut answer = [0; 32];
        let read = stream.read(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer[..read]).into_owned()
    });
    assert!(status.await.expect("read").starts_with("HTTP/1.1 408"));
    assert!(a.seen().is_empty());
}

#[tokio::test]
async fn attack_16_oversized_requests_and_headers_are_refused() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "[gateway]\nbody_bytes = 2000")).await;
    let reply = realm.say(&"x".repeat(3000)).await;
    assert_eq!((reply.status, reply.body["error"]["type"].as_str()), (413, Some("invalid_request_error")));
    let big = realm.get("/v1/models").header("x-big", "x".repeat(100_000)).send().await;
    assert!(big.is_err() || big.expect("an answer").status().is_client_error());
    assert!(a.seen().is_empty());
}

#[tokio::test]
async fn attack_17_a_redirect_is_not_followed_and_the_key_goes_nowhere_else() {
    let (a, b) = (upstream("a").await, upstream("b").await);
    let file = one(&a, "[gateway]\nretries = 0").replacen(
        "[gateway.models.m]",
        "key = \"env:UPSTREAM_KEY\"\n[gateway.models.m]",
        1,
    );
    let realm = Realm::with(&file, &[("UPSTREAM_KEY", "sk-very-secret")]).await;
    realm.say("x").await;
    let seen = a.seen().pop().expect("asked");
    assert_eq!(seen.headers["authorization"], "Bearer sk-very-secret");
    a.behave(Behaviour::Redirect(format!("{}/chat/completions", b.base())));
    assert_eq!(realm.say("x").await.status, 502);
    assert!(b.seen().is_empty());
}

#[tokio::test]
async fn attack_17_an_askers_key_is_not_sent_to_upstreams() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "")).await;
    let key = realm.key(json!({"scopes": ["models"]})).await;
    let request = realm.post("/v1/chat/completions", &message("x", false));
    assert_eq!(Reply::of(request.bearer_auth(&key).header("cookie", "a=b")).await.words(), "a heard: x");
    let seen = a.seen().pop().expect("asked");
    assert!(seen.headers.get("authorization").is_none() && seen.headers.get("cookie").is_none());
}

/// Everything that a realm writes while it answers, fails over and gives up: with the filter that tells the most.
#[tokio::test]
async fn attack_17_neither_words_nor_keys_are_in_logs_decisions_or_numbers() {
    const WORDS: &str = "my-innermost-thoughts";
    const KEY: &str = "sk-very-secret";
    let (a, b) = (upstream("a").await, upstream("b").await);
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("mtor.toml");
    let file = two(&a, &b, "").replacen(
        "[gateway.providers.b]",
        "key = \"env:UPSTREAM_KEY\"\n[gateway.providers.b]",
        1,
    );
    std::fs::write(&config, file).expect("written");
    let log = std::fs::File::create(folder.path().join("log")).expect("a file");
    let mut child = Command::new(env!("CARGO_BIN_EXE_mtor"))
        .args(["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(&config)
        .arg("--data")
        .arg(folder.path().join("data"))
        .env_clear()
        .env("UPSTREAM_KEY", KEY)
        .env("MTOR_MODELS", folder.path().join("models"))
        .env("MTOR_LOG_FILTER", "info,mtor=trace")
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("starts");
    let mut line = String::new();
    let output = child.stdout.take().expect("output");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).expect("a line");
    let base = line.trim().strip_prefix("MTOR listens on ").expect("the address").to_owned();
    let client = crate::realm::client();
    let post = |stream: bool| {
        let request = client.post(format!("{base}/v1/chat/completions"));
        let request = request.header("content-type", "application/json");
        request.body(message(WORDS, stream).to_string())
    };
    let mut written = String::new();
    for (first, second) in [
        (Behaviour::Answer, Behaviour::Answer),
        (Behaviour::Status(500), Behaviour::Answer),
        (Behaviour::Status(400), Behaviour::Answer),
        (Behaviour::Status(500), Behaviour::Status(500)),
    ] {
        a.behave(first);
        b.behave(second);
        for stream in [false, true] {
            let reply = Reply::of(post(stream)).await;
            let decision = client.get(format!("{base}/api/gateway/decisions/{}", reply.decision));
            written += &Reply::of(decision).await.text;
        }
    }
    for path in ["/metrics", "/api/gateway/targets", "/v1/models"] {
        written += &Reply::of(client.get(format!("{base}{path}"))).await.text;
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
    written += &std::fs::read_to_string(folder.path().join("log")).expect("a log");
    assert!(written.contains("a/x"), "something was written");
    assert!(!written.contains(WORDS), "{written}");
    assert!(!written.contains(KEY), "{written}");
    assert!(a.seen().iter().any(|seen| seen.body["messages"][0]["content"] == json!(WORDS)));
}
