//! Taking descriptions in: preview, consent, change, restart, removal, search.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use mtor::clock::Clock;
use mtor_shared::{
    capability::CapabilityId,
    catalogue::Catalogue,
    problem::ProblemCode,
    source::{OperationDetail, OperationPage, ShownRequest, SkippedOperation, Source, Stage},
    stream::RunStatus,
};
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    harness::{Realm, Settings, answer, call, client, fold, post_run, problem_of, refused, run_id, settled},
    process::Process,
    provider::Provider,
};

/// A shop of pets at an address.
pub(crate) fn pets(server: &str) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Pet shop", "version": "1"},
        "servers": [{"url": server}],
        "paths": {
            "/pets/{id}": {"get": {
                "operationId": "getPet", "summary": "Read one pet", "description": "Tells the name of an animal.",
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string", "example": "7"}}],
                "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}}}},
            "/pets": {"post": {
                "operationId": "addPet", "summary": "Add a pet",
                "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                "responses": {"200": {"description": "", "content": {"application/json": {}}}}}},
            "/broken": {"get": "nothing"}
        }
    })
}

pub(crate) fn text(document: &Value) -> Value {
    json!({"from": {"kind": "text", "text": document.to_string(), "name": "pets.json"}})
}

/// A shop that serves its own description, which a test may change.
pub(crate) async fn shop() -> (Provider, Arc<Mutex<String>>) {
    let document = Arc::new(Mutex::new(String::new()));
    let own = Arc::clone(&document);
    let provider = Provider::start(move |target| {
        let document = own.lock().expect("a lock").clone();
        Box::pin(async move {
            match target.as_str() {
                "/openapi.json" => document.into_response(),
                target if target.starts_with("/v1/pets") => {
                    axum::Json(json!({"name": "Rex"})).into_response()
                }
                _ => StatusCode::NOT_FOUND.into_response(),
            }
        })
    })
    .await;
    *document.lock().expect("a lock") = pets(&format!("http://{}/v1", provider.address)).to_string();
    (provider, document)
}

pub(crate) fn allowing(data: &std::path::Path, provider: &Provider) -> Settings {
    Settings::new(data).set("EGRESS_ALLOW_PRIVATE", &provider.address.to_string())
}

pub(crate) fn by_url(provider: &Provider) -> Value {
    json!({"id": "pets", "from": {"kind": "url", "url": format!("http://{}/openapi.json", provider.address)}})
}

async fn listed(realm: &Realm) -> Vec<String> {
    let catalogue: Catalogue = realm.read("/api/catalogue").await;
    catalogue.capabilities.into_iter().map(|capability| capability.id.0).collect()
}

fn id(text: &str) -> CapabilityId {
    text.into()
}

#[tokio::test]
async fn a_text_is_previewed_enabled_called_and_taken_out_again() {
    let data = tempfile::tempdir().expect("a folder");
    let (provider, _) = shop().await;
    let realm = allowing(data.path(), &provider).start().await;
    let source = realm.add(text(&pets(&format!("http://{}/v1", provider.address)))).await;
    assert_eq!((source.id.0.as_str(), &source.stage), ("pet-shop", &Stage::Preview));
    assert_eq!((source.title.as_str(), source.format.as_str()), ("Pet shop", "OpenAPI 3.1"));
    assert_eq!((source.operations, source.capabilities, source.skipped), (3, 2, 1));
    assert_eq!(source.hosts, [provider.address.to_string()]);
    assert_eq!(source.sha256.len(), 64);

    // What is only looked at is in no catalogue and is not called, but its request can be shown.
    assert!(!listed(&realm).await.iter().any(|id| id.starts_with("pet-shop/")));
    let plan = call("pet-shop/getPet", json!({"id": "7"}));
    let (status, problem) = refused(realm.post_run(&run_id(1), &plan)).await;
    assert_eq!((status, problem.code), (403, ProblemCode::Forbidden), "{problem}");
    assert!(problem.advice.contains("Enable it"), "{problem}");
    let path = "/api/catalogue/operations/pet-shop/getPet";
    let args = json!({"args": {"id": "a/b"}});
    let shown: ShownRequest = realm.ask(Method::POST, &format!("{path}/dry-run"), &args).await;
    assert_eq!(
        (shown.method.as_str(), shown.url),
        ("GET", format!("http://{}/v1/pets/a%2Fb", provider.address))
    );
    let (status, problem) =
        refused(realm.send(Method::POST, &format!("{path}/dry-run"), &json!({"args": {}}))).await;
    assert_eq!((status, problem.code), (400, ProblemCode::BadArgument), "{problem}");
    assert_eq!(provider.calls(), Vec::<String>::new());

    let skipped: Vec<SkippedOperation> = realm.read("/api/catalogue/sources/pet-shop/skipped").await;
    assert_eq!(skipped[0].operation, "GET /broken");
    let detail: OperationDetail = realm.read(path).await;
    assert_eq!(detail.server, format!("http://{}/v1", provider.address));
    assert_eq!((detail.line.enabled, detail.capability.output), (false, json!({"type": "object"})));

    let etag = realm.get("/api/catalogue").send().await.expect("an answer").headers()[header::ETAG].clone();
    let enabled = realm.change("pet-shop", json!({"enabled": true})).await;
    assert_eq!(enabled.stage, Stage::Enabled);
    let again = realm.get("/api/catalogue").header(header::IF_NONE_MATCH, etag);
    assert_eq!(again.send().await.expect("an answer").status(), 200, "the catalogue is another one");
    assert!(listed(&realm).await.contains(&"pet-shop/getPet".to_owned()));
    let catalogue: Catalogue = realm.read("/api/catalogue").await;
    let listed_one = catalogue.find(&id("pet-shop/getPet")).expect("listed");
    assert_eq!((&listed_one.output, &listed_one.input["required"]), (&json!({}), &json!(["id"])));

    let view = fold(&realm.run(1, &plan).await);
    let RunStatus::Finished { receipt } = &view.status else { panic!("{:?}", view.status) };
    assert_eq!(view.result().expect("a result").0, &json!({"name": "Rex"}));
    assert_eq!(receipt.exchanges[0].url, format!("http://{}/v1/pets/7", provider.address));

    // One operation out, then all of them.
    let changed = realm.change("pet-shop", json!({"operations": {"pet-shop/getPet": false}})).await;
    assert_eq!(changed.disabled, [id("pet-shop/getPet")].into());
    assert_eq!(refused(realm.post_run(&run_id(2), &plan)).await.0, 403);
    assert!(listed(&realm).await.contains(&"pet-shop/addPet".to_owned()));
    let disabled = realm.change("pet-shop", json!({"enabled": false})).await;
    assert_eq!(disabled.stage, Stage::Disabled);
    assert!(!listed(&realm).await.iter().any(|id| id.starts_with("pet-shop/")));

    let remove = || realm.client.delete(format!("{}/api/catalogue/sources/pet-shop", realm.base));
    assert_eq!(remove().send().await.expect("an answer").status(), 204);
    assert_eq!(refused(remove()).await.0, 404);
    assert_eq!(refused(realm.get(path)).await.0, 404);
    assert_eq!(refused(realm.post_run(&run_id(3), &plan)).await.0, 404);
}

#[tokio::test]
async fn an_address_is_read_and_told_about() {
    let data = tempfile::tempdir().expect("a folder");
    let (provider, document) = shop().await;
    let realm = allowing(data.path(), &provider).start().await;
    let added: Source = realm.ask(Method::POST, "/api/catalogue/sources", &by_url(&provider)).await;
    assert!(matches!(added.stage, Stage::Fetching { .. }), "{:?}", added.stage);
    let snapshots = settled(&realm.client, &realm.base, "pets").await;
    let last = snapshots.last().expect("snapshots");
    assert_eq!((&last.stage, last.capabilities), (&Stage::Preview, 2));
    let kept = realm.get("/api/catalogue/sources/pets/document").send().await.expect("an answer");
    assert_eq!(kept.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(kept.text().await.expect("text"), *document.lock().expect("a lock"));
    // A source that is settled is told once.
    assert_eq!(settled(&realm.client, &realm.base, "pets").await.len(), 1);
}

#[tokio::test]
async fn what_is_no_description_fails_with_words_and_stops_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::start(|target| {
        Box::pin(async move {
            match target.as_str() {
                "/page" => axum::response::Html("<!DOCTYPE html><title>Docs</title>").into_response(),
                "/binary" => vec![0_u8, 159, 146, 150].into_response(),
                "/large" => "x".repeat(3 << 20).into_response(),
                "/other" => "{\"asyncapi\": \"3.0.0\"}".into_response(),
                _ => StatusCode::NOT_FOUND.into_response(),
            }
        })
    })
    .await;
    let realm = allowing(data.path(), &provider).set("SOURCES_BYTES", "2097152").start().await;
    for (path, code, part) in [
        ("/page", ProblemCode::UpstreamGarbage, "a web page"),
        ("/binary", ProblemCode::UpstreamGarbage, "not text"),
        ("/large", ProblemCode::TooLarge, "more than 2 MB"),
        ("/other", ProblemCode::BadRequest, "AsyncAPI"),
        ("/gone", ProblemCode::UpstreamError, "status 404"),
    ] {
        let url = format!("http://{}{path}", provider.address);
        let source = realm.add(json!({"from": {"kind": "url", "url": url}})).await;
        let Stage::Failed { problem } = &source.stage else { panic!("{path}: {:?}", source.stage) };
        assert_eq!(problem.code, code, "{problem}");
        assert!(problem.title.contains(part) && !problem.advice.is_empty(), "{problem}");
        let (status, _) = refused(realm.send(
            Method::PATCH,
            &format!("/api/catalogue/sources/{}", source.id),
            &json!({"enabled": true}),
        ))
        .await;
        assert_eq!(status, 409);
    }
    let sources: Vec<Source> = realm.read("/api/catalogue/sources").await;
    assert_eq!(sources.len(), 5 + mtor_federation::pilots::all().len());
}

#[tokio::test]
async fn what_cannot_be_added_is_refused_at_once() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).set("SOURCES_BYTES", "1024").start().await;
    let post = |body: Value| realm.send(Method::POST, "/api/catalogue/sources", &body);
    let small = json!({"kind": "text", "text": "{}"});
    for (body, expected, part) in [
        (json!({"id": "wikipedia", "from": small}), 409, "source named wikipedia already"),
        (json!({"id": "Not/a name", "from": small}), 400, "cannot name a source"),
        (json!({"from": {"kind": "builtin"}}), 400, "comes with MTOR"),
        (json!({"from": {"kind": "text", "text": " "}}), 400, "no text"),
        (json!({"from": {"kind": "text", "text": "x".repeat(2000)}}), 413, "The description has more than"),
        (json!({"from": {"kind": "url", "url": "not an address"}}), 400, "is no address"),
        (json!({"from": {"kind": "url", "url": "file:///etc/passwd"}}), 400, "not one of the web"),
        (json!({"from": {"kind": "url", "url": "https://a:b@api.example/"}}), 400, "user name"),
        (json!({"from": small, "endpoint": "http://api.example/"}), 403, "not reached by https"),
    ] {
        let (status, problem) = refused(post(body)).await;
        assert_eq!(status, expected, "{problem}");
        assert!(problem.title.contains(part), "{problem}");
    }
    let sources: Vec<Source> = realm.read("/api/catalogue/sources").await;
    assert!(sources.iter().all(|source| source.stage == Stage::Enabled));
}

