//! Tools that cargo installs, into a folder of ours and in exact versions.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::{doing, ready};
use crate::context::Context;
use crate::process;

/// The last one that the supported compilers build.
const TRUNK_VERSION: &str = "0.21.14";
const DENY_VERSION: &str = "0.20.2";

/// A tool, and how it compiles quickest.
struct Tool {
    command: &'static str,
    package: &'static str,
    version: String,
    /// Of the compiled tool. The default of a release would take minutes more for tools that run for seconds.
    optimisation: &'static str,
    arguments: &'static [&'static str],
    /// How long it takes to install.
    duration: &'static str,
}

pub(super) fn ensure_trunk(context: &Context) -> Result<()> {
    ensure(
        context,
        &Tool {
            command: "trunk",
            package: "trunk",
            version: TRUNK_VERSION.into(),
            // It waits for cargo and copies files.
            optimisation: "0",
            // Without its own TLS: everything that it would download is installed by us.
            arguments: &["--locked", "--no-default-features"],
            duration: "5 minutes on 2 cores",
        },
    )
}

pub(super) fn ensure_wasm_bindgen(context: &Context) -> Result<()> {
    ensure(
        context,
        &Tool {
            command: "wasm-bindgen",
            package: "wasm-bindgen-cli",
            version: wasm_bindgen_version(context)?,
            optimisation: "1",
            // Not locked: one of its pinned dependencies is missing from some mirrors.
            arguments: &[],
            duration: "2 minutes on 2 cores",
        },
    )
}

pub(super) fn ensure_deny(context: &Context) -> Result<()> {
    ensure(
        context,
        &Tool {
            command: "cargo-deny",
            package: "cargo-deny",
            version: DENY_VERSION.into(),
            optimisation: "0",
            arguments: &["--locked"],
            duration: "5 minutes on 2 cores",
        },
    )
}

/// The version of the `wasm-bindgen` crate that we are built with: the command must be exactly the same.
pub(crate) fn wasm_bindgen_version(context: &Context) -> Result<String> {
    let path = context.root.join("Cargo.lock");
    let lock = fs::read_to_string(&path)
        .with_context(|| format!("{} cannot be read; `cargo generate-lockfile` makes it", path.display()))?;
    locked_version(&lock, "wasm-bindgen").with_context(|| {
        format!("{} does not list wasm-bindgen, which the shell is built with", path.display())
    })
}

/// The version of a package in the text of a Cargo.lock.
fn locked_version(lock: &str, package: &str) -> Option<String> {
    lock.split("[[package]]").find_map(|entry| {
        let field = |name: &str| {
            entry.lines().find_map(|line| {
                let value = line.strip_prefix(name)?.trim_start().strip_prefix('=')?;
                Some(value.trim().trim_matches('"').to_owned())
            })
        };
        (field("name").as_deref() == Some(package)).then(|| field("version")).flatten()
    })
}

fn ensure(context: &Context, tool: &Tool) -> Result<()> {
    let Tool { command, package, version, .. } = tool;
    let binary = context.tools().join("bin").join(format!("{command}{}", std::env::consts::EXE_SUFFIX));
    if has_version(context, &binary, version) {
        ready(command, version);
        return Ok(());
    }
    doing(&format!("installing {command} {version} from source"), tool.duration);
    let build = context.tools().join(format!("build-{package}"));
    let mut install = context.cargo();
    install
        .args(["install", package, "--force", "--version", &format!("={version}"), "--root"])
        .arg(context.tools())
        .args(tool.arguments)
        // Outside the checkout, whose cargo settings are not for tools.
        .current_dir(std::env::temp_dir())
        // Kept until it succeeds, so that an interrupted installation goes on where it stopped.
        .env("CARGO_TARGET_DIR", &build)
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", tool.optimisation)
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false");
    process::run(&mut install).with_context(|| {
        format!(
            "{command} {version} cannot be installed. By hand: cargo install {package} --version {version} {} --root {}",
            tool.arguments.join(" "),
            context.tools().display()
        )
    })?;
    if let Err(error) = fs::remove_dir_all(&build) {
        eprintln!("setup: {} is no longer needed and cannot be removed: {error}", build.display());
    }
    ready(command, version);
    Ok(())
}

fn has_version(context: &Context, binary: &Path, version: &str) -> bool {
    binary.exists()
        && process::output(context.command(binary).arg("--version"))
            .is_ok_and(|text| text.split_whitespace().any(|word| word == version))
}

/// Links the tools into cargo's own `bin`, which is on everybody's PATH; nothing of that name is replaced.
pub(super) fn link_into_cargo_bin(context: &Context) {
    let home = std::env::var_os("CARGO_HOME")
        .map(std::path::PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let Some(bin) = home.map(|home| home.join("bin")).filter(|bin| bin.is_dir()) else { return };
    let mut missing = Vec::new();
    for (name, source) in [
        ("trunk", context.tools().join("bin").join("trunk")),
        ("wasm-bindgen", context.tools().join("bin").join("wasm-bindgen")),
        ("wasm-opt", context.tools().join("node_modules/.bin/wasm-opt")),
    ] {
        let link = bin.join(name);
        if link.symlink_metadata().is_ok() {
            continue;
        }
        if symlink(&source, &link).is_err() {
            missing.push(name);
        }
    }
    if missing.is_empty() {
        ready("`trunk serve`", &format!("linked in {}", bin.display()));
    } else {
        eprintln!(
            "setup: for a bare `trunk serve`, put {} and {} on PATH",
            context.tools().join("bin").display(),
            context.tools().join("node_modules").join(".bin").display()
        );
    }
}

#[cfg(unix)]
fn symlink(source: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(source, link)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"version = 4

[[package]]
name = "wasm-bindgen-backend"
version = "0.2.1"

[[package]]
name = "wasm-bindgen"
version = "0.2.108"
source = "registry"
dependencies = [
 "cfg-if",
]
"#;

    #[test]
    fn the_locked_version_is_that_of_the_package_with_exactly_this_name() {
        assert_eq!(locked_version(LOCK, "wasm-bindgen").as_deref(), Some("0.2.108"));
        assert_eq!(locked_version(LOCK, "wasm-bindgen-backend").as_deref(), Some("0.2.1"));
        assert_eq!(locked_version(LOCK, "wasm"), None);
    }
}
