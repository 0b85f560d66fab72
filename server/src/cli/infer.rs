//! `mtor infer`

mod classify;
mod detect;
mod detect_speech;
mod generate;
mod ocr;
mod pictures;
mod speak;
mod transcribe;

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    time::Instant,
};

use clap::{Subcommand, ValueEnum};
use mtor_inference::Embedder;
use mtor_shared::engine::{Backend, BackendPreference};
use serde_json::json;

use super::{Mistake, print_line};
use crate::config::{Config, Flags};

#[derive(Subcommand)]
pub(super) enum Task {
    /// Turn each line of text into a unit vector, one JSON object a line
    Embed {
        /// Where to compute
        #[arg(long, value_enum, default_value_t = On::Auto)]
        backend: On,
        /// Folder of model weights [default: MTOR_MODELS, or mtor/models in the cache folder]
        #[arg(long, value_name = "DIR")]
        models: Option<PathBuf>,
        /// Files to read lines from; standard input without any
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Go on with a text or answer a message; one JSON object a token, then one for the whole
    Generate(generate::Arguments),
    /// Write down what is said in sound files; one JSON object a piece, then one for each file
    Transcribe(transcribe::Arguments),
    /// Say where somebody speaks in sound files; one JSON object a stretch, then one for each file
    DetectSpeech(detect_speech::Arguments),
    /// Read a text aloud into a WAV file; one JSON object a sentence, then one for the whole
    Speak(speak::Arguments),
    /// Read the writing in pictures; one JSON object a file
    Ocr(ocr::Arguments),
    /// Name what pictures show; one JSON object a file
    Classify(classify::Arguments),
    /// Find things in pictures; one JSON object a file
    Detect(detect::Arguments),
}

/// Where to compute.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum On {
    /// The GPU where there is a real one
    Auto,
    /// The CPU
    Cpu,
    /// The GPU, or an error
    Gpu,
}

impl On {
    fn preference(self) -> BackendPreference {
        match self {
            Self::Auto => BackendPreference::Auto,
            Self::Cpu => BackendPreference::Cpu,
            Self::Gpu => BackendPreference::Gpu,
        }
    }
}

/// The folder that was named, or the realm's.
fn models_or_default(models: Option<PathBuf>) -> Result<PathBuf, Mistake> {
    match models {
        Some(models) => Ok(models),
        None => Ok(Config::load(&Flags::default(), super::environment())?.realm.models),
    }
}

/// For models that run on the CPU alone.
fn on_cpu(backend: On) -> Result<(), Mistake> {
    match backend {
        On::Auto | On::Cpu => Ok(()),
        On::Gpu => Err(Mistake("This model runs on the CPU; leave --backend out, or say cpu.".to_owned())),
    }
}

pub(super) fn run(task: Task) -> Result<(), Mistake> {
    match task {
        Task::Embed { backend, models, files } => embed(backend, models, files),
        Task::Generate(arguments) => generate::run(arguments),
        Task::Transcribe(arguments) => transcribe::run(arguments),
        Task::DetectSpeech(arguments) => detect_speech::run(arguments),
        Task::Speak(arguments) => speak::run(arguments),
        Task::Ocr(arguments) => ocr::run(arguments),
        Task::Classify(arguments) => classify::run(arguments),
        Task::Detect(arguments) => detect::run(arguments),
    }
}

fn embed(backend: On, models: Option<PathBuf>, files: Vec<PathBuf>) -> Result<(), Mistake> {
    let models = models_or_default(models)?;
    let preference = backend.preference();
    let mut readers: Vec<(String, Box<dyn BufRead>)> = Vec::new();
    for file in files {
        let shown = file.display().to_string();
        let opened = std::fs::File::open(&file)
            .map_err(|error| Mistake(format!("{shown} cannot be read: {error}")))?;
        readers.push((shown, Box::new(BufReader::new(opened))));
    }
    if readers.is_empty() {
        readers.push(("standard input".to_owned(), Box::new(std::io::stdin().lock())));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut embedder = runtime.block_on(Embedder::load(&models, preference))?;
    let backend = match embedder.choice().backend() {
        Backend::Gpu => "gpu",
        Backend::Cpu => "cpu",
    };
    for (name, reader) in readers {
        for line in reader.lines() {
            let text = line.map_err(|error| Mistake(format!("{name} cannot be read: {error}")))?;
            let began = Instant::now();
            let vectors = runtime.block_on(embedder.embed(&[&text]))?;
            let elapsed_ms = began.elapsed().as_secs_f64() * 1e3;
            let vector = vectors.into_iter().next();
            print_line(
                &json!({"text": text, "vector": vector, "elapsed_ms": elapsed_ms, "backend": backend}),
            )?;
        }
    }
    Ok(())
}
