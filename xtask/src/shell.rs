//! Builds the shell for the browser into `dist`: what trunk makes of `app/index.html` in a release, without trunk.
//!
//! trunk stays the tool for work on the shell (`trunk serve`). To compile it takes longer than to compile the shell, and
//! nobody who only wants to run MTOR should wait for it. Both read the same page with the same `data-trunk` links.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::bindgen;
use crate::context::Context;
use crate::dist::{self, page};
use crate::engine::{self, optimise};
use crate::hash::{Stamp, files_below, sha256, sha256_file, sha256_folder};
use crate::process;
use crate::setup::{BINARYEN_VERSION, wasm_bindgen_version};
use crate::split;

const NAME: &str = "mtor-app";
const LEVEL: &str = "-Oz";
/// Besides those of every wasm: views without types of their own: a fifth less to download.
const FLAGS: &str = "target.wasm32-unknown-unknown.rustflags = ['--cfg=erase_components']";

/// Builds the worker, then the shell around it, when anything that they are made of changed.
pub(crate) fn build(context: &Context) -> Result<()> {
    engine::build(context)?;
    around_worker(context)
}

/// Builds the shell around the worker that is there.
pub(crate) fn around_worker(context: &Context) -> Result<()> {
    process::run(
        context
            .cargo()
            .args([
                "rustc",
                "--profile",
                "shell",
                "--package",
                "mtor-app",
                "--bin",
                NAME,
                "--features",
                "split",
            ])
            .args(["--target", "wasm32-unknown-unknown", "--config", FLAGS])
            // What refers to what, for the cut.
            .args(["--", "-Clink-args=--emit-relocs"]),
    )
    .context("the shell does not build")?;
    let wasm = context.target.join(format!("wasm32-unknown-unknown/shell/{NAME}.wasm"));
    let dist = context.root.join("dist");
    let stamp = Stamp::new(context.root.join("dist.stamp"), inputs(context, &wasm)?);
    if stamp.is_current() && dist.join("index.html").exists() {
        return Ok(());
    }
    stamp.clear()?;

    eprintln!("shell: wasm-bindgen, wasm-opt and compression; this takes about 1 minute");
    // Not `shell`: that is where cargo keeps what this profile compiles for the build itself.
    let bound = context.target.join("shell-parts");
    remove(&bound)?;
    let main = context.target.join("shell-main.wasm");
    let mut modules = split::cut(&wasm, &main, NAME, &bound)?;
    bindgen::generate(&main, NAME, &bound, true)?;
    modules.push(bound.join(format!("{NAME}_bg.wasm")));
    for module in &modules {
        optimise(context, LEVEL, module, &context.target.join("shell-optimised.wasm"))?;
    }

    let staging = context.root.join("dist.new");
    remove(&staging)?;
    fs::create_dir_all(&staging)?;
    assemble(&context.root.join("app/index.html"), &bound, &staging)?;
    dist::finish(context, &staging, "/", true)?;
    dist::weight::check(&staging, "/")?;
    remove(&dist)?;
    fs::rename(&staging, &dist).with_context(|| format!("{} cannot be replaced", dist.display()))?;
    stamp.write()
}

/// One hash of everything that `dist` is made of.
fn inputs(context: &Context, wasm: &Path) -> Result<String> {
    let root = &context.root;
    let parts = [
        sha256_file(wasm)?,
        sha256_file(&root.join("app/index.html"))?,
        sha256_folder(&root.join("style"))?,
        sha256_folder(&root.join("public"))?,
        sha256_folder(&root.join("app/.engine"))?,
        wasm_bindgen_version(context)?,
        format!("{BINARYEN_VERSION} {LEVEL}"),
        // This very program: another xtask may write the page differently.
        sha256_file(&std::env::current_exe()?)?,
    ];
    Ok(sha256(parts.join(" ").as_bytes()))
}

/// Writes the page with everything that its `data-trunk` links name, under names that change with their contents.
fn assemble(page: &Path, bound: &Path, into: &Path) -> Result<()> {
    let html = fs::read_to_string(page).with_context(|| format!("{} cannot be read", page.display()))?;
    let folder = page.parent().context("the page is in a folder")?;
    let mut out = String::with_capacity(html.len());
    let mut copied = 0;
    for tag in page::tags(&html, "link") {
        let link = &html[tag.clone()];
        if page::attribute(link, "data-trunk").is_none() {
            continue;
        }
        let href = page::attribute(link, "href").unwrap_or_default();
        let target = folder.join(&href);
        out.push_str(&html[copied..tag.start]);
        match page::attribute(link, "rel").as_deref() {
            Some("css") => {
                let name = named(&target, into)?;
                let integrity = page::integrity(&fs::read(&target)?);
                out.push_str(&format!(
                    "<link rel=\"stylesheet\" href=\"/{name}\" integrity=\"{integrity}\">"
                ));
            }
            Some("copy-dir") => copy(&target, into)?,
            Some("rust") => out.push_str(&program(bound, into)?),
            other => {
                bail!("{}: {} is nothing that this build knows", page.display(), other.unwrap_or("a link"))
            }
        }
        copied = tag.end;
    }
    out.push_str(&html[copied..]);
    fs::write(into.join("index.html"), out)?;
    Ok(())
}

