//! Products of 8-bit integers, which are held as floats: sums of them below 2^24 are exact.

use super::{Context, Inputs, product::by_rows};
use crate::{
    graph::{Fault, Tensor},
    kernels::{Packed, Pairwise, Pointwise, combine_with},
};

/// `DynamicQuantizeLinear`: numbers to 0 … 255 over the range that they have.
#[derive(Debug)]
pub(in crate::graph) struct DynamicQuantize;

impl DynamicQuantize {
    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let x = inputs.get(0)?;
        let values = x.as_floats()?;
        let (low, high) = values.iter().fold((0.0f32, 0.0f32), |(low, high), x| (low.min(*x), high.max(*x)));
        let scale = if high > low { (high - low) / 255.0 } else { 1.0 };
        let zero = (-low / scale).round_ties_even().clamp(0.0, 255.0);
        let out = context.pool.floats(x.shape().to_vec(), |out| {
            for (out, x) in out.iter_mut().zip(values) {
                *out = ((x / scale).round_ties_even() + zero).clamp(0.0, 255.0);
            }
            Ok(())
        })?;
        Ok(vec![out, Tensor::scalar(scale), Tensor::scalar(zero)])
    }
}

/// `MatMulInteger`.
#[derive(Debug, Default)]
pub(in crate::graph) struct IntegerProduct {
    /// The right side less its zero point, where both are known beforehand.
    packed: Option<Packed>,
}

impl IntegerProduct {
    /// Takes a right side that never changes; false where it is none that can be kept.
    pub(in crate::graph) fn pack(&mut self, right: &Tensor, zero: Option<&Tensor>) -> Result<bool, Fault> {
        self.packed = pack(right, zero)?;
        Ok(self.packed.is_some())
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let zero = inputs.optional(2).map(Tensor::as_number).transpose()?.unwrap_or(0.0);
        let a = inputs.take(0, context.pool)?;
        let shape = a.shape().to_vec();
        let crate::graph::Data::Floats(mut values) = a.into_data() else {
            return Err(Fault::new("wide integers stand where 8-bit ones belong"));
        };
        combine_with(context.level, Pairwise::Subtract, &mut values, zero);
        let a = Tensor::floats(shape, values)?;
        let fresh = match &self.packed {
            Some(_) => None,
            None => pack(inputs.get(1)?, inputs.optional(3))?,
        };
        let packed = self.packed.as_ref().or(fresh.as_ref());
        let packed = packed.ok_or_else(|| Fault::new("a stack of integer matrices is not supported"))?;
        let out = by_rows(&a, packed, &[], Pointwise::Identity, context)?;
        context.pool.give(a);
        Ok(vec![out])
    }
}

fn pack(right: &Tensor, zero: Option<&Tensor>) -> Result<Option<Packed>, Fault> {
    let [k, n] = *right.shape() else { return Ok(None) };
    let values = right.as_floats()?;
    let zeros = zero.map_or(Ok([0.0].as_slice()), Tensor::as_floats)?;
    if zeros.len() != 1 && zeros.len() != n {
        return Err(Fault::new(format!("{} zero points for {n} columns", zeros.len())));
    }
    Ok(Some(Packed::new(k, n, |row, column| values[row * n + column] - zeros[column % zeros.len()])))
}
