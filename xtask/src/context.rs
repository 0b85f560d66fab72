//! Where things are (checkout, caches, build folder) and how a child process of ours is started.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::process;

/// The Rust toolchain that every build of ours uses, native and wasm, so that nothing is compiled twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// One that rustup knows by this name.
    Rustup(String),
    /// The one on PATH, without rustup.
    Plain,
}

impl std::fmt::Display for Toolchain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Toolchain::Rustup(name) => f.write_str(name),
            Toolchain::Plain => f.write_str("the one on PATH"),
        }
    }
}

/// What every verb needs to know about this machine.
pub(crate) struct Context {
    /// The checkout.
    pub root: PathBuf,
    /// `~/.cache/mtor`, or under `XDG_CACHE_HOME`.
    pub cache: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
    /// Every crate of the workspace.
    pub packages: Vec<Package>,
    /// What builds.
    pub toolchain: Toolchain,
}

/// A member of the workspace, as cargo describes it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Package {
    /// Crate name.
    pub name: String,
    /// Declared dependencies of every kind.
    pub dependencies: Vec<Dependency>,
}

/// A declared dependency.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Dependency {
    /// Crate name, before any renaming.
    pub name: String,
    /// `None` for an ordinary one, else `dev` or `build`.
    pub kind: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

impl Context {
    /// Reads the surroundings; installs nothing.
    pub(crate) fn new() -> Result<Self> {
        let manifest_dir = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest_dir
            .parent()
            .context("xtask is not inside a checkout; start it with `cargo xtask` there")?
            .to_owned();
        let toolchain = match std::env::var("RUSTUP_TOOLCHAIN") {
            Ok(name) if !name.is_empty() => Toolchain::Rustup(name),
            _ => Toolchain::Plain,
        };
        let mut context = Context {
            cache: cache_dir()?,
            target: root.join("target"),
            packages: Vec::new(),
            root,
            toolchain,
        };
        let text =
            process::output(context.command("cargo").args(["metadata", "--format-version=1", "--no-deps"]))?;
        let metadata: Metadata =
            serde_json::from_str(&text).context("cargo metadata is not what was expected")?;
        context.target = metadata.target_directory;
        context.packages = metadata.packages;
        Ok(context)
    }

    /// Where tools of ours are installed: `bin` and `node_modules` are inside.
    pub(crate) fn tools(&self) -> PathBuf {
        self.cache.join("tools")
    }

    /// Where weights are, each file named by its SHA-256.
    pub(crate) fn models(&self) -> PathBuf {
        std::env::var_os("MTOR_MODELS").map_or_else(|| self.cache.join("models"), PathBuf::from)
    }

    /// The built realm.
    pub(crate) fn server(&self) -> PathBuf {
        self.target.join("release").join(format!("mtor{}", std::env::consts::EXE_SUFFIX))
    }

    /// PATH with our tools before what the system has, because their exact versions matter.
    pub(crate) fn path(&self) -> OsString {
        let mut folders = vec![self.tools().join("bin"), self.tools().join("node_modules").join(".bin")];
        folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        // Present only where the system has no Node, or one that is too old (see `setup::node`).
        let own_node = self.tools().join("node").join("bin");
        if own_node.exists() {
            folders.insert(0, own_node);
        }
        std::env::join_paths(folders).unwrap_or_else(|_| std::env::var_os("PATH").unwrap_or_default())
    }

    /// A command in the checkout's root with our tools on PATH and the chosen toolchain.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("PATH", self.path());
        forget_cargo(&mut command);
        if let Toolchain::Rustup(name) = &self.toolchain {
            command.env("RUSTUP_TOOLCHAIN", name);
        }
        command
    }

    /// `cargo` with the chosen toolchain.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = self.command("cargo");
        command.env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// A script of Node's package, which is a batch file on Windows.
    pub(crate) fn node_script(&self, name: &str) -> Command {
        self.command(if cfg!(windows) { format!("{name}.cmd") } else { name.to_owned() })
    }
}

/// `cargo run` tells its child which cargo, rustc and package it was; a build that we start must find its own.
fn forget_cargo(command: &mut Command) {
    for (key, _) in std::env::vars_os() {
        let Some(name) = key.to_str() else { continue };
        if is_from_cargo(name) {
            command.env_remove(name);
        }
    }
}

fn is_from_cargo(name: &str) -> bool {
    matches!(
        name,
        "CARGO"
            | "RUSTC"
            | "RUSTDOC"
            | "OUT_DIR"
            | "RUSTUP_TOOLCHAIN"
            | "RUSTUP_TOOLCHAIN_SOURCE"
            | "RUST_RECURSION_COUNT"
    ) || ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

fn cache_dir() -> Result<PathBuf> {
    if let Some(cache) = std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        return Ok(PathBuf::from(cache).join("mtor"));
    }
    let home = std::env::home_dir().context(
        "no home folder is known; set XDG_CACHE_HOME to a folder for downloaded tools and weights",
    )?;
    Ok(home.join(".cache").join("mtor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_tells_its_child_is_forgotten_and_settings_are_kept() {
        for name in ["CARGO", "CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "RUSTC", "RUSTUP_TOOLCHAIN"] {
            assert!(is_from_cargo(name), "{name}");
        }
        for name in
            ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_BUILD_JOBS", "RUSTC_WRAPPER", "RUSTUP_HOME", "PATH"]
        {
            assert!(!is_from_cargo(name), "{name}");
        }
    }
}
