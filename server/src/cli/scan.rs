//! `mtor scan`: compiles many descriptions and says what became of each, one JSON object a line.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufWriter, IsTerminal, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mtor_federation::{Compiled, Found, Skipped};
use serde::Serialize;

use super::{Mistake, describe::own_id, spec::Spec};

/// What a worker's stack has room for; descriptions may be nested, and the depth to which they are read is bounded.
const STACK_BYTES: usize = 64 * 1024 * 1024;
/// What descriptions are called.
const EXTENSIONS: [&str; 7] = ["json", "yaml", "yml", "graphql", "gql", "graphqls", "sdl"];
/// The most bytes of a catalogue's name that are taken from its description's.
const MAX_NAME: usize = 200;
/// Levels of folders that are gone into.
const MAX_FOLDERS: usize = 64;

/// Exit codes: 0 when every file became capabilities, 1 when one or more did not, 2 when nothing could be done.
#[derive(Args)]
pub(super) struct Arguments {
    /// How many files are compiled at the same time [default: one a processor]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Write the catalogue into this folder: for each file one of JSON lines, an operation each
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Descriptions, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// One file to compile.
struct Job {
    path: PathBuf,
    /// The folder that was named, from which it may refer to others.
    root: Option<PathBuf>,
}

/// What became of a file.
#[derive(Default, Serialize)]
struct Report {
    file: String,
    format: String,
    bytes: usize,
    /// How many operations it describes.
    operations: usize,
    /// How many of them can be called.
    capabilities: usize,
    skipped: Vec<Skipped>,
    /// Webhooks and callbacks.
    incoming: Vec<Skipped>,
    warnings: Vec<String>,
    /// Bytes of all schemas together.
    schema_bytes: usize,
    seconds: f64,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// One operation of the catalogue.
#[derive(Serialize)]
struct Entry<'a, I, O> {
    id: &'a str,
    input_schema: I,
    output_schema: O,
    operation: &'a mtor_federation::Operation,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Mistake> {
    let mut jobs = Vec::new();
    for path in &arguments.paths {
        if path.is_dir() {
            let first = jobs.len();
            collect(path, path, 0, &mut jobs);
            jobs[first..].sort_by(|a, b| a.path.cmp(&b.path));
        } else if path.is_file() {
            jobs.push(Job { path: path.clone(), root: None });
        } else {
            return Err(Mistake(format!("{} is neither a file nor a folder", path.display())));
        }
    }
    if let Some(out) = &arguments.out {
        fs::create_dir_all(out)
            .map_err(|error| Mistake(format!("{} cannot be made: {error}", out.display())))?;
    }
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let workers = arguments.jobs.unwrap_or(processors).clamp(1, jobs.len().max(1));
    let progress = progress(jobs.len());
    let mut all_ok = true;
    let next = AtomicUsize::new(0);
    thread::scope(|scope| -> Result<(), Mistake> {
        let (send, receive) = mpsc::channel();
        let (jobs, next, out) = (&jobs, &next, arguments.out.as_deref());
        for _ in 0..workers {
            let send = send.clone();
            thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, move || {
                while let Some((number, job)) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    jobs.get(number).map(|job| (number, job))
                } {
                    if send.send((number, report(job, out))).is_err() {
                        return;
                    }
                }
            })?;
        }
        drop(send);
        // In the order of the files, whoever is ready first.
        let mut waiting = std::collections::BTreeMap::new();
        let mut printed = 0;
        let mut stdout = BufWriter::new(std::io::stdout().lock());
        for (number, report) in receive {
            waiting.insert(number, report);
            while let Some(report) = waiting.remove(&printed) {
                all_ok &= report.ok;
                serde_json::to_writer(&mut stdout, &report)?;
                stdout.write_all(b"\n")?;
                stdout.flush()?;
                printed += 1;
                progress.inc(1);
            }
        }
        Ok(())
    })?;
    progress.finish_and_clear();
    Ok(if all_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A bar for a person who watches; nothing for a program.
fn progress(files: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(files as u64), ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{bar:40} {pos} of {len} files, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Every file in a folder that is called like a description; links to folders are not followed.
fn collect(root: &Path, folder: &Path, depth: usize, jobs: &mut Vec<Job>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth < MAX_FOLDERS {
            collect(root, &path, depth + 1, jobs);
        } else if (kind.is_file() || kind.is_symlink() && path.is_file()) && is_description(&path) {
            jobs.push(Job { path, root: Some(root.to_owned()) });
        }
    }
}

fn is_description(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)))
}

