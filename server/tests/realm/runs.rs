//! Carrying plans out: results, resuming, attaching, stopping, and providers that misbehave.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use mtor_shared::{
    capability::CardKind,
    problem::ProblemCode,
    stream::{ChunkBody, Delta, RunStatus},
};
use serde_json::json;
use tokio::{io::AsyncReadExt, net::TcpListener, sync::Semaphore};

use crate::{
    harness::{Events, Settings, call, fold, problem_of, refused, run_id, weather_plan},
    provider::{Provider, forecast, hang, place, weather},
};

#[tokio::test]
async fn weather_takes_two_calls_and_ends_with_a_receipt() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::weather().await;
    let realm = Settings::new(data.path()).provider(&provider).start().await;
    let chunks = realm.run(1, &weather_plan()).await;
    let view = fold(&chunks);
    let (result, card) = view.result().expect("a result");
    assert_eq!((result, card), (&forecast(), CardKind::Weather));
    let titles: Vec<&str> = view.steps.iter().map(|(step, _)| step.title.as_str()).collect();
    assert_eq!(titles, ["Find the place", "Read the forecast"]);
    let RunStatus::Finished { receipt } = &view.status else { panic!("{:?}", view.status) };
    assert_eq!(receipt.who, "Open-Meteo");
    assert_eq!(receipt.attribution.as_deref(), Some("Weather data by Open-Meteo.com, CC BY 4.0"));
    let calls = provider.calls();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(calls[0].starts_with("/v1/search?name=Lisbon"), "{calls:?}");
    assert!(calls[1].contains("latitude=38.72") && calls[1].contains("longitude=-9.14"), "{calls:?}");
    let urls: Vec<String> = receipt.exchanges.iter().map(|exchange| exchange.url.clone()).collect();
    let expected: Vec<String> =
        calls.iter().map(|call| format!("http://{}{call}", provider.address)).collect();
    assert_eq!(urls, expected);
    assert!(receipt.exchanges.iter().all(|exchange| exchange.status == Some(200) && exchange.bytes > 0));
}

#[tokio::test]
async fn a_place_that_nobody_knows_is_said_in_the_plans_words() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::start(|_| Box::pin(async { axum::Json(json!({})).into_response() })).await;
    let realm = Settings::new(data.path()).provider(&provider).start().await;
    let problem = problem_of(&realm.run(1, &weather_plan()).await);
    assert_eq!(problem.code, ProblemCode::NoResult);
    assert_eq!(problem.title, "Open-Meteo knows no place of that name.");
    assert_eq!(provider.calls().len(), 1);
}

#[tokio::test]
async fn a_reader_that_comes_back_gets_the_rest_exactly_once() {
    let data = tempfile::tempdir().expect("a folder");
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let provider = Provider::start(move |target| {
        let gate = Arc::clone(&opened);
        Box::pin(async move {
            if target.contains("/v1/forecast") {
                gate.acquire().await.expect("open").forget();
            }
            weather(&target)
        })
    })
    .await;
    let realm = Settings::new(data.path()).provider(&provider).start().await;
    let response = realm.post_run(&run_id(1), &weather_plan()).send().await.expect("an answer");
    let mut events = Events::of(response).await;
    let mut chunks = events.until_started("call/forecast").await;
    // The reader goes away in the middle; the run does not.
    drop(events);
    gate.add_permits(1);
    let last = chunks.last().expect("some").seq;
    let path = format!("/api/runs/{}/events", run_id(1));
    let again = realm.get(&path).header("last-event-id", last.to_string()).send().await.expect("an answer");
    let rest = Events::of(again).await.rest().await;
    assert_eq!(rest[0].seq, last + 1);
    chunks.extend(rest);
    assert!(matches!(fold(&chunks).status, RunStatus::Finished { .. }));
    // `after` says the same, the header comes before it, and nothing follows the end.
    let end = chunks.last().expect("some").seq;
    let by_query = realm.get(&format!("{path}?after={}", end - 1)).send().await.expect("an answer");
    assert_eq!(Events::of(by_query).await.rest().await, [chunks.last().expect("some").clone()]);
    let both = realm.get(&format!("{path}?after=0")).header("last-event-id", end.to_string());
    assert_eq!(Events::of(both.send().await.expect("an answer")).await.rest().await, []);
    assert_eq!(provider.calls().len(), 2);
}

#[tokio::test]
async fn asking_twice_runs_once() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::weather().await;
    let realm = Settings::new(data.path()).provider(&provider).start().await;
    let plan = weather_plan();
    let (first, second) = tokio::join!(realm.run(1, &plan), realm.run(1, &plan));
    assert_eq!(first, second);
    assert_eq!(realm.run(1, &plan).await, first);
    assert_eq!(provider.calls().len(), 2);
}

