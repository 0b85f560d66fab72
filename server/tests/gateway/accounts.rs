//! Who may ask for what, and who pays for it.

use serde_json::{Value, json};

use crate::realm::{Realm, Reply, message, one, two, upstream};

const PATH: &str = "/v1/chat/completions";

async fn balance(realm: &Realm) -> Value {
    Reply::of(realm.get("/api/ledger")).await.body
}

#[tokio::test]
async fn a_key_without_the_scope_asks_no_model() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "")).await;
    let key = realm.key(json!({"scopes": ["catalogue", "runs"]})).await;
    for path in [PATH, "/api/ask", "/a2a", "/v1/embeddings"] {
        assert_eq!(
            Reply::of(realm.post(path, &message("x", false)).bearer_auth(&key)).await.status,
            403,
            "{path}"
        );
    }
    assert!(a.seen().is_empty());
}

#[tokio::test]
async fn a_foreign_key_says_nothing_where_nobody_needs_one_and_one_of_ours_must_count() {
    let a = upstream("a").await;
    let asked = |realm: &Realm, key: &str| Reply::of(realm.post(PATH, &message("x", false)).bearer_auth(key));
    let open = Realm::start(&one(&a, "")).await;
    assert_eq!(asked(&open, "sk-anything").await.status, 200);
    assert_eq!(asked(&open, "mtor_key_that_is_none").await.status, 401);

    let closed = Realm::with(&one(&a, ""), &[("MTOR_IDENTITY_MACHINE_OWNER", "false")]).await;
    let refusal = asked(&closed, "sk-anything").await;
    assert_eq!((refusal.status, &refusal.body["error"]["type"]), (401, &json!("authentication_error")));
    assert_eq!(a.seen().len(), 1);
}

#[tokio::test]
async fn a_key_for_one_model_is_not_for_another_by_any_name() {
    let (a, b) = (upstream("a").await, upstream("b").await);
    let realm =
        Realm::start(&two(&a, &b, "aliases = [\"n\"]\n[gateway.models.o]\ntargets = [\"b/x\"]")).await;
    let key = realm.key(json!({"scopes": ["models"], "models": ["m"]})).await;
    for (model, status) in [("m", 200), ("n", 200), ("o", 403), ("a/x", 403), ("b/x", 403)] {
        let mut body = message("x", false);
        body["model"] = model.into();
        assert_eq!(Reply::of(realm.post(PATH, &body).bearer_auth(&key)).await.status, status, "{model}");
    }
}

#[tokio::test]
async fn an_answer_is_paid_by_its_tokens_and_a_failure_is_not() {
    let (a, b) = (upstream("a").await, upstream("b").await);
    let prices =
        "[gateway.targets.\"a/x\"]\ninput_micro = 1000000\noutput_micro = 2000000\n[gateway]\nretries = 0";
    let realm = Realm::start(&two(&a, &b, prices)).await;
    let before = balance(&realm).await;
    realm.say("x").await;
    realm.stream("x").await;
    let after = balance(&realm).await;
    let micro = |balance: &Value| balance["spendable"].as_u64();
    let (Some(before), Some(after)) = (micro(&before), micro(&after)) else { panic!("{before} {after}") };
    // 7 tokens asked and 5 answered, twice.
    assert_eq!(before - after, 2 * (7 + 2 * 5));
    a.behave(crate::model_server::Behaviour::Status(500));
    b.behave(crate::model_server::Behaviour::Status(500));
    assert_eq!(realm.say("x").await.status, 502);
    let last = balance(&realm).await;
    assert_eq!(micro(&last), Some(after), "{last}");
}

#[tokio::test]
async fn who_cannot_pay_for_the_most_is_refused_before_anybody_is_asked() {
    let a = upstream("a").await;
    let prices = "[gateway.targets.\"a/x\"]\noutput_micro = 1000000000000000\n";
    let realm = Realm::start(&one(&a, prices)).await;
    let reply = realm.say("x").await;
    assert_eq!(
        (reply.status, reply.body["error"]["code"].as_str()),
        (402, Some("insufficient_quota")),
        "{}",
        reply.text
    );
    assert!(a.seen().is_empty());
}
