//! Lets the crate compile before the shell is built, and again when it was.

use std::path::Path;

fn main() -> std::io::Result<()> {
    // rust-embed looks into the folder at compile time; cargo would rebuild every time if it were missing.
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist");
    std::fs::create_dir_all(&dist)?;
    println!("cargo:rerun-if-changed={}", dist.display());
    println!("cargo:rerun-if-changed=build.rs");
    Ok(())
}