/// Compiles a file. Nothing in it stops the others: the compiler does not panic, and if it did it would be said here.
fn report(job: &Job, out: Option<&Path>) -> Report {
    let file = job.path.display().to_string();
    let began = Instant::now();
    let mut report = catch_unwind(AssertUnwindSafe(|| compile(job, out))).unwrap_or_else(|_| Report {
        error: Some("the compiler failed; this is a fault of MTOR".to_owned()),
        ..Report::default()
    });
    report.file = file;
    report.ok = report.error.is_none();
    report.seconds = (began.elapsed().as_secs_f64() * 1e6).round() / 1e6;
    report
}

fn compile(job: &Job, out: Option<&Path>) -> Report {
    let mut report = Report::default();
    let mut catalogue = match out.map(|out| Catalogue::new(out, &job.path)).transpose() {
        Ok(catalogue) => catalogue,
        Err(error) => {
            return Report { error: Some(format!("its catalogue cannot be written: {error}")), ..report };
        }
    };
    let mut spec = match Spec::open(&job.path, job.root.as_deref()) {
        Ok(spec) => spec,
        Err(Mistake(error)) => return Report { error: Some(error), ..report },
    };
    report.bytes = spec.bytes;
    let (mut capabilities, mut schema_bytes) = (0, 0);
    let compiled = spec.compile("scan", |input| {
        (capabilities, schema_bytes) = (0, 0);
        if let Some(catalogue) = &mut catalogue {
            catalogue.restart();
        }
        mtor_federation::visit(input, &mut |found| {
            capabilities += 1;
            schema_bytes += found.input.json_len() + found.output.json_len();
            if let Some(catalogue) = &mut catalogue {
                catalogue.add(&found);
            }
        })
    });
    (report.capabilities, report.schema_bytes) = (capabilities, schema_bytes);
    match compiled {
        Ok(Compiled { format, skipped, incoming, warnings, missing, .. }) => {
            report.operations = capabilities + skipped.len();
            (report.format, report.skipped, report.incoming, report.warnings) =
                (format, skipped, incoming, warnings);
            report
                .warnings
                .extend(missing.iter().map(|address| format!("{address} is referred to and not there")));
        }
        Err(error) => report.error = Some(error.to_string()),
    }
    if let Some(Err(error)) = catalogue.map(Catalogue::finish) {
        report.error = Some(format!("its catalogue cannot be written: {error}"));
    }
    report
}

/// A name that file systems take: the end of a long one, with something that tells it from others.
fn bounded(name: &str) -> String {
    if name.len() <= MAX_NAME {
        return name.to_owned();
    }
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    let start =
        (name.len() - MAX_NAME..name.len()).find(|at| name.is_char_boundary(*at)).unwrap_or(name.len());
    format!("{:016x}+{}", hasher.finish(), &name[start..])
}

/// The file that a description's operations are written to.
struct Catalogue {
    path: PathBuf,
    out: std::io::Result<BufWriter<File>>,
}

impl Catalogue {
    /// Named like the description, with its folders in the name.
    fn new(out: &Path, description: &Path) -> std::io::Result<Self> {
        let parts: Vec<_> = description
            .components()
            .filter_map(|part| match part {
                std::path::Component::Normal(name) => Some(name.to_string_lossy()),
                _ => None,
            })
            .collect();
        let path = out.join(format!("{}.jsonl", bounded(&parts.join("+"))));
        let out = BufWriter::new(File::create(&path)?);
        Ok(Self { path, out: Ok(out) })
    }

    fn restart(&mut self) {
        self.out = File::create(&self.path).map(BufWriter::new);
    }

    fn add(&mut self, found: &Found<'_, '_>) {
        let Ok(out) = &mut self.out else { return };
        let entry = Entry {
            id: own_id(&found.operation),
            input_schema: &found.input,
            output_schema: &found.output,
            operation: &found.operation,
        };
        let written = serde_json::to_writer(&mut *out, &entry).map_err(std::io::Error::from);
        if let Err(error) = written.and_then(|()| out.write_all(b"\n")) {
            self.out = Err(error);
        }
    }

    fn finish(self) -> std::io::Result<()> {
        self.out?.flush()
    }
}
