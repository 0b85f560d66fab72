//! A toolchain that can build for wasm32: rustup's own, or, where rustup cannot download, Debian's with a standard
//! library built from its sources.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::{apt, doing, ready};
use crate::context::{Context, Toolchain};
use crate::process;
use crate::scratch::Scratch;

const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN: &str = "debian";
const DEBIAN_PACKAGES: &[&str] =
    &["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "rust-web-clippy", "rustfmt-web"];
/// What the packages bring; all of them there means that they are installed.
const DEBIAN_FILES: &[&str] =
    &["/usr/bin/cargo", "/usr/bin/cargo-clippy", "/usr/bin/cargo-fmt", "/usr/lib/rustlib/src/rust/library"];
const DEBIAN_STD: &str = "/usr/lib/rustlib/wasm32-unknown-unknown/lib";

/// Picks the toolchain that builds for wasm here, without installing anything. False when there is none.
pub(crate) fn choose_toolchain(context: &mut Context) -> bool {
    if builds_wasm(context) {
        return true;
    }
    let Toolchain::Rustup(current) = &context.toolchain else { return false };
    let current = current.clone();
    if current == DEBIAN || !has_debian_toolchain(context) {
        return false;
    }
    context.toolchain = Toolchain::Rustup(DEBIAN.to_owned());
    if builds_wasm(context) {
        return true;
    }
    context.toolchain = Toolchain::Rustup(current);
    false
}

pub(super) fn ensure(context: &mut Context) -> Result<()> {
    let before = context.toolchain.clone();
    if choose_toolchain(context) {
        if context.toolchain != before {
            make_default_here(context)?;
        }
        ready("the wasm32 target", &format!("toolchain {}", context.toolchain));
        return Ok(());
    }
    if process::which("rustup", &context.path()).is_none() {
        bail!(
            "this toolchain has no standard library for {TARGET}, and there is no rustup to add it. \
             Install rustup, or your system's package with Rust's wasm32 standard library, then start again"
        );
    }
    doing("asking rustup for the wasm32 target", "10 seconds");
    let added =
        process::output(context.command("rustup").args(["target", "add", TARGET]).env("RUST_BACKTRACE", "0"));
    let why = match added {
        Ok(_) if builds_wasm(context) => {
            ready("the wasm32 target", &format!("toolchain {}", context.toolchain));
            return Ok(());
        }
        Ok(_) => anyhow::anyhow!("rustup added the target, and still nothing builds for it"),
        Err(error) => error,
    };
    if !apt::is_here(context) {
        return Err(why.context(format!(
            "rustup cannot add the target {TARGET}; check the connection and run `rustup target add {TARGET}`"
        )));
    }
    eprintln!("setup: rustup cannot download here ({}); Debian's packages do instead", first_line(&why));
    from_debian(context)
        .context("the wasm32 target cannot be had from Debian's packages either; with a connection, `rustup target add wasm32-unknown-unknown` is enough")
}

/// clippy and rustfmt, which rustup's minimal profile leaves out.
pub(super) fn ensure_lints(context: &Context) -> Result<()> {
    let here = |component: &str| process::succeeds(context.cargo().args([component, "--version"]));
    if !here("clippy") || !here("fmt") {
        doing("adding clippy and rustfmt", "20 seconds");
        process::run(context.command("rustup").args(["component", "add", "clippy", "rustfmt"]))?;
    }
    ready("clippy and rustfmt", &format!("toolchain {}", context.toolchain));
    Ok(())
}

/// Compiles and links an empty program: the only proof that standard library, compiler and linker fit each other.
fn builds_wasm(context: &Context) -> bool {
    let Ok(scratch) = Scratch::new("wasm-probe") else { return false };
    let source = scratch.path().join("probe.rs");
    fs::write(&source, "fn main() {}").is_ok()
        && process::succeeds(
            context
                .command("rustc")
                .args(["--target", TARGET, "-o"])
                .arg(scratch.path().join("probe.wasm"))
                .arg(&source),
        )
}

fn has_debian_toolchain(context: &Context) -> bool {
    process::output(context.command("rustup").args(["toolchain", "list"]))
        .is_ok_and(|list| list.lines().any(|line| line.split_whitespace().next() == Some(DEBIAN)))
}

/// Debian's compiler with a standard library built from its own sources.
fn from_debian(context: &mut Context) -> Result<()> {
    if !DEBIAN_FILES.iter().all(|path| Path::new(path).exists()) {
        doing("installing Debian's Rust (packages ending in -web)", "1 minute");
        apt::install(context, DEBIAN_PACKAGES)?;
    }
    install_linker(context)?;
    context.toolchain = Toolchain::Rustup(DEBIAN.to_owned());
    if !has_debian_toolchain(context) {
        process::run(
            context
                .command("rustup")
                .args(["toolchain", "link", DEBIAN, "/usr"])
                .env_remove("RUSTUP_TOOLCHAIN"),
        )?;
    }
    if !builds_wasm(context) {
        doing("building the standard library for wasm32 from Debian's sources", "1 minute");
        build_std(context)?;
    }
    if !builds_wasm(context) {
        bail!("the standard library is in {DEBIAN_STD}, and rustc still builds nothing for {TARGET}");
    }
    make_default_here(context)?;
    ready("the wasm32 target", &format!("toolchain {DEBIAN}, from Debian's packages"));
    Ok(())
}

/// `/usr/bin/rust-lld` is a link to the lld of the LLVM that rustc was built with, from a package of its own.
fn install_linker(context: &Context) -> Result<()> {
    let link = Path::new("/usr/bin/rust-lld");
    if link.exists() {
        return Ok(());
    }
    let target = fs::read_link(link).unwrap_or_else(|_| "lld".into());
    let package = target.file_name().and_then(|name| name.to_str()).unwrap_or("lld").to_owned();
    doing(&format!("installing the linker {package}"), "20 seconds");
    apt::install(context, &[&package])
}

fn build_std(context: &Context) -> Result<()> {
    let scratch = Scratch::new("wasm-std")?;
    let crate_folder = scratch.path();
    fs::create_dir(crate_folder.join("src"))?;
    fs::write(crate_folder.join("src/lib.rs"), "#![no_std]\n")?;
    fs::write(
        crate_folder.join("Cargo.toml"),
        "[package]\nname = \"wasm-std\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
         [profile.release]\npanic = \"abort\"\n\n[workspace]\n",
    )?;
    let mut build = context.command("/usr/bin/cargo");
    build
        .current_dir(crate_folder)
        .env_remove("RUSTUP_TOOLCHAIN")
        // Without bitcode inside, an application's fat LTO fails with "Can't find section .llvmbc".
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTDOC", "/usr/bin/rustdoc")
        // Keeps these crates apart from an application's own copies of the same ones.
        .env("__CARGO_DEFAULT_LIB_METADATA", "wasmstd")
        .env("CARGO_TARGET_DIR", crate_folder.join("target"))
        .args([
            "build",
            "--release",
            "--target",
            TARGET,
            "-Z",
            "build-std=core,alloc,std,panic_abort,proc_macro,test",
        ]);
    process::run(&mut build)?;

    let built = crate_folder.join("target").join(TARGET).join("release").join("deps");
    let libraries: Vec<String> = fs::read_dir(&built)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rlib"))
        .filter(|path| {
            !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libwasm_std"))
        })
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    let by_hand = format!("install the libraries of {} into {DEBIAN_STD}", built.display());
    // Whatever an older compiler left there would be found as a second candidate for the same crate.
    process::run(apt::as_root(context, "rm", &by_hand)?.args(["-rf", DEBIAN_STD]))?;
    process::run(apt::as_root(context, "mkdir", &by_hand)?.args(["-p", DEBIAN_STD]))?;
    process::run(apt::as_root(context, "cp", &by_hand)?.args(libraries).arg(DEBIAN_STD))?;

    // Cargo does not notice another standard library, so what was built with the old one must go.
    let stale = context.target.join(TARGET);
    if stale.exists() {
        fs::remove_dir_all(&stale).with_context(|| format!("{} cannot be removed", stale.display()))?;
    }
    Ok(())
}

/// Makes a bare `cargo` or `trunk` in the checkout use the same toolchain as we do.
fn make_default_here(context: &Context) -> Result<()> {
    let Toolchain::Rustup(name) = &context.toolchain else { return Ok(()) };
    eprintln!("setup: toolchain {name} becomes the default in {}", context.root.display());
    process::output(context.command("rustup").args(["override", "set", name, "--path"]).arg(&context.root))
        .map(|_| ())
}

/// What rustup says is wrong, without the progress around it.
fn first_line(error: &anyhow::Error) -> String {
    let text = error.to_string();
    let line = text.lines().find_map(|line| line.split_once("error: ").map(|(_, rest)| rest));
    line.or_else(|| text.lines().next()).unwrap_or_default().to_owned()
}
