//! wasm-bindgen as a library: JavaScript around a compiled module.

use std::path::Path;

use anyhow::{Context as _, Result};
use wasm_bindgen_cli_support::Bindgen;

/// What a step that calls [`generate`] is made of besides the module: how it is called.
pub(crate) const RECIPE: &str = include_str!("bindgen.rs");

/// Writes `NAME.js` and `NAME_bg.wasm` for browsers into a folder. `in_parts` says whether other modules will share this
/// one's memory and functions.
pub(crate) fn generate(wasm: &Path, name: &str, folder: &Path, in_parts: bool) -> Result<()> {
    Bindgen::new()
        .input_path(wasm)
        .out_name(name)
        .typescript(false)
        .web(true)?
        // The engine's worker starts with `init()` alone: the module finds its wasm beside itself.
        .omit_default_module_path(false)
        .keep_lld_exports(in_parts)
        .generate(folder)
        .with_context(|| format!("wasm-bindgen refuses {}", wasm.display()))
}