#[tokio::test]
async fn a_changed_description_waits_for_consent_and_the_agreed_one_works_on() {
    let data = tempfile::tempdir().expect("a folder");
    let (provider, document) = shop().await;
    let (other, _) = shop().await;
    let both = format!("{},{}", provider.address, other.address);
    let realm = Settings::new(data.path()).set("EGRESS_ALLOW_PRIVATE", &both).start().await;
    let first = realm.add(by_url(&provider)).await;
    realm.change("pets", json!({"enabled": true})).await;

    // Another host, another argument, one more operation and one less.
    let mut changed = pets(&format!("http://{}/v1", other.address));
    changed["paths"]["/pets/{id}"]["get"]["parameters"][0]["schema"] = json!({"type": "integer"});
    changed["paths"]["/wash"] = json!({"get": {"operationId": "wash", "responses": {}}});
    changed["paths"].as_object_mut().expect("paths").remove("/pets");
    *document.lock().expect("a lock") = changed.to_string();
    let scan = || realm.send(Method::POST, "/api/catalogue/sources/pets/scan", &json!({}));
    assert_eq!(scan().send().await.expect("an answer").status(), 202);
    let source = realm.settled("pets").await;
    let Stage::Changed { change } = &source.stage else { panic!("{:?}", source.stage) };
    assert_eq!((&change.added, &change.removed), (&vec![id("pets/wash")], &vec![id("pets/addPet")]));
    assert_eq!(change.altered, [(id("pets/getPet"), "inputs, address".to_owned())]);
    assert_eq!(change.new_hosts, [other.address.to_string()]);
    assert_eq!(source.sha256, first.sha256, "what was agreed to is what counts");
    assert!(source.enabled, "and it goes on");

    // The hash is a pin: nothing of the new description is called.
    let plan = call("pets/getPet", json!({"id": "7"}));
    assert!(matches!(fold(&realm.run(1, &plan).await).status, RunStatus::Finished { .. }));
    assert_eq!(refused(realm.post_run(&run_id(2), &call("pets/wash", json!({})))).await.0, 404);
    assert_eq!(other.calls(), Vec::<String>::new());

    // Agreeing to anything but exactly what is there is refused.
    let patch = |change: Value| realm.send(Method::PATCH, "/api/catalogue/sources/pets", &change);
    for wrong in ["", "0", &first.sha256] {
        let (status, problem) = refused(patch(json!({"accept": wrong}))).await;
        assert_eq!((status, problem.code), (409, ProblemCode::Conflict), "{wrong}");
    }
    let accepted = realm.change("pets", json!({"accept": change.sha256})).await;
    assert_eq!((&accepted.stage, &accepted.sha256), (&Stage::Enabled, &change.sha256));
    let plan = call("pets/getPet", json!({"id": 7}));
    assert!(matches!(fold(&realm.run(3, &plan).await).status, RunStatus::Finished { .. }));
    assert_eq!(other.calls(), ["/v1/pets/7"]);

    // Away for a moment: what was agreed to works on, and the source says what is wrong.
    *document.lock().expect("a lock") = "<html>maintenance".to_owned();
    scan().send().await.expect("an answer");
    let source = realm.settled("pets").await;
    assert!(
        matches!(&source.stage, Stage::Failed { problem } if problem.title.contains("web page")),
        "{source:?}"
    );
    assert!(source.enabled);
    assert!(matches!(fold(&realm.run(4, &plan).await).status, RunStatus::Finished { .. }));

    // Taken out by a person, it stays out while looks fail or find something else, and says so.
    assert_eq!(realm.change("pets", json!({"enabled": false})).await.stage, Stage::Disabled);
    scan().send().await.expect("an answer");
    let source = realm.settled("pets").await;
    assert!(matches!(&source.stage, Stage::Failed { .. }) && !source.enabled, "{source:?}");
    *document.lock().expect("a lock") = pets("/v1").to_string();
    scan().send().await.expect("an answer");
    let source = realm.settled("pets").await;
    assert!(matches!(&source.stage, Stage::Changed { .. }) && !source.enabled, "{source:?}");
    assert_eq!(refused(realm.post_run(&run_id(5), &plan)).await.0, 403);
    realm.change("pets", json!({"enabled": true})).await;
    *document.lock().expect("a lock") = changed.to_string();
    scan().send().await.expect("an answer");
    assert_eq!(realm.settled("pets").await.stage, Stage::Enabled);
}

