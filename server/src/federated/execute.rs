//! Carries a prepared plan out, step by step, and writes everything that happens into the run's journal.

use std::{collections::BTreeMap, time::Duration};

use mtor_federation::HttpRequest;
use mtor_shared::{
    capability::{CapabilityId, SideEffect},
    ledger::Released,
    plan::{PlanError, StepId},
    problem::{Problem, ProblemCode},
    receipt::{Exchange, RanAt, Receipt},
    source::SourceId,
    stream::{ChunkBody, Delta},
};
use reqwest::Method;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    egress::{Answer, Call, Egress, EgressError, Phase, Sent},
    prepare::{Prepared, PreparedStep},
};
use crate::{
    clock::Clock,
    credentials::Vault,
    runs::{
        charge::Charge,
        journal::{Journal, Past},
    },
    storage::StorageError,
};

/// What is needed to carry a plan out.
pub struct Executor<'a> {
    /// The way out.
    pub egress: &'a Egress,
    /// Credentials for calls that need them.
    pub vault: &'a Vault,
    /// What was set aside for it.
    pub charge: &'a Charge,
    /// For the receipt.
    pub clock: &'a dyn Clock,
    /// How often a step that only reads is tried again.
    pub retries: u32,
    /// Before the first retry; it doubles.
    pub retry_delay: Duration,
    /// Largest answer in bytes.
    pub response_bytes: usize,
    /// A person stopped the run.
    pub stop: &'a CancellationToken,
    /// The realm shuts down.
    pub shutdown: &'a CancellationToken,
}

/// How carrying out ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With a last chunk.
    Over,
    /// Without one: the realm goes on with it after its next start.
    Left,
}

/// Why a step did not come to an end by itself.
enum Break {
    Failed(Problem),
    Left,
    Storage(StorageError),
}

impl From<StorageError> for Break {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl Executor<'_> {
    /// Carries out what is not done yet.
    ///
    /// # Errors
    /// [`StorageError`] when the journal cannot be written; the run then has no end.
    pub async fn run(
        &self,
        prepared: &Prepared,
        journal: &mut Journal,
        past: Past,
    ) -> Result<Ended, StorageError> {
        if !past.began {
            let steps = prepared.steps.iter().map(|step| step.info.clone()).collect();
            journal.write(ChunkBody::Started { steps }).await?;
        }
        let mut outputs = past.outputs;
        for step in &prepared.steps {
            if outputs.contains_key(&step.step.id) {
                continue;
            }
            let interrupted = past.open.as_ref() == Some(&step.step.id);
            match self.step(step, &outputs, journal, interrupted).await {
                Ok(output) => {
                    let delta = Delta::StepFinished {
                        step: step.step.id.clone(),
                        output: output.clone(),
                        card: step.card,
                    };
                    journal.write(ChunkBody::Delta { delta }).await?;
                    outputs.insert(step.step.id.clone(), output);
                }
                Err(Break::Failed(problem)) => {
                    // Before it is told, so that whoever looks then has their credits back.
                    let stopped = problem.code == ProblemCode::Stopped;
                    self.charge.release(if stopped { Released::Stopped } else { Released::Failed });
                    journal.fail(problem).await?;
                    return Ok(Ended::Over);
                }
                Err(Break::Left) => return Ok(Ended::Left),
                Err(Break::Storage(error)) => return Err(error),
            }
        }
        let exchanges = journal.exchanges().to_vec();
        // Paid before it is told, so that the receipt says what was paid.
        let paid = match self.charge.settle(&exchanges).await {
            Ok(paid) => paid,
            Err(error) => {
                journal.fail(error.problem()).await?;
                return Ok(Ended::Over);
            }
        };
        let hosts: std::collections::BTreeSet<String> = exchanges
            .iter()
            .filter_map(|exchange| Url::parse(&exchange.url).ok()?.host_str().map(str::to_owned))
            .collect();
        let elapsed = self.clock.now_ms().saturating_sub(journal.started_at_ms());
        let receipt = Receipt {
            who: prepared.who.clone(),
            ran_at: RanAt::Federated { hosts: hosts.into_iter().collect() },
            started_at_ms: journal.started_at_ms(),
            elapsed_ms: u32::try_from(elapsed).unwrap_or(u32::MAX),
            cost_micro: paid.micro(),
            exchanges,
            attribution: prepared.attribution.clone(),
        };
        journal.write(ChunkBody::Finished { receipt }).await?;
        Ok(Ended::Over)
    }

