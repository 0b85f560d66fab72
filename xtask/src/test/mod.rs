//! `cargo xtask test`: every test of every kind, and one line at the end that sums them up.

mod cargo_output;
mod playwright_report;

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::context::Context;
use crate::{bench, build, models, process, setup};

/// A kind of test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Suite {
    /// `cargo test`.
    Rust,
    /// Playwright against a running realm.
    Browser,
}

/// What became of a suite's tests.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
    /// Name and reason of each test that did not run.
    skipped: Vec<String>,
    /// Names of failed tests, where the suite tells them.
    failures: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
        self.failures.extend(other.failures);
    }

    /// A suite that ended badly without naming a failed test (it did not compile, it crashed) counts as one.
    fn count_crash(&mut self, succeeded: bool, suite: &str) {
        if !succeeded && self.failed == 0 {
            self.failed = 1;
            self.failures
                .push(format!("{suite} ended without saying which test failed; see its output above"));
        }
    }
}

/// Sets up, builds, tests; unsuccessful when anything failed.
pub(crate) fn run(context: &mut Context, filter: Option<&str>, only: Option<Suite>) -> Result<ExitCode> {
    let wants = |suite: Suite| only.is_none_or(|only| only == suite);
    setup::ensure(context, if wants(Suite::Browser) { setup::TEST } else { setup::RUN })?;
    models::fetch(context, &[])?;
    // The realm's own tests serve the built shell, so it comes first.
    build::all(context)?;

    let mut tally = Tally::default();
    if wants(Suite::Rust) {
        for (name, mut command) in rust_suites(context, filter) {
            tally.add(rust(&name, &mut command)?);
        }
    }
    if wants(Suite::Browser) {
        if !wants(Suite::Rust) {
            build_upstream(context)?;
        }
        tally.add(browser(context, filter)?);
    }
    report(&tally);
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(tally: &Tally) {
    if !tally.skipped.is_empty() {
        println!("\nskipped:");
        tally.skipped.iter().for_each(|line| println!("  {line}"));
    }
    if !tally.failures.is_empty() {
        println!("\nfailed:");
        tally.failures.iter().for_each(|line| println!("  {line}"));
    }
    println!("\n{} passed, {} failed", tally.passed, tally.failed);
}

/// The inference crate is tested apart, on the CPU: its default features would compile wgpu natively for no test.
const INFERENCE: &str = "mtor-inference";

fn rust_suites(context: &Context, filter: Option<&str>) -> Vec<(String, Command)> {
    let finish = |mut command: Command| {
        bench::with_surroundings(context, &mut command);
        // A person may set it to always; the output is read by us.
        command.env("CARGO_TERM_COLOR", "never").args(filter);
        command
    };
    let mut suites = Vec::new();
    let mut rest = context.cargo();
    rest.args(["test", "--release", "--no-fail-fast", "--workspace", "--exclude", INFERENCE]);
    suites.push(("cargo test".to_owned(), finish(rest)));
    let mut inference = context.cargo();
    inference.args(["test", "--release", "--no-fail-fast", "--package", INFERENCE, "--no-default-features"]);
    suites.push((format!("cargo test of {INFERENCE}"), finish(inference)));
    suites
}

fn rust(name: &str, command: &mut Command) -> Result<Tally> {
    println!("\ntest: {name}");
    let mut reader = cargo_output::Reader::default();
    let status = process::tee(command, |line| reader.line(line))?;
    let mut tally = reader.finish();
    tally.count_crash(status.success(), name);
    Ok(tally)
}

/// The stand-in for the services of the world is an example of the realm's crate; `cargo test` builds it too.
fn build_upstream(context: &Context) -> Result<()> {
    process::run(context.cargo().args(["build", "--release", "--package", "mtor", "--example", "upstream"]))
}

fn browser(context: &Context, filter: Option<&str>) -> Result<Tally> {
    println!("\ntest: Playwright");
    let folder = context.root.join("e2e");
    let report = context.target.join("playwright.json");
    if report.exists() {
        fs::remove_file(&report)?;
    }
    let mut command = context.node_script("npx");
    command
        .current_dir(&folder)
        .args(["playwright", "test", "--reporter=list,json"])
        .env("PLAYWRIGHT_JSON_OUTPUT_NAME", &report)
        .env("PLAYWRIGHT_JSON_OUTPUT_FILE", &report);
    if let Some(filter) = filter {
        command.args(["--grep", filter, "--pass-with-no-tests"]);
    }
    let status = process::status(bench::with_surroundings(context, &mut command))?;
    let mut tally = match fs::read_to_string(&report) {
        Ok(text) => playwright_report::read(&text)
            .with_context(|| format!("{} is not what Playwright usually writes", report.display()))?,
        Err(_) if !status.success() => Tally::default(),
        Err(error) => bail!("Playwright wrote no report to {}: {error}", report.display()),
    };
    tally.count_crash(status.success(), "Playwright");
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_that_does_not_compile_counts_as_one_failure() {
        let mut tally = Tally { passed: 3, ..Tally::default() };
        tally.count_crash(false, "cargo test");
        assert_eq!((tally.passed, tally.failed), (3, 1));
        let mut named = Tally { failed: 2, ..Tally::default() };
        named.count_crash(false, "cargo test");
        assert_eq!(named.failed, 2);
        let mut fine = Tally::default();
        fine.count_crash(true, "cargo test");
        assert_eq!(fine.failed, 0);
    }
}
