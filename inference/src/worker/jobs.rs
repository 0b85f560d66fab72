//! What a job does in one step on the device, and how it is answered.

use mtor_shared::{
    engine::{Backend, Event, JobId},
    generation::Request,
    model::{ModelId, Task},
    problem::{Problem, ProblemCode},
};

use super::{
    engine::{Embedder, Engine, Text, trusted},
    port::{now_ms, post},
    stopped,
};
use crate::{
    generate::{Generation, Step},
    models::minilm::Plan,
    probe::Probe,
    schedule::Priority,
};

/// Something asked for, as far as it has come.
pub(super) enum Job {
    Embed { texts: Vec<String>, begun: Option<Embedding> },
    Generate { model: ModelId, request: Request, begun: Option<Box<Answering>> },
    Probe { begun: Option<Box<Probe>> },
}

pub(super) struct Embedding {
    embedder: Embedder,
    plan: Plan,
    began_ms: f64,
}

pub(super) struct Answering {
    text: Text,
    generation: Generation,
}

impl Job {
    pub(super) fn priority(&self) -> Priority {
        match self {
            Self::Embed { .. } => Priority::Embed,
            Self::Generate { .. } => Priority::Generate,
            Self::Probe { .. } => Priority::Measure,
        }
    }

    /// Whether it uses, or is going to use, this model.
    pub(super) fn uses(&self, id: &ModelId, task: Task) -> bool {
        match self {
            Self::Embed { .. } => task == Task::Embed,
            Self::Generate { model, .. } => model == id,
            Self::Probe { .. } => false,
        }
    }

    /// Whether its first step is done.
    pub(super) fn is_begun(&self) -> bool {
        match self {
            Self::Embed { begun, .. } => begun.is_some(),
            Self::Generate { begun, .. } => begun.is_some(),
            Self::Probe { begun } => begun.is_some(),
        }
    }

    /// Does one step; none once it is answered.
    pub(super) async fn step(self, id: JobId, engine: &Engine) -> Option<Self> {
        match self {
            Self::Embed { texts, begun } => match embed(texts, begun, id, engine).await {
                Ok(more) => more,
                Err(problem) => failed(id, problem),
            },
            Self::Generate { model, request, begun } => {
                match generate(model, request, begun, id, engine).await {
                    Ok(more) => more,
                    Err(problem) => failed(id, problem),
                }
            }
            Self::Probe { begun } => {
                let mut probe = begun.or_else(|| Probe::new().map(Box::new))?;
                match probe.step(now_ms) {
                    None => Some(Self::Probe { begun: Some(probe) }),
                    Some(bytes_per_s) => {
                        post(&Event::Probed { backend: Backend::Cpu, bytes_per_s });
                        None
                    }
                }
            }
        }
    }

    /// Answers it because somebody said stop.
    pub(super) fn stop(self, id: JobId) {
        match self {
            Self::Generate { begun: Some(answering), .. } => {
                post(&Event::Generated { job: id, answer: answering.generation.stop() });
            }
            // Nobody waits for a measurement by its id.
            Self::Probe { .. } => {}
            Self::Embed { .. } | Self::Generate { begun: None, .. } => {
                post(&Event::JobFailed { job: id, problem: stopped() });
            }
        }
    }
}

fn failed(job: JobId, problem: Problem) -> Option<Job> {
    let lost = problem.code == ProblemCode::DeviceLost;
    post(&Event::JobFailed { job, problem: problem.clone() });
    if lost {
        post(&Event::Lost { problem });
    }
    None
}

#[expect(clippy::await_holding_refcell_ref, reason = "one step at a time borrows models")]
async fn embed(
    texts: Vec<String>,
    begun: Option<Embedding>,
    job: JobId,
    engine: &Engine,
) -> Result<Option<Job>, Problem> {
    let Embedding { embedder, mut plan, began_ms } = match begun {
        Some(begun) => begun,
        None => {
            let embedder = engine.embedder().ok_or_else(not_loaded)?;
            if texts.is_empty() {
                return Err(Problem::new(
                    ProblemCode::BadRequest,
                    "There is no text to embed.",
                    "Send at least one.",
                ));
            }
            let began_ms = now_ms();
            let plan = embedder.borrow().plan(&texts.iter().map(String::as_str).collect::<Vec<_>>())?;
            Embedding { embedder, plan, began_ms }
        }
    };
    let backend = {
        let mut model = embedder.borrow_mut();
        if model.step(&mut plan).await? && plan.remaining() > 0 {
            drop(model);
            return Ok(Some(Job::Embed { texts, begun: Some(Embedding { embedder, plan, began_ms }) }));
        }
        model.backend()
    };
    trusted().await?;
    let elapsed_ms = now_ms() - began_ms;
    post(&Event::Embedded { job, vectors: plan.into_vectors(), elapsed_ms, backend });
    Ok(None)
}

#[expect(clippy::await_holding_refcell_ref, reason = "one step at a time borrows models")]
async fn generate(
    model: ModelId,
    request: Request,
    begun: Option<Box<Answering>>,
    job: JobId,
    engine: &Engine,
) -> Result<Option<Job>, Problem> {
    let mut answering = match begun {
        Some(begun) => begun,
        None => {
            let text = engine.text(&model).ok_or_else(not_loaded)?;
            let generation = text.borrow_mut().begin(&request, now_ms)?;
            Box::new(Answering { text, generation })
        }
    };
    let Answering { text, generation } = &mut *answering;
    let step = {
        let mut text = text.borrow_mut();
        text.step(generation).await?
    };
    trusted().await?;
    match step {
        Step::Reading { done, total } => {
            post(&Event::Reading { job, done: done as u32, total: total as u32 });
        }
        Step::Token { text, .. } => post(&Event::Token { job, text }),
        Step::Ended(answer) => {
            post(&Event::Generated { job, answer });
            return Ok(None);
        }
    }
    Ok(Some(Job::Generate { model, request, begun: Some(answering) }))
}

fn not_loaded() -> Problem {
    Problem::new(ProblemCode::BadRequest, "The model is not loaded.", "Load it first.")
}
