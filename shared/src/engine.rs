//! Messages between the shell and the inference worker.
//!
//! They cross `postMessage`, so both sides are plain data. A job is answered by exactly one of
//! [`Event::Embedded`] or [`Event::JobFailed`]; everything else is a report that may come at any time.

use serde::{Deserialize, Serialize};

use crate::{model::ModelId, problem::Problem};

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
    /// Embed each text; loads nothing by itself.
    Embed {
        /// Answered under this id.
        job: JobId,
        /// At least one text; each is truncated to the model's 256 tokens.
        texts: Vec<String>,
    },
    /// Forget a job that has not been answered; it is then answered by [`Event::JobFailed`] with code
    /// `stopped`, or by its result if that was already on the way.
    Cancel {
        /// The job to forget.
        job: JobId,
    },
    /// Delete a model's files from local storage.
    Evict {
        /// The model to delete.
        model: ModelId,
    },
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
