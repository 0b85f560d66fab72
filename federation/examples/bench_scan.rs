//! `cargo xtask bench scan`: how long descriptions take to become catalogues, and how much memory, on the published
//! ones in `MTOR_SHARED/apis`.
//!
//! Everything on one core, from the text in memory to the catalogue's JSON, which is written and thrown away. Times are
//! of computing, not of waiting.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program for developers, which reads files and a clock, and measures memory in a process of its own"
)]

use std::{
    collections::BTreeMap,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use mtor_federation::{CompileError, Compiled, Input, visit};
use serde_json::json;

/// How often everything is compiled.
const RUNS: usize = 5;
/// How many of the slowest are named, and of how many of the largest memory is measured.
const NAMED: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    if let (Some("--memory"), Some(file)) = (arguments.next().as_deref(), arguments.next()) {
        return memory_of(&file);
    }
    let Some(shared) = std::env::var_os("MTOR_SHARED") else {
        println!("skipped: MTOR_SHARED names no folder with apis in it");
        return Ok(());
    };
    let mut paths = Vec::new();
    collect(&Path::new(&shared).join("apis"), &mut paths);
    paths.sort();
    let files: Vec<(PathBuf, String)> = paths
        .into_iter()
        .filter_map(|path| fs::read_to_string(&path).ok().map(|text| (path, text)))
        .collect();
    if files.is_empty() {
        println!("skipped: there are no descriptions under {}", Path::new(&shared).display());
        return Ok(());
    }
    let mut report = Report::default();
    for run in 0..RUNS {
        for (number, (_, text)) in files.iter().enumerate() {
            let clock = Clock::start();
            let result = compile(text);
            let seconds = clock.seconds();
            report.add(run, number, text, seconds, result);
        }
    }
    report.print(&files)
}

/// The time that this thread computes, so that whatever else the machine does counts little; where the kernel does not
/// tell it, the time that passes.
struct Clock {
    computed: Option<u64>,
    began: Instant,
}

impl Clock {
    fn start() -> Self {
        Self { computed: computed(), began: Instant::now() }
    }

    fn seconds(&self) -> f64 {
        match (self.computed, computed()) {
            (Some(before), Some(after)) => (after - before) as f64 / 1e9,
            _ => self.began.elapsed().as_secs_f64(),
        }
    }
}

/// Nanoseconds that this thread has computed.
fn computed() -> Option<u64> {
    fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

/// The size of the catalogue, what is in it, and what is not.
fn compile(text: &str) -> Result<(usize, usize, Compiled), CompileError> {
    let others = BTreeMap::new();
    let input = Input {
        source_id: "bench",
        document: text,
        overlay: None,
        base: Some("http://localhost/"),
        location: Some("file:///bench/description"),
        others: &others,
    };
    let (mut operations, mut bytes) = (0, 0);
    let compiled = visit(&input, &mut |found| {
        operations += 1;
        bytes += found.input.json_len() + found.output.json_len();
        // Into nothing there is nothing that can fail.
        let _ = serde_json::to_writer(io::sink(), &found.input);
        let _ = serde_json::to_writer(io::sink(), &found.output);
    })?;
    Ok((bytes, operations, compiled))
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if path.is_dir() {
            collect(&path, found);
        } else if ["json", "yaml", "yml", "graphql", "graphqls", "gql"].contains(&extension) {
            found.push(path);
        }
    }
}

#[derive(Default)]
struct Format {
    files: usize,
    operations: usize,
    bytes: usize,
    seconds: Vec<f64>,
}

#[derive(Default)]
struct Report {
    formats: BTreeMap<String, Format>,
    /// By file, in the order of the runs; of those that were taken.
    seconds: BTreeMap<usize, Vec<f64>>,
    growth: Vec<f64>,
    skipped: BTreeMap<String, usize>,
    other: usize,
    refused: usize,
}

