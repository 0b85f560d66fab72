//! Attacks 1 to 5 of the protocol's list, each through the surfaces that a stranger reaches. What the guard itself
//! refuses is with `egress`, what an operation's arguments can do is with the API compiler.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::future::BoxFuture;
use mtor::federated::egress::Lookup;
use mtor_shared::{
    problem::ProblemCode,
    source::{Source, Stage},
    stream::RunStatus,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::{Realm, Settings, call, fold, problem_of, refused},
    provider::Provider,
    sources::{allowing, by_url, pets, shop, text},
};

const KEY: &str = "correct-horse-battery-1234";

/// Every way to write an address that is not public.
const INNER: [&str; 18] = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://0.0.0.0/",
    "https://10.1.2.3/",
    "https://100.64.0.1/",
    "https://[fe80::1]/",
    "https://１２７.０.０.１/",
    "http://example.org/",
    "https://a@127.0.0.1/",
];

fn problem(source: &Source) -> &mtor_shared::problem::Problem {
    match &source.stage {
        Stage::Failed { problem } => problem,
        other => panic!("it did not fail: {other:?}"),
    }
}

/// A name that leads somewhere, counting who asks.
struct Leads(Vec<IpAddr>, Arc<AtomicUsize>);

#[async_trait::async_trait]
impl Lookup for Leads {
    async fn lookup(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        let at = self.1.fetch_add(1, Ordering::SeqCst);
        Ok(vec![self.0[at.min(self.0.len() - 1)]])
    }
}

#[tokio::test]
async fn attack_1_a_source_at_an_inner_address_is_refused() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    for url in INNER {
        let body = json!({"from": {"kind": "url", "url": url}});
        let (status, problem) = refused(realm.send(Method::POST, "/api/catalogue/sources", &body)).await;
        assert!(matches!(status, 400 | 403), "{url}: {problem}");
    }
    let sources: Vec<Source> = realm.read("/api/catalogue/sources").await;
    assert_eq!(sources.len(), mtor_federation::pilots::all().len());
}

#[tokio::test]
async fn attack_1_a_name_that_leads_inside_is_refused_when_it_is_dialled() {
    let data = tempfile::tempdir().expect("a folder");
    let asked = Arc::new(AtomicUsize::new(0));
    let inside = Leads(vec!["169.254.169.254".parse().expect("valid")], Arc::clone(&asked));
    let realm = Settings::new(data.path()).start_with(|outside| outside.lookup = Arc::new(inside)).await;
    let source =
        realm.add(json!({"from": {"kind": "url", "url": "https://rebound.example/openapi.json"}})).await;
    assert_eq!(problem(&source).code, ProblemCode::EgressRefused, "{}", problem(&source));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // A call of an operation at such a name too.
    realm.add(text(&pets("https://rebound.example/v1"))).await;
    realm.change("pet-shop", json!({"enabled": true})).await;
    let problem = problem_of(&realm.run(1, &call("pet-shop/getPet", json!({"id": "7"}))).await);
    assert_eq!(problem.code, ProblemCode::EgressRefused, "{problem}");
}

#[tokio::test]
async fn attack_1_a_redirect_of_a_description_to_the_inside_is_refused() {
    let data = tempfile::tempdir().expect("a folder");
    let (victim, _) = shop().await;
    let inner = victim.address;
    let provider = Provider::start(move |target| -> BoxFuture<'static, Response> {
        Box::pin(async move {
            let to = if target == "/openapi.json" { format!("http://{inner}/openapi.json") } else { target };
            (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
        })
    })
    .await;
    let realm = allowing(data.path(), &provider).start().await;
    let source = realm.add(by_url(&provider)).await;
    assert_eq!(problem(&source).code, ProblemCode::EgressRefused, "{}", problem(&source));
    assert_eq!(victim.calls(), Vec::<String>::new());
    let endless = json!({"from": {"kind": "url", "url": format!("http://{}/loop", provider.address)}});
    assert_eq!(problem(&realm.add(endless).await).code, ProblemCode::EgressRefused);
}

