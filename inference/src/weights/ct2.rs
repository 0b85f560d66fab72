//! CTranslate2's `model.bin`: named variables one after the other, unaligned, then aliases.
//!
//! Layout (little-endian, binary version 6): u32 version · string specification · u32 revision · u32 count · per
//! variable: string name, u8 rank, u32 a dimension, u8 type, u32 bytes, data · u32 count of aliases · per alias: string
//! name, string target. A string is its length in 16 bits and its bytes, the last of which is zero.

use std::collections::HashMap;

use mtor_shared::problem::Problem;

use super::{Source, blocks::f16_to_f32, cursor::Cursor, unreadable};

/// Variables of a real model are hundreds.
const VARIABLE_LIMIT: u32 = 1 << 16;
/// Dimensions of a real variable are three at most.
const RANK_LIMIT: u8 = 8;

/// How a variable's numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    F32,
    I8,
    I16,
    I32,
    F16,
}

impl Kind {
    fn new(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::F32,
            1 => Self::I8,
            2 => Self::I16,
            3 => Self::I32,
            4 => Self::F16,
            _ => return None,
        })
    }

    fn bytes(self) -> u64 {
        match self {
            Self::F32 | Self::I32 => 4,
            Self::I16 | Self::F16 => 2,
            Self::I8 => 1,
        }
    }
}

#[derive(Debug)]
struct Variable {
    shape: Vec<usize>,
    kind: Kind,
    offset: u64,
}

/// An opened file of which only the names, shapes and places of the variables are in memory.
#[derive(Debug)]
pub struct Ct2<S> {
    source: S,
    specification: String,
    variables: HashMap<String, Variable>,
}

impl<S: Source> Ct2<S> {
    /// Walks over the variables, their data left out.
    ///
    /// # Errors
    ///
    /// When the source fails or holds something else.
    pub async fn open(source: S) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(&source);
        let version = cursor.u32().await?;
        if version != 6 {
            return Err(unreadable(format_args!(
                "it is no CTranslate2 model of version 6 (it says {version})"
            )));
        }
        let specification = string(&mut cursor).await?;
        let _revision = cursor.u32().await?;
        let count = cursor.u32().await?;
        if count > VARIABLE_LIMIT {
            return Err(unreadable(format_args!("it says that it has {count} variables")));
        }
        let mut variables = HashMap::new();
        for _ in 0..count {
            let name = string(&mut cursor).await?;
            let damaged = |what: &str| unreadable(format_args!("variable {name} {what}"));
            let rank = cursor.u8().await?;
            if rank > RANK_LIMIT {
                return Err(damaged("has too many dimensions"));
            }
            let mut shape = Vec::with_capacity(rank.into());
            let mut elements = 1u64;
            for _ in 0..rank {
                let size = cursor.u32().await?;
                elements =
                    elements.checked_mul(size.into()).ok_or_else(|| damaged("is larger than any file"))?;
                shape.push(size as usize);
            }
            let kind = Kind::new(cursor.u8().await?)
                .ok_or_else(|| damaged("is of a type that MTOR does not read"))?;
            let bytes = u64::from(cursor.u32().await?);
            if elements.checked_mul(kind.bytes()) != Some(bytes) {
                return Err(damaged("has the wrong number of bytes"));
            }
            let offset = cursor.position();
            cursor.skip(bytes).map_err(|_| damaged("reaches beyond the end of the file"))?;
            variables.insert(name, Variable { shape, kind, offset });
        }
        // Aliases follow; MTOR's loaders know which variables are shared.
        Ok(Self { source, specification, variables })
    }

    /// What kind of model it is, `WhisperSpec` for example.
    pub fn specification(&self) -> &str {
        &self.specification
    }

    /// The shape of a variable; none where there is none of that name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        Some(&self.variables.get(name)?.shape)
    }

    /// Reads one integer.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or it is no integer, or the source fails.
    pub async fn integer(&self, name: &str) -> Result<i64, Problem> {
        let variable = self.find(name)?;
        let mut bytes = [0; 4];
        let count = variable.kind.bytes() as usize;
        if !variable.shape.is_empty() || matches!(variable.kind, Kind::F32 | Kind::F16) {
            return Err(unreadable(format_args!("variable {name} is no integer")));
        }
        self.source.read(variable.offset, &mut bytes[..count]).await?;
        Ok(match variable.kind {
            Kind::I8 => i64::from(bytes[0] as i8),
            Kind::I16 => i64::from(i16::from_le_bytes([bytes[0], bytes[1]])),
            _ => i64::from(i32::from_le_bytes(bytes)),
        })
    }

    /// Reads one variable of floats of 16 or 32 bits, row-major.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or it has another shape or type, or the source fails.
    pub async fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Problem> {
        let variable = self.find(name)?;
        if variable.shape != shape || !matches!(variable.kind, Kind::F32 | Kind::F16) {
            return Err(unreadable(format_args!(
                "variable {name} is {:?} {:?} instead of floats {shape:?}",
                variable.kind, variable.shape
            )));
        }
        let elements: usize = shape.iter().product();
        if variable.kind == Kind::F32 {
            let mut values = vec![0f32; elements];
            self.source.read(variable.offset, bytemuck::cast_slice_mut(&mut values)).await?;
            return Ok(values);
        }
        let mut halves = vec![0u16; elements];
        self.source.read(variable.offset, bytemuck::cast_slice_mut(&mut halves)).await?;
        Ok(halves.into_iter().map(f16_to_f32).collect())
    }

    fn find(&self, name: &str) -> Result<&Variable, Problem> {
        self.variables.get(name).ok_or_else(|| unreadable(format_args!("there is no variable {name}")))
    }
}

