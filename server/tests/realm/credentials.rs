//! Credentials: given, sent where they belong, never shown, forgotten.

use std::sync::Arc;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures_util::future::BoxFuture;
use mtor_shared::{
    credential::{Credential, Standing},
    problem::ProblemCode,
    source::{ShownRequest, Source},
    stream::{ChunkBody, RunStatus},
};
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    harness::{Realm, Settings, answer, call, client, fold, post_run, problem_of, refused, run_id, settled},
    process::Process,
    provider::Provider,
    sources::{allowing, text},
};

const KEY: &str = "correct-horse-battery-1234";

/// A vault's description: an operation for each scheme.
fn safe(server: &str) -> Value {
    let operation = |name: &str, security: Value| {
        json!({"get": {"operationId": name, "security": security,
            "responses": {"200": {"description": "", "content": {"application/json": {"schema": {}}}}}}})
    };
    json!({
        "openapi": "3.1.0", "info": {"title": "Safe", "version": "1"}, "servers": [{"url": server}],
        "paths": {
            "/header": operation("header", json!([{"head": []}])),
            "/query": operation("query", json!([{"query": []}])),
            "/cookie": operation("cookie", json!([{"cookie": []}])),
            "/basic": operation("basic", json!([{"basic": []}])),
            "/bearer": operation("bearer", json!([{"bearer": []}])),
            "/oauth": operation("oauth", json!([{"oauth": ["read"]}])),
            "/both": operation("both", json!([{"head": [], "bearer": []}])),
            "/either": operation("either", json!([{"head": []}, {"bearer": []}])),
            "/maybe": operation("maybe", json!([{"head": []}, {}])),
            "/strange": operation("strange", json!([{"strange": []}]))
        },
        "components": {"securitySchemes": {
            "head": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "query": {"type": "apiKey", "in": "query", "name": "api key"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
            "basic": {"type": "http", "scheme": "basic"},
            "bearer": {"type": "http", "scheme": "bearer"},
            "strange": {"type": "http", "scheme": "digest"},
            "oauth": {"type": "oauth2", "flows": {
                "clientCredentials": {"tokenUrl": format!("{server}/token"), "scopes": {}},
                "authorizationCode": {"authorizationUrl": format!("{server}/authorize"),
                    "tokenUrl": format!("{server}/token"), "scopes": {}}}}
        }}
    })
}

/// Answers everything, and gives tokens.
async fn provider() -> Provider {
    Provider::start(|target| -> BoxFuture<'static, Response> {
        Box::pin(async move {
            match target.as_str() {
                "/token" => axum::Json(json!({"access_token": "token-abcdef-1", "token_type": "Bearer",
                    "expires_in": 3600, "refresh_token": "refresh-abcdef-1"}))
                .into_response(),
                // Sends back what it was sent, as some do.
                target if target.starts_with("/query") => {
                    axum::Json(json!({"url": target, "key": [KEY], KEY: 1})).into_response()
                }
                _ => axum::Json(json!({"ok": true})).into_response(),
            }
        })
    })
    .await
}

async fn realm(settings: Settings, provider: &Provider) -> Realm {
    let realm = settings.start().await;
    realm.add(text(&safe(&format!("http://{}", provider.address)))).await;
    realm.change("safe", json!({"enabled": true})).await;
    realm
}

async fn give(realm: &Realm, scheme: &str, secret: Value) -> Credential {
    let given = json!({"source": "safe", "scheme": scheme, "secret": secret});
    realm.ask(Method::POST, "/api/credentials", &given).await
}

/// An authorization that a browser has begun.
struct Begun {
    /// Where the provider asks the person.
    authorize_at: url::Url,
    /// What the browser was given to be known by, with its attributes.
    cookie: String,
}

impl Begun {
    /// Begins one in a browser that was not seen before.
    async fn at(realm: &Realm, source: &str, secret: Value) -> Self {
        let given = json!({"source": source, "scheme": "oauth", "secret": secret});
        let response = realm.send(Method::POST, "/api/credentials", &given).send().await.expect("an answer");
        let cookie = response.headers()[header::SET_COOKIE].to_str().expect("text").to_owned();
        let body = response.bytes().await.expect("a body");
        let credential: Credential = serde_json::from_slice(&body).expect("a credential");
        let Standing::Waiting { authorize_at } = credential.standing else { panic!("{credential:?}") };
        Self { authorize_at: url::Url::parse(&authorize_at).expect("an address"), cookie }
    }