#[tokio::test]
async fn documents_beside_a_description_are_read_and_pinned_with_it() {
    let data = tempfile::tempdir().expect("a folder");
    let beside = Arc::new(Mutex::new("{\"Pet\": {\"type\": \"object\", \"title\": \"A pet\"}}".to_owned()));
    let own = Arc::clone(&beside);
    let provider = Provider::start(move |target| {
        let beside = own.lock().expect("a lock").clone();
        Box::pin(async move {
            let mut document = pets("/v1");
            document["paths"]["/pets"]["post"]["requestBody"]["content"]["application/json"]["schema"] =
                json!({"$ref": "./models/pet.json#/Pet"});
            match target.as_str() {
                "/docs/openapi.json" => document.to_string().into_response(),
                "/docs/models/pet.json" => beside.into_response(),
                _ => StatusCode::NOT_FOUND.into_response(),
            }
        })
    })
    .await;
    let realm = allowing(data.path(), &provider).start().await;
    let url = format!("http://{}/docs/openapi.json", provider.address);
    let source = realm.add(json!({"id": "pets", "from": {"kind": "url", "url": url}})).await;
    assert_eq!((&source.stage, source.capabilities), (&Stage::Preview, 2), "{:?}", source.warnings);
    let detail: OperationDetail = realm.read("/api/catalogue/operations/pets/addPet").await;
    assert!(detail.capability.input.to_string().contains("A pet"), "{:?}", source.warnings);
    assert_eq!(detail.server, format!("http://{}/v1", provider.address));
    realm.change("pets", json!({"enabled": true})).await;
    // The description's own bytes are the same, what it refers to is not.
    *beside.lock().expect("a lock") = "{\"Pet\": {\"type\": \"object\", \"title\": \"Another\"}}".to_owned();
    let _: Source = realm.ask(Method::POST, "/api/catalogue/sources/pets/scan", &json!({})).await;
    let Stage::Changed { change } = realm.settled("pets").await.stage else { panic!("changed") };
    assert_eq!(change.altered, [(id("pets/addPet"), "inputs".to_owned())]);
}