#[tokio::test]
async fn the_same_id_for_another_plan_is_a_conflict() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::weather().await;
    let realm = Settings::new(data.path()).provider(&provider).start().await;
    realm.run(1, &weather_plan()).await;
    let other = call("open-meteo/weather", json!({"place": "Porto"}));
    let (status, problem) = refused(realm.post_run(&run_id(1), &other)).await;
    assert_eq!((status, problem.code), (409, ProblemCode::Conflict));
}

#[tokio::test]
async fn a_plan_that_cannot_work_is_refused_before_anything_runs() {
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).start().await;
    for (plan, expected, part) in [
        (call("nobody/nothing", json!({})), 404, "nothing named nobody/nothing"),
        (call("open-meteo/weather", json!({})), 400, "Weather needs Place"),
        (mtor_shared::plan::Plan::default(), 400, "the plan has no steps"),
    ] {
        let (status, problem) = refused(realm.post_run(&run_id(1), &plan)).await;
        assert_eq!(status, expected, "{problem}");
        assert!(problem.title.contains(part), "{problem}");
    }
    let (status, _) = refused(realm.get(&format!("/api/runs/{}/events", run_id(1)))).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn stopping_ends_a_run_that_waits_for_a_provider() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::start(|_| Box::pin(hang())).await;
    let realm = Settings::new(data.path()).provider(&provider).start().await;
    let response = realm.post_run(&run_id(1), &weather_plan()).send().await.expect("an answer");
    let mut events = Events::of(response).await;
    events.until_started("call/place").await;
    let stop = || realm.client.delete(format!("{}/api/runs/{}", realm.base, run_id(1))).send();
    assert_eq!(stop().await.expect("an answer").status(), 204);
    assert_eq!(problem_of(&events.rest().await).code, ProblemCode::Stopped);
    // Stopping what is over changes nothing; what never was is not there.
    assert_eq!(stop().await.expect("an answer").status(), 204);
    let other = realm.client.delete(format!("{}/api/runs/{}", realm.base, run_id(2)));
    assert_eq!(refused(other).await.0, 404);
}

#[tokio::test]
async fn a_provider_that_hangs_is_given_up_after_a_retry() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::start(|_| Box::pin(hang())).await;
    let settings = Settings::new(data.path()).provider(&provider);
    let realm = settings
        .set("FEDERATION_FIRST_BYTE_TIMEOUT_MS", "20")
        .set("FEDERATION_CONNECT_TIMEOUT_MS", "100")
        .start()
        .await;
    let chunks = realm.run(1, &weather_plan()).await;
    let problem = problem_of(&chunks);
    assert_eq!(problem.code, ProblemCode::UpstreamTimeout);
    assert_eq!(problem.title, "Open-Meteo did not answer in 20 ms. Tried twice.");
    assert_eq!(problem.advice, "Try again in a moment.");
    let ChunkBody::Failed { exchanges, .. } = &chunks.last().expect("chunks").body else { panic!("failed") };
    assert_eq!(exchanges.len(), 2);
    assert!(exchanges.iter().all(|exchange| exchange.status.is_none()));
}

#[tokio::test]
async fn a_fault_that_passes_is_retried_and_told() {
    let data = tempfile::tempdir().expect("a folder");
    let count = Arc::new(AtomicUsize::new(0));
    let provider = Provider::start(move |target| {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        Box::pin(
            async move { if first { StatusCode::BAD_GATEWAY.into_response() } else { weather(&target) } },
        )
    })
    .await;
    let realm = Settings::new(data.path()).provider(&provider).start().await;
    let chunks = realm.run(1, &weather_plan()).await;
    assert!(matches!(fold(&chunks).status, RunStatus::Finished { .. }));
    let retried = chunks.iter().find_map(|chunk| match &chunk.body {
        ChunkBody::Delta { delta: Delta::StepRetried { step, problem } } => {
            Some((step.0.as_str(), problem.code))
        }
        _ => None,
    });
    assert_eq!(retried, Some(("call/place", ProblemCode::UpstreamError)));
    assert_eq!(provider.calls().len(), 3);
}

