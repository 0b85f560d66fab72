//! Runs in the realm, listened to as server-sent events.

use std::collections::HashMap;

use mtor_shared::{
    catalogue::{Catalogue, CatalogueVectors},
    problem::Problem,
    run::RunId,
    source::{Source, SourceId},
    wire,
};
use wasm_bindgen_futures::spawn_local;

use crate::{
    later,
    platform::net::{self, Abort, Ending, StreamRequest},
    shell::{
        effect::OpenRun,
        event::RunNews,
        federation::{Answer, Call, events_path},
    },
};

/// Connections by run; dropping one closes it.
#[derive(Default)]
pub(crate) struct Links(HashMap<RunId, Abort>);

impl Links {
    /// Opens a connection; an older one of the same run is closed.
    pub(crate) fn open(&mut self, open: OpenRun, hear: impl Fn(RunNews) + 'static) {
        let Some(abort) = Abort::new() else { return };
        let signal = abort.signal();
        self.0.insert(open.run().clone(), abort);
        spawn_local(async move {
            let request = match &open {
                OpenRun::Ask(request) => StreamRequest::ask("/api/runs", request),
                OpenRun::Resume { run, after } => {
                    StreamRequest::resume(&format!("/api/runs/{run}/events"), *after)
                }
            };
            let ending = match later::messages().await {
                Ok(messages) => {
                    let chunk = |data: &str| {
                        // What cannot be read leaves a gap, and the shell asks again for what is missing.
                        if let Some(chunk) = (messages.run)(data) {
                            hear(RunNews::Chunk(chunk));
                        }
                    };
                    net::listen(request, &signal, chunk).await
                }
                Err(_) => Ending::Broken,
            };
            if !signal.aborted() {
                hear(match ending {
                    Ending::Broken => RunNews::Lost,
                    Ending::Refused(problem) => RunNews::Refused(problem),
                });
            }
        });
    }

    /// Closes the connection of a run.
    pub(crate) fn close(&mut self, run: &RunId) {
        self.0.remove(run);
    }
}

/// Asks the realm something about its sources.
///
/// # Errors
/// What the realm says, or that it cannot be reached.
pub(crate) async fn call(call: Call) -> Result<Answer, Problem> {
    // First: a change whose answer cannot be read would be made all the same.
    let Reading { answer, .. } = later::federation().await?.reading;
    let (verb, path, body) = call.request();
    let text = net::exchange(verb, &path, body).await?;
    answer(&call, &path, &text)
}

/// How answers about sources are read. Their types are many, and nothing in the first view is of them.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    /// What the realm answers to a call at a path.
    answer: fn(&Call, &str, &str) -> Result<Answer, Problem>,
    /// What it tells of a source's progress.
    progress: fn(&str) -> Option<Box<Source>>,
}

/// For `later` alone.
pub(crate) const READING: Reading = Reading { answer, progress: |data| wire::read(data).ok().map(Box::new) };

fn answer(call: &Call, path: &str, text: &str) -> Result<Answer, Problem> {
    Ok(match call {
        Call::Sources => Answer::Sources(net::read(path, text)?),
        Call::Source(_) | Call::Add(_) => Answer::Source(Box::new(net::read(path, text)?)),
        // Whatever it says: how the source is now is asked for where it does not say it.
        Call::Change(..) | Call::Scan(_) => {
            net::read::<Source>(path, text).map_or(Answer::Done, |source| Answer::Source(Box::new(source)))
        }
        Call::Operations { .. } => Answer::Operations(net::read(path, text)?),
        Call::Skipped(_) => Answer::Skipped(net::read(path, text)?),
        Call::Detail(_) => Answer::Detail(Box::new(net::read(path, text)?)),
        Call::DryRun { .. } => Answer::Request(net::read(path, text)?),
        Call::Credentials => Answer::Credentials(net::read(path, text)?),
        Call::Delete(_) | Call::AddCredential(_) | Call::DeleteCredential(_) => Answer::Done,
    })
}

/// Connections that tell of sources' progress; dropping one closes it.
#[derive(Default)]
pub(crate) struct Watches(HashMap<SourceId, Abort>);

impl Watches {
    /// Opens a connection.
    pub(crate) fn open(
        &mut self,
        id: SourceId,
        hear: impl Fn(Box<Source>) + 'static,
        ended: impl Fn() + 'static,
    ) {
        let Some(abort) = Abort::new() else { return };
        let signal = abort.signal();
        let path = events_path(&id);
        self.0.insert(id, abort);
        spawn_local(async move {
            if let Ok(federation) = later::federation().await {
                let told = |data: &str| {
                    // What cannot be read is heard of when the connection ends.
                    if let Some(source) = (federation.reading.progress)(data) {
                        hear(source);
                    }
                };
                net::listen(StreamRequest::listen(&path), &signal, told).await;
            }
            if !signal.aborted() {
                ended();
            }
        });
    }

    /// Closes it.
    pub(crate) fn close(&mut self, id: &SourceId) {
        self.0.remove(id);
    }
}

/// Asks the realm to stop a run; says whether it was taken.
pub(crate) async fn stop(run: &RunId) -> bool {
    net::delete(&format!("/api/runs/{run}")).await.is_ok()
}

/// What the realm offers.
pub(crate) async fn catalogue() -> Result<Catalogue, Problem> {
    net::get("/api/catalogue").await
}

/// What intents are compared with.
pub(crate) async fn vectors() -> Result<CatalogueVectors, Problem> {
    net::get_numbers("/api/catalogue/vectors").await
}
