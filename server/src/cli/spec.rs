//! An API description from a file, with the documents beside it that it refers to.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use mtor_federation::{CompileError, Compiled, Input};
use url::Url;

use super::Mistake;

/// The most bytes of one file that are read: somewhat more than are compiled, so that the compiler says so.
const MAX_FILE_BYTES: u64 = 65 * 1024 * 1024;
/// The most other documents that are read, and their bytes together.
const MAX_DOCUMENTS: usize = 256;
const MAX_DOCUMENTS_BYTES: u64 = 64 * 1024 * 1024;
/// How often documents that refer to further ones are read.
const MAX_ROUNDS: usize = 16;

/// A description that was read.
pub(super) struct Spec {
    /// How many bytes the file has.
    pub(super) bytes: usize,
    text: String,
    /// Where it is, where that can be told.
    location: Option<Url>,
    /// Nothing outside this folder is read.
    root: Option<PathBuf>,
    others: BTreeMap<String, String>,
    spent: u64,
}

impl Spec {
    /// Reads a file. What it refers to is only read from inside `root`, or else from inside the file's own folder.
    pub(super) fn open(path: &Path, root: Option<&Path>) -> Result<Self, Mistake> {
        let shown = path.display();
        let size = fs::metadata(path).map_err(|error| Mistake(format!("{shown} cannot be read: {error}")))?;
        if size.len() > MAX_FILE_BYTES {
            return Err(Mistake(format!("{shown} has {} MB; at most 64 are read", size.len() >> 20)));
        }
        let bytes = fs::read(path).map_err(|error| Mistake(format!("{shown} cannot be read: {error}")))?;
        let real = fs::canonicalize(path).ok();
        let folder = root.or_else(|| real.as_deref().and_then(Path::parent));
        Ok(Self {
            bytes: bytes.len(),
            text: decode(bytes),
            location: real.as_deref().and_then(|real| Url::from_file_path(real).ok()),
            root: folder.and_then(|folder| fs::canonicalize(folder).ok()),
            others: BTreeMap::new(),
            spent: 0,
        })
    }

    /// Compiles by `run`, and again with the documents that were missing, as often as there are new ones.
    pub(super) fn compile(
        &mut self,
        source_id: &str,
        mut run: impl FnMut(&Input<'_>) -> Result<Compiled, CompileError>,
    ) -> Result<Compiled, CompileError> {
        let mut rounds = 0;
        loop {
            let compiled = run(&Input {
                source_id,
                document: &self.text,
                overlay: None,
                // Where nobody says where the service is, it is here.
                base: Some("http://localhost/"),
                location: self.location.as_ref().map(Url::as_str),
                others: &self.others,
            })?;
            rounds += 1;
            if rounds == MAX_ROUNDS || !self.read(&compiled.missing) {
                return Ok(compiled);
            }
        }
    }

    /// Reads what is missing and may be read. Whether there was anything.
    fn read(&mut self, missing: &[String]) -> bool {
        let mut found = false;
        for address in missing {
            if self.others.len() >= MAX_DOCUMENTS {
                break;
            }
            if let Some(text) = self.document(address) {
                self.others.insert(address.clone(), text);
                found = true;
            }
        }
        found
    }

    /// A document beside the description; none outside of the folder, also by way of links.
    fn document(&mut self, address: &str) -> Option<String> {
        let path = Url::parse(address).ok()?.to_file_path().ok()?;
        let path = fs::canonicalize(path).ok()?;
        if !path.starts_with(self.root.as_ref()?) {
            return None;
        }
        let size = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?.len();
        if self.spent + size > MAX_DOCUMENTS_BYTES {
            return None;
        }
        self.spent += size;
        fs::read(path).ok().map(decode)
    }
}

/// Text in whatever way it is encoded; what is no text in it is replaced.
fn decode(bytes: Vec<u8>) -> String {
    let wide = |from_bytes: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(|pair| from_bytes([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes.as_slice() {
        [0xff, 0xfe, ..] => return wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => return wide(u16::from_be_bytes),
        _ => {}
    }
    String::from_utf8(bytes).unwrap_or_else(|error| match String::from_utf8_lossy(error.as_bytes()) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    })
}
