//! The command line: one file a verb. Mistakes of the person at the keyboard end with code 2 and one message; code 1 is
//! what a verb says about its outcome.

mod describe;
#[cfg(feature = "inference")]
mod infer;
mod ledger;
mod scan;
mod serve;
mod spec;

use std::{fmt::Display, io::Write, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// One realm of MTOR.
#[derive(Parser)]
#[command(name = "mtor", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Serve the shell and the realm
    Serve(serve::Arguments),
    /// Run a model on this machine, with the same engine as in the browser
    #[cfg(feature = "inference")]
    Infer {
        #[command(subcommand)]
        task: infer::Task,
    },
    /// Check or export the realm's credits
    Ledger {
        #[command(subcommand)]
        task: ledger::Task,
    },
    /// Compile API descriptions and say what became of each, one JSON object a line
    Scan(scan::Arguments),
    /// List the operations of an API description, one JSON object a line
    Operations {
        /// The description: OpenAPI or Swagger in JSON or YAML, or a GraphQL schema
        #[arg(long, value_name = "FILE")]
        spec: PathBuf,
    },
    /// Print the request that a call would send, without sending it
    Request {
        /// The description: OpenAPI or Swagger in JSON or YAML, or a GraphQL schema
        #[arg(long, value_name = "FILE")]
        spec: PathBuf,
        /// The operation's id, as `mtor operations` lists it
        #[arg(long, value_name = "ID")]
        operation: String,
        /// The arguments, a JSON object
        #[arg(long, value_name = "JSON", default_value = "{}")]
        args: String,
    },
}

/// Something that the person at the keyboard can mend, in words for them.
struct Mistake(String);

impl<E: Display> From<E> for Mistake {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Runs the verb that the command line names.
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().verb {
        Verb::Serve(arguments) => serve::run(arguments),
        #[cfg(feature = "inference")]
        Verb::Infer { task } => infer::run(task),
        Verb::Ledger { task } => match ledger::run(task) {
            Ok(code) => return code,
            Err(mistake) => Err(mistake),
        },
        Verb::Scan(arguments) => match scan::run(arguments) {
            Ok(code) => return code,
            Err(mistake) => Err(mistake),
        },
        Verb::Operations { spec } => describe::operations(&spec),
        Verb::Request { spec, operation, args } => describe::request(&spec, &operation, &args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Mistake(message)) => {
            // With nobody to read it there is nothing left to do.
            let _ = writeln!(std::io::stderr(), "mtor: {message}");
            ExitCode::from(2)
        }
    }
}

/// Writes one JSON object a line to standard output.
fn print_line(value: &serde_json::Value) -> Result<(), Mistake> {
    writeln!(std::io::stdout(), "{value}").map_err(Mistake::from)
}

/// The environment, as far as it is text.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
}