impl Report {
    fn add(
        &mut self,
        run: usize,
        number: usize,
        text: &str,
        seconds: f64,
        result: Result<(usize, usize, Compiled), CompileError>,
    ) {
        let first = run == 0;
        match result {
            Ok((bytes, operations, compiled)) => {
                self.seconds.entry(number).or_default().push(seconds);
                let written = if text.trim_start().starts_with('{') { "JSON" } else { "YAML" };
                let name = match compiled.format.as_str() {
                    "graphql" => compiled.format.clone(),
                    format => format!("{format} in {written}"),
                };
                for name in [name, "all".to_owned()] {
                    let format = self.formats.entry(name).or_default();
                    format.seconds.resize(RUNS, 0.0);
                    format.seconds[run] += seconds;
                    if first {
                        format.files += 1;
                        format.operations += operations;
                        format.bytes += text.len();
                    }
                }
                if first {
                    self.growth.push(bytes as f64 / text.len() as f64);
                    for skipped in compiled.skipped {
                        *self.skipped.entry(class(&skipped.reason)).or_default() += 1;
                    }
                }
            }
            Err(CompileError::Format(_)) => self.other += usize::from(first),
            Err(_) => self.refused += usize::from(first),
        }
    }

    fn print(mut self, files: &[(PathBuf, String)]) -> Result<(), Box<dyn Error>> {
        for (name, format) in &mut self.formats {
            let megabytes = format.bytes as f64 / 1e6;
            let rates: Vec<f64> = format.seconds.iter().map(|seconds| seconds / megabytes).collect();
            line(&format!("{name}: time"), rates, "s/MB");
            line(&format!("{name}: accepted"), vec![format.files as f64], "files");
            line(&format!("{name}: compiled"), vec![format.operations as f64], "operations");
        }
        line("cannot be read", vec![self.refused as f64], "files");
        line("of other formats", vec![self.other as f64], "files");
        for (reason, count) in &self.skipped {
            line(&format!("skipped: {reason}"), vec![*count as f64], "operations");
        }
        line("schemas over source", self.growth, "x");
        let mut slowest: Vec<(f64, usize)> =
            self.seconds.iter().map(|(number, seconds)| (median(seconds), *number)).collect();
        slowest.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (_, number) in slowest.iter().take(NAMED) {
            let Some((path, text)) = files.get(*number) else { continue };
            let milliseconds = self.seconds[number].iter().map(|seconds| seconds * 1e3).collect();
            line(&format!("slow: {} ({:.1} MB)", short(path), text.len() as f64 / 1e6), milliseconds, "ms");
        }
        let mut largest: Vec<usize> = self.seconds.keys().copied().collect();
        largest.sort_by_key(|number| std::cmp::Reverse(files[*number].1.len()));
        for number in largest.into_iter().take(NAMED) {
            let (path, text) = &files[number];
            let measured = Command::new(std::env::current_exe()?).arg("--memory").arg(path).output()?;
            let bytes: f64 = String::from_utf8(measured.stdout)?.trim().parse()?;
            let name = format!("memory: {} ({:.1} MB)", short(path), text.len() as f64 / 1e6);
            line(&name, vec![bytes / text.len() as f64], "x");
        }
        Ok(())
    }
}

fn short(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts[parts.len().saturating_sub(3)..].join("/")
}

/// A reason without what is particular to one description.
fn class(reason: &str) -> String {
    let mut out = String::new();
    for (number, part) in reason.split('`').enumerate() {
        out.push_str(if number % 2 == 0 { part } else { "…" });
    }
    match out.strip_prefix("the body is only taken as ") {
        Some(_) => "the body is only taken as another media type".to_owned(),
        None => out,
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn line(variant: &str, mut values: Vec<f64>, unit: &str) {
    values.sort_by(f64::total_cmp);
    let p95 = values.get((values.len() * 95 / 100).min(values.len().saturating_sub(1))).copied();
    let (median, n) = (median(&values), values.len());
    println!(
        "{}",
        json!({"bench": "scan", "variant": variant, "median": median, "p95": p95, "unit": unit, "n": n})
    );
}

/// Prints by how many bytes this process grew while it read and compiled a file: the kernel's own figure.
fn memory_of(file: &str) -> Result<(), Box<dyn Error>> {
    let kilobytes = |name: &str| -> Result<usize, Box<dyn Error>> {
        let status = fs::read_to_string("/proc/self/status")?;
        let line = status.lines().find(|line| line.starts_with(name)).ok_or("the kernel does not say")?;
        Ok(line.split_whitespace().nth(1).ok_or("the kernel does not say")?.parse()?)
    };
    let before = kilobytes("VmRSS")?;
    let text = fs::read_to_string(file)?;
    let _ = compile(&text);
    println!("{}", (kilobytes("VmHWM")? - before) * 1024);
    Ok(())
}
