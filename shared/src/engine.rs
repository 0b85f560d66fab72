//! Messages between the shell and the inference worker.
//!
//! They cross `postMessage`, so both sides are plain data. A job is answered by exactly one of [`Event::Embedded`],
//! [`Event::Generated`], [`Event::Imported`] or [`Event::JobFailed`]; everything else is a report that may come at any
//! time.
//!
//! One message to the worker is no [`Command`], because it holds a file that a person chose or dropped, which only the
//! browser can pass on: `{ type: "import", job: 7, file: File }` ([`IMPORT`]). The worker reads its header, refuses what
//! it cannot run, hashes it and copies it into local storage, telling [`Event::Importing`] meanwhile.
//! [`Event::Imported`] then names a model that is loaded, evicted and surveyed like those of the manifest;
//! [`Event::Own`] tells of it at later visits. [`Command::Cancel`] ends the job.
//!
//! Memory: the worker keeps to a budget and takes the model out that was not used for longest when another one needs the
//! room ([`Event::Surveyed`] tells). What wasm has once taken from the system it uses again and never gives back: only
//! ending the worker does that, which is the shell's hard stop.

use serde::{Deserialize, Serialize};

use crate::{
    generation::{Answer, Request},
    model::{Model, ModelId},
    problem::Problem,
};

/// The `type` of the message that brings a person's own file.
pub const IMPORT: &str = "import";

/// Names one job within one worker; the shell counts them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobId(pub u32);

/// Where tensors are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// The GPU, through WebGPU in the tab or the platform's own API natively.
    Gpu,
    /// SIMD on one CPU thread.
    Cpu,
}

/// What a person (or a test) asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackendPreference {
    /// The GPU where there is a real one, else the CPU: a software adapter is slower than SIMD.
    #[default]
    Auto,
    /// The GPU even if it is a software adapter; an error where there is none.
    Gpu,
    /// The CPU always.
    Cpu,
}

/// Shell to worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Command {
    /// Choose a backend; the first message a worker gets. Answered by [`Event::Ready`] or [`Event::Lost`].
    Start {
        /// The backend asked for.
        preference: BackendPreference,
    },
    /// Fetch (or find in local storage), verify and load a model. Answered by [`Event::Loaded`] or
    /// [`Event::LoadFailed`], with [`Event::Progress`] between. Loading a loaded model answers at once.
    Load {
        /// The model to load, as named by [`crate::model::manifest`].
        model: ModelId,
    },
    /// Embed each text; loads nothing by itself, and waits for a model that is being loaded.
    Embed {
        /// Answered under this id.
        job: JobId,
        /// At least one text; each is truncated to the model's 256 tokens.
        texts: Vec<String>,
    },
    /// Go on with a text or answer messages; loads nothing by itself, and waits for a model that is being loaded. Between [`Event::Reading`] and [`Event::Token`]
    /// reports, jobs that embed are served first.
    Generate {
        /// Answered under this id.
        job: JobId,
        /// A loaded model whose task is [`crate::model::Task::Generate`].
        model: ModelId,
        /// What is asked.
        request: Request,
    },
    /// End a job that has not been answered. One that embeds is then answered by [`Event::JobFailed`] with code
    /// `stopped`, one that generates by [`Event::Generated`] with what there is; either by its result if that was
    /// already on the way.
    Cancel {
        /// The job to end.
        job: JobId,
    },
    /// Stop loading a model; what was downloaded stays, and a later [`Command::Load`] goes on from there. Answered by
    /// [`Event::LoadFailed`] with code `stopped`.
    Pause {
        /// The model.
        model: ModelId,
    },
    /// Take a model out of memory; its files stay.
    Unload {
        /// The model.
        model: ModelId,
    },
    /// Take a model out of memory and delete its files from local storage.
    Evict {
        /// The model to delete.
        model: ModelId,
    },
    /// Tell what is stored and in memory. Answered by [`Event::Own`] and [`Event::Surveyed`], which also follow every
    /// change of it.
    Survey,
    /// Measure for about two seconds how fast this machine's CPU computes. Answered by [`Event::Probed`].
    Probe,
}

/// A model on this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The model.
    pub model: ModelId,
    /// Bytes in local storage.
    pub stored_bytes: u64,
    /// Whether all of it is there.
    pub is_complete: bool,
    /// Bytes in memory; none when it is not loaded.
    pub loaded_bytes: Option<u64>,
}

