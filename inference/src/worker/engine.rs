//! The worker's state: the backend, the models in memory, and the jobs that use them.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::Reflect;
use mtor_shared::{
    engine::{BackendPreference, Event, JobId, LoadTimes, Presence},
    model::{self, Model, ModelFile, ModelId, Task},
    problem::{Problem, ProblemCode},
};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::{
    abort::Abort,
    jobs::Job,
    load::Load,
    own,
    port::{breathe, now_ms, post, scope, sleep},
    store::{BlobSource, Store},
    turn::Turn,
};
use crate::{
    device::{self, Choice},
    generate::TextModel,
    memory::Held,
    models::minilm::MiniLm,
    schedule::{Cancelled, Scheduler},
};

/// A model is given up for another tab when it has not been used for so long.
const IDLE_MS: f64 = 3_000.0;
/// Bytes of weights in memory where the browser does not tell how much the machine has.
const USUAL_BUDGET: u64 = 2 << 30;
/// wasm addresses 4 GB, and not only weights live there.
const LARGEST_BUDGET: u64 = 3 << 30;

pub(super) type Embedder = Rc<RefCell<MiniLm>>;
pub(super) type Text = Rc<RefCell<TextModel>>;

/// A loaded model.
pub(super) enum Loaded {
    Embedder(Embedder),
    Text(Text),
}

/// A model in memory.
pub(super) struct Resident {
    pub(super) id: ModelId,
    pub(super) model: Loaded,
    pub(super) bytes: u64,
    /// When it was used last, by the count of uses.
    pub(super) used: u64,
    /// Whether one tab at a time holds it.
    pub(super) large: bool,
    pub(super) times: LoadTimes,
    pub(super) stored: bool,
}

/// The worker's state.
pub(super) struct Engine {
    pub(super) preference: Cell<BackendPreference>,
    choice: RefCell<Option<Choice>>,
    /// Counts choices of a backend: what was placed for an earlier one is of no use.
    pub(super) era: Cell<u32>,
    /// The GPU computed wrong numbers once; it is not used again.
    pub(super) distrusted: RefCell<Option<String>>,
    residents: RefCell<Vec<Resident>>,
    uses: Cell<u64>,
    used_ms: Cell<f64>,
    pub(super) loads: RefCell<Vec<Load>>,
    pub(super) is_placing: Cell<bool>,
    pub(super) budget: u64,
    pub(super) turn: Turn,
    own: RefCell<Option<Vec<Model>>>,
    /// Own files that could not be stored, by hash.
    kept: RefCell<Vec<(String, File)>>,
    imports: RefCell<Vec<(JobId, Abort)>>,
    jobs: RefCell<Scheduler<Job>>,
    probes: Cell<u32>,
    awake: Cell<bool>,
}

impl Loaded {
    pub(super) fn embedder(model: MiniLm) -> Self {
        Self::Embedder(Rc::new(RefCell::new(model)))
    }

    pub(super) fn text(model: TextModel) -> Self {
        Self::Text(Rc::new(RefCell::new(model)))
    }

    fn task(&self) -> Task {
        match self {
            Self::Embedder(_) => Task::Embed,
            Self::Text(_) => Task::Generate,
        }
    }

    /// Bytes of its weights, where it knows.
    pub(super) fn bytes(&self) -> Option<u64> {
        match self {
            Self::Embedder(_) => None,
            Self::Text(text) => Some(text.borrow().bytes() as u64),
        }
    }

    /// A first pass compiles kernels and shows that the device computes what it should.
    #[expect(clippy::await_holding_refcell_ref, reason = "nobody else has the model yet")]
    pub(super) async fn first_pass(&mut self) -> Result<(), Problem> {
        match self {
            Self::Embedder(model) => model.borrow_mut().check_itself().await,
            Self::Text(text) => text.borrow_mut().first_pass().await,
        }
    }
}

impl Engine {
    pub(super) fn new() -> Rc<Self> {
        Rc::new_cyclic(|this: &std::rc::Weak<Self>| {
            let this = this.clone();
            Self {
                preference: Cell::default(),
                choice: RefCell::default(),
                era: Cell::new(0),
                distrusted: RefCell::default(),
                residents: RefCell::default(),
                uses: Cell::new(0),
                used_ms: Cell::new(0.0),
                loads: RefCell::default(),
                is_placing: Cell::new(false),
                budget: budget(),
                turn: Turn::new(move || {
                    if let Some(engine) = this.upgrade() {
                        engine.turn.ask();
                        engine.let_go();
                    }
                }),
                own: RefCell::default(),
                kept: RefCell::default(),
                imports: RefCell::default(),
                jobs: RefCell::default(),
                probes: Cell::new(0),
                awake: Cell::new(false),
            }
        })
    }

