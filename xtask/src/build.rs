//! Builds what is served, in the order in which one part needs the other: worker, shell, realm.

use anyhow::{Context as _, Result};

use crate::context::Context;
use crate::{process, shell};

/// Worker and shell into `dist`, then the realm that holds `dist`.
pub(crate) fn all(context: &Context) -> Result<()> {
    shell::build(context)?;
    process::run(context.cargo().args(["build", "--release", "--package", "mtor", "--bin", "mtor"]))
        .context("the realm does not build")
}