#[tokio::test]
async fn each_kind_of_bad_answer_has_its_own_words() {
    type Script = fn(String) -> futures_util::future::BoxFuture<'static, Response>;
    let cases: [(Script, ProblemCode, &str); 5] = [
        (
            |_| Box::pin(async { StatusCode::INTERNAL_SERVER_ERROR.into_response() }),
            ProblemCode::UpstreamError,
            "(status 500). Tried twice.",
        ),
        (
            |_| Box::pin(async { "<html>garbage".into_response() }),
            ProblemCode::UpstreamGarbage,
            "something that is not JSON",
        ),
        (
            |_| {
                Box::pin(async {
                    let pieces = stream::iter([Ok("{\"results\": "), Err(std::io::Error::other("broken"))]);
                    Body::from_stream(pieces).into_response()
                })
            },
            ProblemCode::UpstreamUnreachable,
            "broke in the middle of its answer",
        ),
        (
            |_| {
                Box::pin(async {
                    let head = stream::iter([Ok::<_, std::io::Error>("{\"results\": ")]);
                    Body::from_stream(head.chain(stream::pending())).into_response()
                })
            },
            ProblemCode::UpstreamTimeout,
            "stopped in the middle of its answer for 50 ms",
        ),
        (
            |_| Box::pin(async { axum::Json(json!({"results": "x".repeat(4096)})).into_response() }),
            ProblemCode::TooLarge,
            "more than 1 KB",
        ),
    ];
    for (script, code, part) in cases {
        let data = tempfile::tempdir().expect("a folder");
        let provider = Provider::start(script).await;
        let settings = Settings::new(data.path()).provider(&provider);
        let settings =
            settings.set("FEDERATION_IDLE_TIMEOUT_MS", "50").set("FEDERATION_RESPONSE_BYTES", "1024");
        let problem = problem_of(&settings.start().await.run(1, &weather_plan()).await);
        assert_eq!(problem.code, code, "{problem}");
        assert!(problem.title.contains(part), "{problem}");
    }
}

#[tokio::test]
async fn a_decompression_bomb_is_cut_off_at_the_limit() {
    // 4 MB of zeros in gzip, 4 kB on the wire (made by `head -c 4194304 /dev/zero | gzip -9`).
    const BOMB: &[u8] = include_bytes!("../fixtures/zeros.gz");
    let data = tempfile::tempdir().expect("a folder");
    let script = |_| -> futures_util::future::BoxFuture<'static, Response> {
        Box::pin(async { ([(header::CONTENT_ENCODING, "gzip")], BOMB).into_response() })
    };
    let provider = Provider::start(script).await;
    let settings = Settings::new(data.path()).provider(&provider).set("FEDERATION_RESPONSE_BYTES", "1048576");
    let problem = problem_of(&settings.start().await.run(1, &weather_plan()).await);
    assert_eq!(problem.code, ProblemCode::TooLarge, "{problem}");
}

#[tokio::test]
async fn a_connection_that_is_reset_and_a_port_without_a_listener_are_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 64]).await;
            // Closing with unread bytes sends a reset.
        }
    });
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).provider_at(address).start().await;
    let problem = problem_of(&realm.run(1, &weather_plan()).await);
    assert_eq!(problem.code, ProblemCode::UpstreamUnreachable, "{problem}");

    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("an address");
    let data = tempfile::tempdir().expect("a folder");
    let realm = Settings::new(data.path()).provider_at(free).start().await;
    let problem = problem_of(&realm.run(1, &weather_plan()).await);
    assert_eq!(problem.title, "Open-Meteo cannot be reached. Tried twice.");
}

#[tokio::test]
async fn more_runs_than_the_limit_are_refused_until_one_ends() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::start(|_| Box::pin(hang())).await;
    let settings = Settings::new(data.path()).provider(&provider).set("LIMITS_CONCURRENT_RUNS", "1");
    let realm = settings.start().await;
    let response = realm.post_run(&run_id(1), &weather_plan()).send().await.expect("an answer");
    let mut events = Events::of(response).await;
    events.until_started("call/place").await;
    let (status, problem) = refused(realm.post_run(&run_id(2), &weather_plan())).await;
    assert_eq!((status, problem.code, problem.retryable), (429, ProblemCode::TooMany, true));
}

#[tokio::test]
async fn a_hundred_runs_at_once_all_end_well() {
    let data = tempfile::tempdir().expect("a folder");
    let provider = Provider::start(|target| {
        Box::pin(async move {
            if target.contains("/v1/search") { place("X", 1.0, 2.0) } else { weather(&target) }
        })
    })
    .await;
    let settings = Settings::new(data.path()).provider(&provider).set("LIMITS_CONCURRENT_RUNS", "100");
    let realm = settings.start().await;
    let plan = weather_plan();
    let all = futures_util::future::join_all((0..100).map(|id| realm.run(id, &plan))).await;
    for chunks in all {
        assert!(matches!(fold(&chunks).status, RunStatus::Finished { .. }), "{:?}", chunks.last());
    }
}