#[tokio::test]
async fn a_graphql_schema_is_called_at_the_address_that_a_person_gives() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::start(|_| {
        Box::pin(async { axum::Json(json!({"data": {"pet": {"name": "Rex"}}})).into_response() })
    })
    .await;
    let realm = allowing(data.path(), &provider).start().await;
    let schema = "type Query { pet(id: ID!): Pet }\ntype Pet { name: String }";
    let endpoint = format!("http://{}/api/graphql", provider.address);
    let from = json!({"kind": "text", "text": schema, "name": "zoo.graphql"});
    let source = realm.add(json!({"from": from, "endpoint": endpoint})).await;
    assert_eq!((source.id.0.as_str(), source.format.as_str(), source.capabilities), ("zoo", "GraphQL", 1));
    realm.change("zoo", json!({"enabled": true})).await;
    let page: OperationPage = realm.read("/api/catalogue/sources/zoo/operations").await;
    let chunks = realm.run(1, &call(&page.operations[0].id.0, json!({"id": "7"}))).await;
    let view = fold(&chunks);
    assert_eq!(view.result().map(|(value, _)| value.to_string()), Some(json!({"name": "Rex"}).to_string()));
    let seen = &provider.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/api/graphql"));
}

/// A clock that a test turns.
struct Turned(AtomicU64);

