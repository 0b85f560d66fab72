//! API keys. Attack 6 of the protocol's list: nobody hands on what they have not.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use mtor_shared::{
    identity::{ApiKey, MintedKey, Role, Scope},
    problem::ProblemCode,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::{Settings, answer, refused, run_id, weather_plan},
    identity::Standing,
    people::{Device, key},
    provider::Provider,
};

/// The last chunk of a run that went well.
const FINISHED: &str = "\"type\":\"finished\"";
const START_MS: u64 = 1_790_000_000_000;

#[tokio::test]
async fn a_secret_is_told_once() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let sysop = realm.claim(&Device::new(1)).await;
    let (minted, bearer) = sysop.mint(&key(&[Scope::Ledger, Scope::Keys])).await;
    assert!(minted.secret.starts_with(&format!("{}_", minted.key.begins)));
    let text = sysop.get("/api/keys").send().await.expect("an answer").text().await.expect("a body");
    assert!(text.contains(&minted.key.begins) && !text.contains(&minted.secret));

    let rotated: MintedKey =
        answer(sysop.send(Method::POST, &format!("/api/keys/{}/rotate", minted.key.id), &json!({}))).await;
    assert_eq!(rotated.key.id, minted.key.id);
    assert_eq!(refused(bearer.get("/api/ledger")).await.0, 401);
    let now = realm.get("/api/ledger").bearer_auth(&rotated.secret);
    answer::<Value>(now).await;

    let response = sysop.delete(&format!("/api/keys/{}", minted.key.id)).send().await.expect("an answer");
    assert_eq!(response.status(), 204);
    assert_eq!(refused(realm.get("/api/ledger").bearer_auth(&rotated.secret)).await.0, 401);
    let again = sysop.send(Method::POST, &format!("/api/keys/{}/rotate", minted.key.id), &json!({}));
    assert_eq!(refused(again).await.0, 403);
}

#[tokio::test]
async fn attack_6_a_key_mints_nothing_that_it_is_not() {
    let data = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(Standing(AtomicU64::new(START_MS)));
    let given = Arc::clone(&clock);
    let realm = Settings::new(data.path()).start_with(move |outside| outside.clock = given).await;
    let sysop = realm.claim(&Device::new(1)).await;
    let own = json!({"scopes": ["runs", "keys"], "capabilities": ["open-meteo/*"], "models": ["small"]});
    let ends = START_MS + 10_000;
    let (minted, bearer) = sysop.mint(&json!({"name": "own", "grant": own, "expires_at_ms": ends})).await;
    let with = |change: Value| {
        let mut grant = own.clone();
        for (name, value) in change.as_object().expect("an object") {
            grant[name] = value.clone();
        }
        json!({"name": "more", "grant": grant, "expires_at_ms": ends})
    };
    for more in [
        with(json!({"scopes": ["runs", "keys", "admin"]})),
        with(json!({"scopes": ["ledger"]})),
        with(json!({"capabilities": null})),
        with(json!({"capabilities": ["*"]})),
        with(json!({"capabilities": ["open-meteo*"]})),
        with(json!({"capabilities": ["open-meteo/weather", "wikipedia/article"]})),
        with(json!({"models": null})),
        with(json!({"models": ["small", "large"]})),
        json!({"name": "longer", "grant": own, "expires_at_ms": ends + 1}),
        json!({"name": "for ever", "grant": own}),
    ] {
        let (status, problem) = refused(bearer.send(Method::POST, "/api/keys", &more)).await;
        assert_eq!((status, problem.code), (403, ProblemCode::Forbidden), "{more}");
    }
    for wrong in [
        json!({"name": "", "grant": own}),
        json!({"name": "a\nb", "grant": own}),
        json!({"name": "x", "grant": {"scopes": ["root"]}}),
        json!({"name": "x", "grant": own, "expires_at_ms": START_MS}),
        json!({"name": "x", "grant": own, "owner": "local"}),
        json!({"name": "x", "grant": own, "limits": {"budget": {"amount": -1, "per": "day"}}}),
        json!({"name": "x", "grant": own, "limits": {"budget": {"amount": 0.5, "per": "day"}}}),
        json!({"name": "x", "grant": own, "limits": {"rate": {"requests": 0, "per_s": 1}}}),
    ] {
        assert_eq!(refused(sysop.send(Method::POST, "/api/keys", &wrong)).await.0, 400, "{wrong}");
    }
    let less = with(json!({"capabilities": ["open-meteo/weather"], "scopes": ["runs", "keys"]}));
    let (child, below) = bearer.mint(&less).await;
    assert_eq!(child.key.parent, Some(minted.key.id.clone()));
    // A key manages what it minted, and neither itself nor its parent.
    let keys: Vec<ApiKey> = answer(bearer.get("/api/keys")).await;
    assert_eq!(keys.iter().map(|key| &key.id).collect::<Vec<_>>(), [&child.key.id]);
    for id in [&minted.key.id, &child.key.id] {
        assert_eq!(refused(below.delete(&format!("/api/keys/{id}"))).await.0, 404);
    }
    // It cannot reach what needs a session.
    for path in ["/api/identity/sessions", "/api/ledger"] {
        assert_eq!(refused(bearer.get(path)).await.0, 403, "{path}");
    }
    // With the parent go its children.
    sysop.delete(&format!("/api/keys/{}", minted.key.id)).send().await.expect("an answer");
    assert_eq!(refused(below.get("/api/keys")).await.0, 401);
}