    fn asked(&self, name: &str) -> String {
        let found = self.authorize_at.query_pairs().find(|(known, _)| known == name);
        found.expect(name).1.into_owned()
    }

    /// The cookie as a browser sends it.
    fn pair(&self) -> &str {
        self.cookie.split(';').next().unwrap_or_default()
    }
}

/// The status of the page that a provider sends a browser back to.
async fn comes_back(realm: &Realm, source: &str, state: &str, cookie: Option<&str>) -> u16 {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("state", state), ("code", "the-code<script>")])
        .finish();
    let page = realm.get(&format!("/api/credentials/oauth/callback/{source}?{query}"));
    let page = page.header("sec-fetch-site", "cross-site");
    let page = cookie.into_iter().fold(page, |page, cookie| page.header(header::COOKIE, cookie));
    let page = page.send().await.expect("an answer");
    let status = page.status().as_u16();
    assert!(page.headers().contains_key(header::CONTENT_SECURITY_POLICY));
    assert!(!page.text().await.expect("text").contains("script"));
    status
}

async fn runs(realm: &Realm, number: u8, operation: &str) -> RunStatus {
    fold(&realm.run(number, &call(&format!("safe/{operation}"), json!({}))).await).status
}

#[tokio::test]
async fn each_kind_goes_where_its_scheme_wants_it() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = provider().await;
    let realm = realm(allowing(data.path(), &provider), &provider).await;
    give(&realm, "head", json!({"kind": "api-key", "key": KEY})).await;
    give(&realm, "query", json!({"kind": "api-key", "key": KEY})).await;
    give(&realm, "cookie", json!({"kind": "api-key", "key": KEY})).await;
    give(&realm, "basic", json!({"kind": "basic", "user": "ada", "password": "pass:word"})).await;
    give(&realm, "bearer", json!({"kind": "bearer", "token": "a.b.c-token"})).await;
    for (number, name) in ["header", "query", "cookie", "basic", "bearer", "both"].iter().enumerate() {
        let status = runs(&realm, u8::try_from(number).expect("few"), name).await;
        assert!(matches!(status, RunStatus::Finished { .. }), "{name}: {status:?}");
    }
    let seen = provider.seen();
    assert_eq!(seen[0].header("x-key"), Some(KEY));
    assert_eq!(seen[1].target, format!("/query?api+key={KEY}"));
    assert_eq!(seen[2].header("cookie"), Some(format!("session={KEY}").as_str()));
    assert_eq!(seen[3].header("authorization"), Some("Basic YWRhOnBhc3M6d29yZA=="));
    assert_eq!(seen[4].header("authorization"), Some("Bearer a.b.c-token"));
    assert_eq!(
        (seen[5].header("x-key"), seen[5].header("authorization")),
        (Some(KEY), Some("Bearer a.b.c-token"))
    );
    let listed: Vec<Credential> = realm.read("/api/credentials").await;
    assert_eq!(listed.len(), 5);
    assert!(listed.iter().all(|one| one.used_at_ms.is_some() && one.standing == Standing::Ready));
    assert!(listed.iter().all(|one| one.hosts == [provider.address.to_string()]));
}

