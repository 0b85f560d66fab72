//! `cargo xtask bench NAME`: measures, and prints JSON lines `{"bench","variant","median","p95","unit","n"}`.

use std::process::Command;

use anyhow::{Result, bail};

use crate::context::Context;
use crate::{build, models, process, setup};

const NAMES: &[&str] = &["embed", "load", "route"];

/// Runs the benchmark of that name.
pub(crate) fn run(context: &mut Context, name: &str) -> Result<()> {
    match name {
        "embed" => {
            browser(context)?;
            let mut native = context.cargo();
            native.args(["run", "--release", "--package", "mtor-inference", "--no-default-features"]);
            process::run(with_surroundings(context, native.args(["--example", "bench_embed"])))?;
            process::run(&mut script(context, "embed.mjs")?)
        }
        "load" => {
            browser(context)?;
            process::run(&mut script(context, "load.mjs")?)
        }
        "route" => {
            setup::ensure(context, &[setup::Need::Wasm])?;
            process::run(context.cargo().args([
                "run",
                "--release",
                "--package",
                "mtor",
                "--example",
                "bench_route",
            ]))
        }
        unknown => bail!("there is no benchmark {unknown}; the known ones are {}", NAMES.join(", ")),
    }
}

/// What a benchmark in a browser needs: a realm with its shell, weights, Chromium.
fn browser(context: &mut Context) -> Result<()> {
    setup::ensure(context, setup::TEST)?;
    models::fetch(context, &[])?;
    build::all(context)
}

fn script(context: &Context, file: &str) -> Result<Command> {
    let path = context.root.join("e2e").join("bench").join(file);
    if !path.exists() {
        bail!("{} is missing; it is the program of this benchmark", path.display());
    }
    let mut command = context.command("node");
    command.arg(path);
    with_surroundings(context, &mut command);
    Ok(command)
}

/// Tells a program that drives the realm where everything is.
pub(crate) fn with_surroundings<'a>(context: &Context, command: &'a mut Command) -> &'a mut Command {
    command.env("MTOR_MODELS", context.models()).env("MTOR_SERVER", context.server());
    if let Some(browser) = setup::browser(context) {
        command.env("MTOR_CHROMIUM", browser);
    }
    command
}
