//! Parses the header from a prefix of the file. Nothing in it is trusted: every count is compared with the bytes that
//! are there before memory is asked for.

use std::{collections::HashMap, fmt};

use super::metadata::{Metadata, Strings, Value};
use crate::weights::blocks::BlockFormat;

/// Keys and tensors of real models number hundreds.
const COUNT_LIMIT: u64 = 1 << 16;
/// Bytes of a key or of a tensor's name.
const NAME_LIMIT: u64 = 1 << 12;

/// Why parsing ended without a header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It goes on behind the prefix.
    Short,
    /// Another version of the format.
    Version(u32),
    /// This is no header.
    Damaged(String),
}

fn damaged<T>(what: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Damaged(what.into()))
}

/// How a tensor is stored, as the file says: also what MTOR does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorType(pub u32);

impl TensorType {
    /// The format, if MTOR reads it.
    pub fn format(self) -> Option<BlockFormat> {
        Some(match self.0 {
            0 => BlockFormat::F32,
            1 => BlockFormat::F16,
            2 => BlockFormat::Q4_0,
            3 => BlockFormat::Q4_1,
            6 => BlockFormat::Q5_0,
            7 => BlockFormat::Q5_1,
            8 => BlockFormat::Q8_0,
            12 => BlockFormat::Q4K,
            13 => BlockFormat::Q5K,
            14 => BlockFormat::Q6K,
            30 => BlockFormat::BF16,
            _ => return None,
        })
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // ggml.h's enumeration.
        let name = match self.0 {
            9 => "Q8_1",
            10 => "Q2_K",
            11 => "Q3_K",
            15 => "Q8_K",
            16 => "IQ2_XXS",
            17 => "IQ2_XS",
            18 => "IQ3_XXS",
            19 => "IQ1_S",
            20 => "IQ4_NL",
            21 => "IQ3_S",
            22 => "IQ2_S",
            23 => "IQ4_XS",
            29 => "IQ1_M",
            34 => "TQ1_0",
            35 => "TQ2_0",
            39 => "MXFP4",
            number => {
                return match self.format() {
                    Some(format) => write!(f, "{format:?}"),
                    None => write!(f, "type {number}"),
                };
            }
        };
        f.write_str(name)
    }
}

/// Where a tensor lies and what it looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// The fastest dimension first; one to four.
    pub shape: Vec<usize>,
    /// How it is stored.
    pub kind: TensorType,
    /// Bytes from the beginning of the tensors.
    pub offset: u64,
}

impl TensorInfo {
    /// Elements of the fastest dimension.
    pub fn columns(&self) -> usize {
        self.shape.first().copied().unwrap_or(0)
    }

    /// Rows over all other dimensions.
    pub fn rows(&self) -> usize {
        self.shape.iter().skip(1).product()
    }
}

/// What the header holds.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) metadata: Metadata,
    pub(super) tensors: Vec<TensorInfo>,
    pub(super) start: u64,
}

/// Parses the header that `bytes` begins with; `file_bytes` is the whole file's size.
pub(super) fn parse(bytes: &[u8], file_bytes: u64) -> Result<Header, Stop> {
    let mut cursor = Cursor { bytes, at: 0, file_bytes };
    if cursor.take(4)? != b"GGUF" {
        return damaged("it does not begin with GGUF");
    }
    let version = cursor.u32()?;
    if version.swap_bytes() <= 3 && version > 3 {
        return damaged("the GGUF file is big-endian");
    }
    if !(2..=3).contains(&version) {
        return Err(Stop::Version(version));
    }
    let (tensors, keys) = (cursor.u64()?, cursor.u64()?);
    if tensors > COUNT_LIMIT || keys > COUNT_LIMIT {
        return damaged(format!("{tensors} tensors and {keys} keys are more than a model has"));
    }
    let mut metadata = HashMap::new();
    for _ in 0..keys {
        let key = cursor.name()?;
        let kind = cursor.u32()?;
        let value = cursor.value(kind, &key)?;
        metadata.insert(key, value);
    }
    let metadata = Metadata(metadata);
    let alignment = match metadata.get("general.alignment") {
        None => 32,
        Some(Value::Integer(value)) if (8..=65_536).contains(value) && value % 8 == 0 => *value as u64,
        Some(value) => return damaged(format!("general.alignment is {value:?}")),
    };
    let mut infos = Vec::new();
    for _ in 0..tensors {
        infos.push(cursor.tensor()?);
    }
    let start = (cursor.at as u64).next_multiple_of(alignment);
    for tensor in &infos {
        check(tensor, start, alignment, file_bytes)?;
    }
    Ok(Header { metadata, tensors: infos, start })
}