impl Clock for Turned {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_source_is_looked_at_again_when_its_time_has_come() {
    let data = tempfile::tempdir().expect("a folder");
    let (provider, document) = shop().await;
    let clock = Arc::new(Turned(AtomicU64::new(1_000_000)));
    let own = Arc::clone(&clock);
    let settings = allowing(data.path(), &provider).set("SOURCES_TICK_MS", "1");
    let realm = settings.start_with(|outside| outside.clock = own).await;
    realm.add(by_url(&provider)).await;
    let patch = |change: Value| realm.send(Method::PATCH, "/api/catalogue/sources/pets", &change);
    assert_eq!(refused(patch(json!({"rescan_s": 59}))).await.0, 400);
    realm.change("pets", json!({"enabled": true, "rescan_s": 60})).await;
    let before = provider.count("/openapi.json");
    document.lock().expect("a lock").push('\n');
    // Nothing else happens before its time: the next look is answered after many ticks.
    for _ in 0..20 {
        realm.get("/healthz").send().await.expect("an answer");
    }
    assert_eq!(provider.count("/openapi.json"), before);
    clock.0.fetch_add(60_000, Ordering::SeqCst);
    loop {
        let source: Source = realm.read("/api/catalogue/sources/pets").await;
        if let Stage::Changed { change } = source.stage {
            // The bytes are others, though nothing that they say is.
            assert_eq!((change.added.len(), change.altered.len()), (0, 0));
            break;
        }
    }
    assert_eq!(provider.count("/openapi.json"), before + 1);
}

#[tokio::test]
async fn an_overlay_and_an_endpoint_are_tried_before_they_are_kept() {
    let data = tempfile::tempdir().expect("a folder");
    let (provider, _) = shop().await;
    let realm = allowing(data.path(), &provider).start().await;
    let mut document = pets("");
    document.as_object_mut().expect("an object").remove("servers");
    let source = realm.add(text(&document)).await;
    assert_eq!(source.capabilities, 0, "no server is named");
    let endpoint = format!("http://{}/v1/", provider.address);
    let source = realm.change("pet-shop", json!({"endpoint": endpoint})).await;
    assert_eq!((source.capabilities, source.hosts), (2, vec![provider.address.to_string()]));
    let overlay = json!({"overlay": "1.0.0", "info": {"title": "o", "version": "1"}, "actions": [
        {"target": "$.paths['/pets'].post", "update": {"x-mtor": {"title": "Buy a pet", "side_effect": "write"}}}]});
    let patch = |overlay: &str| {
        realm.send(Method::PATCH, "/api/catalogue/sources/pet-shop", &json!({"overlay": overlay}))
    };
    let (status, problem) = refused(patch("overlay: [")).await;
    assert_eq!(status, 400, "{problem}");
    let source: Source = answer(patch(&overlay.to_string())).await;
    assert!(source.overlay.is_some());
    let detail: OperationDetail = realm.read("/api/catalogue/operations/pet-shop/addPet").await;
    assert_eq!(detail.capability.title, "Buy a pet");
    assert_eq!(detail.server, format!("http://{}/v1", provider.address));
    let source: Source = answer(patch("")).await;
    assert_eq!(source.overlay, None);
}

#[tokio::test]
async fn what_comes_with_the_realm_can_be_disabled_and_not_removed() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let remove = realm.client.delete(format!("{}/api/catalogue/sources/wikipedia", realm.base));
    assert_eq!(refused(remove).await.0, 409);
    assert_eq!(
        refused(realm.send(Method::POST, "/api/catalogue/sources/wikipedia/scan", &json!({}))).await.0,
        409
    );
    realm.change("wikipedia", json!({"enabled": false})).await;
    assert!(!listed(&realm).await.iter().any(|id| id.starts_with("wikipedia/")));
    let (status, problem) =
        refused(realm.post_run(&run_id(1), &call("wikipedia/article", json!({"topic": "x"})))).await;
    assert_eq!(status, 403, "{problem}");
    // A composition goes with one of its steps.
    realm.change("open-meteo", json!({"operations": {"open-meteo/geocode": false}})).await;
    assert!(!listed(&realm).await.contains(&"open-meteo/weather".to_owned()));
    realm.change("open-meteo", json!({"operations": {"open-meteo/geocode": true}})).await;
    assert!(listed(&realm).await.contains(&"open-meteo/weather".to_owned()));
}

