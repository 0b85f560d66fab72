//! What an executor sends while it works, and how a view is folded out of it.
//!
//! A run's chunks are numbered from 0 without gaps. A reader that lost the connection asks for what follows
//! the last number that it has; folding drops what it has seen already, so every chunk counts exactly once.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    capability::CardKind,
    plan::StepId,
    problem::Problem,
    receipt::{Exchange, Receipt},
    run::RunId,
};

/// One numbered piece of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Chunk {
    /// The run.
    pub run: RunId,
    /// Its number, from 0; the `id` of the server-sent event.
    pub seq: u32,
    /// What happened.
    pub body: ChunkBody,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ChunkBody {
    /// The first chunk: what is going to be done.
    Started {
        /// The steps, in order.
        steps: Vec<StepInfo>,
    },
    /// Something more is known.
    Delta {
        /// What.
        delta: Delta,
    },
    /// The last chunk of a run that succeeded.
    Finished {
        /// What it took.
        receipt: Receipt,
    },
    /// The last chunk of a run that did not, a stopped one included (code `stopped`).
    Failed {
        /// What was wrong and what to do.
        problem: Problem,
        /// What was sent until then.
        #[serde(default)]
        exchanges: Vec<Exchange>,
    },
}

impl ChunkBody {
    /// Whether nothing follows.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Finished { .. } | Self::Failed { .. })
    }
}

/// A step as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepInfo {
    /// Its name in the plan.
    pub id: StepId,
    /// Its name for a person, for example `Find the place`.
    pub title: String,
    /// Who does it.
    pub provider: String,
}

/// Something more is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Delta {
    /// A step has begun.
    StepStarted {
        /// The step.
        step: StepId,
    },
    /// A step is tried again after a failure.
    StepRetried {
        /// The step.
        step: StepId,
        /// Why.
        problem: Problem,
    },
    /// A step is done; its output is what a later step or the card uses.
    StepFinished {
        /// The step.
        step: StepId,
        /// The typed result.
        output: Value,
        /// How to show it; only the last step's output is shown as the result.
        card: CardKind,
    },
    /// Words to append to the answer.
    Text {
        /// They follow the words so far without anything between.
        text: String,
    },
}

/// How far a step is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum StepState {
    /// It has not begun.
    Waiting,
    /// It is at work; a retry counts up.
    Running {
        /// Failures so far.
        retries: u32,
    },
    /// It is done.
    Done {
        /// The typed result.
        output: Value,
        /// How to show it.
        card: CardKind,
    },
}

/// How a run stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum RunStatus {
    /// Asked for, nothing heard yet.
    #[default]
    Waiting,
    /// At work.
    Running,
    /// Done.
    Finished {
        /// What it took.
        receipt: Receipt,
    },
    /// Ended without a result.
    Failed {
        /// What was wrong and what to do.
        problem: Problem,
        /// What was sent until then.
        exchanges: Vec<Exchange>,
    },
}

/// A run as the shell knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunView {
    /// The run.
    pub id: RunId,
    /// How it stands.
    #[serde(flatten)]
    pub status: RunStatus,
    /// Its steps with how far each is.
    pub steps: Vec<(StepInfo, StepState)>,
    /// The words of the answer so far.
    pub text: String,
    /// The number of the next chunk: how many have been folded in.
    pub next_seq: u32,
}

/// What folding a chunk did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folded {
    /// The view changed.
    Applied,
    /// Seen before, of another run, or after the end: dropped.
    Stale,
    /// Chunks are missing before this one: ask again from [`RunView::next_seq`].
    Gap,
}

impl RunView {
    /// A run of which nothing has been heard.
    pub fn new(id: RunId) -> Self {
        Self { id, status: RunStatus::Waiting, steps: Vec::new(), text: String::new(), next_seq: 0 }
    }

    /// Whether nothing more will come.
    pub fn is_over(&self) -> bool {
        matches!(self.status, RunStatus::Finished { .. } | RunStatus::Failed { .. })
    }

    /// The output to show: that of the last step, once it is done.
    pub fn result(&self) -> Option<(&Value, CardKind)> {
        match self.steps.last() {
            Some((_, StepState::Done { output, card })) => Some((output, *card)),
            _ => None,
        }
    }