    // The backend.

    /// Chooses a backend. What is loaded was loaded for another choice.
    pub(super) async fn start(&self, preference: BackendPreference) {
        self.preference.set(preference);
        self.era.set(self.era.get() + 1);
        self.residents.borrow_mut().clear();
        self.settle_turn();
        *self.choice.borrow_mut() = None;
        if let Err(problem) = self.chosen().await {
            post(&Event::Lost { problem });
        }
    }

    /// The backend, chosen now if it was not.
    pub(super) async fn chosen(&self) -> Result<Choice, Problem> {
        if let Some(choice) = &*self.choice.borrow() {
            return Ok(choice.clone());
        }
        let distrusted = self.distrusted.borrow().clone();
        let choice = match (distrusted, self.preference.get()) {
            (Some(reason), BackendPreference::Auto) => Choice::cpu(reason),
            (_, preference) => device::choose(preference).await?,
        };
        self.ready(choice.clone());
        Ok(choice)
    }

    pub(super) fn ready(&self, choice: Choice) {
        post(&Event::Ready {
            backend: choice.backend(),
            adapter: choice.adapter.clone(),
            reason: choice.reason.clone(),
        });
        *self.choice.borrow_mut() = Some(choice);
    }

    // Models in memory.

    pub(super) fn keep(&self, mut resident: Resident) {
        resident.used = self.tick();
        let mut residents = self.residents.borrow_mut();
        residents.retain(|other| other.id != resident.id);
        residents.push(resident);
    }

    fn tick(&self) -> u64 {
        self.used_ms.set(now_ms());
        self.uses.set(self.uses.get() + 1);
        self.uses.get()
    }

    pub(super) fn touch(&self, id: &ModelId) {
        let now = self.tick();
        for resident in self.residents.borrow_mut().iter_mut().filter(|resident| resident.id == *id) {
            resident.used = now;
        }
    }

    pub(super) fn loaded_event(&self, id: &ModelId) -> Option<Event> {
        let residents = self.residents.borrow();
        let Resident { id, times, stored, .. } = residents.iter().find(|resident| resident.id == *id)?;
        Some(Event::Loaded { model: id.clone(), times: *times, stored: *stored })
    }

    pub(super) fn embedder(&self) -> Option<Embedder> {
        let (id, embedder) = self.residents.borrow().iter().find_map(|resident| match &resident.model {
            Loaded::Embedder(model) => Some((resident.id.clone(), model.clone())),
            Loaded::Text(_) => None,
        })?;
        self.touch(&id);
        Some(embedder)
    }

    pub(super) fn text(&self, id: &ModelId) -> Option<Text> {
        let text = self.residents.borrow().iter().find_map(|resident| match &resident.model {
            Loaded::Text(model) if resident.id == *id => Some(model.clone()),
            _ => None,
        })?;
        self.touch(id);
        Some(text)
    }

    /// What is in memory, for the budget.
    pub(super) fn held(&self) -> Vec<Held> {
        let jobs = self.jobs.borrow();
        let residents = self.residents.borrow();
        residents
            .iter()
            .map(|Resident { id, model, bytes, used, .. }| {
                // A job whose step is running holds the model beside this list.
                let running = match model {
                    Loaded::Embedder(model) => Rc::strong_count(model) > 1,
                    Loaded::Text(model) => Rc::strong_count(model) > 1,
                };
                let busy = running || jobs.waiting().any(|job| job.uses(id, model.task()));
                Held { model: id.clone(), bytes: *bytes, used: *used, busy }
            })
            .collect()
    }

    /// Takes a model out of memory. A job that is using it goes on to its end.
    pub(super) fn drop_resident(&self, id: &ModelId) {
        self.residents.borrow_mut().retain(|resident| resident.id != *id);
        self.settle_turn();
    }

    /// Gives the turn up when nothing needs it: no large model is in memory or on its way there.
    pub(super) fn settle_turn(&self) {
        if !self.is_placing.get() && !self.residents.borrow().iter().any(|resident| resident.large) {
            self.turn.give_up();
        }
    }

