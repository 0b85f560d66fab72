//! Cuts the shell's module apart where its sources say so (`app/src/later.rs`): what the first view needs, and
//! files that come later.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use wasm_split_cli_support::{Options, transform};

/// The script that fetches what comes later.
pub(crate) const FETCHER: &str = "later.js";

/// Writes what comes later into `folder`, and what the first view needs to `main`, for wasm-bindgen, whose script there will
/// be `NAME.js`. Gives the files that come later.
pub(crate) fn cut(wasm: &Path, main: &Path, name: &str, folder: &Path) -> Result<Vec<PathBuf>> {
    let module = fs::read(wasm).with_context(|| format!("{} cannot be read", wasm.display()))?;
    let (script, fetcher) = (format!("./{name}.js"), format!("./{FETCHER}"));
    let mut options = Options::new(&module);
    options.output_dir = folder;
    options.main_out_path = main;
    options.main_module = &script;
    options.link_name = &fetcher;
    let parts = transform(options).map_err(|error| anyhow!("{} cannot be cut: {error:#}", wasm.display()))?;
    Ok(parts.split_modules)
}