#[tokio::test]
async fn a_restart_keeps_everything_that_was_decided() {
    let data = tempfile::tempdir().expect("a folder");
    let (provider, document) = shop().await;
    let settings = allowing(data.path(), &provider);
    let process = Process::start(&settings);
    let http = client();
    let url = |base: &str, path: &str| format!("{base}/api/catalogue/sources{path}");
    let send = |method: Method, base: &str, path: &str, body: Value| {
        http.request(method, url(base, path))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.to_string())
    };
    let _: Source = answer(send(Method::POST, &process.base, "", by_url(&provider))).await;
    settled(&http, &process.base, "pets").await;
    let decided = json!({"enabled": true, "rescan_s": 3600, "operations": {"pets/addPet": false}});
    let _: Source = answer(send(Method::PATCH, &process.base, "/pets", decided)).await;
    let _: Source = answer(send(Method::PATCH, &process.base, "/wikipedia", json!({"enabled": false}))).await;
    document.lock().expect("a lock").push(' ');
    let _: Source = answer(send(Method::POST, &process.base, "/pets/scan", json!({}))).await;
    let before = settled(&http, &process.base, "pets").await.pop().expect("a snapshot");
    assert!(matches!(before.stage, Stage::Changed { .. }));
    process.kill();

    let process = Process::start(&settings);
    let mut after: Source = answer(http.get(url(&process.base, "/pets"))).await;
    after.compile_ms = before.compile_ms;
    assert_eq!(after, before);
    let wikipedia: Source = answer(http.get(url(&process.base, "/wikipedia"))).await;
    assert_eq!(wikipedia.stage, Stage::Disabled);
    let plan = call("pets/getPet", json!({"id": "7"}));
    let events = post_run(&http, &process.base, &run_id(1), &plan).send().await.expect("an answer");
    assert!(events.text().await.expect("text").contains("Rex"));
    let out = call("pets/addPet", json!({}));
    assert_eq!(refused(post_run(&http, &process.base, &run_id(2), &out)).await.0, 403);
    let Stage::Changed { change } = after.stage else { panic!("changed") };
    let accepted: Source =
        answer(send(Method::PATCH, &process.base, "/pets", json!({"accept": change.sha256}))).await;
    assert_eq!(accepted.stage, Stage::Enabled);
}

