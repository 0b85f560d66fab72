//! Tensors as ONNX writes them.

use super::wire::{Fields, damaged};
use crate::graph::{Fault, Tensor, elements_of};
use crate::weights::blocks::f16_to_f32;

/// Reads a tensor and its name.
pub(super) fn read(bytes: &[u8]) -> Result<(String, Tensor), Fault> {
    let mut name = String::new();
    let mut dims = Vec::new();
    let mut kind = 0;
    let mut raw = None;
    let (mut floats, mut integers, mut doubles) = (Vec::new(), Vec::new(), Vec::new());
    for field in Fields(bytes) {
        let (number, value) = field?;
        match number {
            1 => value.integers(&mut dims)?,
            2 => kind = value.integer()?,
            4 => value.floats(&mut floats)?,
            5 | 7 => value.integers(&mut integers)?,
            8 => name = value.text()?,
            9 => raw = Some(value.bytes()?),
            10 => {
                let (values, _) = value.bytes()?.as_chunks::<8>();
                doubles.extend(values.iter().map(|value| f64::from_le_bytes(*value) as f32));
            }
            13 => {
                return Err(Fault::new(format!(
                    "the weights {name} lie in another file, which is not supported"
                )));
            }
            _ => {}
        }
    }
    let shape: Vec<usize> = dims
        .iter()
        .map(|size| {
            usize::try_from(*size).map_err(|_| damaged(format!("the tensor {name} has a size of {size}")))
        })
        .collect::<Result<_, _>>()?;
    let elements = elements_of(&shape)?;
    let expect = |count: usize| {
        if count == elements {
            return Ok(());
        }
        Err(damaged(format!("the tensor {name} has {count} elements instead of {elements}")))
    };
    // The numbers of TensorProto.DataType.
    let tensor = match (kind, raw) {
        (1, Some(raw)) => {
            let values = numbers(raw, |b: [u8; 4]| f32::from_le_bytes(b))?;
            expect(values.len())?;
            Tensor::floats(shape, values)
        }
        (1, None) => Tensor::floats(shape, floats),
        (11, Some(raw)) => Tensor::floats(shape, numbers(raw, |b: [u8; 8]| f64::from_le_bytes(b) as f32)?),
        (11, None) => Tensor::floats(shape, doubles),
        (10, Some(raw)) => {
            Tensor::floats(shape, numbers(raw, |b: [u8; 2]| f16_to_f32(u16::from_le_bytes(b)))?)
        }
        (10, None) => Tensor::floats(shape, integers.iter().map(|v| f16_to_f32(*v as u16)).collect()),
        (16, Some(raw)) => Tensor::floats(
            shape,
            numbers(raw, |b: [u8; 2]| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16))?,
        ),
        // Quantised values are held as floats.
        (2, Some(raw)) => Tensor::floats(shape, raw.iter().map(|v| f32::from(*v)).collect()),
        (3, Some(raw)) => Tensor::floats(shape, raw.iter().map(|v| f32::from(*v as i8)).collect()),
        (2 | 3, None) => Tensor::floats(shape, integers.iter().map(|v| *v as f32).collect()),
        (6, Some(raw)) => {
            Tensor::integers(shape, numbers(raw, |b: [u8; 4]| i64::from(i32::from_le_bytes(b)))?)
        }
        (7, Some(raw)) => Tensor::integers(shape, numbers(raw, |b: [u8; 8]| i64::from_le_bytes(b))?),
        (9, Some(raw)) => Tensor::integers(shape, raw.iter().map(|v| i64::from(*v != 0)).collect()),
        (6 | 7 | 9, None) => Tensor::integers(shape, integers),
        (kind, _) => {
            return Err(Fault::new(format!(
                "the tensor {name} has element type {kind}, which is not supported"
            )));
        }
    };
    let tensor = tensor.map_err(|fault| fault.at(format!("the tensor {name}")))?;
    Ok((name, tensor))
}

fn numbers<const N: usize, T>(raw: &[u8], number: impl Fn([u8; N]) -> T) -> Result<Vec<T>, Fault> {
    let (values, rest) = raw.as_chunks::<N>();
    if !rest.is_empty() {
        return Err(damaged("weights end in the middle of a number"));
    }
    Ok(values.iter().map(|bytes| number(*bytes)).collect())
}