#[tokio::test]
async fn attack_2_servers_on_the_inside_are_listed_and_never_called() {
    let data = tempfile::tempdir().expect("a folder");
    let (victim, _) = shop().await;
    let realm = Settings::new(data.path()).start().await;
    for (number, server) in [
        format!("http://{}/v1", victim.address),
        "https://169.254.169.254/v1".into(),
        "https://[::ffff:7f00:1]".into(),
    ]
    .iter()
    .enumerate()
    {
        let mut source = text(&pets(server));
        source["id"] = json!(format!("s{number}"));
        realm.add(source).await;
        realm.change(&format!("s{number}"), json!({"enabled": true})).await;
        let plan = call(&format!("s{number}/getPet"), json!({"id": "7"}));
        let problem = problem_of(&realm.run(u8::try_from(number).expect("few"), &plan).await);
        assert_eq!(problem.code, ProblemCode::EgressRefused, "{server}: {problem}");
    }
    assert_eq!(victim.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn attack_2_references_lead_neither_inside_nor_on_without_end() {
    let data = tempfile::tempdir().expect("a folder");
    let (victim, _) = shop().await;
    let inner = format!("http://{}/openapi.json#/x", victim.address);
    let provider = Provider::start(move |target| -> BoxFuture<'static, Response> {
        let inner = inner.clone();
        Box::pin(async move {
            let referring = |to: &[String]| {
                let schemas: Vec<Value> = to.iter().map(|to| json!({"$ref": to})).collect();
                let mut document = pets("https://pets.example");
                document["paths"]["/pets"]["post"]["requestBody"]["content"]["application/json"]["schema"] =
                    json!({"anyOf": schemas});
                document.to_string()
            };
            let inside = [inner, "https://169.254.169.254/x#/y".to_owned(), "file:///etc/passwd".to_owned()];
            match target.as_str() {
                "/inside" => referring(&inside).into_response(),
                "/many" => {
                    referring(&(0..40).map(|n| format!("/part/{n}#/x")).collect::<Vec<_>>()).into_response()
                }
                "/endless" => referring(&["/chain/1#/x".to_owned()]).into_response(),
                target => {
                    let next = target.rsplit('/').next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) + 1;
                    json!({"x": {"$ref": format!("/chain/{next}#/x")}}).to_string().into_response()
                }
            }
        })
    })
    .await;
    let realm = allowing(data.path(), &provider).set("SOURCES_DOCUMENTS", "20").start().await;
    let add =
        |path: &str| json!({"from": {"kind": "url", "url": format!("http://{}{path}", provider.address)}});
    // What cannot be read is a warning; the rest of the description works.
    let source = realm.add(add("/inside")).await;
    assert_eq!(source.stage, Stage::Preview);
    let told = source.warnings.join("\n");
    assert!(told.contains("169.254.169.254"), "{told}");
    assert_eq!(victim.calls(), Vec::<String>::new());
    assert_eq!(problem(&realm.add(add("/many")).await).code, ProblemCode::TooLarge);
    assert!(matches!(realm.add(add("/endless")).await.stage, Stage::Failed { .. } | Stage::Preview));
    assert!(provider.count("/chain/") <= 40, "{}", provider.count("/chain/"));
}

