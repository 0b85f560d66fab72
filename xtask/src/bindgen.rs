//! wasm-bindgen as a library: JavaScript around a compiled module.

use std::path::Path;

use anyhow::{Context as _, Result};
use wasm_bindgen_cli_support::Bindgen;

/// Writes `NAME.js` and `NAME_bg.wasm` for browsers into a folder.
pub(crate) fn generate(wasm: &Path, name: &str, folder: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(wasm)
        .out_name(name)
        .typescript(false)
        .web(true)?
        .generate(folder)
        .with_context(|| format!("wasm-bindgen refuses {}", wasm.display()))
}