/// The shell's programs and their scripts; what starts them. They name each other, so they are in one folder whose name
/// changes with all of them.
fn program(bound: &Path, into: &Path) -> Result<String> {
    let folder = format!("shell-{}", &sha256_folder(bound)?[..16]);
    copy(bound, &into.join(&folder))?;
    let (script, wasm) = (format!("/{folder}/{NAME}.js"), format!("/{folder}/{NAME}_bg.wasm"));
    let fetcher = split::FETCHER;
    Ok(format!(
        "<link rel=\"modulepreload\" href=\"{script}\" crossorigin>\n    \
         <link rel=\"modulepreload\" href=\"/{folder}/{fetcher}\" crossorigin>\n    \
         <link rel=\"preload\" href=\"{wasm}\" as=\"fetch\" type=\"application/wasm\" crossorigin>\n    \
         <script type=\"module\">import init from '{script}'; await init({{ module_or_path: '{wasm}' }});</script>"
    ))
}

/// Copies a file under its name with a hash of its contents.
fn named(file: &Path, into: &Path) -> Result<String> {
    let part = |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).map(str::to_owned);
    let (Some(stem), Some(extension)) = (part(file.file_stem()), part(file.extension())) else {
        bail!("{} has no name to build on", file.display());
    };
    let name = format!("{stem}-{}.{extension}", &sha256_file(file)?[..16]);
    fs::copy(file, into.join(&name)).with_context(|| format!("{} cannot be copied", file.display()))?;
    Ok(name)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for file in files_below(from)? {
        let target = to.join(file.strip_prefix(from)?);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(&file, &target).with_context(|| format!("{} cannot be copied", file.display()))?;
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn links_become_hashed_files_and_the_rest_of_the_page_stays() {
        let scratch = Scratch::new("shell-assemble").unwrap();
        let path = |name: &str| scratch.path().join(name);
        for folder in ["app", "style", "public/fonts", "bound/snippets/x", "out"] {
            fs::create_dir_all(path(folder)).unwrap();
        }
        let write = |name: &str, text: &str| fs::write(path(name), text).unwrap();
        write("style/base.css", "body{}");
        write("public/fonts/a.woff2", "font");
        write("bound/mtor-app.js", "export default 1");
        write("bound/mtor-app_bg.wasm", "wasm");
        write("bound/snippets/x/a.js", "a");
        write(
            "app/index.html",
            "<head><link rel=\"icon\" href=\"/f.svg\"><link data-trunk rel=\"css\" href=\"../style/base.css\">\
             <link data-trunk rel=\"copy-dir\" href=\"../public\" data-target-path=\".\">\
             <link data-trunk rel=\"rust\" href=\"Cargo.toml\"></head>",
        );
        assemble(&path("app/index.html"), &path("bound"), &path("out")).unwrap();
        let html = fs::read_to_string(path("out/index.html")).unwrap();
        assert!(
            html.starts_with(
                "<head><link rel=\"icon\" href=\"/f.svg\"><link rel=\"stylesheet\" href=\"/base-"
            )
        );
        assert!(!html.contains("data-trunk"), "{html}");
        let folder = format!("shell-{}", &sha256_folder(&path("bound")).unwrap()[..16]);
        let wasm = format!("{folder}/mtor-app_bg.wasm");
        assert!(html.contains(&format!("await init({{ module_or_path: '/{wasm}' }})")), "{html}");
        assert!(html.contains(&format!("href=\"/{folder}/later.js\"")), "{html}");
        let snippet = format!("{folder}/snippets/x/a.js");
        for file in [wasm.as_str(), "fonts/a.woff2", snippet.as_str()] {
            assert!(path("out").join(file).exists(), "{file}");
        }
    }

    #[test]
    fn a_link_that_nobody_knows_is_an_error() {
        let scratch = Scratch::new("shell-unknown").unwrap();
        let page = scratch.path().join("index.html");
        fs::write(&page, "<link data-trunk rel=\"sass\" href=\"a.scss\">").unwrap();
        let error = assemble(&page, scratch.path(), scratch.path()).unwrap_err();
        assert!(error.to_string().contains("sass"), "{error}");
    }
}
