//! `mtor infer speak`

use std::{path::PathBuf, time::Instant};

use clap::{ArgGroup, Args};
use mtor_inference::{audio, models::hibari::RATE, speaker};
use mtor_shared::model::SPEAKER;
use serde_json::json;

use super::{On, models_or_default, on_cpu};
use crate::cli::{Mistake, print_line};

#[derive(Args)]
#[command(group = ArgGroup::new("what").required(true).args(["text", "file", "phonemes"]))]
pub(in crate::cli) struct Arguments {
    /// What to read
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// A file with what to read
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// What to say, in misaki's phonemes
    #[arg(long, value_name = "PHONEMES")]
    phonemes: Option<String>,
    /// The WAV file to write; without it only phonemes are printed
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// 1 is the voice's own pace
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    speed: f32,
    /// The same seed gives the same sound
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Where to compute
    #[arg(long, value_enum, default_value_t = On::Auto)]
    backend: On,
    /// Folder of model weights [default: MTOR_MODELS, or mtor/models in the cache folder]
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Mistake> {
    on_cpu(arguments.backend)?;
    let models = models_or_default(arguments.models)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut model = runtime.block_on(speaker(&models))?;
    let began = Instant::now();
    let sentences = match (arguments.phonemes, arguments.text, arguments.file) {
        (Some(phonemes), ..) => vec![phonemes],
        (_, Some(text), _) => model.phonemes(&text)?,
        (_, _, Some(file)) => {
            let text = std::fs::read_to_string(&file)
                .map_err(|error| Mistake(format!("{} cannot be read: {error}", file.display())))?;
            model.phonemes(&text)?
        }
        (None, None, None) => Vec::new(),
    };
    let mut samples = Vec::new();
    for phonemes in &sentences {
        let before = Instant::now();
        if arguments.out.is_none() {
            print_line(&json!({"phonemes": phonemes}))?;
            continue;
        }
        let wave = model.speak(phonemes, arguments.speed, arguments.seed)?;
        print_line(&json!({
            "phonemes": phonemes,
            "seconds": wave.len() as f64 / f64::from(RATE),
            "elapsed_ms": before.elapsed().as_secs_f64() * 1e3,
        }))?;
        samples.extend(wave);
    }
    if let Some(out) = &arguments.out {
        std::fs::write(out, audio::wav(&samples, RATE))
            .map_err(|error| Mistake(format!("{} cannot be written: {error}", out.display())))?;
    }
    print_line(&json!({
        "out": arguments.out.map(|out| out.display().to_string()),
        "seconds": samples.len() as f64 / f64::from(RATE),
        "sentences": sentences.len(),
        "elapsed_ms": began.elapsed().as_secs_f64() * 1e3,
        "model": SPEAKER,
        "backend": "cpu",
    }))
}
