//! Loading a model: its files found or fetched, room made in memory, tensors placed, a first pass.

use std::rc::Rc;

use mtor_shared::{
    engine::{Backend, BackendPreference, Event, LoadPhase, LoadTimes},
    model::{Model, ModelFile, ModelId, Task},
    problem::{Problem, ProblemCode},
};

use super::{
    abort::Abort,
    download::{Found, obtain},
    engine::{Engine, Loaded, Resident, trusted},
    meter::Meter,
    port::{now_ms, post, sleep},
    stopped,
    store::BlobSource,
};
use crate::{
    device::Choice, generate::TextModel, memory::make_room, models::minilm::MiniLm, weights::Source,
};

/// From this size on a model is held by one tab at a time: the embedder is below it, every chat model above.
const LARGE_BYTES: u64 = 128 << 20;
/// Milliseconds between two looks at whether another load of this tab is done with the memory.
const LOOK_MS: i32 = 50;

/// Whether one tab at a time holds it.
pub(super) fn is_large(model: &Model) -> bool {
    model.bytes() >= LARGE_BYTES
}

/// A load on the way.
pub(super) struct Load {
    pub(super) model: ModelId,
    pub(super) stop: Abort,
}

impl Engine {
    /// Begins to load a model, or says that it is loaded already.
    pub(super) fn load(self: &Rc<Self>, id: ModelId) {
        if let Some(event) = self.loaded_event(&id) {
            self.touch(&id);
            return post(&event);
        }
        if self.is_loading(&id) {
            return;
        }
        let stop = match Abort::new() {
            Some(stop) => stop,
            None => {
                let problem =
                    Problem::new(ProblemCode::Unsupported, "This browser is too old for models.", "");
                return post(&Event::LoadFailed { model: id, problem });
            }
        };
        let signal = stop.clone();
        self.loads.borrow_mut().push(Load { model: id.clone(), stop });
        let engine = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let outcome = engine.try_load(&id, &signal).await;
            engine.loads.borrow_mut().retain(|load| load.model != id);
            match outcome {
                Ok(()) => {
                    if let Some(event) = engine.loaded_event(&id) {
                        post(&event);
                    }
                }
                Err(problem) => {
                    let problem = if signal.aborted() { stopped() } else { problem };
                    post(&Event::LoadFailed { model: id, problem });
                }
            }
            engine.settle_turn();
            engine.let_go();
            // Jobs that waited for it.
            engine.wake();
            engine.survey().await;
        });
    }

    /// Stops a load.
    pub(super) fn pause(&self, id: &ModelId) {
        for load in self.loads.borrow().iter().filter(|load| load.model == *id) {
            load.stop.abort();
        }
    }

    async fn try_load(self: &Rc<Self>, id: &ModelId, signal: &Abort) -> Result<(), Problem> {
        let model = self.find(id).ok_or_else(|| {
            Problem::new(
                ProblemCode::NotFound,
                format!("There is no model {id}."),
                "Reload the page and choose again.",
            )
        })?;
        let mut meter = Meter::new(&model);
        let mut times = LoadTimes::default();
        let mut stored = true;
        let mut get = async |name: &str| -> Result<BlobSource, Problem> {
            let file = file(&model, name)?;
            let found = match self.kept(file) {
                Some(source) => Found { source, stored: false, download_ms: 0.0, verify_ms: 0.0 },
                None => obtain(file, signal, &mut |phase, bytes| meter.report(phase, bytes)).await?,
            };
            meter.finish_file(file);
            times.download_ms += found.download_ms;
            times.verify_ms += found.verify_ms;
            stored &= found.stored;
            Ok(found.source)
        };
        let files = match model.task {
            Task::Embed => Files::Embedder {
                tokenizer: get("tokenizer.json").await?.content().await?,
                weights: get("model.safetensors").await?,
            },
            Task::Generate => Files::Text(get("model.gguf").await?),
            Task::Transcribe
            | Task::DetectSpeech
            | Task::Speak
            | Task::Read
            | Task::Classify
            | Task::Detect => {
                return Err(Problem::new(
                    ProblemCode::Unsupported,
                    format!("{} does not run in a tab yet.", model.title),
                    "Use `mtor infer` on the realm's machine.",
                ));
            }
        };

        let _placing = self.placing(signal).await?;
        if is_large(&model) {
            self.turn.take(signal, || post(&Event::Waiting { model: id.clone() })).await?;
        }
        self.make_room(&model).await?;
        loop {
            let era = self.era.get();
            let choice = self.chosen().await?;
            let started = now_ms();
            let mut progress = |part| meter.step(LoadPhase::Upload, part);
            let mut loaded = files.place(&choice, signal, &mut progress).await?;
            times.upload_ms = now_ms() - started;

            let started = now_ms();
            meter.step(LoadPhase::WarmUp, 0.0);
            let check = match loaded.first_pass().await {
                Ok(()) => trusted().await,
                wrong => wrong,
            };
            times.warm_up_ms = now_ms() - started;
            if era != self.era.get() {
                // Another backend was chosen meanwhile.
                continue;
            }
            match check {
                Ok(()) => {
                    let bytes = loaded.bytes().unwrap_or(model.bytes());
                    let id = id.clone();
                    self.keep(Resident {
                        id,
                        model: loaded,
                        bytes,
                        used: 0,
                        large: is_large(&model),
                        times,
                        stored,
                    });
                    return Ok(());
                }
                Err(problem)
                    if choice.backend() == Backend::Gpu
                        && self.preference.get() == BackendPreference::Auto =>
                {
                    let reason = format!("{} The model runs on the CPU.", problem.title);
                    *self.distrusted.borrow_mut() = Some(reason.clone());
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

    /// One load at a time fills memory: only so is the budget kept.
    async fn placing(self: &Rc<Self>, signal: &Abort) -> Result<Placing, Problem> {
        while self.is_placing.get() {
            sleep(LOOK_MS).await;
            if signal.aborted() {
                return Err(stopped());
            }
        }
        self.is_placing.set(true);
        Ok(Placing(self.clone()))
    }

    /// Takes models out of memory until this one fits.
    async fn make_room(&self, model: &Model) -> Result<(), Problem> {
        // Scales are kept wider than in the file, and a conversation needs room too.
        let needed = model.bytes() + model.bytes() / 4;
        let held = self.held();
        let Some(leaving) = make_room(self.budget, &held, needed) else {
            return Err(Problem::new(
                ProblemCode::TooLarge,
                format!(
                    "{} needs about {} MB of memory, and MTOR takes {} MB at most on this machine.",
                    model.title,
                    needed / 1_000_000,
                    self.budget / 1_000_000
                ),
                "Choose a smaller model.",
            ));
        };
        for id in leaving {
            self.drop_resident(&id);
        }
        Ok(())
    }
}

struct Placing(Rc<Engine>);

impl Drop for Placing {
    fn drop(&mut self) {
        self.0.is_placing.set(false);
    }
}

/// What a model is loaded from; stays on disk, but for the embedder's small tokenizer.
enum Files {
    Embedder { tokenizer: Vec<u8>, weights: BlobSource },
    Text(BlobSource),
}

impl Files {
    async fn place(
        &self,
        choice: &Choice,
        signal: &Abort,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Loaded, Problem> {
        match self {
            Self::Embedder { tokenizer, weights } => {
                let source = Stoppable { source: weights, signal };
                MiniLm::load(source, tokenizer, &choice.target, progress).await.map(Loaded::embedder)
            }
            Self::Text(weights) => {
                let source = Stoppable { source: weights, signal };
                TextModel::load(source, &choice.target, progress).await.map(Loaded::text)
            }
        }
    }
}

/// A source that gives nothing any more once somebody said stop.
struct Stoppable<'a> {
    source: &'a BlobSource,
    signal: &'a Abort,
}

impl Source for Stoppable<'_> {
    fn bytes(&self) -> u64 {
        self.source.bytes()
    }

    async fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), Problem> {
        if self.signal.aborted() {
            return Err(stopped());
        }
        self.source.read(offset, into).await
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