/// What a load is busy with; each phase is reported and timed separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoadPhase {
    /// Bytes come from the realm into local storage.
    Download,
    /// SHA-256 over the stored bytes.
    Verify,
    /// Tensors go to the device.
    Upload,
    /// A first pass compiles the kernels.
    WarmUp,
}

/// Milliseconds spent in each phase of a load; a phase that was not needed is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadTimes {
    /// Fetching what local storage lacked.
    pub download_ms: f64,
    /// Hashing.
    pub verify_ms: f64,
    /// Creating the tensors.
    pub upload_ms: f64,
    /// The first pass.
    pub warm_up_ms: f64,
}

/// Worker to shell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// A backend was chosen.
    Ready {
        /// The backend in use.
        backend: Backend,
        /// The adapter's name, as far as the browser tells it; none on the CPU.
        adapter: Option<String>,
        /// Why this backend, in one sentence for a person.
        reason: String,
    },
    /// A load goes on.
    Progress {
        /// The model being loaded.
        model: ModelId,
        /// What it is busy with.
        phase: LoadPhase,
        /// Bytes done in this phase, those found in local storage included.
        done_bytes: u64,
        /// Bytes in this phase altogether.
        total_bytes: u64,
        /// Recent speed; none until there is something to measure.
        bytes_per_s: Option<f64>,
        /// Time left in this phase at that speed.
        seconds_left: Option<f64>,
    },
    /// A model answers from now on.
    Loaded {
        /// The model that was loaded.
        model: ModelId,
        /// Time by phase.
        times: LoadTimes,
        /// Whether its files were kept for the next visit.
        stored: bool,
    },
    /// A load ended without a model.
    LoadFailed {
        /// The model that was to be loaded.
        model: ModelId,
        /// What was wrong and what to do.
        problem: Problem,
    },
    /// The answer to [`Command::Embed`].
    Embedded {
        /// The job.
        job: JobId,
        /// One unit vector a text, in order; each has the model's dimension (384 for MiniLM).
        vectors: Vec<Vec<f32>>,
        /// Time in the worker.
        elapsed_ms: f64,
        /// The backend that computed it.
        backend: Backend,
    },
    /// A job that generates reads its prompt.
    Reading {
        /// The job.
        job: JobId,
        /// Tokens read so far, those remembered from before included.
        done: u32,
        /// Tokens of the prompt.
        total: u32,
    },
    /// A job that generates has made a token more.
    Token {
        /// The job.
        job: JobId,
        /// Characters that are complete with it; may be empty.
        text: String,
    },
    /// The answer to [`Command::Generate`].
    Generated {
        /// The job.
        job: JobId,
        /// Characters that were held back, and what the answer came to.
        answer: Answer,
    },
    /// A job that imports a person's own file goes on.
    Importing {
        /// The job.
        job: JobId,
        /// [`LoadPhase::Verify`] while it is hashed, then [`LoadPhase::Download`] while it is copied.
        phase: LoadPhase,
        /// Bytes done in this phase.
        done_bytes: u64,
        /// Bytes of the file.
        total_bytes: u64,
    },
    /// A person's own file is a model from now on.
    Imported {
        /// The job.
        job: JobId,
        /// What it is.
        model: Model,
        /// Whether it is there at the next visit; if not, it is as long as this worker lives.
        stored: bool,
    },
    /// Every model that a person has imported.
    Own {
        /// The oldest first.
        models: Vec<Model>,
    },
    /// The answer to [`Command::Survey`].
    Surveyed {
        /// Every model of which something is stored or in memory.
        models: Vec<Presence>,
        /// Bytes that this origin uses, as the browser tells it.
        used_bytes: Option<u64>,
        /// Bytes that it may use.
        quota_bytes: Option<u64>,
    },
    /// The answer to [`Command::Probe`].
    Probed {
        /// Where it was measured.
        backend: Backend,
        /// Bytes of quantised weights that are multiplied with a vector in a second: what bounds tokens a second.
        bytes_per_s: f64,
    },
    /// A model waits for another tab that holds the engine's memory; [`Event::Progress`] follows once it is free.
    Waiting {
        /// The model that is to be loaded.
        model: ModelId,
    },
    /// A job ended without a result.
    JobFailed {
        /// The job.
        job: JobId,
        /// What was wrong and what to do.
        problem: Problem,
    },
    /// The device is gone or never came; the worker is of no more use and the shell starts another.
    Lost {
        /// What was wrong and what to do.
        problem: Problem,
    },
}
