//! Runs in the realm, listened to as server-sent events.

use std::collections::HashMap;

use mtor_shared::{
    catalogue::{Catalogue, CatalogueVectors},
    problem::Problem,
    run::RunId,
    stream::Chunk,
};
use wasm_bindgen_futures::spawn_local;

use crate::{
    platform::net::{self, Abort, Ending, StreamRequest},
    shell::{effect::OpenRun, event::RunNews},
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
                if let Ok(chunk) = serde_json::from_str::<Chunk>(data) {
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
    net::get("/api/catalogue/vectors").await
}
