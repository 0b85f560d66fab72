//! `cargo run --release -p mtor-inference --example bench_embed -- [cpu|gpu] [runs]`: time to embed one text of 16, 64
//! and 256 tokens, as JSON lines `{"bench","variant","median","p95","unit","n"}`. Both backends where none is named and
//! there is a GPU.

#![allow(clippy::print_stdout, reason = "the lines are what a benchmark is for")]

use std::{process::ExitCode, time::Instant};

use mtor_inference::{Embedder, models_folder};
use mtor_shared::{
    engine::{Backend, BackendPreference},
    problem::Problem,
};

/// Runs before the ones that count.
const WARM_UP: usize = 3;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let which = arguments.next();
    let runs = arguments.next().and_then(|runs| runs.parse().ok()).unwrap_or(30).max(1);
    let done = match which.as_deref() {
        Some("cpu") => bench(BackendPreference::Cpu, runs),
        Some("gpu") => bench(BackendPreference::Gpu, runs),
        None => {
            bench(BackendPreference::Cpu, runs).and_then(|()| match bench(BackendPreference::Gpu, runs) {
                Err(problem) if problem.code == mtor_shared::problem::ProblemCode::Unsupported => Ok(()),
                other => other,
            })
        }
        Some(_) => {
            println!(
                "{}",
                serde_json::json!({"error": "The first argument is cpu or gpu, the second the number of runs."})
            );
            return ExitCode::FAILURE;
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("{}", serde_json::json!({"error": problem.to_string()}));
            ExitCode::FAILURE
        }
    }
}

fn bench(preference: BackendPreference, runs: usize) -> Result<(), Problem> {
    pollster::block_on(async {
        let mut embedder = Embedder::load(&models_folder(), preference).await?;
        let backend = match embedder.choice().backend() {
            Backend::Cpu => "cpu",
            Backend::Gpu => "gpu",
        };
        for tokens in [16, 64, 256] {
            // Two tokens are [CLS] and [SEP].
            let text = vec!["word"; tokens - 2].join(" ");
            let mut times = Vec::with_capacity(runs);
            for run in 0..runs + WARM_UP {
                let started = Instant::now();
                embedder.embed(&[&text]).await?;
                if run >= WARM_UP {
                    times.push(started.elapsed().as_secs_f64() * 1e3);
                }
            }
            times.sort_by(f64::total_cmp);
            let at =
                |part: f64| times.get(((times.len() as f64 * part) as usize).min(times.len() - 1)).copied();
            println!(
                "{}",
                serde_json::json!({
                    "bench": "embed", "variant": format!("native-{backend}-{tokens}-tokens"),
                    "median": at(0.5), "p95": at(0.95), "unit": "ms", "n": runs,
                })
            );
        }
        Ok(())
    })
}
