//! Where weights come from, and how a model reads them: a part at a time, straight into the memory where it is used,
//! so that a file is never held twice.

pub mod blocks;
mod ct2;
mod cursor;
#[cfg(not(target_arch = "wasm32"))]
pub mod file;
mod ggml;
mod gguf;
pub mod memory;
mod safetensors;
pub(crate) mod torch;

pub use self::ct2::Ct2;
pub use self::ggml::Ggml;
pub use self::gguf::{Gguf, Metadata, Strings, TensorInfo, TensorType, Value};
pub use self::safetensors::SafeTensors;

use mtor_shared::problem::{Problem, ProblemCode};
use sha2::{Digest, Sha256};

/// Bytes that can be read from any place: a file, or a blob of the browser.
#[expect(async_fn_in_trait, reason = "sources are used on one thread and never as trait objects")]
pub trait Source {
    /// Bytes altogether.
    fn bytes(&self) -> u64;

    /// Fills `into` with the bytes from `offset` on; an error where there are fewer.
    async fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), Problem>;
}

impl<S: Source> Source for &S {
    fn bytes(&self) -> u64 {
        (*self).bytes()
    }

    async fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), Problem> {
        (*self).read(offset, into).await
    }
}

/// Lower-case hexadecimal, as hashes are written in the manifest.
pub(crate) fn hexadecimal(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A weight file that is not what the model's code reads.
pub(crate) fn unreadable(what: impl std::fmt::Display) -> Problem {
    Problem::new(
        ProblemCode::Internal,
        format!("The model's weights cannot be read: {what}."),
        "Delete the model and load it again.",
    )
}
