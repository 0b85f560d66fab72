//! `cargo xtask check`: what can be said about the sources without running them. Every step runs, so that one call shows
//! everything that is wrong.

mod architecture;

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::context::Context;
use crate::{process, setup};

/// Crates that run in a browser, checked for wasm with bans of their own.
const WASM_CRATES: &[&str] = &["mtor-app", "mtor-inference"];

/// Runs every step; unsuccessful when one found something.
pub(crate) fn run(context: &mut Context) -> Result<ExitCode> {
    setup::ensure(context, setup::CHECK)?;
    // The realm embeds this folder, and a check needs nothing in it.
    fs::create_dir_all(context.root.join("dist"))?;

    let mut failed = Vec::new();
    let mut step = |name: &'static str, result: Result<()>| {
        match result {
            Ok(()) => eprintln!("check: {name}: fine"),
            Err(error) => {
                eprintln!("check: {name}: {error:#}");
                failed.push(name);
            }
        };
    };
    step("architecture", architecture::check(context));
    step("formatting", process::run(context.cargo().args(["fmt", "--all", "--check"])));
    step("lints", process::run(&mut clippy(context, &["--lib", "--bins", "--examples"])));
    step("lints of tests", process::run(&mut clippy_tests(context)));
    step("lints for wasm", process::run(&mut clippy_wasm(context)));
    step("documentation", process::run(&mut documentation(context)));
    step("licences and sources", process::run(&mut deny(context, &["bans", "licenses", "sources"])));
    match advisories(context) {
        Advisories::Checked(result) => step("advisories", result),
        Advisories::Unreachable => {
            eprintln!("check: advisories: not checked, the database cannot be reached from here")
        }
    }

    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("check: not fine: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

/// Native code. What runs only in a browser is the other step's; here it would only be compiled a second time.
fn clippy(context: &Context, targets: &[&str]) -> Command {
    let mut command = context.cargo();
    command.args(["clippy", "--workspace", "--no-default-features", "--exclude", "mtor-app"]);
    command.args(targets).args(["--", "-D", "warnings"]);
    command
}

/// A failed expectation is what ends a test. clippy's own exception knows test functions, and not the helpers beside them.
fn clippy_tests(context: &Context) -> Command {
    let mut command = clippy(context, &["--tests"]);
    for lint in ["expect_used", "unwrap_used", "panic", "print_stdout", "print_stderr", "disallowed_methods"]
    {
        command.args(["-A", &format!("clippy::{lint}")]);
    }
    command
}

fn clippy_wasm(context: &Context) -> Command {
    let mut command = context.cargo();
    command.arg("clippy").args(["--target", "wasm32-unknown-unknown"]);
    for name in WASM_CRATES {
        command.args(["--package", name]);
    }
    command.args(["--", "-D", "warnings"]).env("CLIPPY_CONF_DIR", context.root.join("clippy-wasm"));
    command
}

fn documentation(context: &Context) -> Command {
    let mut command = context.cargo();
    command
        .args(["doc", "--workspace", "--no-deps", "--no-default-features", "--document-private-items"])
        .args(["--exclude", "mtor-app"])
        .env("RUSTDOCFLAGS", "-D warnings");
    command
}

fn deny(context: &Context, what: &[&str]) -> Command {
    let mut command = context.cargo();
    // The graph is the locked one: a check must not change the lock file.
    command.args(["deny", "--workspace", "--locked", "check", "--hide-inclusion-graph"]).args(what);
    command
}

enum Advisories {
    Checked(Result<()>),
    Unreachable,
}

/// Known vulnerabilities, where their database can be fetched.
fn advisories(context: &Context) -> Advisories {
    match process::output(context.cargo().args(["deny", "fetch", "db"])) {
        Ok(_) => Advisories::Checked(process::run(deny(context, &["advisories"]).arg("--disable-fetch"))),
        Err(_) => Advisories::Unreachable,
    }
}
