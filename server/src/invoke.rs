//! Calls a capability and waits for its result: what programs use that want an answer and no card. It is a run like any
//! other, so the same checks, limits and records hold.

use std::sync::Arc;

use futures_util::StreamExt;
use mtor_shared::{
    capability::{Capability, CapabilityId, SideEffect},
    identity::PersonId,
    plan::Plan,
    problem::{Problem, ProblemCode},
    run::{RunId, RunRequest},
    slots,
    stream::{ChunkBody, Delta},
};
use serde_json::{Map, Value};

use crate::{
    catalogue::{Absent, Catalogue},
    clock::Clock,
    identity::Caller,
    random::Random,
    runs::Runs,
};

/// See the module.
pub struct Invoker {
    catalogue: Arc<Catalogue>,
    runs: Runs,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Invoker {
    /// For a realm's capabilities.
    pub fn new(
        catalogue: Arc<Catalogue>,
        runs: Runs,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { catalogue, runs, clock, random }
    }

    /// A capability that may be called.
    ///
    /// # Errors
    /// There is none, or it is not enabled.
    pub fn capability(&self, id: &CapabilityId) -> Result<Capability, Problem> {
        self.catalogue.now().capability(id).cloned().map_err(|absent| {
            let shown: String = id.0.chars().take(160).collect();
            match absent {
                Absent::Unknown => Problem::new(
                    ProblemCode::NotFound,
                    format!("This realm has no capability {shown}."),
                    "Search for it.",
                ),
                Absent::NotEnabled => Problem::new(
                    ProblemCode::Forbidden,
                    format!("{shown} is not enabled in this realm."),
                    "Somebody can enable it under Federation.",
                ),
            }
        })
    }

    /// The arguments that a sentence holds.
    ///
    /// # Errors
    /// There is no such capability, or the sentence leaves out what it needs.
    pub fn arguments(&self, id: &CapabilityId, sentence: &str) -> Result<Map<String, Value>, Problem> {
        let capability = self.capability(id)?;
        let today = slots::day(self.clock.now_ms(), 0);
        let args = slots::extract(&capability, sentence, today);
        let needed = capability.input["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let missing: Vec<&str> = needed.filter(|name| !args.contains_key(*name)).collect();
        if missing.is_empty() {
            return Ok(args);
        }
        let titles: Vec<&str> = missing.iter().map(|name| capability.argument_title(name)).collect();
        Err(Problem::new(
            ProblemCode::BadArgument,
            format!("{} needs: {}.", capability.title, titles.join(", ")),
            "Say it in the sentence, or give the arguments as JSON.",
        ))
    }

    /// Calls what only reads.
    ///
    /// # Errors
    /// What the run failed with, or that the capability changes something.
    pub async fn read(
        &self,
        caller: &Caller,
        id: &CapabilityId,
        args: Map<String, Value>,
    ) -> Result<Value, Problem> {
        let capability = self.capability(id)?;
        if capability.side_effect != SideEffect::Read {
            return Err(Problem::new(
                ProblemCode::Forbidden,
                format!("{} changes something, and only a person may say so.", capability.title),
                "Run it from the shell.",
            ));
        }
        self.call(caller, id, args).await
    }

    /// Calls a capability.
    ///
    /// # Errors
    /// What the run failed with.
    pub async fn call(
        &self,
        caller: &Caller,
        id: &CapabilityId,
        args: Map<String, Value>,
    ) -> Result<Value, Problem> {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes).map_err(|_| {
            Problem::new(ProblemCode::Internal, "The system gives no random bytes.", "Try again later.")
        })?;
        let run = RunId::from_bytes(bytes);
        let request = RunRequest { id: run.clone(), plan: Plan::call(id.clone(), args) };
        let chunks = self.runs.start(caller, request, 0).await.map_err(|error| error.problem())?;
        // Whoever goes away stops what was begun for it.
        let stop = Stop { runs: self.runs.clone(), run: Some((caller.person().clone(), run)) };
        futures_util::pin_mut!(chunks);
        let mut last = Value::Null;
        while let Some(chunk) = chunks.next().await {
            match chunk.body {
                ChunkBody::Delta { delta: Delta::StepFinished { output, .. } } => last = output,
                ChunkBody::Finished { .. } => {
                    stop.over();
                    return Ok(last);
                }
                ChunkBody::Failed { problem, .. } => {
                    stop.over();
                    return Err(problem);
                }
                ChunkBody::Started { .. } | ChunkBody::Delta { .. } => {}
            }
        }
        Err(Problem::retryable(ProblemCode::Offline, "The realm is shutting down.", "Try again in a moment."))
    }
}

struct Stop {
    runs: Runs,
    run: Option<(PersonId, RunId)>,
}

impl Stop {
    fn over(mut self) {
        self.run = None;
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        let (Some((person, run)), Ok(runtime)) = (self.run.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let runs = self.runs.clone();
        runtime.spawn(async move {
            // One that is over already stays as it is.
            let _ = runs.stop(&person, &run).await;
        });
    }
}