    async fn step(
        &self,
        step: &PreparedStep,
        outputs: &BTreeMap<StepId, Value>,
        journal: &mut Journal,
        interrupted: bool,
    ) -> Result<Value, Break> {
        if self.stop.is_cancelled() {
            return Err(Break::Failed(stopped()));
        }
        if self.shutdown.is_cancelled() {
            return Err(Break::Left);
        }
        let delta = if interrupted {
            let problem = Problem::retryable(ProblemCode::Interrupted, "The realm was started again.", "");
            Delta::StepRetried { step: step.step.id.clone(), problem }
        } else {
            Delta::StepStarted { step: step.step.id.clone() }
        };
        journal.write(ChunkBody::Delta { delta }).await?;
        let args =
            step.step.bind(&Map::new(), outputs).map_err(|error| Break::Failed(missing(step, &error)))?;
        let request = mtor_federation::request(&step.operation, &args)
            .map_err(|error| Break::Failed(bad_argument(step, &error.to_string())))?;
        self.attempts(step, &request, journal).await
    }

    async fn attempts(
        &self,
        step: &PreparedStep,
        request: &HttpRequest,
        journal: &mut Journal,
    ) -> Result<Value, Break> {
        let reads = step.operation.capability.side_effect == SideEffect::Read;
        let mut delay = self.retry_delay;
        let mut tries = 1;
        loop {
            let mut sent = Vec::new();
            let outcome = self.attempt(step, request, reads, &mut sent).await;
            journal.add_exchanges(sent.into_iter().map(|sent| exchange(&step.step.id, sent)));
            let problem = match outcome {
                Err(Break::Failed(problem)) => problem,
                other => return other,
            };
            if !(reads && problem.retryable && tries <= self.retries) {
                return Err(Break::Failed(told(problem, tries)));
            }
            let delta = Delta::StepRetried { step: step.step.id.clone(), problem };
            journal.write(ChunkBody::Delta { delta }).await?;
            tries += 1;
            self.wait(delay).await?;
            delay *= 2;
        }
    }

    /// One try. Stopping ends it at once; shutting down too, unless it changes something.
    async fn attempt(
        &self,
        step: &PreparedStep,
        request: &HttpRequest,
        reads: bool,
        sent: &mut Vec<Sent>,
    ) -> Result<Value, Break> {
        let provider = &step.operation.capability.provider;
        let mut call = self.call(step, request).map_err(|title| {
            Break::Failed(Problem::new(ProblemCode::Internal, title, "The realm's log says more."))
        })?;
        let source = source_of(&step.step.capability);
        let asked = async {
            let attached = self.vault.attach(&source, &step.operation, sent).await.map_err(Break::Failed)?;
            call.attached = attached.clone();
            Ok::<_, Break>((self.egress.call(call, sent).await, attached))
        };
        let (answer, attached) = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(Break::Failed(stopped())),
            () = self.shutdown.cancelled(), if reads => return Err(Break::Left),
            asked = asked => asked?,
        };
        let Answer { status, content_type, body, .. } = answer.map_err(|error| {
            tracing::warn!(capability = %step.step.capability, %error, "a provider gave no answer");
            Break::Failed(egress_problem(&provider.name, &error))
        })?;
        let mut answered = mtor_federation::response(&step.operation, status, content_type.as_deref(), &body)
            .map_err(|error| error.problem(&provider.name));
        if !attached.is_empty() {
            if status == 401 {
                self.vault.refused(&source, &step.operation);
            }
            // What a provider sends back of a secret gets into no result and no message.
            match &mut answered {
                Ok(value) => attached.scrub(value),
                Err(problem) => problem.title = attached.scrubbed(&problem.title),
            }
        }
        answered.map_err(Break::Failed)
    }

    fn call(&self, step: &PreparedStep, request: &HttpRequest) -> Result<Call, String> {
        let name = &step.operation.capability.provider.name;
        let url =
            Url::parse(&request.url).map_err(|error| format!("The address for {name} is wrong: {error}."))?;
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| format!("{name} asks for the method {}, which is none.", request.method))?;
        let mut call = Call::get(url, self.response_bytes).with_headers(request.headers.iter().cloned());
        call.method = method;
        call.body.clone_from(&request.body);
        call.hosts.clone_from(&step.operation.capability.provider.hosts);
        Ok(call)
    }

    async fn wait(&self, delay: Duration) -> Result<(), Break> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Break::Failed(stopped())),
            () = self.shutdown.cancelled() => Err(Break::Left),
            () = tokio::time::sleep(delay) => Ok(()),
        }
    }
}

