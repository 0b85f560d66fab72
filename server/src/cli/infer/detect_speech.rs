//! `mtor infer detect-speech`

use std::{path::PathBuf, time::Instant};

use clap::Args;
use mtor_inference::{
    audio::{AudioFile, Change, SAMPLE_RATE, SegmentRules},
    models::silero::Detector,
    speech_detector,
};
use serde_json::json;

use super::{On, models_or_default, on_cpu};
use crate::cli::{Mistake, print_line};

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// Sound files: WAV, FLAC, MP3 or Ogg Vorbis
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Probability from which on it is speech
    #[arg(long, value_name = "P", default_value_t = SegmentRules::default().begin)]
    threshold: f32,
    /// Print the probability of each window of 32 ms too
    #[arg(long)]
    probabilities: bool,
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
    let begin = arguments.threshold;
    let rules = SegmentRules { begin, end: (begin - 0.15).max(0.01), ..SegmentRules::default() };
    let mut detector = Detector::new(runtime.block_on(speech_detector(&models))?, rules);
    for file in &arguments.files {
        let name = file.display().to_string();
        let began = Instant::now();
        detector.reset();
        let mut reader = AudioFile::open(file)?;
        let (mut samples, mut count, mut spoken) = (Vec::new(), 0u64, 0.0);
        let mut all = Vec::new();
        loop {
            let more = reader.read(&mut samples)?;
            count += samples.len() as u64;
            let mut segments = Vec::new();
            let mut each = |probability: f32, change: Option<Change>| {
                if arguments.probabilities {
                    all.push(probability);
                }
                if let Some(Change::Ended(segment)) = change {
                    segments.push(segment);
                }
            };
            if more {
                detector.push(&samples, &mut each);
            } else {
                detector.finish(&mut each);
            }
            samples.clear();
            for segment in segments {
                spoken += segment.end_secs() - segment.start_secs();
                print_line(&json!({
                    "file": name, "start": segment.start_secs(), "end": segment.end_secs(),
                }))?;
            }
            if !more {
                break;
            }
        }
        let mut line = json!({
            "file": name,
            "seconds": count as f64 / f64::from(SAMPLE_RATE),
            "speech_seconds": spoken,
            "elapsed_ms": began.elapsed().as_secs_f64() * 1e3,
            "backend": "cpu",
        });
        if arguments.probabilities {
            line["probabilities"] = json!(all);
        }
        print_line(&line)?;
    }
    Ok(())
}
