//! Runs in the realm, listened to as server-sent events.

use std::collections::HashMap;

use mtor_shared::{
    catalogue::{Catalogue, CatalogueVectors},
    problem::Problem,
    run::RunId,
    source::{Source, SourceId},
    stream::Chunk,
};
use wasm_bindgen_futures::spawn_local;

use crate::{
    platform::net::{self, Abort, Ending, StreamRequest},
    shell::{
        effect::OpenRun,
        event::RunNews,
        federation::{Answer, Call, events_path},
        wire,
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
            let chunk = |data: &str| {
                // What cannot be read leaves a gap, and the shell asks again for what is missing.
                if let Ok(chunk) = wire::read::<Chunk>(data) {
                    hear(RunNews::Chunk(Box::new(chunk)));
                }
            };
            let ending = net::listen(request, &signal, chunk).await;
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
    let (verb, path, body) = call.request();
    let text = net::exchange(verb, &path, body).await?;
    Ok(match call {
        Call::Sources => Answer::Sources(net::read(&path, &text)?),
        Call::Source(_) | Call::Add(_) => Answer::Source(Box::new(net::read(&path, &text)?)),
        // Whatever it says: how the source is now is asked for where it does not say it.
        Call::Change(..) | Call::Scan(_) => {
            net::read::<Source>(&path, &text).map_or(Answer::Done, |source| Answer::Source(Box::new(source)))
        }
        Call::Operations { .. } => Answer::Operations(net::read(&path, &text)?),
        Call::Skipped(_) => Answer::Skipped(net::read(&path, &text)?),
        Call::Detail(_) => Answer::Detail(Box::new(net::read(&path, &text)?)),
        Call::DryRun { .. } => Answer::Request(net::read(&path, &text)?),
        Call::Credentials => Answer::Credentials(net::read(&path, &text)?),
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
            let told = |data: &str| {
                // What cannot be read is heard of when the connection ends.
                if let Ok(source) = wire::read(data) {
                    hear(Box::new(source));
                }
            };
            net::listen(StreamRequest::listen(&path), &signal, told).await;
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
