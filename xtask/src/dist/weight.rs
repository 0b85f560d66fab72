//! What a browser downloads and runs before anything is seen.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::page;

/// The most that it may be, compressed, in bytes.
const LIMIT: u64 = 400_000;

/// Refuses a page whose scripts and programs weigh too much. Styles are small, and fonts and icons hold nothing up.
pub(crate) fn check(folder: &Path, public_url: &str) -> Result<()> {
    let html = fs::read_to_string(folder.join("index.html"))?;
    let mut parts = Vec::new();
    for name in named(&html) {
        let Some(file) = name.strip_prefix(public_url) else { continue };
        let bytes = transferred(&folder.join(file)).with_context(|| format!("{file} cannot be weighed"))?;
        parts.push((bytes, file.to_owned()));
    }
    let total: u64 = parts.iter().map(|(bytes, _)| bytes).sum();
    eprintln!("shell: {:.1} KB until the first view, of {} KB", total as f64 / 1e3, LIMIT / 1000);
    if total <= LIMIT {
        return Ok(());
    }
    parts.sort_unstable_by(|one, other| other.cmp(one));
    let parts: Vec<String> = parts.iter().map(|(bytes, file)| format!("{bytes:>9} {file}")).collect();
    bail!(
        "the first view weighs {total} bytes, {} more than it may; what it does not need belongs into \
         app/src/later.rs:\n{}",
        total - LIMIT,
        parts.join("\n")
    )
}

/// Scripts and programs that the page names, once each.
fn named(html: &str) -> Vec<String> {
    let links = page::tags(html, "link").map(|tag| page::attribute(&html[tag], "href"));
    let scripts = page::tags(html, "script").map(|tag| page::attribute(&html[tag], "src"));
    let mut names: Vec<String> = links
        .chain(scripts)
        .flatten()
        .filter(|name| [".js", ".wasm"].iter().any(|kind| name.ends_with(kind)))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Bytes that go over the wire: of the smallest copy that every browser takes.
fn transferred(file: &Path) -> Result<u64> {
    let mut copy = file.as_os_str().to_owned();
    copy.push(".br");
    Ok(fs::metadata(&copy).or_else(|_| fs::metadata(file))?.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    const PAGE: &str = "<link rel=\"stylesheet\" href=\"/a.css\"><link rel=\"icon\" href=\"/i.svg\">\
        <link rel=\"modulepreload\" href=\"/s/a.js\"><script src=\"/s/a.js\"></script>\
        <link rel=\"preload\" href=\"/s/a.wasm\">";

    fn page_with_wasm_of(name: &str, bytes: u64) -> Scratch {
        let scratch = Scratch::new(name).unwrap();
        let folder = scratch.path();
        fs::create_dir(folder.join("s")).unwrap();
        fs::write(folder.join("index.html"), PAGE).unwrap();
        fs::write(folder.join("a.css"), "body{}").unwrap();
        fs::write(folder.join("s/a.js"), vec![b' '; 5_000]).unwrap();
        fs::write(folder.join("s/a.js.br"), "four").unwrap();
        fs::write(folder.join("s/a.wasm"), vec![0; usize::try_from(bytes).unwrap()]).unwrap();
        scratch
    }

    #[test]
    fn a_page_as_heavy_as_it_may_be_passes_with_its_compressed_copies() {
        let scratch = page_with_wasm_of("weight-fine", LIMIT - 4);
        check(scratch.path(), "/").unwrap();
    }

    #[test]
    fn a_heavier_one_is_refused_and_the_heaviest_part_named_first() {
        let scratch = page_with_wasm_of("weight-heavy", LIMIT - 4 + 1);
        let error = check(scratch.path(), "/").unwrap_err().to_string();
        assert!(error.contains("1 more than it may"), "{error}");
        assert!(error.lines().nth(1).unwrap().ends_with("s/a.wasm"), "{error}");
    }

    #[test]
    fn a_part_that_is_not_there_is_an_error() {
        let scratch = page_with_wasm_of("weight-missing", 1);
        fs::remove_file(scratch.path().join("s/a.wasm")).unwrap();
        assert!(check(scratch.path(), "/").unwrap_err().to_string().contains("a.wasm"));
    }
}
