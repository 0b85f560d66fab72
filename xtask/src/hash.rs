//! Content hashes, and stamps that say that a step's inputs have not changed since it last succeeded.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

/// Lower-case hexadecimal SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The same of a file, read in pieces: weights do not fit comfortably in memory.
pub(crate) fn sha256_file(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&digest.finalize()));
        }
        digest.update(&buffer[..read]);
    }
}

/// One hash of a folder's file names and contents, independent of the order in which they are listed.
pub(crate) fn sha256_folder(folder: &Path) -> Result<String> {
    let mut digest = Sha256::new();
    for path in files_below(folder)? {
        let name = path.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
        digest.update(name.as_bytes());
        digest.update([0]);
        digest.update(sha256_file(&path)?.as_bytes());
    }
    Ok(hex(&digest.finalize()))
}

/// Every file below a folder, sorted.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = fs::read_dir(&next).with_context(|| format!("{} cannot be listed", next.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A small file that holds the hash of the inputs that a step last succeeded with.
pub(crate) struct Stamp {
    path: PathBuf,
    inputs: String,
}

impl Stamp {
    /// The stamp at `path` for inputs that hash to `inputs`.
    pub(crate) fn new(path: PathBuf, inputs: String) -> Self {
        Stamp { path, inputs }
    }

    /// Whether the step succeeded with exactly these inputs.
    pub(crate) fn is_current(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text.trim() == self.inputs)
    }

    /// Forgets the last success; called before the step touches its outputs.
    pub(crate) fn clear(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} cannot be removed", self.path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Records success.
    pub(crate) fn write(&self) -> Result<()> {
        fs::write(&self.path, &self.inputs)
            .with_context(|| format!("{} cannot be written", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn hashes_are_the_standard_ones() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
        let scratch = Scratch::new("hash-file").unwrap();
        fs::write(scratch.path().join("x"), b"abc").unwrap();
        assert_eq!(
            sha256_file(&scratch.path().join("x")).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_folder_hash_changes_with_names_and_contents() {
        let scratch = Scratch::new("hash-folder").unwrap();
        let folder = scratch.path();
        fs::create_dir(folder.join("sub")).unwrap();
        fs::write(folder.join("sub/a"), b"1").unwrap();
        let first = sha256_folder(folder).unwrap();
        fs::write(folder.join("sub/a"), b"2").unwrap();
        let changed = sha256_folder(folder).unwrap();
        fs::rename(folder.join("sub/a"), folder.join("sub/b")).unwrap();
        let renamed = sha256_folder(folder).unwrap();
        assert!(first != changed && changed != renamed && first != renamed);
    }

    #[test]
    fn a_stamp_holds_only_for_the_inputs_that_it_was_written_for() {
        let scratch = Scratch::new("stamp").unwrap();
        let path = scratch.path().join("stamp");
        let stamp = Stamp::new(path.clone(), "one".into());
        assert!(!stamp.is_current());
        stamp.clear().unwrap();
        stamp.write().unwrap();
        assert!(stamp.is_current());
        assert!(!Stamp::new(path, "two".into()).is_current());
        stamp.clear().unwrap();
        assert!(!stamp.is_current());
    }
}
