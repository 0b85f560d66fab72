//! Chromium for the browser tests: the system's, Debian's package, or the one that Playwright downloads.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::{apt, doing, ready};
use crate::context::Context;
use crate::process;

const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const PLACES: &[&str] = &[
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/// A Chromium or Chrome on this machine; `MTOR_CHROMIUM` or `CHROME` decide where they are set.
pub(super) fn find(context: &Context) -> Option<PathBuf> {
    ["MTOR_CHROMIUM", "CHROME"]
        .iter()
        .filter_map(std::env::var_os)
        .map(PathBuf::from)
        .find(|path| path.is_file())
        .or_else(|| NAMES.iter().find_map(|name| process::which(name, &context.path())))
        .or_else(|| PLACES.iter().map(PathBuf::from).find(|path| path.is_file()))
}

pub(super) fn ensure(context: &Context) -> Result<()> {
    if let Some(path) = find(context) {
        ready("the browser for tests", &path.display().to_string());
        return Ok(());
    }
    // Elsewhere, the package of that name may only be a pointer to another package manager.
    if apt::is_here(context) && apt::is_debian() {
        doing("installing Debian's Chromium", "1 minute");
        apt::install(context, &["chromium"])?;
        ready("the browser for tests", "Debian's Chromium");
        return Ok(());
    }
    doing("asking Playwright for its Chromium", "1 minute");
    let mut install = context.node_script("npx");
    install.args(["playwright", "install", "chromium"]).current_dir(context.root.join("e2e"));
    process::output(&mut install).context(
        "no browser for the tests. Install Chrome or Chromium, or set MTOR_CHROMIUM to the path of one, then start again",
    )?;
    ready("the browser for tests", "Playwright's Chromium");
    Ok(())
}
