//! Weight files on this machine, each named by its SHA-256 as `cargo xtask models` leaves them.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
    sync::Mutex,
};

use mtor_shared::{
    model::ModelFile,
    problem::{Problem, ProblemCode},
};
use sha2::{Digest, Sha256};

use super::{Source, hexadecimal, unreadable};

/// A file whose size and hash were found right.
#[derive(Debug)]
pub struct VerifiedFile {
    file: Mutex<File>,
    bytes: u64,
}

impl VerifiedFile {
    /// Opens `folder/<sha256>` and verifies it.
    ///
    /// # Errors
    ///
    /// `not-found` where there is no such file, `hash-mismatch` where it holds something else.
    pub fn open(folder: &Path, wanted: &ModelFile) -> Result<Self, Problem> {
        let path = folder.join(&wanted.sha256);
        let mut file = File::open(&path).map_err(|error| {
            Problem::new(
                ProblemCode::NotFound,
                format!("{} is not at {} ({error}).", wanted.name, path.display()),
                "Run `cargo xtask models` to fetch it, or set MTOR_MODELS to the folder that has it.",
            )
        })?;
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        let mut bytes = 0;
        loop {
            let count = file
                .read(&mut buffer)
                .map_err(|error| unreadable(format_args!("{}: {error}", path.display())))?;
            if count == 0 {
                break;
            }
            digest.update(&buffer[..count]);
            bytes += count as u64;
        }
        if bytes != wanted.bytes || hexadecimal(digest) != wanted.sha256 {
            return Err(Problem::new(
                ProblemCode::HashMismatch,
                format!("{} does not hold what its name says.", path.display()),
                "Delete it and run `cargo xtask models` to fetch it again.",
            ));
        }
        Ok(Self { file: Mutex::new(file), bytes })
    }

    /// The whole content.
    ///
    /// # Errors
    ///
    /// When the file cannot be read any more.
    pub async fn content(&self) -> Result<Vec<u8>, Problem> {
        let mut content = vec![0; self.bytes as usize];
        self.read(0, &mut content).await?;
        Ok(content)
    }
}

impl Source for VerifiedFile {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    async fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), Problem> {
        let mut file = self.file.lock().map_err(|_| unreadable("another thread failed while reading"))?;
        file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(into)).map_err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(bytes: u64, sha256: &str) -> ModelFile {
        ModelFile { name: "model.safetensors".into(), bytes, sha256: sha256.into(), sources: Vec::new() }
    }

    #[test]
    fn a_missing_file_says_how_to_get_it() {
        let problem = VerifiedFile::open(Path::new("/nonexistent"), &wanted(3, "ab")).unwrap_err();
        assert_eq!(problem.code, ProblemCode::NotFound);
        assert!(problem.advice.contains("cargo xtask models"));
    }

    #[test]
    fn other_content_is_refused() {
        let folder = std::env::temp_dir().join(format!("mtor-verified-file-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // SHA-256 of "abc", FIPS 180-2
        std::fs::write(folder.join(hash), "abc").unwrap();
        assert!(VerifiedFile::open(&folder, &wanted(3, hash)).is_ok());
        std::fs::write(folder.join(hash), "abd").unwrap();
        let problem = VerifiedFile::open(&folder, &wanted(3, hash)).unwrap_err();
        assert_eq!(problem.code, ProblemCode::HashMismatch);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