#[tokio::test]
async fn a_run_goes_on_with_what_it_was_started_with() {
    let data = tempfile::tempdir().expect("a folder");
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let provider = Provider::start(move |_| -> futures_util::future::BoxFuture<'static, Response> {
        let gate = Arc::clone(&opened);
        Box::pin(async move {
            gate.acquire().await.expect("open").forget();
            axum::Json(json!({"name": "Rex"})).into_response()
        })
    })
    .await;
    let realm = allowing(data.path(), &provider).start().await;
    realm.add(text(&pets(&format!("http://{}/v1", provider.address)))).await;
    realm.change("pet-shop", json!({"enabled": true})).await;
    let plan = call("pet-shop/getPet", json!({"id": "7"}));
    let response = realm.post_run(&run_id(1), &plan).send().await.expect("an answer");
    let mut events = crate::harness::Events::of(response).await;
    let mut chunks = events.until_started("call").await;
    let remove = realm.client.delete(format!("{}/api/catalogue/sources/pet-shop", realm.base));
    assert_eq!(remove.send().await.expect("an answer").status(), 204);
    gate.add_permits(1);
    chunks.extend(events.rest().await);
    assert!(matches!(fold(&chunks).status, RunStatus::Finished { .. }), "{:?}", chunks.last());
}