/// Shape and place of a tensor, as far as its format is known.
fn check(tensor: &TensorInfo, start: u64, alignment: u64, file_bytes: u64) -> Result<(), Stop> {
    let TensorInfo { name, shape, offset, .. } = tensor;
    let Some(format) = tensor.kind.format() else { return Ok(()) };
    if !tensor.columns().is_multiple_of(format.block()) {
        return damaged(format!("rows of tensor {name} are no whole number of {format:?} blocks"));
    }
    let elements = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    let bytes = elements.and_then(|elements| (elements / format.block()).checked_mul(format.block_bytes()));
    let end = bytes.and_then(|bytes| start.checked_add(*offset)?.checked_add(bytes as u64));
    match end {
        Some(end) if end <= file_bytes && offset.is_multiple_of(alignment) => Ok(()),
        Some(end) if end > file_bytes => damaged(format!(
            "tensor {name} ends at byte {end} of a file of {file_bytes} bytes; the file is cut off"
        )),
        _ => damaged(format!("tensor {name} lies at a place where none can be")),
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    file_bytes: u64,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], Stop> {
        if count > self.file_bytes.saturating_sub(self.at as u64) {
            return damaged(format!(
                "{count} bytes are announced at byte {}, beyond the file's end",
                self.at
            ));
        }
        let taken = usize::try_from(count).ok().and_then(|count| self.bytes.get(self.at..)?.get(..count));
        let taken = taken.ok_or(Stop::Short)?;
        self.at += taken.len();
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        self.take(N as u64)?.try_into().map_err(|_| Stop::Short)
    }

    fn u32(&mut self) -> Result<u32, Stop> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Stop> {
        self.array().map(u64::from_le_bytes)
    }

    fn string(&mut self) -> Result<std::borrow::Cow<'a, str>, Stop> {
        let length = self.u64()?;
        self.take(length).map(String::from_utf8_lossy)
    }

    fn name(&mut self) -> Result<String, Stop> {
        let length = self.u64()?;
        if length > NAME_LIMIT {
            return damaged(format!("a name of {length} bytes is none"));
        }
        match std::str::from_utf8(self.take(length)?) {
            Ok(name) => Ok(name.to_owned()),
            Err(_) => damaged("a name is no text"),
        }
    }

    fn value(&mut self, kind: u32, key: &str) -> Result<Value, Stop> {
        Ok(match kind {
            0 => Value::Integer(u8::from_le_bytes(self.array()?).into()),
            1 => Value::Integer(i8::from_le_bytes(self.array()?).into()),
            2 => Value::Integer(u16::from_le_bytes(self.array()?).into()),
            3 => Value::Integer(i16::from_le_bytes(self.array()?).into()),
            4 => Value::Integer(self.u32()?.into()),
            5 => Value::Integer(i32::from_le_bytes(self.array()?).into()),
            6 => Value::Float(f32::from_le_bytes(self.array()?).into()),
            7 => Value::Bool(self.array::<1>()? != [0]),
            8 => Value::Text(self.string()?.into_owned()),
            9 => {
                let kind = self.u32()?;
                let count = self.u64()?;
                return self.values(kind, count, key);
            }
            10 => Value::Integer(self.u64()?.into()),
            11 => Value::Integer(i64::from_le_bytes(self.array()?).into()),
            12 => Value::Float(f64::from_le_bytes(self.array()?)),
            other => return damaged(format!("{key} has the unknown type {other}")),
        })
    }

    fn values(&mut self, kind: u32, count: u64, key: &str) -> Result<Value, Stop> {
        let width: u64 = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            8 => {
                let mut texts = Strings::default();
                for _ in 0..count {
                    texts.push(&self.string()?);
                }
                return Ok(Value::Texts(texts));
            }
            other => return damaged(format!("{key} is an array of type {other}, which MTOR does not read")),
        };
        let Some(bytes) = count.checked_mul(width) else {
            return damaged(format!("{key} announces {count} elements"));
        };
        let mut part = Cursor { bytes: self.take(bytes)?, at: 0, file_bytes: bytes };
        if matches!(kind, 6 | 12) {
            let mut floats = Vec::with_capacity(count as usize);
            for _ in 0..count {
                match part.value(kind, key)? {
                    Value::Float(value) => floats.push(value as f32),
                    _ => return damaged(format!("{key} is no array of numbers")),
                }
            }
            return Ok(Value::Floats(floats));
        }
        let mut integers = Vec::with_capacity(count as usize);
        for _ in 0..count {
            integers.push(match part.value(kind, key)? {
                Value::Integer(value) => value as i64,
                Value::Bool(flag) => flag.into(),
                _ => return damaged(format!("{key} is no array of integers")),
            });
        }
        Ok(Value::Integers(integers))
    }

    fn tensor(&mut self) -> Result<TensorInfo, Stop> {
        let name = self.name()?;
        let dimensions = self.u32()?;
        if !(1..=4).contains(&dimensions) {
            return damaged(format!("tensor {name} has {dimensions} dimensions"));
        }
        let mut shape = Vec::with_capacity(4);
        for _ in 0..dimensions {
            match usize::try_from(self.u64()?) {
                Ok(size) if size > 0 => shape.push(size),
                _ => return damaged(format!("tensor {name} has an impossible shape")),
            }
        }
        let kind = TensorType(self.u32()?);
        let offset = self.u64()?;
        Ok(TensorInfo { name, shape, kind, offset })
    }
}