async fn string<S: Source>(cursor: &mut Cursor<'_, S>) -> Result<String, Problem> {
    let length = cursor.u16().await?;
    let mut bytes = cursor.bytes(length.into()).await?;
    if bytes.pop() != Some(0) {
        return Err(unreadable("a name does not end where it should"));
    }
    String::from_utf8(bytes).map_err(|_| unreadable("a name is no text"))
}

#[cfg(test)]
mod tests {
    use pollster::block_on;
    use proptest::prelude::*;

    use super::*;
    use crate::weights::memory::Memory;

    fn name(out: &mut Vec<u8>, name: &str) {
        out.extend((name.len() as u16 + 1).to_le_bytes());
        out.extend(name.as_bytes());
        out.push(0);
    }

    fn variable(out: &mut Vec<u8>, called: &str, shape: &[u32], kind: u8, data: &[u8]) {
        name(out, called);
        out.push(shape.len() as u8);
        shape.iter().for_each(|size| out.extend(size.to_le_bytes()));
        out.push(kind);
        out.extend((data.len() as u32).to_le_bytes());
        out.extend(data);
    }

    fn file() -> Vec<u8> {
        let mut out = 6u32.to_le_bytes().to_vec();
        name(&mut out, "WhisperSpec");
        out.extend(3u32.to_le_bytes());
        out.extend(3u32.to_le_bytes());
        variable(&mut out, "heads", &[], 2, &6i16.to_le_bytes());
        variable(&mut out, "half", &[1, 2], 4, &[0x00, 0x3c, 0x00, 0xc0]);
        variable(&mut out, "single", &[1], 0, &0.5f32.to_le_bytes());
        out.extend(1u32.to_le_bytes());
        name(&mut out, "alias");
        name(&mut out, "half");
        out
    }

    #[test]
    fn variables_are_found_by_name_and_come_as_32_bits() {
        let file = block_on(Ct2::open(Memory(file()))).unwrap();
        assert_eq!(file.specification(), "WhisperSpec");
        assert_eq!(block_on(file.integer("heads")).unwrap(), 6);
        assert_eq!(block_on(file.tensor("half", &[1, 2])).unwrap(), [1.0, -2.0]);
        assert_eq!(block_on(file.tensor("single", &[1])).unwrap(), [0.5]);
        assert_eq!(file.shape("half"), Some(&[1usize, 2][..]));
        assert_eq!(file.shape("none"), None);
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_names_the_variable() {
        let file = block_on(Ct2::open(Memory(file()))).unwrap();
        assert!(
            block_on(file.tensor("half", &[2])).unwrap_err().title.contains("variable half is F16 [1, 2]")
        );
        assert!(block_on(file.tensor("alias", &[1, 2])).unwrap_err().title.contains("no variable alias"));
        assert!(block_on(file.integer("half")).unwrap_err().title.contains("no integer"));
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_an_error_and_never_a_panic(at in 0usize..100, byte: u8, cut in 0usize..100) {
            let mut bytes = file();
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(bytes.len() - cut % bytes.len());
            if let Ok(file) = block_on(Ct2::open(Memory(bytes))) {
                let _ = block_on(file.tensor("half", &[1, 2]));
                let _ = block_on(file.integer("heads"));
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut with_version = 6u32.to_le_bytes().to_vec();
            with_version.extend(bytes);
            let _ = block_on(Ct2::open(Memory(with_version)));
        }
    }
}
