//! What the worker serves: choosing a backend, loading the embedder, embedding, deleting.

use std::cell::Cell;

use mtor_shared::{
    engine::{Backend, BackendPreference, Event, JobId, LoadPhase, LoadTimes},
    model::{self, Model, ModelFile, ModelId, Task},
    problem::{Problem, ProblemCode},
};

use super::{
    download::{Found, obtain},
    port::{breathe, now_ms, post},
    stopped,
    store::Store,
};
use crate::{
    device::{self, Choice},
    models::minilm::MiniLm,
};

/// Milliseconds between two reports of progress.
const REPORT_MS: f64 = 100.0;
/// The span over which speed is measured.
const SPEED_MS: f64 = 3000.0;

/// The worker's state.
#[derive(Default)]
pub(super) struct Service {
    preference: BackendPreference,
    choice: Option<Choice>,
    loaded: Option<Loaded>,
    /// The GPU computed wrong numbers once; it is not used again.
    distrusted: Option<String>,
}

struct Loaded {
    id: ModelId,
    model: MiniLm,
    times: LoadTimes,
    stored: bool,
}

impl Service {
    /// Chooses a backend.
    pub(super) async fn start(&mut self, preference: BackendPreference) {
        self.preference = preference;
        // What is loaded was loaded for another choice.
        self.loaded = None;
        let chosen = match (&self.distrusted, preference) {
            (Some(reason), BackendPreference::Auto) => Ok(Choice::cpu(reason)),
            _ => device::choose(preference).await,
        };
        match chosen {
            Ok(choice) => self.ready(choice),
            Err(problem) => post(&Event::Lost { problem }),
        }
    }

    fn ready(&mut self, choice: Choice) {
        post(&Event::Ready {
            backend: choice.backend(),
            adapter: choice.adapter.clone(),
            reason: choice.reason.clone(),
        });
        self.choice = Some(choice);
    }

    /// Loads a model, or says that it is loaded already.
    pub(super) async fn load(&mut self, id: ModelId) {
        if self.loaded.as_ref().is_none_or(|loaded| loaded.id != id) {
            match self.try_load(&id).await {
                Ok(loaded) => self.loaded = Some(loaded),
                Err(problem) => return post(&Event::LoadFailed { model: id, problem }),
            }
        }
        if let Some(Loaded { id, times, stored, .. }) = &self.loaded {
            post(&Event::Loaded { model: id.clone(), times: *times, stored: *stored });
        }
    }

    async fn try_load(&mut self, id: &ModelId) -> Result<Loaded, Problem> {
        let model = model::find(id).ok_or_else(|| {
            Problem::new(
                ProblemCode::NotFound,
                format!("There is no model {id}."),
                "Reload the page and choose again.",
            )
        })?;
        if model.task != Task::Embed {
            return Err(Problem::new(
                ProblemCode::Unsupported,
                format!("{} does not turn text into vectors.", model.title),
                "Choose a model that does.",
            ));
        }
        let mut meter = Meter::new(model);
        let mut times = LoadTimes::default();
        let mut stored = true;
        let mut get = async |name: &str| -> Result<Found, Problem> {
            let file = file(model, name)?;
            let found = obtain(file, &mut |phase, bytes| meter.report(phase, bytes)).await?;
            meter.finish_file(file);
            times.download_ms += found.download_ms;
            times.verify_ms += found.verify_ms;
            stored &= found.stored;
            Ok(found)
        };
        let tokenizer = get("tokenizer.json").await?.source.content().await?;
        let weights = get("model.safetensors").await?.source;

        loop {
            if self.choice.is_none() {
                self.start(self.preference).await;
            }
            let Some(choice) = self.choice.clone() else {
                return Err(Problem::new(ProblemCode::Unsupported, "No backend could be started.", ""));
            };
            let started = now_ms();
            let total = model.bytes() as f64;
            let mut loaded = MiniLm::load(&weights, &tokenizer, &choice.target, |part| {
                meter.step(LoadPhase::Upload, part, total)
            })
            .await?;
            times.upload_ms = now_ms() - started;

            let started = now_ms();
            meter.step(LoadPhase::WarmUp, 0.0, total);
            let check = match loaded.check_itself().await {
                Ok(()) => trusted().await,
                wrong => wrong,
            };
            times.warm_up_ms = now_ms() - started;
            match check {
                Ok(()) => return Ok(Loaded { id: id.clone(), model: loaded, times, stored }),
                Err(problem)
                    if choice.backend() == Backend::Gpu && self.preference == BackendPreference::Auto =>
                {
                    let reason = format!("{} The model runs on the CPU.", problem.title);
                    self.distrusted = Some(reason.clone());
                    self.ready(Choice::cpu(reason));
                }
                Err(problem) => {
                    if choice.backend() == Backend::Gpu {
                        post(&Event::Lost { problem: problem.clone() });
                    }
                    return Err(problem);
                }
            }
        }
    }