#[tokio::test]
async fn the_first_alternative_that_is_met_is_taken() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = provider().await;
    let realm = realm(allowing(data.path(), &provider), &provider).await;
    // None is met: the run says which credential is wanted, and nothing is sent.
    let problem = problem_of(&realm.run(1, &call("safe/either", json!({}))).await);
    assert_eq!(problem.code, ProblemCode::Forbidden);
    assert!(problem.title.contains("needs a credential for head"), "{problem}");
    assert!(problem.advice.contains("Federation"), "{problem}");
    let strange = problem_of(&realm.run(2, &call("safe/strange", json!({}))).await);
    assert!(strange.title.contains("strange"), "{strange}");
    assert_eq!(provider.seen().len(), 0);
    // An empty alternative is met by nothing.
    assert!(matches!(runs(&realm, 3, "maybe").await, RunStatus::Finished { .. }));
    assert_eq!(provider.seen()[0].header("x-key"), None);
    give(&realm, "bearer", json!({"kind": "bearer", "token": "a.b.c-token"})).await;
    assert!(matches!(runs(&realm, 4, "either").await, RunStatus::Finished { .. }));
    assert_eq!(provider.seen()[1].header("authorization"), Some("Bearer a.b.c-token"));
    let missing: ShownRequest =
        realm.ask(Method::POST, "/api/catalogue/operations/safe/both/dry-run", &json!({"args": {}})).await;
    assert_eq!(missing.missing, ["head"]);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_without_being_repeated() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = provider().await;
    let realm = realm(allowing(data.path(), &provider), &provider).await;
    let key = json!({"kind": "api-key", "key": KEY});
    let case = |source: &str, scheme: &str, secret: &Value| json!({"source": source, "scheme": scheme, "secret": secret});
    for (body, expected, part) in [
        (case("nobody", "head", &key), 404, "no source nobody"),
        (case("safe", "gone", &key), 404, "no security scheme gone"),
        (case("safe", "bearer", &key), 400, "another kind"),
        (case("safe", "strange", &key), 400, "another kind"),
        (case("safe", "head", &json!({"kind": "api-key", "key": ""})), 400, "is empty"),
        (
            case("safe", "head", &json!({"kind": "api-key", "key": format!("{KEY}\r\nHost: x")})),
            400,
            "control characters",
        ),
        (case("safe", "basic", &json!({"kind": "basic", "user": "a:b", "password": KEY})), 400, "colon"),
        (case("safe", "head", &json!({"kind": "api-key", "key": KEY, "Key": KEY})), 400, "Key"),
        (
            case(
                "safe",
                "oauth",
                &json!({"kind": "client-credentials", "client_id": "c", "client_secret": KEY,
            "token_url": "http://169.254.169.254/token"}),
            ),
            403,
            "does not call",
        ),
    ] {
        let (status, problem) = refused(realm.send(Method::POST, "/api/credentials", &body)).await;
        assert_eq!(status, expected, "{problem}");
        assert!(problem.title.contains(part), "{part}: {problem}");
        assert!(!problem.to_string().contains("horse"), "{problem}");
    }
}

#[tokio::test]
async fn a_removed_credential_is_sent_no_more() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = provider().await;
    let realm = realm(allowing(data.path(), &provider), &provider).await;
    let first = give(&realm, "head", json!({"kind": "api-key", "key": KEY})).await;
    let second = give(&realm, "head", json!({"kind": "api-key", "key": "another-key-5678"})).await;
    let listed: Vec<Credential> = realm.read("/api/credentials").await;
    assert_eq!(
        listed.iter().map(|one| &one.id).collect::<Vec<_>>(),
        [&second.id],
        "it takes the place of {}",
        first.id
    );
    assert!(matches!(runs(&realm, 1, "header").await, RunStatus::Finished { .. }));
    assert_eq!(provider.seen()[0].header("x-key"), Some("another-key-5678"));
    let remove = || realm.client.delete(format!("{}/api/credentials/{}", realm.base, second.id));
    assert_eq!(remove().send().await.expect("an answer").status(), 204);
    assert_eq!(refused(remove()).await.0, 404);
    assert!(matches!(runs(&realm, 2, "header").await, RunStatus::Failed { .. }));
    assert_eq!(provider.seen().len(), 1);
    // One that belongs to a source goes with it, and does not come back under the same name.
    give(&realm, "head", json!({"kind": "api-key", "key": KEY})).await;
    let gone = realm.client.delete(format!("{}/api/catalogue/sources/safe", realm.base));
    assert_eq!(gone.send().await.expect("an answer").status(), 204);
    assert_eq!(realm.read::<Vec<Credential>>("/api/credentials").await, []);
}

