//! Builds what is served, in the order in which one part needs the other: worker, shell, realm.

use anyhow::{Context as _, Result};

use crate::context::Context;
use crate::process;

/// Worker and shell into `dist`, then the realm that holds `dist`.
pub(crate) fn all(context: &Context) -> Result<()> {
    shell(context)?;
    process::run(context.cargo().args(["build", "--release", "--package", "mtor", "--bin", "mtor"]))
        .context("the realm does not build")
}

/// The shell in `dist`. trunk's hooks (see `Trunk.toml`) build the worker first, and compress and rename at the end.
fn shell(context: &Context) -> Result<()> {
    process::run(
        context
            .command("trunk")
            .args(["build", "--release"])
            .env("CARGO_TARGET_DIR", &context.target)
            // What it reports is progress; standard output belongs to the verb that asked for the build.
            .stdout(std::io::stderr())
            // trunk reads it as a flag and refuses the value that other tools use.
            .env_remove("NO_COLOR"),
    )
    .context("the shell does not build")
}