    /// Embeds texts batch by batch, until `stop` is set.
    pub(super) async fn embed(&mut self, job: JobId, texts: &[String], stop: &Cell<bool>) {
        let started = now_ms();
        match self.try_embed(texts, stop).await {
            Ok((vectors, backend)) => {
                post(&Event::Embedded { job, vectors, elapsed_ms: now_ms() - started, backend });
            }
            Err(problem) => {
                let lost = problem.code == ProblemCode::DeviceLost;
                post(&Event::JobFailed { job, problem: problem.clone() });
                if lost {
                    post(&Event::Lost { problem });
                }
            }
        }
    }

    async fn try_embed(
        &mut self,
        texts: &[String],
        stop: &Cell<bool>,
    ) -> Result<(Vec<Vec<f32>>, Backend), Problem> {
        let Some(Loaded { model, .. }) = &mut self.loaded else {
            return Err(Problem::new(ProblemCode::BadRequest, "The model is not loaded.", "Load it first."));
        };
        if texts.is_empty() {
            return Err(Problem::new(
                ProblemCode::BadRequest,
                "There is no text to embed.",
                "Send at least one.",
            ));
        }
        let backend = model.backend();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut plan = model.plan(&texts)?;
        while model.step(&mut plan).await? {
            if plan.remaining() > 0 {
                breathe().await;
                if stop.get() {
                    return Err(stopped());
                }
            }
        }
        if backend == Backend::Gpu {
            trusted().await?;
        }
        Ok((plan.into_vectors(), backend))
    }

    /// Deletes a model's files from the store. A loaded model goes on until the worker ends.
    pub(super) async fn evict(&mut self, id: &ModelId) {
        let (Some(model), Some(store)) = (model::find(id), Store::open().await) else { return };
        for file in &model.files {
            store.delete(file).await;
        }
    }
}

/// Refuses what was computed if the GPU has complained. Its complaints arrive as events, hence the turn of the loop.
async fn trusted() -> Result<(), Problem> {
    breathe().await;
    match device::fault() {
        None => Ok(()),
        Some(fault) => Err(Problem::retryable(
            ProblemCode::DeviceLost,
            format!("The GPU failed ({fault})."),
            "The model loads again; choose the CPU if this happens more than once.",
        )),
    }
}

fn file<'a>(model: &'a Model, name: &str) -> Result<&'a ModelFile, Problem> {
    model.file(name).ok_or_else(|| {
        Problem::new(
            ProblemCode::Internal,
            format!("The model {} has no {name}.", model.id),
            "Reload the page.",
        )
    })
}

/// Reports progress over all files of a model, at most ten times a second.
struct Meter<'a> {
    model: &'a Model,
    /// Bytes of the files that are finished.
    finished: u64,
    phase: Option<LoadPhase>,
    reported_ms: f64,
    /// (time, bytes), the oldest first.
    samples: std::collections::VecDeque<(f64, u64)>,
}

impl<'a> Meter<'a> {
    fn new(model: &'a Model) -> Self {
        Self { model, finished: 0, phase: None, reported_ms: f64::NEG_INFINITY, samples: Default::default() }
    }

    fn finish_file(&mut self, file: &ModelFile) {
        self.finished += file.bytes;
        self.samples.clear();
    }

    /// `bytes` of the current file are done.
    fn report(&mut self, phase: LoadPhase, bytes: u64) {
        let now = now_ms();
        let (done, total) = (self.finished + bytes, self.model.bytes());
        if self.phase != Some(phase) {
            self.phase = Some(phase);
            self.samples.clear();
        }
        self.samples.push_back((now, done));
        while self.samples.front().is_some_and(|(time, _)| now - time > SPEED_MS) {
            self.samples.pop_front();
        }
        if done < total && now - self.reported_ms < REPORT_MS {
            return;
        }
        self.reported_ms = now;
        let speed = self.samples.front().and_then(|(time, first)| {
            let seconds = (now - time) / 1000.0;
            (seconds > 0.2 && done > *first).then(|| (done - first) as f64 / seconds)
        });
        post(&Event::Progress {
            model: self.model.id.clone(),
            phase,
            done_bytes: done,
            total_bytes: total,
            bytes_per_s: speed,
            seconds_left: speed.map(|speed| (total - done.min(total)) as f64 / speed),
        });
    }

    /// `part` of 1 is done in a phase that has no speed worth telling.
    fn step(&mut self, phase: LoadPhase, part: f64, total: f64) {
        post(&Event::Progress {
            model: self.model.id.clone(),
            phase,
            done_bytes: (part * total) as u64,
            total_bytes: total as u64,
            bytes_per_s: None,
            seconds_left: None,
        });
    }
}