#[tokio::test]
async fn client_credentials_get_one_token_for_many_calls() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = provider().await;
    let realm = realm(allowing(data.path(), &provider), &provider).await;
    give(
        &realm,
        "oauth",
        json!({"kind": "client-credentials", "client_id": "my app", "client_secret": KEY,
        "scopes": ["read"]}),
    )
    .await;
    let all = futures_util::future::join_all((0..8).map(|number| runs(&realm, number, "oauth"))).await;
    assert!(all.iter().all(|status| matches!(status, RunStatus::Finished { .. })), "{all:?}");
    let seen = provider.seen();
    let tokens: Vec<_> = seen.iter().filter(|seen| seen.target == "/token").collect();
    assert_eq!(tokens.len(), 1, "one flight");
    assert_eq!(
        (tokens[0].method.as_str(), tokens[0].body.as_str()),
        ("POST", "grant_type=client_credentials&scope=read")
    );
    let basic = tokens[0].header("authorization").expect("the client").to_owned();
    assert!(basic.starts_with("Basic "));
    let calls: Vec<_> = seen.iter().filter(|seen| seen.target == "/oauth").collect();
    assert!(
        calls.len() == 8
            && calls.iter().all(|call| call.header("authorization") == Some("Bearer token-abcdef-1"))
    );
}

#[tokio::test]
async fn an_authorization_takes_a_person_there_and_back_once() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = provider().await;
    let realm = realm(allowing(data.path(), &provider), &provider).await;
    let secret =
        json!({"kind": "authorization-code", "client_id": "app", "client_secret": KEY, "scopes": ["read"]});
    let begun = Begun::at(&realm, "safe", secret).await;
    assert_eq!(begun.asked("code_challenge_method"), "S256");
    assert_eq!(begun.asked("redirect_uri"), format!("{}/api/credentials/oauth/callback/safe", realm.base));
    assert!(!begun.authorize_at.as_str().contains("horse"));
    let problem = problem_of(&realm.run(1, &call("safe/oauth", json!({}))).await);
    assert!(problem.title.contains("waits for a permission"), "{problem}");

    let state = begun.asked("state");
    let back = async |state: &str| comes_back(&realm, "safe", state, Some(begun.pair())).await;
    assert_eq!(back("guessed").await, 403);
    assert_eq!(provider.seen().len(), 0, "a state that is not known asks nobody");
    assert_eq!(back(&state).await, 200);
    let token = &provider.seen()[0];
    assert!(token.body.contains("grant_type=authorization_code&code=the-code"), "{}", token.body);
    let verifier = token.body.split("code_verifier=").nth(1).expect("PKCE");
    assert!(verifier.len() >= 43);
    assert_eq!(back(&state).await, 403, "a state counts once");
    assert!(matches!(runs(&realm, 2, "oauth").await, RunStatus::Finished { .. }));
    assert_eq!(provider.seen()[1].header("authorization"), Some("Bearer token-abcdef-1"));
    let listed: Vec<Credential> = realm.read("/api/credentials").await;
    assert_eq!(listed[0].standing, Standing::Ready);
}

#[tokio::test]
async fn a_permission_counts_only_in_the_browser_that_began_it() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = provider().await;
    let realm = realm(allowing(data.path(), &provider), &provider).await;
    let begun = Begun::at(&realm, "safe", json!({"kind": "authorization-code", "client_id": "app"})).await;
    let state = begun.asked("state");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/api/credentials", "Max-Age=600"] {
        assert!(begun.cookie.contains(attribute), "{}", begun.cookie);
    }
    // Somebody began it, agreed with an account of their own, and sends the last address to another person (RFC 9700,
    // 4.7): that person's browser has no cookie, or one of its own.
    let listed = realm.get("/api/credentials").send().await.expect("an answer");
    let other = listed.headers()[header::SET_COOKIE].to_str().expect("text").to_owned();
    let other = other.split(';').next().expect("a pair");
    assert_ne!(other, begun.pair());
    for cookie in [None, Some(other), Some("mtor-authorization="), Some("mtor-authorization=guessed")] {
        assert_eq!(comes_back(&realm, "safe", &state, cookie).await, 403, "{cookie:?}");
    }
    assert_eq!(provider.seen().len(), 0, "no code is handed in");
    // A cookie that is known is kept, and its page goes on where it was; nothing of it is ended by what others tried.
    let again =
        realm.get("/api/credentials").header(header::COOKIE, begun.pair()).send().await.expect("an answer");
    assert!(again.headers()[header::SET_COOKIE].to_str().expect("text").starts_with(begun.pair()));
    assert_eq!(comes_back(&realm, "safe", &state, Some(begun.pair())).await, 200);
    // Nothing waits any more, so nobody gets a cookie.
    let quiet = realm.get("/api/credentials").send().await.expect("an answer");
    assert!(!quiet.headers().contains_key(header::SET_COOKIE));
}

