//! The safetensors format: a JSON header that says where each tensor lies, then the tensors.

use safetensors::{Dtype, tensor::Metadata};

use super::{Source, unreadable};
use mtor_shared::problem::Problem;

/// Headers of real models take kilobytes; a longer one is not a header.
const HEADER_LIMIT: u64 = 16 << 20;

/// An opened file of which only the header is in memory.
pub struct SafeTensors<S> {
    source: S,
    metadata: Metadata,
    /// Where the tensors begin in the file.
    start: u64,
}

impl<S: Source> SafeTensors<S> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// When the source fails or holds something else.
    pub async fn open(source: S) -> Result<Self, Problem> {
        let mut length = [0; 8];
        source.read(0, &mut length).await?;
        let length = u64::from_le_bytes(length);
        if length > HEADER_LIMIT || length > source.bytes() {
            return Err(unreadable("the header of the safetensors file is too long"));
        }
        let mut header = vec![0; length as usize];
        source.read(8, &mut header).await?;
        let metadata = serde_json::from_slice(&header)
            .map_err(|error| unreadable(format_args!("the safetensors header is damaged ({error})")))?;
        Ok(Self { source, metadata, start: 8 + length })
    }

    /// Reads one tensor of 32-bit floats.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or it has another shape or type, or the source fails.
    pub async fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Problem> {
        let info =
            self.metadata.info(name).ok_or_else(|| unreadable(format_args!("there is no tensor {name}")))?;
        if info.dtype != Dtype::F32 || info.shape != shape {
            return Err(unreadable(format_args!(
                "tensor {name} is {:?} {:?} instead of F32 {shape:?}",
                info.dtype, info.shape
            )));
        }
        let (first, last) = info.data_offsets;
        let mut values = vec![0f32; shape.iter().product()];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut values);
        if last.checked_sub(first) != Some(bytes.len()) {
            return Err(unreadable(format_args!("tensor {name} has the wrong number of bytes")));
        }
        self.source.read(self.start + first as u64, bytes).await?;
        // The format is little-endian, as are all machines that this runs on.
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::memory::Memory;
    use pollster::block_on;

    fn file(header: &str, data: &[f32]) -> Memory {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(data.iter().flat_map(|v| v.to_le_bytes()));
        Memory(bytes)
    }

    const HEADER: &str = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
        "b":{"dtype":"F32","shape":[2,2],"data_offsets":[4,20]}}"#;

    #[test]
    fn a_tensor_is_found_by_name() {
        let file = block_on(SafeTensors::open(file(HEADER, &[9.0, 1.0, 2.0, 3.0, 4.0]))).unwrap();
        assert_eq!(block_on(file.tensor("b", &[2, 2])).unwrap(), [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_names_the_tensor() {
        let whole = block_on(SafeTensors::open(file(HEADER, &[9.0, 1.0, 2.0, 3.0, 4.0]))).unwrap();
        assert!(block_on(whole.tensor("b", &[4])).unwrap_err().title.contains("tensor b is F32 [2, 2]"));
        assert!(block_on(whole.tensor("c", &[4])).unwrap_err().title.contains("no tensor c"));
        let short = block_on(SafeTensors::open(file(HEADER, &[9.0, 1.0]))).unwrap();
        assert!(block_on(short.tensor("b", &[2, 2])).is_err());
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        assert!(block_on(SafeTensors::open(Memory(b"GGUF".to_vec()))).is_err());
        assert!(block_on(SafeTensors::open(Memory(vec![0xff; 64]))).is_err());
        assert!(block_on(SafeTensors::open(file("{]", &[]))).is_err());
    }
}