/// The first half of a capability's name.
fn source_of(id: &CapabilityId) -> SourceId {
    SourceId(id.0.split('/').next().unwrap_or_default().to_owned())
}

fn exchange(step: &StepId, sent: Sent) -> Exchange {
    Exchange {
        step: step.clone(),
        method: sent.method,
        url: sent.url,
        status: sent.status,
        elapsed_ms: u32::try_from(sent.elapsed.as_millis()).unwrap_or(u32::MAX),
        bytes: sent.bytes,
    }
}

fn stopped() -> Problem {
    Problem::new(ProblemCode::Stopped, "Stopped.", "")
}

fn missing(step: &PreparedStep, error: &PlanError) -> Problem {
    match &step.step.when_missing {
        Some(words) => Problem::new(ProblemCode::NoResult, words.clone(), "Try other words."),
        None => Problem::new(
            ProblemCode::UpstreamGarbage,
            format!("{} cannot be asked: {error}.", step.info.provider),
            "Try other words.",
        ),
    }
}

fn bad_argument(step: &PreparedStep, why: &str) -> Problem {
    let title = format!("{} cannot be asked for this: {why}.", step.info.provider);
    Problem::new(ProblemCode::BadArgument, title, "Change it and try again.")
}

/// Says how often it was tried.
fn told(mut problem: Problem, tries: u32) -> Problem {
    match tries {
        0 | 1 => {}
        2 => problem.title.push_str(" Tried twice."),
        tries => problem.title.push_str(&format!(" Tried {tries} times.")),
    }
    problem
}

/// Why a call has no answer, in words for a person.
pub fn egress_problem(provider: &str, error: &EgressError) -> Problem {
    const AGAIN: &str = "Try again in a moment.";
    match error {
        EgressError::Refused(refusal) => Problem::new(
            ProblemCode::EgressRefused,
            format!("The realm does not call {provider}: {refusal}."),
            "The realm's operator can allow an address in its configuration.",
        ),
        EgressError::Unreachable(_) => Problem::retryable(
            ProblemCode::UpstreamUnreachable,
            format!("{provider} cannot be reached."),
            AGAIN,
        ),
        EgressError::Broken(_) => Problem::retryable(
            ProblemCode::UpstreamUnreachable,
            format!("The connection to {provider} broke in the middle of its answer."),
            AGAIN,
        ),
        EgressError::TimedOut { phase, after } => {
            let after = seconds(*after);
            let title = match phase {
                Phase::Connect => format!("{provider} did not take a connection within {after}."),
                Phase::FirstByte => format!("{provider} did not answer in {after}."),
                Phase::Idle => format!("{provider} stopped in the middle of its answer for {after}."),
                Phase::Total => format!("{provider} took longer than {after}."),
            };
            Problem::retryable(ProblemCode::UpstreamTimeout, title, AGAIN)
        }
        EgressError::TooLarge { limit } => Problem::new(
            ProblemCode::TooLarge,
            format!("{provider} answered with more than {}.", bytes(*limit)),
            "Ask for less.",
        ),
    }
}

fn seconds(duration: Duration) -> String {
    match duration.as_millis() {
        ms if ms % 1000 == 0 => format!("{} s", ms / 1000),
        ms => format!("{ms} ms"),
    }
}

fn bytes(count: usize) -> String {
    if count >= 1 << 20 { format!("{} MB", count >> 20) } else { format!("{} KB", count >> 10) }
}
