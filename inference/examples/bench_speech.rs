//! `cargo run --release -p mtor-inference --no-default-features --example bench_speech -- [model] [beams]`: how fast and
//! how rightly Whisper writes down the recordings in `MTOR_SHARED/media`, on one CPU thread, as JSON lines
//! `{"bench","variant","median","p95","unit","n"}`. faster-whisper's figures for the same recordings, from
//! `tests/fixtures/speech_texts.json`, stand beside them.

#![allow(clippy::print_stdout, reason = "the lines are what a benchmark is for")]
#![allow(
    clippy::disallowed_methods,
    reason = "a program of its own that is told by its environment where things are"
)]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use mtor_inference::{
    audio::{AudioFile, SAMPLE_RATE},
    models::whisper::{Options, Step, Whisper},
    models_folder, whisper,
};
use mtor_shared::{model::LISTENER, problem::Problem};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    file: String,
    model: String,
    beams: usize,
    /// What was really said; empty where nobody speaks or the words may be written in several ways.
    said: String,
    /// What faster-whisper hears, and how long it takes, in seconds on one thread.
    text: String,
    elapsed: Option<f64>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().unwrap_or_else(|| LISTENER.into());
    let beams = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let Some(shared) = std::env::var_os("MTOR_SHARED").map(PathBuf::from) else {
        println!("skipped: MTOR_SHARED names no folder with media in it");
        return ExitCode::SUCCESS;
    };
    match pollster::block_on(bench(&model, beams, &shared.join("media"))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("{}", serde_json::json!({"error": problem.to_string()}));
            ExitCode::FAILURE
        }
    }
}

async fn bench(name: &str, beams: usize, media: &Path) -> Result<(), Problem> {
    let references: Vec<Reference> =
        serde_json::from_str(include_str!("../tests/fixtures/speech_texts.json")).unwrap_or_default();
    let began = Instant::now();
    let mut model = whisper(&models_folder(), name).await?;
    let load = began.elapsed().as_secs_f64();
    for whole_window in [true, false] {
        let label = if whole_window { "" } else { "/short" };
        let (mut times, mut theirs, mut sound) = (Vec::new(), Vec::new(), 0.0);
        let (mut ours, mut wrong, mut theirs_wrong, mut words) = (0.0, 0, 0, 0);
        for reference in references.iter().filter(|known| known.model == name && known.beams == beams) {
            let samples = AudioFile::open(&media.join(&reference.file))?.read_all()?;
            sound += samples.len() as f64 / f64::from(SAMPLE_RATE);
            let options = Options { beams, whole_window, ..Options::default() };
            let began = Instant::now();
            let text = text(&mut model, options, &samples).await?;
            let elapsed = began.elapsed().as_secs_f64();
            ours += elapsed;
            times.push(1e3 * elapsed);
            theirs.extend(reference.elapsed.map(|elapsed| 1e3 * elapsed));
            if std::env::var_os("MTOR_BENCH_TEXTS").is_some() {
                println!(
                    "{} {}\n  {text}\n  {}",
                    if text == reference.text { "=" } else { "#" },
                    reference.file,
                    reference.text
                );
            }
            let said = plain(&reference.said);
            if !said.is_empty() {
                words += said.len();
                wrong += distance(&said, &plain(&text));
                theirs_wrong += distance(&said, &plain(&reference.text));
            }
        }
        let line =
            |variant: &str, unit: &str, values: Vec<f64>| line(name, beams, label, variant, unit, values);
        let rate = |wrong: usize| vec![100.0 * wrong as f64 / words.max(1) as f64];
        line("file", "ms", times);
        line("file/faster-whisper", "ms", theirs.clone());
        line("real-time-factor", "", vec![ours / sound]);
        line("real-time-factor/faster-whisper", "", vec![theirs.iter().sum::<f64>() / 1e3 / sound]);
        line("word-error-rate", "%", rate(wrong));
        line("word-error-rate/faster-whisper", "%", rate(theirs_wrong));
    }
    line(name, beams, "", "load", "ms", vec![1e3 * load]);
    Ok(())
}

async fn text(model: &mut Whisper, options: Options, samples: &[f32]) -> Result<String, Problem> {
    let mut sound = model.begin(options)?;
    sound.push(samples);
    sound.finish();
    let mut text = String::new();
    loop {
        match model.step(&mut sound).await? {
            Step::Window(pieces) => text.extend(pieces.into_iter().map(|piece| piece.text)),
            Step::Waiting | Step::Ended => return Ok(text),
        }
    }
}

/// Words without capitals and punctuation.
fn plain(text: &str) -> Vec<String> {
    let letters = |c: char| if c.is_alphanumeric() || c == '\'' { c.to_ascii_lowercase() } else { ' ' };
    text.chars().map(letters).collect::<String>().split_whitespace().map(str::to_owned).collect()
}

/// Words to change, add or take away.
fn distance(a: &[String], b: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn line(model: &str, beams: usize, label: &str, variant: &str, unit: &str, mut values: Vec<f64>) {
    if values.is_empty() {
        return;
    }
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    println!(
        "{}",
        serde_json::json!({
            "bench": "speech",
            "variant": format!("{model}/beams-{beams}{label}/cpu/{variant}"),
            "median": at(0.5),
            "p95": at(0.95),
            "unit": unit,
            "n": values.len(),
        })
    );
}
