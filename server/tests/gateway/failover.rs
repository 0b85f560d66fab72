//! A primary that fails in whatever way costs no request while another upstream is there, with the settings that a realm
//! has when nothing is set.

use std::time::Duration;

use futures_util::future::join_all;
use mtor_shared::gateway::Outcome;

use crate::{
    model_server::Behaviour,
    realm::{Realm, one, two, upstream},
};

/// What an outage may cost: the patience of 800 ms, and what a busy machine that runs the tests adds to it. The benchmark
/// `cargo xtask bench gateway` measures it exactly.
const COST: Duration = Duration::from_secs(3);

fn outages() -> Vec<Behaviour> {
    vec![
        Behaviour::Status(500),
        Behaviour::Status(503),
        Behaviour::Status(401),
        Behaviour::Pause(429, 30),
        Behaviour::Hang,
        Behaviour::Reset,
        Behaviour::Drip,
        Behaviour::Garbage,
        Behaviour::BigHeader(1 << 20),
        Behaviour::Redirect("http://127.0.0.1:9/".to_owned()),
    ]
}

#[tokio::test]
async fn no_outage_of_the_primary_loses_a_whole_answer() {
    for outage in outages() {
        let (a, b) = (upstream("a").await, upstream("b").await);
        let realm = Realm::start(&two(&a, &b, "")).await;
        assert_eq!(realm.say("before").await.words(), "a heard: before");
        a.behave(outage.clone());
        // The first seconds: many at once.
        let replies = join_all((0..16).map(|_| realm.say("during"))).await;
        for reply in &replies {
            assert_eq!((reply.status, reply.words()), (200, "b heard: during"), "{outage:?}");
            assert!(reply.took < COST, "{outage:?}: {:?}", reply.took);
        }
        // Nothing after: the primary is not waited for any more.
        let reached = a.seen().len();
        for _ in 0..16 {
            assert_eq!(realm.say("after").await.words(), "b heard: after", "{outage:?}");
        }
        let trials = a.seen().len() - reached;
        assert!(trials <= 3, "{outage:?}: {trials} more requests reached the primary");
    }
}

