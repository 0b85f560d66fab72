//! What survives the end of the process, decent or not: these start the real binary.

use std::sync::Arc;

use mtor_shared::{
    problem::ProblemCode,
    stream::{Chunk, ChunkBody, Delta, RunStatus},
};
use tokio::sync::Semaphore;

use crate::{
    harness::{Events, Settings, client, fold, post_run, problem_of, run_id, weather_plan},
    process::Process,
    provider::{Provider, weather},
};

/// Weather whose second call waits for the gate.
pub(crate) async fn gated() -> (Provider, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let provider = Provider::start(move |target| {
        let gate = Arc::clone(&opened);
        Box::pin(async move {
            if target.contains("/v1/forecast") {
                let _open = gate.acquire().await.expect("open");
            }
            weather(&target)
        })
    })
    .await;
    (provider, gate)
}

async fn follow(process: &Process, after: u32) -> Vec<Chunk> {
    let url = format!("{}/api/runs/{}/events?after={after}", process.base, run_id(1));
    Events::of(client().get(url).send().await.expect("an answer")).await.rest().await
}

#[tokio::test]
async fn a_run_that_was_killed_in_the_middle_finishes_after_a_restart() {
    let data = tempfile::tempdir().expect("a folder");
    let (provider, gate) = gated().await;
    let settings = Settings::new(data.path()).provider(&provider);
    let process = Process::start(&settings);
    let response =
        post_run(&client(), &process.base, &run_id(1), &weather_plan()).send().await.expect("an answer");
    let mut events = Events::of(response).await;
    let mut chunks = events.until_started("call/forecast").await;
    process.kill();
    chunks.extend(events.rest().await);
    let seen = chunks.last().expect("some").seq;

    gate.add_permits(10);
    let process = Process::start(&settings);
    let rest = follow(&process, seen).await;
    assert_eq!(rest[0].seq, seen + 1);
    assert!(
        matches!(&rest[0].body, ChunkBody::Delta { delta: Delta::StepRetried { step, problem } }
            if step.0 == "call/forecast" && problem.code == ProblemCode::Interrupted),
        "{:?}",
        rest[0]
    );
    chunks.extend(rest);
    let view = fold(&chunks);
    assert!(matches!(view.status, RunStatus::Finished { .. }), "{:?}", view.status);
    // The step that was done is not done again, and the receipt has its request too.
    assert_eq!(provider.count("/v1/search"), 1);
    let RunStatus::Finished { receipt } = view.status else { panic!("finished") };
    assert_eq!(receipt.exchanges[0].url, format!("http://{}{}", provider.address, provider.calls()[0]));
}

#[cfg(unix)]
#[tokio::test]
async fn a_decent_end_closes_streams_and_leaves_the_run_for_the_next_start() {
    let data = tempfile::tempdir().expect("a folder");
    let (provider, gate) = gated().await;
    let settings = Settings::new(data.path()).provider(&provider);
    let process = Process::start(&settings);
    let response =
        post_run(&client(), &process.base, &run_id(1), &weather_plan()).send().await.expect("an answer");
    let mut events = Events::of(response).await;
    let mut chunks = events.until_started("call/forecast").await;
    let status = tokio::task::spawn_blocking(move || process.terminate());
    chunks.extend(events.rest().await);
    assert!(status.await.expect("joined").success());
    assert!(!chunks.last().expect("some").body.is_last());

    gate.add_permits(10);
    let process = Process::start(&settings);
    chunks.extend(follow(&process, chunks.last().expect("some").seq).await);
    assert!(matches!(fold(&chunks).status, RunStatus::Finished { .. }));
    assert_eq!(provider.count("/v1/search"), 1);
}

#[tokio::test]
async fn a_run_whose_plan_this_realm_no_longer_knows_ends_as_interrupted() {
    use mtor::clock::{Clock, SystemClock};
    use mtor::storage::{Entry, RunRecord, Sqlite, Storage};
    use mtor_shared::identity::PersonId;

    let data = tempfile::tempdir().expect("a folder");
    let storage = Sqlite::open(data.path()).await.expect("opens");
    let plan = crate::harness::call("gone/away", serde_json::json!({}));
    let record =
        RunRecord { id: run_id(1), owner: PersonId::local(), plan, created_at_ms: SystemClock.now_ms() };
    storage.create_run(&record).await.expect("created");
    let started = Chunk { run: run_id(1), seq: 0, body: ChunkBody::Started { steps: Vec::new() } };
    storage.append(&Entry { chunk: started, exchanges: Vec::new() }).await.expect("appended");
    storage.close().await;
    drop(storage);

    let realm = Settings::new(data.path()).start().await;
    let response = realm.get(&format!("/api/runs/{}/events", run_id(1))).send().await.expect("an answer");
    assert_eq!(problem_of(&Events::of(response).await.rest().await).code, ProblemCode::Interrupted);
}
