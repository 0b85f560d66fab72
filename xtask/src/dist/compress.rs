//! Compressed copies beside the files, so that the realm compresses nothing while it serves. They are kept in a cache by
//! content, because the worker alone takes most of a minute and rarely changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};

use crate::context::Context;
use crate::hash::{files_below, sha256_file};
use crate::process;

/// Node has both methods built in; crates for them would triple the time until the first verb starts.
const COMPRESS: &str = include_str!("compress.mjs");
/// What compresses well; images and fonts are compressed already.
const EXTENSIONS: &[&str] = &[
    "css",
    "html",
    "ico",
    "js",
    "json",
    "map",
    "md",
    "mjs",
    "svg",
    "txt",
    "wasm",
    "webmanifest",
    "xml",
    "yaml",
    "yml",
];
/// From this size on, the last step of quality costs minutes for about 1 %.
const LARGE_BYTES: u64 = 4_000_000;
/// Copies that no build has written for so long are dropped from the cache.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// How a copy is made.
#[derive(Clone, Copy)]
enum Method {
    Brotli { quality: u32 },
    Gzip,
}

impl Method {
    fn extension(self) -> &'static str {
        match self {
            Method::Brotli { .. } => "br",
            Method::Gzip => "gz",
        }
    }

    /// The best that is worth its time for a file of this size.
    fn quality(self) -> u32 {
        match self {
            Method::Brotli { quality } => quality,
            Method::Gzip => 9,
        }
    }

    fn apply(self, context: &Context, from: &Path, to: &Path) -> Result<()> {
        process::output(
            context
                .command("node")
                .args(["--input-type=module", "--eval", COMPRESS, "--"])
                .args([self.extension(), &self.quality().to_string()])
                .arg(from)
                .arg(to),
        )
        .map(|_| ())
    }
}

/// Writes `.br` and `.gz` beside every file that shrinks.
pub(super) fn folder(context: &Context, folder: &Path, cache: &Path) -> Result<()> {
    fs::create_dir_all(cache).with_context(|| format!("{} cannot be made", cache.display()))?;
    drop_old(cache);
    let files: Vec<PathBuf> = files_below(folder)?.into_iter().filter(|path| is_compressible(path)).collect();
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        file(context, path, cache)
                            .with_context(|| format!("{} cannot be compressed", path.display()))?;
                    }
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a compressing thread stopped")))
        })
    })
}

fn is_compressible(path: &Path) -> bool {
    path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known))
}

fn file(context: &Context, path: &Path, cache: &Path) -> Result<()> {
    let hash = sha256_file(path)?;
    let bytes = path.metadata()?.len();
    let quality = if bytes < LARGE_BYTES { 11 } else { 10 };
    for method in [Method::Brotli { quality }, Method::Gzip] {
        let cached = cache.join(format!("{hash}-{}.{}", method.quality(), method.extension()));
        if !cached.exists() {
            // In two steps, so that an interrupted build leaves no half file under a final name.
            let part = cached.with_extension(format!("{}-{}.part", method.extension(), std::process::id()));
            method.apply(context, path, &part)?;
            fs::rename(&part, &cached)?;
        }
        if cached.metadata()?.len() < bytes {
            let mut name = path.as_os_str().to_owned();
            name.push(".");
            name.push(method.extension());
            fs::copy(&cached, PathBuf::from(name))?;
        }
    }
    Ok(())
}

/// A file that cannot be removed only costs space, so nothing here is an error.
fn drop_old(cache: &Path) {
    let Ok(entries) = fs::read_dir(cache) else { return };
    for entry in entries.flatten() {
        let age = entry
            .metadata()
            .ok()
            .and_then(|meta| SystemTime::now().duration_since(meta.modified().ok()?).ok());
        if age.is_some_and(|age| age > KEPT) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn copies_hold_the_same_bytes_and_images_get_none() {
        let context = Context::new().unwrap();
        let scratch = Scratch::new("compress").unwrap();
        let dist = scratch.path().join("dist");
        fs::create_dir_all(dist.join("sub")).unwrap();
        let text = "the same again and again ".repeat(200);
        fs::write(dist.join("sub/a.js"), &text).unwrap();
        fs::write(dist.join("b.png"), &text).unwrap();
        fs::write(dist.join("c.js"), "x").unwrap();
        folder(&context, &dist, &scratch.path().join("cache")).unwrap();

        for (extension, function) in [("br", "brotliDecompressSync"), ("gz", "gunzipSync")] {
            let read = format!(
                "process.stdout.write(require('zlib').{function}(require('fs').readFileSync(process.argv[1])))"
            );
            let copy = dist.join(format!("sub/a.js.{extension}"));
            assert!(copy.metadata().unwrap().len() < 100, "{extension}");
            let unpacked =
                process::output(context.command("node").args(["--eval", &read]).arg(copy)).unwrap();
            assert_eq!(unpacked, text, "{extension}");
        }
        assert!(!dist.join("b.png.br").exists(), "an image is compressed already");
        assert!(!dist.join("c.js.gz").exists(), "a copy that is larger is of no use");
    }

    #[test]
    fn a_second_build_takes_the_copy_from_the_cache() {
        let context = Context::new().unwrap();
        let scratch = Scratch::new("compress-cache").unwrap();
        let (dist, cache) = (scratch.path().join("dist"), scratch.path().join("cache"));
        fs::create_dir_all(&dist).unwrap();
        fs::write(dist.join("a.css"), "a".repeat(100)).unwrap();
        folder(&context, &dist, &cache).unwrap();
        let cached = fs::read_dir(&cache)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|extension| extension == "gz"))
            .unwrap();
        fs::write(&cached, "marked").unwrap();
        folder(&context, &dist, &cache).unwrap();
        assert_eq!(fs::read(dist.join("a.css.gz")).unwrap(), b"marked");
    }
}