#[tokio::test]
async fn a_permission_of_one_provider_never_reaches_another() {
    let data = tempfile::tempdir().expect("a folder");
    let (honest, hostile) = (provider().await, provider().await);
    let both = format!("{},{}", honest.address, hostile.address);
    let realm = Settings::new(data.path()).set("EGRESS_ALLOW_PRIVATE", &both).start().await;
    for (id, provider) in [("honest", &honest), ("hostile", &hostile)] {
        let mut source = text(&safe(&format!("http://{}", provider.address)));
        source["id"] = json!(id);
        realm.add(source).await;
        realm.change(id, json!({"enabled": true})).await;
    }
    let secret = json!({"kind": "authorization-code", "client_id": "app"});
    let begun = Begun::at(&realm, "hostile", secret).await;
    // The hostile one sends the person on to the honest one, with its own state; the honest one sends the code to the
    // address that was registered there (the mix-up of RFC 9700, 4.4).
    let state = begun.asked("state");
    assert_eq!(comes_back(&realm, "honest", &state, Some(begun.pair())).await, 403);
    assert_eq!((honest.seen().len(), hostile.seen().len()), (0, 0), "the code goes to nobody");
}

#[tokio::test]
async fn a_token_that_ends_is_renewed_before_it_is_sent() {
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Turned(AtomicU64);
    impl mtor::clock::Clock for Turned {
        fn now_ms(&self) -> u64 {
            self.0.load(Ordering::SeqCst)
        }
    }

    let data = tempfile::tempdir().expect("a folder");
    let provider = provider().await;
    let clock = Arc::new(Turned(AtomicU64::new(1_000)));
    let own = Arc::clone(&clock);
    let realm = allowing(data.path(), &provider).start_with(|outside| outside.clock = own).await;
    realm.add(text(&safe(&format!("http://{}", provider.address)))).await;
    realm.change("safe", json!({"enabled": true})).await;
    let begun = Begun::at(&realm, "safe", json!({"kind": "authorization-code", "client_id": "app"})).await;
    assert_eq!(comes_back(&realm, "safe", &begun.asked("state"), Some(begun.pair())).await, 200);
    // Within half a minute of its end a token counts as ended.
    clock.0.fetch_add(3_600_000 - 29_000, Ordering::SeqCst);
    assert!(matches!(runs(&realm, 1, "oauth").await, RunStatus::Finished { .. }));
    let seen = provider.seen();
    assert_eq!(seen[1].body, "grant_type=refresh_token&refresh_token=refresh-abcdef-1&client_id=app");
    assert_eq!(seen[2].target, "/oauth");
}

