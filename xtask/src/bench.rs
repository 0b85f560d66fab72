//! `cargo xtask bench NAME`: measures, and prints JSON lines `{"bench","variant","median","p95","unit","n"}`.

use std::process::Command;

use anyhow::{Result, bail};
use mtor_shared::model::{CHAT, CLASSIFIER, LISTENER, TEXT_READER, THING_FINDER};

use crate::context::Context;
use crate::{build, engine, models, process, setup};

const NAMES: &[&str] = &[
    "arguments",
    "embed",
    "gateway",
    "generate",
    "ledger",
    "load",
    "memory",
    "route",
    "scan",
    "search",
    "speech",
    "tokenomics",
    "vision",
];

/// Runs the benchmark of that name.
pub(crate) fn run(context: &mut Context, name: &str) -> Result<()> {
    match name {
        "arguments" => {
            setup::ensure(context, setup::RUN)?;
            models::fetch(context, &[CHAT.to_owned()])?;
            let mut native = context.cargo();
            native.args(["run", "--release", "--package", "mtor", "--example", "bench_arguments"]);
            process::run(with_surroundings(context, &mut native))
        }
        "embed" => {
            browser(context)?;
            let mut native = context.cargo();
            native.args(["run", "--release", "--package", "mtor-inference", "--no-default-features"]);
            process::run(with_surroundings(context, native.args(["--example", "bench_embed"])))?;
            process::run(&mut in_browser(context, "embed"))
        }
        "gateway" => {
            // The realm is a process of its own, beside the benchmark that puts load on it.
            let mut realm = context.cargo();
            realm.args(["build", "--release", "--package", "mtor", "--bin", "mtor"]);
            process::run(&mut realm)?;
            let mut native = context.cargo();
            native.args(["run", "--release", "--package", "mtor", "--example", "bench_gateway"]);
            process::run(&mut native)
        }
        "generate" => {
            // The engine alone, on an origin of its own: no realm and no shell.
            setup::ensure(context, setup::TEST)?;
            models::fetch(context, &[CHAT.to_owned()])?;
            engine::build(context)?;
            let mut native = context.cargo();
            native.args(["run", "--release", "--package", "mtor-inference", "--no-default-features"]);
            process::run(with_surroundings(context, native.args(["--example", "bench_generate"])))?;
            process::run(&mut in_browser(context, "parity"))?;
            process::run(&mut in_browser(context, "generate"))
        }
        "ledger" => {
            let mut cargo = context.cargo();
            cargo.args(["run", "--release", "--package", "mtor", "--no-default-features"]);
            process::run(cargo.args(["--example", "bench_ledger"]))
        }
        "tokenomics" => {
            let mut cargo = context.cargo();
            cargo.args(["run", "--release", "--package", "mtor-shared", "--example", "bench_tokenomics"]);
            process::run(&mut cargo)
        }
        "load" => {
            browser(context)?;
            process::run(&mut in_browser(context, "load"))
        }
        "memory" => {
            setup::ensure(context, setup::TEST)?;
            models::fetch(context, &[CHAT.to_owned()])?;
            engine::build(context)?;
            process::run(&mut in_browser(context, "memory"))
        }
        "scan" => {
            let mut cargo = context.cargo();
            cargo.args(["run", "--release", "--package", "mtor-federation", "--example", "bench_scan"]);
            process::run(&mut cargo)
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
        "search" => {
            setup::ensure(context, &[setup::Need::Wasm])?;
            models::fetch(context, &[])?;
            let mut native = context.cargo();
            native.args(["run", "--release", "--package", "mtor", "--example", "bench_search"]);
            process::run(with_surroundings(context, &mut native))
        }
        "speech" => {
            setup::ensure(context, &[setup::Need::Wasm])?;
            models::fetch(context, &[LISTENER.to_owned()])?;
            for beams in ["1", "5"] {
                let mut native = context.cargo();
                native.args(["run", "--release", "--package", "mtor-inference", "--no-default-features"]);
                native.args(["--example", "bench_speech", "--", LISTENER, beams]);
                process::run(with_surroundings(context, &mut native))?;
            }
            Ok(())
        }
        "vision" => {
            setup::ensure(context, &[setup::Need::Wasm])?;
            let wanted = [TEXT_READER, CLASSIFIER, THING_FINDER];
            models::fetch(context, &wanted.map(str::to_owned))?;
            let mut native = context.cargo();
            native.args(["run", "--release", "--package", "mtor-inference", "--no-default-features"]);
            process::run(with_surroundings(context, native.args(["--example", "bench_vision"])))?;
            beside_the_reference(context)
        }
        unknown => bail!("there is no benchmark {unknown}; the known ones are {}", NAMES.join(", ")),
    }
}

/// RapidOCR and onnxruntime on the same pictures and one thread, where a Python has them: `MTOR_PYTHON`, or the one on
/// PATH.
fn beside_the_reference(context: &Context) -> Result<()> {
    let python = std::env::var("MTOR_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    if !process::succeeds(context.command(&python).args(["-c", "import cv2, onnx, rapidocr"])) {
        eprintln!(
            "bench: {python} has no rapidocr; install inference/scripts/requirements.txt into an environment and name \
             its Python in MTOR_PYTHON to measure the reference too"
        );
        return Ok(());
    }
    let mut reference = context.command(&python);
    reference.args(["inference/scripts/make_vision_references.py", "--only-times"]);
    process::run(with_surroundings(context, &mut reference))
}

/// What a benchmark in a browser needs: a realm with its shell, weights, Chromium.
fn browser(context: &mut Context) -> Result<()> {
    setup::ensure(context, setup::TEST)?;
    models::fetch(context, &[])?;
    build::all(context)
}

/// The benchmark of that name in `e2e/bench`, in the browser that the tests use.
fn in_browser(context: &Context, name: &str) -> Command {
    let mut command = context.node_script("npx");
    command
        .current_dir(context.root.join("e2e"))
        .args(["playwright", "test", "--config", "bench/playwright.config.ts"])
        .arg(format!("{name}.bench.ts"));
    with_surroundings(context, &mut command);
    command
}

/// Tells a program that drives the realm where everything is.
pub(crate) fn with_surroundings<'a>(context: &Context, command: &'a mut Command) -> &'a mut Command {
    command.env("MTOR_MODELS", context.models()).env("MTOR_SERVER", context.server());
    if let Some(browser) = setup::browser(context) {
        command.env("MTOR_CHROMIUM", browser);
    }
    command
}
