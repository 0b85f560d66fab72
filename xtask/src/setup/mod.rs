//! Gets what the other verbs need, each asking for its own subset. A step that is already satisfied costs a look.

mod apt;
mod browser;
mod node;
mod tools;
mod wasm;

use std::path::PathBuf;

use anyhow::Result;

pub(crate) use node::BINARYEN_VERSION;
pub(crate) use tools::wasm_bindgen_version;

use crate::context::Context;

/// Something that must be on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Need {
    /// A toolchain that can build for wasm32.
    Wasm,
    /// Node 20 or newer with npm.
    Node,
    /// The `wasm-bindgen` command in the version of Cargo.lock, for trunk.
    WasmBindgen,
    /// `wasm-opt` from npm's binaryen.
    WasmOpt,
    /// trunk, for work on the shell.
    Trunk,
    /// What the browser tests import.
    NodePackages,
    /// Chromium for the browser tests.
    Browser,
    /// clippy and rustfmt.
    Lints,
    /// cargo-deny.
    Deny,
}

/// To build and serve.
pub(crate) const RUN: &[Need] = &[Need::Wasm, Need::Node, Need::WasmOpt];
/// To run every test; also for the benchmarks that drive a browser.
pub(crate) const TEST: &[Need] = &[Need::Wasm, Need::Node, Need::WasmOpt, Need::NodePackages, Need::Browser];
/// To check the sources.
pub(crate) const CHECK: &[Need] = &[Need::Wasm, Need::Lints, Need::Deny];

/// Satisfies the needs in order, and sets the context's toolchain on the way.
pub(crate) fn ensure(context: &mut Context, needs: &[Need]) -> Result<()> {
    for need in needs {
        match need {
            Need::Wasm => wasm::ensure(context)?,
            Need::Node => node::ensure(context)?,
            Need::WasmBindgen => tools::ensure_wasm_bindgen(context)?,
            Need::WasmOpt => node::ensure_wasm_opt(context)?,
            Need::Trunk => tools::ensure_trunk(context)?,
            Need::NodePackages => node::ensure_packages(context)?,
            Need::Browser => browser::ensure(context)?,
            Need::Lints => wasm::ensure_lints(context)?,
            Need::Deny => tools::ensure_deny(context)?,
        }
    }
    Ok(())
}

/// `cargo xtask setup`: the parts, or everything with links so that `trunk serve` works from a bare shell.
pub(crate) fn parts(context: &mut Context, parts: &[Need]) -> Result<()> {
    if !parts.is_empty() {
        return ensure(context, parts);
    }
    ensure(context, TEST)?;
    ensure(context, &[Need::Trunk, Need::WasmBindgen, Need::Lints, Need::Deny])?;
    tools::link_into_cargo_bin(context);
    ready("everything", "`cargo xtask run` starts it");
    Ok(())
}

/// The browser that tests and benchmarks drive, where the system has one.
pub(crate) fn browser(context: &Context) -> Option<PathBuf> {
    browser::find(context)
}

fn ready(what: &str, how: &str) {
    eprintln!("setup: {what}: ready ({how})");
}

fn doing(what: &str, duration: &str) {
    eprintln!("setup: {what}; this takes about {duration}");
}

/// For verbs that trunk calls: the toolchain as it is, without installing anything.
pub(crate) fn require_toolchain(context: &mut Context) -> Result<()> {
    anyhow::ensure!(
        wasm::choose_toolchain(context),
        "nothing here builds for wasm32; `cargo xtask setup` changes that"
    );
    Ok(())
}
