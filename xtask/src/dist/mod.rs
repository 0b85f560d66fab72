//! Finishes a built shell, before it becomes `dist`: scripts leave the page (the realm's content security policy
//! forbids inline ones), the worker gets an address that changes with its contents, and everything gets compressed copies.

mod compress;
pub(crate) mod page;
pub(crate) mod weight;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::context::Context;
use crate::hash::{files_below, sha256_folder};

/// Called by trunk after a build; trunk tells the folder and the profile in the environment.
pub(crate) fn finish_from_hook(context: &Context) -> Result<()> {
    let folder = std::env::var_os("TRUNK_STAGING_DIR")
        .map(PathBuf::from)
        .context("trunk calls this verb after a build; `cargo xtask build` is the one for a person")?;
    let release = std::env::var("TRUNK_PROFILE").is_ok_and(|profile| profile == "release");
    let public_url = std::env::var("TRUNK_PUBLIC_URL").unwrap_or_else(|_| "/".into());
    finish(context, &folder, &public_url, release)
}

/// Finishes a built shell in `folder`, which is to be served below `public_url`.
pub(crate) fn finish(context: &Context, folder: &Path, public_url: &str, release: bool) -> Result<()> {
    with_engine(folder, public_url, &context.root.join("app/.engine"), release)?;
    if release {
        compress::folder(context, folder, &context.cache.join("compressed"))?;
    }
    Ok(())
}

fn with_engine(folder: &Path, public_url: &str, engine: &Path, release: bool) -> Result<()> {
    let path = folder.join("index.html");
    let mut html = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;

    let engine_name = place_engine(folder, engine, release)?;
    if let Some(name) = engine_name {
        html = page::set_meta(&html, "mtor-engine", &format!("{public_url}{name}/engine-worker.js"));
    }
    if release {
        let externalised = page::externalise_scripts(&html, public_url);
        for script in &externalised.scripts {
            fs::write(folder.join(&script.name), &script.text)?;
        }
        html = externalised.html;
    }
    fs::write(&path, html).with_context(|| format!("{} cannot be written", path.display()))
}

/// Puts the worker below a name that changes with its contents; a development server needs no such name.
fn place_engine(folder: &Path, engine: &Path, release: bool) -> Result<Option<String>> {
    let plain = folder.join("engine");
    if !plain.exists() {
        if !engine.exists() {
            return Ok(None);
        }
        copy_folder(engine, &plain)?;
    }
    if !release {
        return Ok(Some("engine".into()));
    }
    let name = format!("engine-{}", &sha256_folder(&plain)?[..16]);
    fs::rename(&plain, folder.join(&name))?;
    Ok(Some(name))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    for file in files_below(from)? {
        let target = to.join(file.strip_prefix(from)?);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(&file, &target).with_context(|| format!("{} cannot be copied", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn built(name: &str) -> Scratch {
        let scratch = Scratch::new(name).unwrap();
        let dist = scratch.path().join("dist");
        let engine = scratch.path().join("engine");
        fs::create_dir_all(engine.join("snippets")).unwrap();
        fs::create_dir_all(&dist).unwrap();
        fs::write(engine.join("engine-worker.js"), "worker").unwrap();
        fs::write(engine.join("snippets/a.js"), "a").unwrap();
        fs::write(
            dist.join("index.html"),
            "<html><head></head><body><script type=\"module\">start()</script></body></html>",
        )
        .unwrap();
        scratch
    }

    #[test]
    fn a_release_has_no_inline_script_and_a_hashed_worker() {
        let scratch = built("dist-release");
        let dist = scratch.path().join("dist");
        with_engine(&dist, "/", &scratch.path().join("engine"), true).unwrap();
        let html = fs::read_to_string(dist.join("index.html")).unwrap();
        assert!(!html.contains("start()"), "{html}");
        let worker = page::meta(&html, "mtor-engine").unwrap();
        assert!(worker.starts_with("/engine-"), "{worker}");
        assert_eq!(fs::read_to_string(dist.join(worker.trim_start_matches('/'))).unwrap(), "worker");
        assert!(!dist.join("engine").exists());
    }

    #[test]
    fn a_development_build_keeps_its_page_and_a_plain_address() {
        let scratch = built("dist-debug");
        let dist = scratch.path().join("dist");
        with_engine(&dist, "/", &scratch.path().join("engine"), false).unwrap();
        let html = fs::read_to_string(dist.join("index.html")).unwrap();
        assert!(html.contains("start()"));
        assert_eq!(page::meta(&html, "mtor-engine").as_deref(), Some("/engine/engine-worker.js"));
        assert!(dist.join("engine/snippets/a.js").exists());
    }
}