#[tokio::test]
async fn attack_2_a_hostile_description_costs_its_own_place_alone() {
    // 4 MB of zeros in gzip, 4 kB on the wire.
    const BOMB: &[u8] = include_bytes!("../fixtures/zeros.gz");
    let data = tempfile::tempdir().expect("a folder");
    let mut yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let refs = vec![format!("*a{}", n - 1); 9].join(", ");
        yaml.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
    }
    let bomb = yaml.clone();
    let provider = Provider::start(move |target| -> BoxFuture<'static, Response> {
        let yaml = bomb.clone();
        Box::pin(async move {
            match target.as_str() {
                "/zip" => ([(header::CONTENT_ENCODING, "gzip")], BOMB).into_response(),
                "/yaml" => yaml.into_response(),
                _ => "[".repeat(1 << 20).into_response(),
            }
        })
    })
    .await;
    let realm = allowing(data.path(), &provider).set("SOURCES_BYTES", "2097152").start().await;
    for path in ["/zip", "/yaml", "/deep"] {
        let url = format!("http://{}{path}", provider.address);
        let source = realm.add(json!({"from": {"kind": "url", "url": url}})).await;
        assert!(matches!(problem(&source).code, ProblemCode::TooLarge | ProblemCode::BadRequest), "{path}");
    }
    // A cycle of references ends, as a text too.
    let mut cyclic = pets("https://pets.example");
    cyclic["components"] = json!({"schemas": {"a": {"$ref": "#/components/schemas/b"}, "b": {"$ref": "#/components/schemas/a"}}});
    cyclic["paths"]["/pets"]["post"]["requestBody"]["content"]["application/json"]["schema"] =
        json!({"$ref": "#/components/schemas/a"});
    assert_eq!(realm.add(text(&cyclic)).await.stage, Stage::Preview);
    assert_eq!(realm.get("/healthz").send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn attack_3_arguments_change_neither_host_nor_path_nor_header() {
    let data = tempfile::tempdir().expect("a folder");
    let (provider, _) = shop().await;
    let realm = allowing(data.path(), &provider).start().await;
    let mut document = pets(&format!("http://{}/v1", provider.address));
    let parameters = &mut document["paths"]["/pets/{id}"]["get"]["parameters"];
    parameters
        .as_array_mut()
        .expect("a list")
        .push(json!({"name": "X-Note", "in": "header", "schema": {"type": "string"}}));
    realm.add(text(&document)).await;
    realm.change("pet-shop", json!({"enabled": true})).await;
    for (number, id) in
        ["..", "%2e%2e/admin", "7?admin=1", "7#x", "7/../../admin", "@evil.example/", "\\..\\x"]
            .iter()
            .enumerate()
    {
        let before = provider.calls().len();
        realm.run(u8::try_from(number).expect("few"), &call("pet-shop/getPet", json!({"id": id}))).await;
        for call in &provider.calls()[before..] {
            let rest = call.strip_prefix("/v1/pets/").expect("below its own path");
            assert!(!rest.contains(['/', '?', '#', '\\']) && rest != "..", "{id}: {call}");
        }
    }
    let problem = problem_of(
        &realm.run(99, &call("pet-shop/getPet", json!({"id": "7", "X-Note": "a\r\nHost: evil"}))).await,
    );
    assert_eq!(problem.code, ProblemCode::BadArgument, "{problem}");
}

#[tokio::test]
async fn attack_4_keys_that_are_there_twice_or_in_another_case_are_refused() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let post = |method: Method, path: &str, body: &'static str| {
        let request = realm.client.request(method, format!("{}{path}", realm.base));
        request.header("content-type", "application/json").body(body)
    };
    let sources = "/api/catalogue/sources";
    for (method, path, body) in [
        (
            Method::POST,
            sources,
            r#"{"from":{"kind":"url","url":"https://a.example/"},"from":{"kind":"text","text":"{}"}}"#,
        ),
        (
            Method::POST,
            sources,
            r#"{"from":{"kind":"url","url":"https://a.example/","url":"https://b.example/"}}"#,
        ),
        (Method::POST, sources, r#"{"from":{"kind":"url","url":"https://a.example/"},"From":{}}"#),
        (Method::POST, sources, r#"{"from":{"kind":"url","URL":"https://a.example/"}}"#),
        (Method::PATCH, "/api/catalogue/sources/wikipedia", r#"{"enabled":true,"enabled":false}"#),
        (Method::PATCH, "/api/catalogue/sources/wikipedia", r#"{"Enabled":false}"#),
        (
            Method::POST,
            "/api/credentials",
            r#"{"source":"wikipedia","scheme":"a","Scheme":"b","secret":{"kind":"bearer","token":"t"}}"#,
        ),
        (
            Method::POST,
            "/api/credentials",
            r#"{"source":"wikipedia","scheme":"a","secret":{"kind":"bearer","token":"t","token":"u"}}"#,
        ),
        (Method::POST, "/api/catalogue/operations/wikipedia/search/dry-run", r#"{"args":{"q":"a","q":"b"}}"#),
        (
            Method::POST,
            "/api/catalogue/operations/wikipedia/search/dry-run",
            r#"{"Args":{"q":"a"},"args":{}}"#,
        ),
    ] {
        let (status, problem) = refused(post(method, path, body)).await;
        assert_eq!((status, problem.code), (400, ProblemCode::BadRequest), "{body}: {problem}");
    }
}

/// A shop whose operations take a key, and the key.
async fn keyed(realm: &Realm, server: &str, scheme: Value) {
    let mut document = pets(server);
    document["security"] = json!([{"key": []}]);
    document["components"] = json!({"securitySchemes": {"key": scheme}});
    realm.add(text(&document)).await;
    realm.change("pet-shop", json!({"enabled": true})).await;
    let given = json!({"source": "pet-shop", "scheme": "key", "secret": {"kind": "api-key", "key": KEY}});
    let _: Value = realm.ask(Method::POST, "/api/credentials", &given).await;
}

#[tokio::test]
async fn attack_5_a_credential_does_not_follow_a_redirect_to_another_host() {
    let data = tempfile::tempdir().expect("a folder");
    let (other, _) = shop().await;
    let target = other.address;
    let provider = Provider::start(move |asked| -> BoxFuture<'static, Response> {
        // Once plainly, once with the key in the address as it was sent.
        let query = asked.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
        let to = format!("http://{target}/v1/pets/7{query}");
        Box::pin(async move { (StatusCode::FOUND, [(header::LOCATION, to)]).into_response() })
    })
    .await;
    let both = format!("{},{}", provider.address, other.address);
    for (place, followed) in [("header", true), ("query", false)] {
        let settings = Settings::new(&data.path().join(place)).set("EGRESS_ALLOW_PRIVATE", &both);
        let realm = settings.start().await;
        let server = format!("http://{}/v1", provider.address);
        keyed(&realm, &server, json!({"type": "apiKey", "in": place, "name": "x-key"})).await;
        let chunks = realm.run(1, &call("pet-shop/getPet", json!({"id": "7"}))).await;
        let problem = problem_of(&chunks);
        assert_eq!(problem.code, ProblemCode::EgressRefused, "{place} {followed}: {problem}");
        assert!(!serde_json::to_string(&chunks).expect("JSON").contains(KEY));
    }
    let leaked = |seen: &crate::provider::Seen| format!("{seen:?}").contains(KEY);
    assert!(provider.seen().iter().all(leaked), "its own host gets it");
    assert!(!other.seen().iter().any(leaked), "{:?}", other.seen());
}

#[tokio::test]
async fn attack_5_a_credential_does_not_follow_a_changed_description_to_another_host() {
    let data = tempfile::tempdir().expect("a folder");
    let (provider, document) = shop().await;
    let (other, _) = shop().await;
    let both = format!("{},{}", provider.address, other.address);
    let realm = Settings::new(data.path()).set("EGRESS_ALLOW_PRIVATE", &both).start().await;
    let described = |server: std::net::SocketAddr| {
        let mut described = pets(&format!("http://{server}/v1"));
        described["security"] = json!([{"key": []}]);
        described["components"] =
            json!({"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-key"}}});
        described.to_string()
    };
    *document.lock().expect("a lock") = described(provider.address);
    realm.add(by_url(&provider)).await;
    realm.change("pets", json!({"enabled": true})).await;
    let given = json!({"source": "pets", "scheme": "key", "secret": {"kind": "api-key", "key": KEY}});
    let _: Value = realm.ask(Method::POST, "/api/credentials", &given).await;
    let plan = call("pets/getPet", json!({"id": "7"}));
    assert!(matches!(fold(&realm.run(1, &plan).await).status, RunStatus::Finished { .. }));

    // The description moves to another host, and a person even agrees to it.
    *document.lock().expect("a lock") = described(other.address);
    let _: Source = realm.ask(Method::POST, "/api/catalogue/sources/pets/scan", &json!({})).await;
    let Stage::Changed { change } = realm.settled("pets").await.stage else { panic!("changed") };
    assert_eq!(change.new_hosts, [other.address.to_string()]);
    realm.change("pets", json!({"accept": change.sha256})).await;
    let problem = problem_of(&realm.run(2, &plan).await);
    assert_eq!(problem.code, ProblemCode::Forbidden);
    assert!(problem.title.contains("was given for") && problem.advice.contains("Add it again"), "{problem}");
    assert_eq!(other.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn attack_5_an_endpoint_or_overlay_moves_no_credential() {
    let data = tempfile::tempdir().expect("a folder");
    let (provider, _) = shop().await;
    let (other, _) = shop().await;
    let both = format!("{},{}", provider.address, other.address);
    let realm = Settings::new(data.path()).set("EGRESS_ALLOW_PRIVATE", &both).start().await;
    let scheme = json!({"type": "apiKey", "in": "header", "name": "x-key"});
    keyed(&realm, &format!("http://{}/v1", provider.address), scheme).await;
    let overlay = json!({"overlay": "1.0.0", "info": {"title": "o", "version": "1"}, "actions": [
        {"target": "$.servers[0]", "update": {"url": format!("http://{}/v1", other.address)}}]});
    let changed = realm.change("pet-shop", json!({"overlay": overlay.to_string()})).await;
    assert_eq!(changed.hosts, [other.address.to_string()]);
    let problem = problem_of(&realm.run(1, &call("pet-shop/getPet", json!({"id": "7"}))).await);
    assert_eq!(problem.code, ProblemCode::Forbidden, "{problem}");
    assert_eq!(other.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn attack_5_a_description_cannot_have_a_key_sent_as_the_host() {
    let data = tempfile::tempdir().expect("a folder");
    let (provider, _) = shop().await;
    let realm = allowing(data.path(), &provider).start().await;
    let server = format!("http://{}/v1", provider.address);
    keyed(&realm, &server, json!({"type": "apiKey", "in": "header", "name": "Host"})).await;
    let problem = problem_of(&realm.run(1, &call("pet-shop/getPet", json!({"id": "7"}))).await);
    assert_eq!(problem.code, ProblemCode::Forbidden, "{problem}");
    assert_eq!(provider.calls(), Vec::<String>::new());
}
