//! The GGUF format, versions 2 and 3: metadata (sizes, tokenizer, chat template), then tensors in block formats.
//!
//! Only the header is held; tensors are read a few rows at a time.

mod header;
mod metadata;

use mtor_shared::problem::{Problem, ProblemCode};

use super::{Source, blocks::BlockFormat, unreadable};
use header::{Stop, parse};
pub use header::{TensorInfo, TensorType};
pub use metadata::{Metadata, Strings, Value};

/// What a header is first expected to fit into; vocabularies of 150,000 words take 6 MB.
const FIRST_READ: u64 = 8 << 20;
/// What no header of a real model needs.
const HEADER_LIMIT: u64 = 256 << 20;

/// An opened file of which only the header is in memory.
pub struct Gguf<S> {
    source: S,
    /// The file's description of itself.
    pub metadata: Metadata,
    tensors: Vec<TensorInfo>,
    /// Where the tensors begin in the file.
    start: u64,
}

impl<S: Source> Gguf<S> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// `unsupported` for another version of the format; otherwise when the source fails or holds something else.
    pub async fn open(source: S) -> Result<Self, Problem> {
        let limit = source.bytes().min(HEADER_LIMIT);
        let mut buffer = Vec::new();
        let mut wanted = FIRST_READ.min(limit);
        loop {
            let have = buffer.len();
            buffer.resize(wanted as usize, 0);
            source.read(have as u64, &mut buffer[have..]).await?;
            match parse(&buffer, source.bytes()) {
                Ok(header) => {
                    let header::Header { metadata, tensors, start } = header;
                    return Ok(Self { source, metadata, tensors, start });
                }
                Err(Stop::Short) if wanted < limit => wanted = (wanted * 2).min(limit),
                Err(Stop::Short) => {
                    return Err(unreadable("the header of the GGUF file has no end; the file is cut off"));
                }
                Err(Stop::Version(version)) => {
                    return Err(Problem::new(
                        ProblemCode::Unsupported,
                        format!("The file is GGUF version {version}, and MTOR reads versions 2 and 3."),
                        "Convert it with a current version of llama.cpp.",
                    ));
                }
                Err(Stop::Damaged(what)) => return Err(unreadable(what)),
            }
        }
    }

    /// Every tensor, in the file's order.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// The tensor of that name, if there is one.
    pub fn find(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// The tensor of that name; `shape` is as the format has it, the fastest dimension first.
    ///
    /// # Errors
    ///
    /// When there is none, or it has another shape.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<&TensorInfo, Problem> {
        let tensor = self.find(name).ok_or_else(|| unreadable(format_args!("there is no tensor {name}")))?;
        if tensor.shape != shape {
            return Err(unreadable(format_args!(
                "tensor {name} has the shape {:?} instead of {shape:?}",
                tensor.shape
            )));
        }
        Ok(tensor)
    }

    /// The format of a tensor's blocks.
    ///
    /// # Errors
    ///
    /// `unsupported` with the name of the format.
    pub fn format(&self, tensor: &TensorInfo) -> Result<BlockFormat, Problem> {
        tensor.kind.format().ok_or_else(|| {
            Problem::new(
                ProblemCode::Unsupported,
                format!("Tensor {} is stored as {}, which MTOR does not read.", tensor.name, tensor.kind),
                "Choose a file quantised as Q4_0, Q4_K, Q5_0, Q5_K, Q6_K or Q8_0, or stored as F16, BF16 or F32.",
            )
        })
    }

    /// Reads the blocks of rows `first..first + count`; a row is the tensor's fastest dimension.
    ///
    /// # Errors
    ///
    /// When the format is not supported, there are fewer rows, or the source fails.
    pub async fn rows(
        &self,
        tensor: &TensorInfo,
        first: usize,
        count: usize,
        into: &mut Vec<u8>,
    ) -> Result<(), Problem> {
        let row = self.format(tensor)?.bytes(tensor.columns());
        if first.checked_add(count).is_none_or(|end| end > tensor.rows()) {
            return Err(unreadable(format_args!("tensor {} has fewer rows", tensor.name)));
        }
        into.resize(row * count, 0);
        self.source.read(self.start + tensor.offset + (row * first) as u64, into).await
    }

    /// A whole tensor as numbers, for the small ones: norms and biases.
    ///
    /// # Errors
    ///
    /// As [`Gguf::tensor`] and [`Gguf::rows`].
    pub async fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Problem> {
        let tensor = self.tensor(name, shape)?;
        let mut bytes = Vec::new();
        self.rows(tensor, 0, tensor.rows(), &mut bytes).await?;
        let mut values = vec![0.0; tensor.columns() * tensor.rows()];
        self.format(tensor)?.dequantise(&bytes, &mut values);
        Ok(values)
    }
}

#[cfg(test)]
mod tests;