#[tokio::test]
async fn another_key_after_a_restart_is_told_and_the_right_one_mends_it() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = provider().await;
    let settings = || allowing(data.path(), &provider);
    let http = client();
    let post = |base: &str, path: &str, body: Value| {
        http.post(format!("{base}{path}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.to_string())
    };
    let process = Process::start(&settings());
    let document = text(&safe(&format!("http://{}", provider.address)));
    let _: Source = answer(post(&process.base, "/api/catalogue/sources", document)).await;
    settled(&http, &process.base, "safe").await;
    let enable = http.patch(format!("{}/api/catalogue/sources/safe", process.base));
    let enable = enable.header(header::CONTENT_TYPE, "application/json").body("{\"enabled\": true}");
    let _: Source = answer(enable).await;
    let given = json!({"source": "safe", "scheme": "head", "secret": {"kind": "api-key", "key": KEY}});
    let _: Credential = answer(post(&process.base, "/api/credentials", given)).await;
    process.kill();
    let file = data.path().join("credentials.key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).expect("the key file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    let plan = call("safe/header", json!({}));
    let process = Process::start(&settings().set("REALM_CREDENTIALS_KEY", &"0f".repeat(32)));
    let listed: Vec<Credential> = answer(http.get(format!("{}/api/credentials", process.base))).await;
    let Standing::Refused { reason } = &listed[0].standing else { panic!("{:?}", listed[0].standing) };
    assert!(reason.contains("key does not open it") && reason.contains("Put the key back"), "{reason}");
    let events = post_run(&http, &process.base, &run_id(1), &plan).send().await.expect("an answer");
    let events = events.text().await.expect("text");
    assert!(events.contains("cannot be used") && provider.seen().is_empty(), "{events}");
    process.kill();

    let process = Process::start(&settings().set("REALM_CREDENTIALS_KEY_FILE", &file.display().to_string()));
    let events = post_run(&http, &process.base, &run_id(2), &plan).send().await.expect("an answer");
    assert!(events.text().await.expect("text").contains("\"finished\""));
    assert_eq!(provider.seen()[0].header("x-key"), Some(KEY));
}

#[tokio::test]
async fn secrets_are_in_no_answer_no_receipt_no_log_and_no_file() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = provider().await;
    let log = data.path().join("log");
    let settings = allowing(data.path(), &provider).set("LOG_FILTER", "trace");
    let process = Process::logging(&settings, std::fs::File::create(&log).expect("a file"));
    let http = client();
    let mut answers = String::new();
    let post = |path: &str, body: Value| {
        http.post(format!("{}{path}", process.base))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.to_string())
    };
    let document = text(&safe(&format!("http://{}", provider.address)));
    let _: Source = answer(post("/api/catalogue/sources", document)).await;
    settled(&http, &process.base, "safe").await;
    let enable = http.patch(format!("{}/api/catalogue/sources/safe", process.base));
    let enable = enable.header(header::CONTENT_TYPE, "application/json").body("{\"enabled\": true}");
    let _: Source = answer(enable).await;
    for (scheme, secret) in [
        ("head", json!({"kind": "api-key", "key": KEY})),
        ("query", json!({"kind": "api-key", "key": KEY})),
        ("basic", json!({"kind": "basic", "user": "ada", "password": KEY})),
        ("oauth", json!({"kind": "client-credentials", "client_id": "app", "client_secret": KEY})),
    ] {
        let given = json!({"source": "safe", "scheme": scheme, "secret": secret});
        answers +=
            &post("/api/credentials", given).send().await.expect("an answer").text().await.expect("text");
    }
    for (number, name) in ["header", "query", "basic", "oauth"].iter().enumerate() {
        let id = run_id(u8::try_from(number).expect("few"));
        let plan = call(&format!("safe/{name}"), json!({}));
        let events = post_run(&http, &process.base, &id, &plan).send().await.expect("an answer");
        let events = events.text().await.expect("text");
        assert!(events.contains("\"finished\""), "{events}");
        answers += &events;
        let dry = post(&format!("/api/catalogue/operations/safe/{name}/dry-run"), json!({"args": {}}));
        answers += &dry.send().await.expect("an answer").text().await.expect("text");
    }
    for path in ["/api/credentials", "/api/catalogue/sources", "/api/catalogue", "/metrics"] {
        answers += &http
            .get(format!("{}{path}", process.base))
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("text");
    }
    assert!(answers.contains("api+key=•••") && answers.contains("\"X-Key\",\"•••\""), "{answers}");
    #[cfg(unix)]
    assert!(process.terminate().success());
    let mut files = std::fs::read(&log).expect("the log");
    assert!(String::from_utf8_lossy(&files).contains("answered"), "the log is detailed");
    for name in ["realm.sqlite", "realm.sqlite-wal"] {
        files.extend(std::fs::read(data.path().join(name)).unwrap_or_default());
    }
    for secret in [KEY, "token-abcdef-1", "YWRhOmNvcnJlY3Q", "horse"] {
        assert!(!answers.contains(secret), "{secret} is in an answer:\n{answers}");
        let found = files.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found, "{secret} is in the log or the database");
    }
    assert!(provider.seen().iter().any(|seen| seen.target.contains(KEY)), "it was really sent");
}

#[tokio::test]
async fn a_provider_that_refuses_a_key_is_told_as_such() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::start(|_| -> BoxFuture<'static, Response> {
        let body = json!({"message": format!("the key {KEY} is unknown")});
        Box::pin(async move { (StatusCode::UNAUTHORIZED, axum::Json(body)).into_response() })
    })
    .await;
    let realm = realm(allowing(data.path(), &provider), &provider).await;
    give(&realm, "head", json!({"kind": "api-key", "key": KEY})).await;
    let chunks = realm.run(1, &call("safe/header", json!({}))).await;
    let ChunkBody::Failed { problem, .. } = &chunks.last().expect("chunks").body else { panic!("it failed") };
    assert!(!problem.to_string().contains("horse"), "{problem}");
}
