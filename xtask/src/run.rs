//! `cargo xtask run`: everything that is needed, then the realm on one address.

use std::process::ExitCode;

use anyhow::Result;

use crate::context::Context;
use crate::{build, models, setup};

const LISTEN: &str = "127.0.0.1:9000";

/// Sets up, builds what changed, and becomes the realm until it is stopped.
pub(crate) fn run(context: &mut Context, arguments: &[String]) -> Result<ExitCode> {
    setup::ensure(context, setup::RUN)?;
    models::fetch_needed(context)?;
    build::all(context)?;

    let mut server = context.command(context.server());
    server.arg("serve").env("MTOR_MODELS", context.models());
    // Ours, not the realm's, which refuses settings that it does not know.
    for name in ["MTOR_CHROMIUM", "MTOR_SERVER", "MTOR_SHARED", "MTOR_TARGET"] {
        server.env_remove(name);
    }
    let given = |option: &str| {
        arguments.iter().any(|argument| argument == option || argument.starts_with(&format!("{option}=")))
    };
    if !given("--listen") {
        server.args(["--listen", LISTEN]);
        eprintln!("MTOR is at http://{LISTEN} (Ctrl-C stops it)");
    }
    if !given("--data") {
        server.arg("--data").arg(context.root.join("data"));
    }
    server.args(arguments);
    become_program(server)
}

/// Replaces this process, so that a signal reaches the realm and its exit code is ours.
#[cfg(unix)]
fn become_program(mut command: std::process::Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    let error = command.exec();
    Err(anyhow::Error::new(error)
        .context(format!("`{}` could not be started", crate::process::describe(&command))))
}

#[cfg(not(unix))]
fn become_program(mut command: std::process::Command) -> Result<ExitCode> {
    crate::process::run(&mut command)?;
    Ok(ExitCode::SUCCESS)
}