    /// Takes the next chunk in.
    pub fn fold(&mut self, chunk: Chunk) -> Folded {
        if chunk.run != self.id || chunk.seq < self.next_seq || self.is_over() {
            return Folded::Stale;
        }
        if chunk.seq > self.next_seq {
            return Folded::Gap;
        }
        self.next_seq += 1;
        match chunk.body {
            ChunkBody::Started { steps } => {
                self.status = RunStatus::Running;
                self.steps = steps.into_iter().map(|step| (step, StepState::Waiting)).collect();
            }
            ChunkBody::Delta { delta } => self.fold_delta(delta),
            ChunkBody::Finished { receipt } => self.status = RunStatus::Finished { receipt },
            ChunkBody::Failed { problem, exchanges } => {
                self.status = RunStatus::Failed { problem, exchanges }
            }
        }
        Folded::Applied
    }

    fn fold_delta(&mut self, delta: Delta) {
        match delta {
            Delta::Text { text } => self.text.push_str(&text),
            Delta::StepStarted { step } => self.set_step(&step, StepState::Running { retries: 0 }),
            Delta::StepRetried { step, .. } => {
                let retries = match self.step(&step) {
                    Some(StepState::Running { retries }) => retries + 1,
                    _ => 1,
                };
                self.set_step(&step, StepState::Running { retries });
            }
            Delta::StepFinished { step, output, card } => {
                self.set_step(&step, StepState::Done { output, card })
            }
        }
    }

    fn step(&self, id: &StepId) -> Option<&StepState> {
        self.steps.iter().find(|(info, _)| &info.id == id).map(|(_, state)| state)
    }

    fn set_step(&mut self, id: &StepId, state: StepState) {
        if let Some(slot) = self.steps.iter_mut().find(|(info, _)| &info.id == id) {
            slot.1 = state;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run() -> RunId {
        RunId::from_bytes([7; 16])
    }

    fn chunk(seq: u32, body: ChunkBody) -> Chunk {
        Chunk { run: run(), seq, body }
    }

    fn text(seq: u32, text: &str) -> Chunk {
        chunk(seq, ChunkBody::Delta { delta: Delta::Text { text: text.into() } })
    }

    fn started() -> Chunk {
        let step = |id: &str| StepInfo { id: StepId(id.into()), title: id.into(), provider: "P".into() };
        chunk(0, ChunkBody::Started { steps: vec![step("a"), step("b")] })
    }

    #[test]
    fn chunks_count_exactly_once_and_in_order() {
        let mut view = RunView::new(run());
        assert_eq!(view.fold(text(1, "no")), Folded::Gap);
        assert_eq!(view.fold(started()), Folded::Applied);
        assert_eq!(view.fold(text(1, "Hel")), Folded::Applied);
        assert_eq!(view.fold(text(1, "Hel")), Folded::Stale);
        assert_eq!(view.fold(text(2, "lo")), Folded::Applied);
        assert_eq!((view.text.as_str(), view.next_seq), ("Hello", 3));
    }

    #[test]
    fn only_the_last_steps_output_is_the_result() {
        let mut view = RunView::new(run());
        view.fold(started());
        let done = |step: &str| Delta::StepFinished {
            step: StepId(step.into()),
            output: json!(step),
            card: CardKind::Data,
        };
        view.fold(chunk(1, ChunkBody::Delta { delta: done("a") }));
        assert_eq!(view.result(), None);
        view.fold(chunk(2, ChunkBody::Delta { delta: done("b") }));
        assert_eq!(view.result(), Some((&json!("b"), CardKind::Data)));
    }

    #[test]
    fn nothing_follows_the_end() {
        let mut view = RunView::new(run());
        view.fold(started());
        let problem = Problem::new(crate::problem::ProblemCode::Stopped, "Stopped.", "");
        view.fold(chunk(1, ChunkBody::Failed { problem, exchanges: vec![] }));
        assert!(view.is_over());
        assert_eq!(view.fold(text(2, "late")), Folded::Stale);
    }

    #[test]
    fn chunks_of_another_run_are_dropped() {
        let mut view = RunView::new(RunId::from_bytes([8; 16]));
        assert_eq!(view.fold(started()), Folded::Stale);
    }

    #[test]
    fn a_view_survives_storage() {
        let mut view = RunView::new(run());
        view.fold(started());
        let stored = serde_json::to_string(&view).expect("serialises");
        assert_eq!(serde_json::from_str::<RunView>(&stored).expect("parses"), view);
    }
}
