//! Kept answers: exact, a person's own, once for all who ask together.

use std::time::Duration;

use futures_util::future::join_all;
use mtor_shared::gateway::CacheUse;
use serde_json::json;

use crate::{
    model_server::Behaviour,
    realm::{Realm, Reply, message, one, upstream},
};

#[tokio::test]
async fn the_same_question_of_the_same_asker_is_answered_once() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "cache_s = 600")).await;
    let first = realm.say("x").await;
    let second = realm.say("x").await;
    assert_eq!((first.words(), second.words(), a.seen().len()), ("a heard: x", "a heard: x", 1));
    assert_eq!(realm.decision(&first.decision).await.cache, CacheUse::Miss);
    let decision = realm.decision(&second.decision).await;
    assert_eq!((decision.cache, decision.chosen.as_deref()), (CacheUse::Hit, Some("a/x")));
    // A stream of the same.
    let streamed = realm.stream("x").await;
    assert_eq!((streamed.streamed().as_str(), streamed.is_whole(), a.seen().len()), ("a heard: x", true, 1));
}

#[tokio::test]
async fn whoever_asks_something_else_gets_an_answer_of_their_own() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "cache_s = 600")).await;
    realm.say("x").await;
    realm.say("y").await;
    let path = "/v1/chat/completions";
    Reply::of(realm.post(path, &message("x", false)).header("cache-control", "no-store")).await;
    for field in ["temperature", "seed", "max_tokens", "logit_bias"] {
        let mut body = message("x", false);
        body[field] = if field == "logit_bias" { json!({"1": 1}) } else { json!(1) };
        Reply::of(realm.post(path, &body)).await;
    }
    assert_eq!(a.seen().len(), 7);
}

#[tokio::test]
async fn nothing_is_kept_unless_it_is_set() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "")).await;
    realm.say("x").await;
    realm.say("x").await;
    assert_eq!(a.seen().len(), 2);
}

#[tokio::test]
async fn askers_of_the_same_at_the_same_time_wait_for_one_answer() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "cache_s = 600")).await;
    a.behave(Behaviour::Slow(Duration::from_millis(500)));
    let replies = join_all((0..50).map(|_| realm.say("x"))).await;
    assert!(replies.iter().all(|reply| reply.words() == "a heard: x"));
    assert_eq!(a.seen().len(), 1);
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "cache_s = 600\n[gateway]\nretries = 0\nbreaker_failures = 0")).await;
    a.behave(Behaviour::Reset);
    assert_eq!(realm.say("x").await.status, 502);
    a.behave(Behaviour::Answer);
    assert_eq!(realm.say("x").await.words(), "a heard: x");
    // A stream that broke is none either.
    a.behave(Behaviour::Cut(1));
    assert!(!realm.stream("y").await.is_whole());
    a.behave(Behaviour::Answer);
    assert_eq!(realm.stream("y").await.streamed(), "a heard: y");
}

#[tokio::test]
async fn embeddings_are_kept_too() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "cache_s = 600")).await;
    for _ in 0..2 {
        let body = json!({"model": "m", "input": ["one", "three"]});
        let reply = Reply::of(realm.post("/v1/embeddings", &body)).await;
        assert_eq!(reply.body["data"][1]["embedding"], json!([5.0, 1.0, 0.5]));
    }
    assert_eq!(a.seen().len(), 1);
}