#[tokio::test]
async fn a_key_ends_when_its_time_has_come() {
    let data = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(Standing(AtomicU64::new(START_MS)));
    let given = Arc::clone(&clock);
    let realm = Settings::new(data.path()).start_with(move |outside| outside.clock = given).await;
    let sysop = realm.claim(&Device::new(1)).await;
    let mut wanted = key(&[Scope::Ledger]);
    wanted["expires_at_ms"] = json!(START_MS + 1_000);
    let (_, bearer) = sysop.mint(&wanted).await;
    clock.0.store(START_MS + 999, Ordering::SeqCst);
    answer::<Value>(bearer.get("/api/ledger")).await;
    clock.0.store(START_MS + 1_000, Ordering::SeqCst);
    assert_eq!(refused(bearer.get("/api/ledger")).await.0, 401);
}

#[tokio::test]
async fn keys_do_not_go_deeper_than_four() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    let sysop = realm.claim(&Device::new(1)).await;
    let mut who = sysop;
    for _ in 0..4 {
        who = who.mint(&key(&[Scope::Keys])).await.1;
    }
    assert_eq!(refused(who.send(Method::POST, "/api/keys", &key(&[Scope::Keys]))).await.0, 403);
}

#[tokio::test]
async fn a_key_for_some_capabilities_runs_no_other() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::weather().await;
    let realm = Settings::new(data.path()).provider(&provider).start().await;
    let sysop = realm.claim(&Device::new(1)).await;
    let person = sysop.let_in(&Device::new(2), Role::Person).await;
    let mint = |capabilities: Value| json!({"name": "k", "grant": {"scopes": ["runs"], "capabilities": capabilities}});
    let run = |id| json!({"id": run_id(id), "plan": weather_plan()});
    let (_, other) = person.mint(&mint(json!(["wikipedia/*"]))).await;
    let (status, problem) = refused(other.send(Method::POST, "/api/runs", &run(1))).await;
    assert_eq!((status, problem.code), (403, ProblemCode::Forbidden));
    assert_eq!(provider.calls(), Vec::<String>::new());
    let dry = "/api/catalogue/operations/open-meteo/forecast/dry-run";
    assert_eq!(refused(other.send(Method::POST, dry, &json!({"args": {}}))).await.0, 403);
    let (_, own) = person.mint(&mint(json!(["open-meteo/weather"]))).await;
    let text = own.send(Method::POST, "/api/runs", &run(2)).send().await.expect("an answer").text().await;
    assert!(text.expect("a body").contains(FINISHED));
}
