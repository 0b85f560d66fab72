//! Names, policies and constraints, through the surface.

use futures_util::future::join_all;
use mtor_shared::gateway::Policy;
use serde_json::json;

use crate::{
    model_server::Behaviour,
    realm::{Realm, Reply, message, one, two, upstream},
};

#[tokio::test]
async fn models_answer_to_their_names_aliases_and_targets() {
    let (a, b) = (upstream("a").await, upstream("b").await);
    let realm = Realm::start(&two(&a, &b, "aliases = [\"gpt-4.1\"]")).await;
    for (name, words) in [("m", "a heard: x"), ("gpt-4.1", "a heard: x"), ("b/x", "b heard: x")] {
        let mut body = message("x", false);
        body["model"] = name.into();
        let reply = Reply::of(realm.post("/v1/chat/completions", &body)).await;
        assert_eq!(
            (reply.words(), reply.body["model"].as_str()),
            (words, Some(if name == "b/x" { name } else { "m" }))
        );
    }
    let mut body = message("x", false);
    body.as_object_mut().expect("an object").remove("model");
    let reply = Reply::of(realm.post("/v1/chat/completions", &body)).await;
    assert_eq!(reply.words(), "a heard: x", "the only model is the usual one");
    // What nobody named cannot be had: its price is not known.
    for name in ["b/other", "nobody/x", "n"] {
        body["model"] = name.into();
        let reply = Reply::of(realm.post("/v1/chat/completions", &body)).await;
        assert_eq!((reply.status, reply.body["error"]["code"].as_str()), (404, Some("model_not_found")));
    }
    let listed = Reply::of(realm.get("/v1/models")).await.body;
    let ids: Vec<&str> =
        listed["data"].as_array().expect("a list").iter().filter_map(|card| card["id"].as_str()).collect();
    assert_eq!(ids, ["a/x", "b/x", "gpt-4.1", "m"]);
    assert_eq!(Reply::of(realm.get("/v1/models/a/x")).await.body["id"], "a/x");
    assert_eq!(Reply::of(realm.get("/v1/models/none")).await.status, 404);
}

#[tokio::test]
async fn words_that_may_not_leave_the_realm_do_not() {
    let (a, b) = (upstream("a").await, upstream("b").await);
    let file = two(&a, &b, "").replacen(
        "[gateway.providers.b]",
        "residency = \"provider\"\n[gateway.providers.b]",
        1,
    );
    let realm = Realm::start(&file).await;
    assert_eq!(realm.say("x").await.words(), "a heard: x");
    let reached = a.seen().len();
    let near =
        realm.post("/v1/chat/completions", &message("secret", false)).header("x-mtor-residency", "realm");
    let reply = Reply::of(near).await;
    assert_eq!((reply.words(), a.seen().len()), ("b heard: secret", reached));
    let decision = realm.decision(&reply.decision).await;
    assert_eq!(decision.left_out[0].why, "the words may not go there");
    // Also when nobody else is there.
    b.behave(Behaviour::Reset);
    let near =
        realm.post("/v1/chat/completions", &message("secret", false)).header("x-mtor-residency", "realm");
    assert_eq!(Reply::of(near).await.status, 502);
    assert_eq!(a.seen().len(), reached);
}

#[tokio::test]
async fn who_lacks_what_a_request_needs_is_not_asked() {
    let (a, b) = (upstream("a").await, upstream("b").await);
    let realm = Realm::start(&two(&a, &b, "[gateway.targets.\"a/x\"]\nvision = false\n")).await;
    let body = json!({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]});
    let reply = Reply::of(realm.post("/v1/chat/completions", &body)).await;
    assert_eq!(reply.words(), "b heard: What is this? [image]");
    assert!(a.seen().is_empty());
    let body = json!({"model": "a/x", "messages": body["messages"]});
    let reply = Reply::of(realm.post("/v1/chat/completions", &body)).await;
    assert_eq!((reply.status, reply.body["error"]["code"].as_str()), (400, Some("unsupported")));
}

#[tokio::test]
async fn the_cheapest_answers_and_the_decision_says_for_how_much() {
    let (a, b) = (upstream("a").await, upstream("b").await);
    let prices = "policy = \"cheapest\"\n[gateway.targets.\"a/x\"]\ninput_micro = 9000000\noutput_micro = 9000000\n\
                  [gateway.targets.\"b/x\"]\ninput_micro = 1000000\noutput_micro = 1000000";
    let realm = Realm::start(&two(&a, &b, prices)).await;
    let reply = realm.say("x").await;
    assert_eq!(reply.words(), "b heard: x");
    let decision = realm.decision(&reply.decision).await;
    assert_eq!((decision.policy, decision.placed[0].target.as_str()), (Policy::Cheapest, "b/x"));
    assert!(decision.placed[0].why.contains("millionths of a credit"), "{}", decision.why);
}

#[tokio::test]
async fn a_conversation_stays_with_who_answered_it() {
    let (a, b) = (upstream("a").await, upstream("b").await);
    let realm = Realm::start(&two(&a, &b, "policy = \"weighted\"")).await;
    let talk = |name: &'static str| {
        let realm = &realm;
        async move {
            let request = realm.post("/v1/chat/completions", &message("x", false));
            Reply::of(request.header("x-mtor-conversation", name)).await.target
        }
    };
    let mut seen = std::collections::BTreeSet::new();
    for name in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"] {
        let first = talk(name).await;
        for _ in 0..4 {
            assert_eq!(talk(name).await, first);
        }
        seen.insert(first);
    }
    assert_eq!(seen.len(), 2, "sixteen draws of two");
}

#[tokio::test]
async fn the_least_loaded_gets_the_next() {
    let (a, b) = (upstream("a").await, upstream("b").await);
    let realm = Realm::start(&two(&a, &b, "policy = \"least-loaded\"")).await;
    a.behave(Behaviour::Slow(std::time::Duration::from_millis(300)));
    b.behave(Behaviour::Slow(std::time::Duration::from_millis(300)));
    let replies = join_all((0..20).map(|_| realm.say("x"))).await;
    let first = replies.iter().filter(|reply| reply.target == "a/x").count();
    assert!((8..=12).contains(&first), "{first} of 20");
}

#[tokio::test]
async fn the_upstreams_and_their_measurements_can_be_read() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "")).await;
    realm.say("x").await;
    realm.stream("x").await;
    let targets = Reply::of(realm.get("/api/gateway/targets")).await.body;
    let target = targets.as_array().expect("a list").iter().find(|t| t["id"] == "a/x").expect("there");
    assert_eq!((&target["whole"]["count"], &target["first_piece"]["count"]), (&json!(1), &json!(1)));
    assert_eq!(target["standing"]["state"], "closed");
    let own = Reply::of(realm.get("/api/gateway/decisions")).await.body;
    assert_eq!(own.as_array().map(Vec::len), Some(2));
}
