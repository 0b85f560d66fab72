//! Builds the inference worker for the browser into `app/.engine`, from where it is copied into the shell.
//!
//! It is a wasm of its own because it is the only one that holds burn: a changed screen must not touch it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::bindgen;
use crate::context::Context;
use crate::hash::{Stamp, sha256, sha256_file};
use crate::process;
use crate::setup::{BINARYEN_VERSION, wasm_bindgen_version};

/// What the compiler uses and wasm-opt must accept.
const WASM_FEATURES: &[&str] = &[
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-call-indirect-overlong",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];
const LEVEL: &str = "-O1";

/// Builds it when anything that it is made of changed.
pub(crate) fn build(context: &Context) -> Result<()> {
    process::run(
        context
            .cargo()
            .args(["build", "--release", "--package", "mtor-inference", "--bin", "engine"])
            .args(["--target", "wasm32-unknown-unknown"]),
    )
    .context("the inference worker does not build")?;
    let wasm = context.target.join("wasm32-unknown-unknown/release/engine.wasm");
    let script = context.root.join("inference/worker/engine-worker.js");
    if !script.exists() {
        bail!("{} is missing; it starts the inference worker", script.display());
    }

    let out = context.root.join("app/.engine");
    let inputs = format!(
        "{} {} {} {BINARYEN_VERSION} {LEVEL} {}",
        sha256_file(&wasm)?,
        sha256_file(&script)?,
        wasm_bindgen_version(context)?,
        sha256([WASM_FEATURES, &[bindgen::RECIPE]].concat().join(" ").as_bytes())
    );
    // Beside the folder, not in it: all that is inside is published.
    let stamp = Stamp::new(context.root.join("app/.engine.stamp"), inputs);
    if stamp.is_current() && out.join("engine_bg.wasm").exists() {
        return Ok(());
    }
    stamp.clear()?;
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("{} cannot be removed", out.display()))?;
    }
    eprintln!("engine: wasm-bindgen and wasm-opt over {} MB; this takes about 1 minute", megabytes(&wasm)?);
    bindgen::generate(&wasm, "engine", &out, false)?;
    let module = out.join("engine_bg.wasm");
    optimise(context, LEVEL, &module, &context.target.join("engine-optimised.wasm"))?;
    fs::copy(&script, out.join("engine-worker.js"))?;
    eprintln!("engine: {} MB in {}", megabytes(&module)?, out.display());
    stamp.write()
}

/// Makes a module smaller, in place.
pub(crate) fn optimise(context: &Context, level: &str, module: &Path, smaller: &Path) -> Result<()> {
    process::run(
        context
            .node_script("wasm-opt")
            .arg(level)
            .args(WASM_FEATURES)
            .arg(module)
            .arg("--output")
            .arg(smaller),
    )?;
    fs::copy(smaller, module).with_context(|| format!("{} cannot be replaced", module.display()))?;
    Ok(())
}

fn megabytes(path: &Path) -> Result<String> {
    Ok(format!("{:.1}", path.metadata()?.len() as f64 / 1e6))
}