#[tokio::test]
async fn no_outage_of_the_primary_loses_a_streamed_answer() {
    for outage in outages() {
        let (a, b) = (upstream("a").await, upstream("b").await);
        let realm = Realm::start(&two(&a, &b, "")).await;
        a.behave(outage.clone());
        for reply in join_all((0..16).map(|_| realm.stream("during"))).await {
            assert_eq!(reply.streamed(), "b heard: during", "{outage:?}: {}", reply.text);
            assert!(reply.is_whole() && reply.took < COST, "{outage:?}: {:?}", reply.took);
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_in_the_middle_goes_on_with_the_other() {
    for fault in [Behaviour::Cut(2), Behaviour::Stall(2)] {
        let (a, b) = (upstream("a").await, upstream("b").await);
        let file = two(&a, &b, "[gateway]\nidle_timeout_ms = 300");
        let realm = Realm::start(&file).await;
        a.behave(fault.clone());
        let reply = realm.stream("count").await;
        assert!(reply.is_whole(), "{fault:?}: {}", reply.text);
        assert!(reply.streamed().starts_with("a heard: b heard: "), "{fault:?}: {}", reply.streamed());
        // The second upstream was told what had been said.
        let asked = b.seen().pop().expect("asked").body;
        let messages = asked["messages"].as_array().expect("messages").clone();
        assert_eq!(messages[1]["role"], "assistant");
        assert_eq!(messages[1]["content"], "a heard: ");
        let decision = realm.decision(&reply.decision).await;
        assert_eq!(decision.chosen.as_deref(), Some("b/x"));
    }
}

#[tokio::test]
async fn an_upstream_whose_streams_always_break_is_left_alone_too() {
    let (a, b) = (upstream("a").await, upstream("b").await);
    let realm = Realm::start(&two(&a, &b, "")).await;
    a.behave(Behaviour::Cut(1));
    for _ in 0..3 {
        assert!(realm.stream("x").await.is_whole());
    }
    let reply = realm.stream("x").await;
    assert_eq!(reply.streamed(), "b heard: x");
    assert_eq!(realm.decision(&reply.decision).await.left_out[0].why, "it is down");
}

#[tokio::test]
async fn what_is_back_is_found_out_on_the_side_and_used_again() {
    let (a, b) = (upstream("a").await, upstream("b").await);
    let realm =
        Realm::start(&two(&a, &b, "[gateway]\nbreaker_cooldown_ms = 1\nbreaker_longest_ms = 1")).await;
    a.behave(Behaviour::Status(500));
    for _ in 0..4 {
        assert_eq!(realm.say("x").await.words(), "b heard: x");
    }
    a.behave(Behaviour::Answer);
    // Each request sends a copy on the side until one has come back good.
    let mut answered = String::new();
    for _ in 0..1_000 {
        answered = realm.say("x").await.words().to_owned();
        if answered == "a heard: x" {
            break;
        }
    }
    assert_eq!(answered, "a heard: x");
}

#[tokio::test]
async fn a_single_upstream_that_is_down_is_left_alone_and_refused_at_once() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(
        &a,
        "[gateway]\nretries = 0\nbreaker_cooldown_ms = 600000\nbreaker_longest_ms = 600000",
    ))
    .await;
    a.behave(Behaviour::Reset);
    for _ in 0..3 {
        assert_eq!(realm.say("x").await.status, 502);
    }
    let reached = a.seen().len();
    let reply = realm.say("x").await;
    assert_eq!((reply.status, a.seen().len()), (503, reached));
    assert_eq!(reply.body["error"]["code"], "nobody_available");
    let decision = realm.decision(&reply.decision).await;
    assert_eq!(decision.left_out[0].why, "it is down");
    assert!(decision.attempts.is_empty() && decision.chosen.is_none());
}

#[tokio::test]
async fn a_failure_of_the_moment_is_asked_again_where_nobody_else_is() {
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "[gateway]\nbreaker_failures = 0")).await;
    a.behave(Behaviour::Reset);
    let (reply, ()) = tokio::join!(realm.say("x"), async {
        while a.seen().is_empty() {
            tokio::task::yield_now().await;
        }
        a.behave(Behaviour::Answer);
    });
    assert_eq!(reply.words(), "a heard: x");
    let attempts = realm.decision(&reply.decision).await.attempts;
    assert!(matches!(attempts[0].outcome, Outcome::Failed { .. }), "{attempts:?}");
}

#[tokio::test]
async fn a_request_that_is_wrong_is_wrong_everywhere_and_nobody_else_is_asked() {
    let (a, b) = (upstream("a").await, upstream("b").await);
    let realm = Realm::start(&two(&a, &b, "")).await;
    a.behave(Behaviour::Status(400));
    for _ in 0..5 {
        let reply = realm.say("too long").await;
        assert_eq!(reply.status, 400);
        assert!(reply.body["error"]["message"].as_str().expect("words").contains("cannot answer: too long"));
    }
    assert!(b.seen().is_empty());
    a.behave(Behaviour::Answer);
    assert_eq!(realm.say("x").await.words(), "a heard: x", "it was never taken for being down");
}

#[tokio::test]
async fn when_everybody_fails_the_asker_learns_what_the_last_one_said() {
    let (a, b) = (upstream("a").await, upstream("b").await);
    let realm = Realm::start(&two(&a, &b, "[gateway]\nretries = 0")).await;
    a.behave(Behaviour::Reset);
    b.behave(Behaviour::Status(500));
    let reply = realm.say("hello").await;
    assert_eq!(reply.status, 502);
    assert_eq!(reply.body["error"]["type"], "server_error");
    assert!(reply.text.contains("b/x"), "{}", reply.text);
}

#[tokio::test]
async fn a_slow_upstream_is_overtaken_and_not_given_up() {
    let (a, b) = (upstream("a").await, upstream("b").await);
    let realm = Realm::start(&two(&a, &b, "hedge_ms = 20")).await;
    a.behave(Behaviour::Slow(Duration::from_secs(30)));
    let reply = realm.say("x").await;
    assert_eq!(reply.words(), "b heard: x");
    let decision = realm.decision(&reply.decision).await;
    assert_eq!(decision.attempts.len(), 2);
    assert!(decision.why.contains("a/x failed: it is late"), "{}", decision.why);
}
