//! `mtor infer transcribe`

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;
use mtor_inference::{
    audio::{AudioFile, SAMPLE_RATE},
    models::whisper::{Options, Step, Transcription, Whisper},
    whisper,
};
use mtor_shared::model::LISTENER;
use serde_json::{Value, json};

use super::{On, models_or_default, on_cpu};
use crate::cli::{Mistake, print_line};

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// Sound files: WAV, FLAC, MP3 or Ogg Vorbis
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Which model
    #[arg(long, value_name = "ID", default_value = LISTENER)]
    model: String,
    /// The language's code, as de; found out without it
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// Paths that are followed at a time; 1 takes the likeliest token always
    #[arg(long, value_name = "N", default_value_t = Options::default().beams)]
    beams: usize,
    /// Names and words that the sound may be about
    #[arg(long, value_name = "TEXT")]
    hint: Option<String>,
    /// Keep the first transcript of a window, even one that is unlikely or repeats itself
    #[arg(long)]
    no_retries: bool,
    /// Read each window without the text of those before in mind
    #[arg(long)]
    no_memory: bool,
    /// Let the encoder see no more than the sound: several times as fast for short sounds, and less exact
    #[arg(long)]
    short: bool,
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
    let mut model = runtime.block_on(whisper(&models, &arguments.model))?;
    let options = Options {
        language: arguments.language,
        beams: arguments.beams.clamp(1, 16),
        retries: !arguments.no_retries,
        remembers: !arguments.no_memory,
        hint: arguments.hint,
        whole_window: !arguments.short,
    };
    for file in &arguments.files {
        let began = Instant::now();
        let summary = runtime.block_on(transcribe(&mut model, options.clone(), file))?;
        let mut line = json!({
            "file": file.display().to_string(),
            "elapsed_ms": began.elapsed().as_secs_f64() * 1e3,
            "model": arguments.model,
            "backend": "cpu",
        });
        if let (Value::Object(line), Value::Object(summary)) = (&mut line, summary) {
            line.extend(summary);
        }
        print_line(&line)?;
    }
    Ok(())
}

/// Reads a file through; prints its pieces as they come.
async fn transcribe(model: &mut Whisper, options: Options, file: &Path) -> Result<Value, Mistake> {
    let mut sound = model.begin(options)?;
    let mut reader = AudioFile::open(file)?;
    let (mut samples, mut count, mut text) = (Vec::new(), 0u64, String::new());
    while reader.read(&mut samples)? {
        count += samples.len() as u64;
        sound.push(&samples);
        samples.clear();
        pieces(model, &mut sound, file, &mut text).await?;
    }
    sound.finish();
    pieces(model, &mut sound, file, &mut text).await?;
    let language = sound.language().map(|(code, share)| json!({"code": code, "probability": share}));
    Ok(json!({
        "text": text.trim(),
        "seconds": count as f64 / f64::from(SAMPLE_RATE),
        "language": language,
    }))
}

/// Reads as many windows as there are by now.
async fn pieces(
    model: &mut Whisper,
    sound: &mut Transcription,
    file: &Path,
    text: &mut String,
) -> Result<(), Mistake> {
    while let Step::Window(pieces) = model.step(sound).await? {
        for piece in pieces {
            text.push_str(&piece.text);
            let mut line = serde_json::to_value(&piece)?;
            line["file"] = json!(file.display().to_string());
            print_line(&line)?;
        }
    }
    Ok(())
}
