//! The older ggml format, as whisper.cpp's converters write it: a name and sizes, then tensors to the end of the file.
//!
//! Layout (little-endian, all numbers of 32 bits): magic `ggml` · length and bytes of the model's kind · as many plain
//! numbers as that kind has · per tensor: dimensions, length of the name, type (0 for 32-bit floats, 1 for 16-bit ones),
//! sizes with the innermost first, name, data.

use std::collections::HashMap;

use mtor_shared::problem::Problem;

use super::{Source, blocks::f16_to_f32, cursor::Cursor, unreadable};

const MAGIC: u32 = 0x6767_6d6c;
/// Real files have tens of tensors.
const TENSOR_LIMIT: usize = 1 << 12;
const NAME_LIMIT: u32 = 256;

#[derive(Debug)]
struct Tensor {
    /// The outermost first.
    shape: Vec<usize>,
    is_half: bool,
    offset: u64,
}

/// An opened file of which only the numbers and the places of the tensors are in memory.
#[derive(Debug)]
pub struct Ggml<S> {
    source: S,
    numbers: Vec<u32>,
    tensors: HashMap<String, Tensor>,
}

impl<S: Source> Ggml<S> {
    /// Walks over the file, which must be of `kind` and have that many plain numbers before its tensors.
    ///
    /// # Errors
    ///
    /// When the source fails or holds something else.
    pub async fn open(source: S, kind: &str, numbers: usize) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(&source);
        let other = || unreadable(format_args!("it is no ggml file of the kind {kind}"));
        if cursor.u32().await? != MAGIC {
            return Err(other());
        }
        let length = cursor.u32().await?;
        if length as usize != kind.len() || cursor.bytes(kind.len()).await? != kind.as_bytes() {
            return Err(other());
        }
        let mut plain = Vec::with_capacity(numbers.min(1 << 10));
        for _ in 0..numbers {
            plain.push(cursor.u32().await?);
        }
        let mut tensors = HashMap::new();
        while cursor.position() < source.bytes() {
            let dimensions = cursor.u32().await?;
            let length = cursor.u32().await?;
            let kind = cursor.u32().await?;
            if tensors.len() >= TENSOR_LIMIT || dimensions > 4 || length > NAME_LIMIT || kind > 1 {
                return Err(unreadable("a tensor's header is damaged"));
            }
            let mut shape = Vec::with_capacity(4);
            let mut bytes = if kind == 1 { 2u64 } else { 4 };
            for _ in 0..dimensions {
                let size = cursor.u32().await?;
                bytes = bytes
                    .checked_mul(size.into())
                    .ok_or_else(|| unreadable("a tensor is larger than any file"))?;
                shape.push(size as usize);
            }
            shape.reverse();
            let name = String::from_utf8(cursor.bytes(length as usize).await?)
                .map_err(|_| unreadable("a name is no text"))?;
            let offset = cursor.position();
            cursor
                .skip(bytes)
                .map_err(|_| unreadable(format_args!("tensor {name} reaches beyond the end of the file")))?;
            tensors.insert(name, Tensor { shape, is_half: kind == 1, offset });
        }
        Ok(Self { source, numbers: plain, tensors })
    }

    /// The plain numbers before the tensors, in order.
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// Reads one tensor, whatever its precision; dimensions of one element do not count.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or it has another shape, or the source fails.
    pub async fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Problem> {
        let tensor =
            self.tensors.get(name).ok_or_else(|| unreadable(format_args!("there is no tensor {name}")))?;
        let essential =
            |shape: &[usize]| -> Vec<usize> { shape.iter().copied().filter(|n| *n != 1).collect() };
        if essential(&tensor.shape) != essential(shape) {
            return Err(unreadable(format_args!("tensor {name} is {:?} instead of {shape:?}", tensor.shape)));
        }
        let elements: usize = shape.iter().product();
        if tensor.is_half {
            let mut halves = vec![0u16; elements];
            self.source.read(tensor.offset, bytemuck::cast_slice_mut(&mut halves)).await?;
            return Ok(halves.into_iter().map(f16_to_f32).collect());
        }
        let mut values = vec![0f32; elements];
        self.source.read(tensor.offset, bytemuck::cast_slice_mut(&mut values)).await?;
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use pollster::block_on;
    use proptest::prelude::*;

    use super::*;
    use crate::weights::memory::Memory;

    fn file() -> Vec<u8> {
        let mut out = MAGIC.to_le_bytes().to_vec();
        let number = |out: &mut Vec<u8>, n: u32| out.extend(n.to_le_bytes());
        number(&mut out, 4);
        out.extend(b"kind");
        number(&mut out, 6);
        number(&mut out, 512);
        for (name, kind, sizes, data) in [
            ("half", 1, [2u32, 1], vec![0x00, 0x3c, 0x00, 0xc0]),
            ("single", 0, [1, 2], [0.5f32, 4.0].iter().flat_map(|v| v.to_le_bytes()).collect()),
        ] {
            number(&mut out, 2);
            number(&mut out, name.len() as u32);
            number(&mut out, kind);
            sizes.iter().for_each(|size| number(&mut out, *size));
            out.extend(name.as_bytes());
            out.extend::<Vec<u8>>(data);
        }
        out
    }

    #[test]
    fn numbers_and_tensors_come_as_written() {
        let file = block_on(Ggml::open(Memory(file()), "kind", 2)).unwrap();
        assert_eq!(file.numbers(), [6, 512]);
        assert_eq!(block_on(file.tensor("half", &[2])).unwrap(), [1.0, -2.0]);
        assert_eq!(block_on(file.tensor("single", &[2, 1])).unwrap(), [0.5, 4.0]);
        assert!(block_on(file.tensor("single", &[3])).unwrap_err().title.contains("single is [2, 1]"));
        assert!(block_on(file.tensor("none", &[3])).unwrap_err().title.contains("no tensor none"));
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        assert!(block_on(Ggml::open(Memory(file()), "other", 2)).is_err());
        assert!(block_on(Ggml::open(Memory(b"GGUF\0\0\0\0".to_vec()), "kind", 2)).is_err());
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_an_error_and_never_a_panic(at in 0usize..100, byte: u8, cut in 0usize..100) {
            let mut bytes = file();
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(bytes.len() - cut % bytes.len());
            if let Ok(file) = block_on(Ggml::open(Memory(bytes), "kind", 2)) {
                let _ = block_on(file.tensor("half", &[2]));
            }
        }
    }
}
