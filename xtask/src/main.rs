//! The developer's verbs, the same that CI calls. Each is a file; `setup` gets what the others need.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command line program that prints, and reads its environment in few places"
)]

mod bench;
mod bindgen;
mod build;
mod check;
mod context;
mod dist;
mod engine;
mod hash;
mod models;
mod process;
mod run;
mod scratch;
mod setup;
mod shell;
mod split;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use context::Context;

/// Everything that a developer of MTOR does, from a fresh machine on.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Installs everything that the other verbs need; says what it does.
    Setup {
        /// Only these parts; everything when none is given.
        #[arg(value_enum)]
        parts: Vec<setup::Need>,
    },
    /// Fetches model weights and checks them against their hashes.
    Models {
        /// Names as in shared/models.json; all of them when none is given.
        ids: Vec<String>,
    },
    /// Builds the inference worker, the shell and the realm.
    Build,
    /// Builds what changed and serves it on http://127.0.0.1:9000.
    Run {
        /// Passed on to `mtor serve`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Runs every test, those in a browser included.
    Test {
        /// Only tests whose name contains this.
        #[arg(long)]
        filter: Option<String>,
        /// Only one kind of test.
        #[arg(long, value_enum)]
        only: Option<test::Suite>,
    },
    /// Formatting, lints, architecture, licences, documentation.
    Check,
    /// Runs a benchmark and prints JSON lines.
    Bench {
        /// Which one; an unknown name lists them.
        name: String,
    },
    /// Builds the inference worker only; trunk calls it before it builds the shell.
    #[command(hide = true)]
    Engine,
    /// Finishes what trunk built: external scripts, hashed names, compressed copies; trunk calls it afterwards.
    #[command(hide = true)]
    Dist,
}

fn main() -> ExitCode {
    match work(Arguments::parse().verb) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  because {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn work(verb: Verb) -> Result<ExitCode> {
    let mut context = Context::new()?;
    match verb {
        Verb::Setup { parts } => setup::parts(&mut context, &parts)?,
        Verb::Models { ids } => models::fetch(&context, &ids)?,
        Verb::Build => {
            setup::ensure(&mut context, setup::RUN)?;
            build::all(&context)?;
        }
        Verb::Run { arguments } => return run::run(&mut context, &arguments),
        Verb::Test { filter, only } => return test::run(&mut context, filter.as_deref(), only),
        Verb::Check => return check::run(&mut context),
        Verb::Bench { name } => bench::run(&mut context, &name)?,
        Verb::Engine => {
            setup::require_toolchain(&mut context)?;
            engine::build(&context)?;
        }
        Verb::Dist => dist::finish_from_hook(&context)?,
    }
    Ok(ExitCode::SUCCESS)
}
