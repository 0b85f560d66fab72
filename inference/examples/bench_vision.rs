//! `cargo run --release -p mtor-inference --example bench_vision -- [runs]`: error rates and times of reading, naming and
//! finding on the pictures of the shared folder, one thread, as JSON lines `{"bench","variant","median","p95","unit","n"}`.

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
    classifier,
    image::{Background, Picture, decode},
    models::nanodet::LEAST_SURE,
    models_folder, text_reader, thing_finder,
};
use mtor_shared::{problem::Problem, seen::writing};
use serde_json::json;

fn main() -> ExitCode {
    let runs = std::env::args().nth(1).and_then(|runs| runs.parse().ok()).unwrap_or(5).max(1);
    match bench(runs) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("{}", json!({"error": problem.to_string()}));
            ExitCode::FAILURE
        }
    }
}

fn bench(runs: usize) -> Result<(), Problem> {
    let folder = models_folder();
    let mut reader = pollster::block_on(text_reader(&folder))?;
    let (mut characters, mut edits) = (0, 0);
    for path in files("ocr") {
        let picture = open(&path, Background::Contrast)?;
        let mut text = String::new();
        let times = timed(runs, || {
            text = writing(&reader.read(&picture)?);
            Ok(())
        })?;
        let name = name(&path);
        report(&format!("ocr-{name}"), times);
        if let Some(known) = known(&name) {
            let (got, want) = (words(&text), words(&known));
            characters += want.chars().count();
            edits += distance(&got, &want);
        }
    }
    if characters > 0 {
        let rate = 100.0 * edits as f64 / characters as f64;
        println!(
            "{}",
            json!({"bench": "vision", "variant": "ocr-character-errors", "median": rate, "p95": rate, "unit": "%", "n": characters})
        );
    }
    let photos = files("photos");
    if let Some(path) = photos.first() {
        let picture = open(path, Background::White)?;
        let mut classifier = pollster::block_on(classifier(&folder))?;
        report("mobilenet-v2", timed(4 * runs, || classifier.classify(&picture, 5).map(drop))?);
        let mut finder = pollster::block_on(thing_finder(&folder))?;
        report("nanodet-g", timed(4 * runs, || finder.find(&picture, LEAST_SURE).map(drop))?);
    }
    Ok(())
}

fn timed(runs: usize, mut run: impl FnMut() -> Result<(), Problem>) -> Result<Vec<f64>, Problem> {
    run()?;
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let began = Instant::now();
        run()?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

fn report(variant: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times.get(((times.len() as f64 * part) as usize).min(times.len() - 1)).copied();
    println!(
        "{}",
        json!({
            "bench": "vision", "variant": format!("native-{variant}"),
            "median": at(0.5), "p95": at(0.95), "unit": "ms", "n": times.len(),
        })
    );
}

fn media() -> PathBuf {
    std::env::var_os("MTOR_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from)
        .join("media")
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(media().join(folder))
        .map(|entries| entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
        .unwrap_or_default();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn open(path: &Path, background: Background) -> Result<Picture, Problem> {
    decode(&std::fs::read(path).unwrap_or_default(), background)
}

/// What a picture says, as the list of the shared folder has it; none where the list holds only a part.
fn known(name: &str) -> Option<String> {
    let list = std::fs::read_to_string(media().join("MANIFEST.tsv")).ok()?;
    let label =
        list.lines().find_map(|line| line.strip_prefix(&format!("ocr/{name}\t"))?.split('\t').next())?;
    // Remarks stand in brackets behind the text, lines are parted by a stroke.
    let text = label.split(" (").next()?.replace(" / ", "\n");
    (!text.contains("...")).then_some(text)
}

/// The text with every gap one space.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Edits from one text to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let edit = (corner + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], edit);
        }
    }
    row[b.len()]
}
