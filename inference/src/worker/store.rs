//! The browser's private file system (OPFS) as a store of weights, each file named by its SHA-256.
//!
//! A file is complete and verified when `<sha256>.verified` notes its size and the time of its last change: a file that
//! was touched since is hashed again.

use js_sys::{Array, Uint8Array};
use mtor_shared::{
    model::ModelFile,
    problem::{Problem, ProblemCode},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions, FileSystemReadWriteOptions, FileSystemSyncAccessHandle,
};

use super::port::{kind, scope, words};
use crate::weights::{Source, unreadable};

const FOLDER: &str = "models";

/// The folder of models.
pub(super) struct Store {
    folder: FileSystemDirectoryHandle,
}

/// Why a file cannot be opened for writing.
pub(super) enum Refusal {
    /// Another tab has it open.
    Busy,
    /// This browser does not let it.
    Unavailable,
}

impl Store {
    /// None where the browser has no such storage, as in some private windows.
    pub(super) async fn open() -> Option<Self> {
        let root = JsFuture::from(scope().navigator().storage().get_directory()).await.ok()?;
        let root: FileSystemDirectoryHandle = root.dyn_into().ok()?;
        let options = FileSystemGetDirectoryOptions::new();
        options.set_create(true);
        let folder = JsFuture::from(root.get_directory_handle_with_options(FOLDER, &options)).await.ok()?;
        Some(Self { folder: folder.dyn_into().ok()? })
    }

    async fn handle(&self, name: &str, create: bool) -> Option<FileSystemFileHandle> {
        let options = FileSystemGetFileOptions::new();
        options.set_create(create);
        JsFuture::from(self.folder.get_file_handle_with_options(name, &options)).await.ok()?.dyn_into().ok()
    }

    async fn file(&self, name: &str) -> Option<File> {
        let handle = self.handle(name, false).await?;
        JsFuture::from(handle.get_file()).await.ok()?.dyn_into().ok()
    }

    /// Bytes that are there of a file, complete or not.
    pub(super) async fn size(&self, wanted: &ModelFile) -> f64 {
        self.file(&wanted.sha256).await.map_or(0.0, |file| file.size())
    }

    /// The file, if it is complete and was verified.
    pub(super) async fn verified(&self, wanted: &ModelFile) -> Option<File> {
        let file = self.file(&wanted.sha256).await?;
        let note = self.text(&note_name(wanted)).await?;
        (file.size() == wanted.bytes as f64 && note == note_of(&file)).then_some(file)
    }

    /// Notes that the file is complete and has the right hash.
    pub(super) async fn note_verified(&self, wanted: &ModelFile) -> Option<File> {
        let file = self.file(&wanted.sha256).await?;
        self.put_text(&note_name(wanted), &note_of(&file)).await.then_some(file)
    }

    /// A small file of another kind, as text.
    pub(super) async fn text(&self, name: &str) -> Option<String> {
        JsFuture::from(self.file(name).await?.text()).await.ok()?.as_string()
    }

    /// Writes a small file of another kind; false where there is no room.
    pub(super) async fn put_text(&self, name: &str, text: &str) -> bool {
        let Some(handle) = self.handle(name, true).await else { return false };
        let Ok(writer) = Writer::open(&handle).await else { return false };
        writer.truncate();
        writer.write(0, text.as_bytes()).is_ok()
    }

    /// Opens the file for writing, created if need be.
    pub(super) async fn writer(&self, wanted: &ModelFile) -> Result<Writer, Refusal> {
        let handle = self.handle(&wanted.sha256, true).await.ok_or(Refusal::Unavailable)?;
        Writer::open(&handle).await.map_err(|error| match kind(&error).as_str() {
            "NoModificationAllowedError" | "InvalidStateError" => Refusal::Busy,
            _ => Refusal::Unavailable,
        })
    }

    /// Deletes a file; one that is not there or is in use stays as it is.
    pub(super) async fn delete(&self, wanted: &ModelFile) {
        for name in [note_name(wanted), wanted.sha256.clone()] {
            let _ = JsFuture::from(self.folder.remove_entry(&name)).await;
        }
    }
}

fn note_name(wanted: &ModelFile) -> String {
    format!("{}.verified", wanted.sha256)
}

fn note_of(file: &File) -> String {
    format!("{} bytes, changed {}", file.size(), file.last_modified())
}

/// A file that is open for writing; nobody else can open it meanwhile. Closed when dropped.
pub(super) struct Writer(FileSystemSyncAccessHandle);

impl Writer {
    async fn open(handle: &FileSystemFileHandle) -> Result<Self, JsValue> {
        JsFuture::from(handle.create_sync_access_handle()).await.map(|handle| Self(handle.unchecked_into()))
    }

    /// Bytes in the file.
    pub(super) fn size(&self) -> u64 {
        self.0.get_size().unwrap_or(0.0) as u64
    }

    /// Empties the file.
    pub(super) fn truncate(&self) {
        // Fails only on a closed handle, and this one is open.
        let _ = self.0.truncate_with_f64(0.0);
    }

    /// Reads what is at `offset`, up to the length of `into`; the number of bytes read.
    pub(super) fn read(&self, offset: u64, into: &mut [u8]) -> usize {
        self.0.read_with_u8_array_and_options(into, &at(offset)).unwrap_or(0.0) as usize
    }

    /// Writes all of `bytes` at `offset`, or says that there is no room.
    pub(super) fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), NoRoom> {
        let written = self.0.write_with_u8_array_and_options(bytes, &at(offset)).map_err(|_| NoRoom)?;
        if written as usize == bytes.len() { Ok(()) } else { Err(NoRoom) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.flush();
        self.0.close();
    }
}

/// The browser grants no more storage.
#[derive(Debug)]
pub(super) struct NoRoom;

fn at(offset: u64) -> FileSystemReadWriteOptions {
    let options = FileSystemReadWriteOptions::new();
    options.set_at(offset as f64);
    options
}

/// A stored file, or one that is kept in the browser's memory; either way outside wasm's.
pub(super) struct BlobSource(Blob);

impl BlobSource {
    pub(super) fn stored(file: File) -> Self {
        Self(file.unchecked_into())
    }

    pub(super) fn kept(parts: &Array) -> Result<Self, Problem> {
        Blob::new_with_u8_array_sequence(parts).map(Self).map_err(|error| {
            Problem::retryable(
                ProblemCode::StorageFull,
                format!("The model does not fit into this tab's memory ({}).", words(&error)),
                "Close other tabs and try again.",
            )
        })
    }

    /// The whole content.
    pub(super) async fn content(&self) -> Result<Vec<u8>, Problem> {
        let mut content = vec![0; self.bytes() as usize];
        self.read(0, &mut content).await?;
        Ok(content)
    }
}

impl Source for BlobSource {
    fn bytes(&self) -> u64 {
        self.0.size() as u64
    }

    async fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), Problem> {
        let failed = |error: &JsValue| unreadable(words(error));
        let end = offset as f64 + into.len() as f64;
        let part = self.0.slice_with_f64_and_f64(offset as f64, end).map_err(|error| failed(&error))?;
        let buffer = JsFuture::from(part.array_buffer()).await.map_err(|error| failed(&error))?;
        let bytes = Uint8Array::new(&buffer);
        if bytes.length() as usize != into.len() {
            return Err(unreadable("the file is shorter than it was"));
        }
        bytes.copy_to(into);
        Ok(())
    }
}