#[tokio::test]
async fn operations_are_found_by_words_and_pages() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).set("SOURCES_LISTED", "7").start().await;
    let paths: serde_json::Map<String, Value> = (0..300)
        .map(|n| {
            let operation = json!({"operationId": format!("thing{n}"), "summary": format!("Thing number{n}"),
                "description": if n == 271 { "Cancels a subscription." } else { "Nothing." }, "responses": {}});
            (format!("/things/{n}"), json!({"get": operation}))
        })
        .collect();
    let mut document = pets("https://things.example");
    document["paths"] = Value::Object(paths);
    let mut source = text(&document);
    source["id"] = json!("things");
    realm.add(source).await;
    let page: OperationPage = realm.read("/api/catalogue/sources/things/operations?offset=10&limit=5").await;
    assert_eq!((page.operations.len(), page.total), (5, 300));
    let page: OperationPage =
        realm.read("/api/catalogue/sources/things/operations?q=cancel+subscriptions").await;
    assert_eq!(page.operations[0].id, id("things/thing271"));
    assert!(page.operations[0].score.is_some_and(|score| score > 0.9) && !page.by_meaning);
    // What is not enabled is found in its source alone.
    let page: OperationPage = realm.read("/api/catalogue/search?q=subscription").await;
    assert_eq!(page.total, 0);
    realm.change("things", json!({"enabled": true})).await;
    let page: OperationPage = realm.read("/api/catalogue/search?q=subscription").await;
    assert_eq!(page.operations[0].id, id("things/thing271"));
    assert!(page.operations[0].enabled);
    // The listing stays small; everything can be called all the same.
    assert_eq!(listed(&realm).await.len(), 7);
    let (status, _) = refused(realm.get(&format!("/api/catalogue/search?q={}", "x".repeat(2000)))).await;
    assert_eq!(status, 400);
    assert_eq!(refused(realm.get("/api/catalogue/sources/nobody/operations")).await.0, 404);
}

#[tokio::test]
async fn meaning_joins_the_search_when_it_is_computed() {
    let data = tempfile::tempdir().expect("a folder");
    // An engine that knows two meanings, animals and all else.
    let load: mtor::search::engine::LoadEmbedder = Box::new(|| {
        let embed: mtor::search::engine::EmbedFn = Box::new(|texts| {
            let animal = |text: &&str| {
                ["pet", "animal", "creature"].iter().any(|word| text.to_lowercase().contains(word))
            };
            Ok(texts.iter().map(|text| if animal(text) { vec![1.0, 0.0] } else { vec![0.0, 1.0] }).collect())
        });
        Ok(embed)
    });
    let realm = Settings::new(data.path()).start_with(|outside| outside.embedder = Ok(load)).await;
    realm.add(text(&pets("https://pets.example"))).await;
    realm.change("pet-shop", json!({"enabled": true})).await;
    loop {
        let page: OperationPage = realm.read("/api/catalogue/search?q=furry+creatures&limit=1").await;
        if page.by_meaning && page.total > 0 {
            assert!(page.operations[0].id.0.starts_with("pet-shop/"), "{page:?}");
            break;
        }
    }
}

#[tokio::test]
async fn what_is_public_is_found_without_being_told() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    realm.add(text(&pets("https://pets.example"))).await;
    let response = realm.get("/.well-known/api-catalog").send().await.expect("an answer");
    let kind = response.headers()[header::CONTENT_TYPE].to_str().expect("text").to_owned();
    assert!(kind.starts_with("application/linkset+json"), "{kind}");
    let set: Value = serde_json::from_str(&response.text().await.expect("text")).expect("JSON");
    assert_eq!(set["linkset"][0]["service-desc"][0]["href"], format!("{}/openapi.json", realm.base));
    assert!(!set.to_string().contains("pet"), "a person's own sources are not public");
    let problem =
        problem_of(&realm.run(1, &call("open-meteo/forecast", json!({"latitude": 1, "longitude": 2}))).await);
    assert_ne!(problem.code, ProblemCode::NotFound);
}