    pub(super) async fn unload(&self, id: &ModelId) {
        self.drop_resident(id);
        self.survey().await;
    }

    /// Takes a model out of memory and deletes its files.
    pub(super) async fn evict(&self, id: &ModelId) {
        let Some(model) = self.find(id) else { return };
        self.pause(id);
        while self.is_loading(id) {
            sleep(20).await;
        }
        self.drop_resident(id);
        if let Some(store) = Store::open().await {
            for file in &model.files {
                store.delete(file).await;
            }
        }
        self.kept.borrow_mut().retain(|(sha256, _)| model.files.iter().all(|file| file.sha256 != *sha256));
        let left = self.own.borrow_mut().as_mut().and_then(|own| {
            let before = own.len();
            own.retain(|model| model.id != *id);
            (own.len() < before).then(|| own.clone())
        });
        if let Some(left) = left {
            own::write_index(&left).await;
        }
        self.survey().await;
    }

    pub(super) fn is_loading(&self, id: &ModelId) -> bool {
        self.loads.borrow().iter().any(|load| load.model == *id)
    }

    /// Gives large models up when another tab waits for them and nobody here does.
    pub(super) fn let_go(self: &Rc<Self>) {
        if !self.turn.is_asked() {
            return;
        }
        let (idle, loading) = (self.jobs.borrow().is_idle(), !self.loads.borrow().is_empty());
        if !idle || loading || self.is_placing.get() {
            // Asked again when that is over.
            return;
        }
        let left_ms = self.used_ms.get() + IDLE_MS - now_ms();
        let engine = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            if left_ms > 0.0 {
                sleep(left_ms.ceil() as i32).await;
                return engine.let_go();
            }
            engine.residents.borrow_mut().retain(|resident| !resident.large);
            engine.turn.give_up();
            engine.survey().await;
        });
    }

    // What is stored.

    /// The model of that name, a person's own ones included.
    pub(super) fn find(&self, id: &ModelId) -> Option<Model> {
        let own = self.own.borrow();
        model::find(id).or_else(|| own.as_ref()?.iter().find(|model| model.id == *id)).cloned()
    }

    /// An own file that could not be stored.
    pub(super) fn kept(&self, file: &ModelFile) -> Option<BlobSource> {
        let kept = self.kept.borrow();
        kept.iter()
            .find(|(sha256, _)| *sha256 == file.sha256)
            .map(|(_, file)| BlobSource::stored(file.clone()))
    }

    /// Reads the index of own models once.
    pub(super) async fn know_own(&self) {
        if self.own.borrow().is_none() {
            let read = own::read_index().await;
            self.own.borrow_mut().get_or_insert(read);
        }
    }

    pub(super) fn import(self: &Rc<Self>, job: JobId, file: File) {
        let Some(stop) = Abort::new() else { return };
        let signal = stop.clone();
        self.imports.borrow_mut().push((job, stop));
        let engine = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            engine.know_own().await;
            let outcome = own::import(job, &file, &signal).await;
            engine.imports.borrow_mut().retain(|(other, _)| *other != job);
            let (model, stored) = match outcome {
                Ok(outcome) => outcome,
                Err(problem) => return post(&Event::JobFailed { job, problem }),
            };
            if !stored {
                let hashes = model.files.iter().map(|part| (part.sha256.clone(), file.clone()));
                engine.kept.borrow_mut().extend(hashes);
            }
            if model::find(&model.id).is_none() {
                let mut own = engine.own.borrow().clone().unwrap_or_default();
                own.retain(|other| other.id != model.id);
                own.push(model.clone());
                *engine.own.borrow_mut() = Some(own.clone());
                let lasting: Vec<Model> = own.into_iter().filter(|model| !engine.is_kept(model)).collect();
                own::write_index(&lasting).await;
            }
            post(&Event::Imported { job, model, stored });
            engine.survey().await;
        });
    }

    fn is_kept(&self, model: &Model) -> bool {
        model.files.iter().any(|file| self.kept(file).is_some())
    }

    /// Tells what is stored and in memory.
    pub(super) async fn survey(&self) {
        self.know_own().await;
        let own = self.own.borrow().clone().unwrap_or_default();
        let store = Store::open().await;
        let mut models = Vec::new();
        for model in model::manifest().iter().chain(&own) {
            let (mut stored_bytes, mut is_complete) = (0, true);
            for file in &model.files {
                let Some(store) = &store else {
                    is_complete = false;
                    continue;
                };
                stored_bytes += store.size(file).await as u64;
                is_complete &= store.verified(file).await.is_some();
            }
            let loaded_bytes =
                self.residents.borrow().iter().find(|held| held.id == model.id).map(|held| held.bytes);
            if stored_bytes > 0 || loaded_bytes.is_some() || self.is_kept(model) {
                models.push(Presence { model: model.id.clone(), stored_bytes, is_complete, loaded_bytes });
            }
        }
        let (used_bytes, quota_bytes) = estimate().await;
        post(&Event::Own { models: own });
        post(&Event::Surveyed { models, used_bytes, quota_bytes });
    }

    // Jobs.

    pub(super) fn add(self: &Rc<Self>, id: JobId, job: Job) {
        let priority = job.priority();
        self.jobs.borrow_mut().push(id, priority, job);
        self.wake();
    }

    pub(super) fn probe(self: &Rc<Self>) {
        // Their ids are from the other end, where the shell does not count.
        self.probes.set(self.probes.get() + 1);
        self.add(JobId(u32::MAX - self.probes.get()), Job::Probe { begun: None });
    }

    pub(super) fn cancel(self: &Rc<Self>, id: JobId) {
        for (_, stop) in self.imports.borrow().iter().filter(|(job, _)| *job == id) {
            stop.abort();
        }
        let cancelled = self.jobs.borrow_mut().cancel(id);
        if let Cancelled::Taken(job) = cancelled {
            job.stop(id);
            self.let_go();
        }
    }

    /// Starts the loop over the jobs, unless it runs.
    pub(super) fn wake(self: &Rc<Self>) {
        if !self.awake.replace(true) {
            let engine = self.clone();
            wasm_bindgen_futures::spawn_local(async move { engine.serve().await });
        }
    }

    async fn serve(self: &Rc<Self>) {
        loop {
            let taken = {
                let loads = self.loads.borrow();
                let waits = |job: &Job| {
                    let loading = |load: &Load| {
                        self.find(&load.model).is_some_and(|model| job.uses(&model.id, model.task))
                    };
                    !job.is_begun() && loads.iter().any(loading)
                };
                self.jobs.borrow_mut().take(|job| !waits(job))
            };
            let Some((id, job)) = taken else { break };
            match job.step(id, self).await {
                None => self.jobs.borrow_mut().finish(),
                Some(job) => {
                    // Messages are seen between two steps, cancellations above all.
                    breathe().await;
                    let back = self.jobs.borrow_mut().put_back(job);
                    if let Err(job) = back {
                        job.stop(id);
                    }
                }
            }
            self.used_ms.set(now_ms());
            breathe().await;
        }
        self.awake.set(false);
        self.let_go();
    }
}

