//! `cargo run --release -p mtor-inference --no-default-features --example bench_generate -- [model] [prompt tokens] [answer
//! tokens] [rounds]`: how fast a language model reads and writes on one CPU thread, as JSON lines
//! `{"bench","variant","median","p95","unit","n"}`.

#![allow(clippy::print_stdout, reason = "the lines are what a benchmark is for")]

use std::{process::ExitCode, time::Instant};

use mtor_inference::{
    clock,
    generate::{Step, TextModel},
    models_folder, text_model,
};
use mtor_shared::{
    engine::BackendPreference,
    generation::{Prompt, Request, Sampling, Usage},
    model::CHAT,
    problem::Problem,
};

/// What the prompt is cut from.
const TEXT: &str = "The realm keeps a catalogue of capabilities. Each capability says what it takes and what it gives, \
    how long it usually needs, what it costs and where the data goes. ";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().unwrap_or_else(|| CHAT.into());
    let mut number =
        |otherwise: usize| arguments.next().and_then(|n| n.parse().ok()).unwrap_or(otherwise).max(1);
    let (prompt, answer, rounds) = (number(128), number(32), number(5));
    match pollster::block_on(bench(&model, prompt, answer, rounds)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("{}", serde_json::json!({"error": problem.to_string()}));
            ExitCode::FAILURE
        }
    }
}

async fn bench(name: &str, prompt: usize, answer: usize, rounds: usize) -> Result<(), Problem> {
    let began = Instant::now();
    let mut model = text_model(&models_folder(), name, BackendPreference::Cpu).await?;
    let loaded = began.elapsed().as_secs_f64() * 1e3;
    let mut ids = model.text(&TEXT.repeat(prompt / 16 + 1))?;
    ids.truncate(prompt);
    let (mut reading, mut writing, mut first) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        // Another first token each time: nothing is remembered.
        ids[0] = round as u32 + 10;
        let usage = one(&mut model, &ids, answer).await?;
        reading.extend(usage.reading_per_s());
        writing.extend(usage.tokens_per_s());
        first.push(usage.first_token_ms);
    }
    line(name, "cpu/load", "ms", vec![loaded]);
    line(name, &format!("cpu/prefill/{prompt}"), "tok/s", reading);
    line(name, &format!("cpu/first-token/{prompt}"), "ms", first);
    line(name, &format!("cpu/decode/{answer}"), "tok/s", writing);
    line(name, "cpu/weights", "MB", vec![model.bytes() as f64 / 1e6]);
    if let Some(peak) = peak_mb() {
        line(name, "cpu/peak-memory", "MB", vec![peak]);
    }
    Ok(())
}

/// What one answer took.
async fn one(model: &mut TextModel, ids: &[u32], answer: usize) -> Result<Usage, Problem> {
    let request = Request {
        prompt: Prompt::Tokens { ids: ids.to_vec() },
        max_tokens: answer as u32,
        sampling: Sampling::default(),
        stop: Vec::new(),
        schema: None,
    };
    let mut running = model.begin(&request, clock)?;
    loop {
        if let Step::Ended(answer) = model.step(&mut running).await? {
            return Ok(answer.usage);
        }
    }
}

/// The most memory that this process has had, where the system tells it.
fn peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<f64>().ok().map(|kb| kb / 1e3)
}

fn line(model: &str, variant: &str, unit: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    println!(
        "{}",
        serde_json::json!({
            "bench": "generate",
            "variant": format!("{model}/{variant}"),
            "median": at(0.5),
            "p95": at(0.95),
            "unit": unit,
            "n": values.len(),
        })
    );
}