/// Refuses what was computed if the GPU has complained. Its complaints arrive as events, hence the turn of the loop.
pub(super) async fn trusted() -> Result<(), Problem> {
    if cfg!(feature = "gpu") {
        breathe().await;
    }
    match device::fault() {
        None => Ok(()),
        Some(fault) => Err(Problem::retryable(
            ProblemCode::DeviceLost,
            format!("The GPU failed ({fault})."),
            "The model loads again; choose the CPU if this happens more than once.",
        )),
    }
}

/// Half of the machine's memory, as far as the browser tells it (in steps, and 8 GB at most).
fn budget() -> u64 {
    let told = Reflect::get(&scope().navigator(), &"deviceMemory".into()).ok().and_then(|told| told.as_f64());
    told.map_or(USUAL_BUDGET, |gigabytes| {
        ((gigabytes * f64::from(1 << 29)) as u64).clamp(1 << 29, LARGEST_BUDGET)
    })
}

/// Bytes that this origin uses, and bytes that it may.
async fn estimate() -> (Option<u64>, Option<u64>) {
    let Ok(promise) = scope().navigator().storage().estimate() else { return (None, None) };
    let Ok(estimate) = JsFuture::from(promise).await else { return (None, None) };
    let number = |name: &str| Reflect::get(estimate.unchecked_ref(), &name.into()).ok()?.as_f64();
    (number("usage").map(|bytes| bytes as u64), number("quota").map(|bytes| bytes as u64))
}
