//! Operators that put tensors together.

use super::{Context, Inputs};
use crate::graph::{Attributes, Data, Fault, Tensor, tensor::axis_of};

/// `Concat`.
#[derive(Debug)]
pub(in crate::graph) struct Concat {
    axis: i64,
}

impl Concat {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        Ok(Self { axis: attributes.integer("axis", 0)? })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let first = inputs.get(0)?;
        let axis = axis_of(self.axis, first.shape().len())?;
        let mut shape = first.shape().to_vec();
        shape[axis] = 0;
        let mut parts = Vec::with_capacity(inputs.count());
        for index in 0..inputs.count() {
            let part = inputs.get(index)?;
            let fits = part.shape().len() == shape.len()
                && part.shape().iter().zip(first.shape()).enumerate().all(|(i, (a, b))| i == axis || a == b);
            if !fits {
                return Err(Fault::new(format!(
                    "shapes {:?} and {:?} do not join",
                    first.shape(),
                    part.shape()
                )));
            }
            shape[axis] += part.shape()[axis];
            parts.push((part, part.shape()[axis..].iter().product::<usize>()));
        }
        let row: usize = shape[axis..].iter().product();
        if row == 0 {
            return Ok(vec![match first.data() {
                Data::Floats(_) => Tensor::floats(shape, Vec::new())?,
                Data::Integers(_) => Tensor::integers(shape, Vec::new())?,
            }]);
        }
        let out = match first.data() {
            Data::Floats(_) => context.pool.floats(shape, |out| {
                let mut at = 0;
                for (part, width) in &parts {
                    let rows = part.as_floats()?.chunks_exact((*width).max(1));
                    for (out, row) in out.chunks_exact_mut(row).zip(rows) {
                        out[at..at + width].copy_from_slice(row);
                    }
                    at += width;
                }
                Ok(())
            })?,
            Data::Integers(_) => {
                let mut out = vec![0; crate::graph::elements_of(&shape)?];
                let mut at = 0;
                for (part, width) in &parts {
                    let rows = part.as_integers()?.chunks_exact((*width).max(1));
                    for (out, row) in out.chunks_exact_mut(row).zip(rows) {
                        out[at..at + width].copy_from_slice(row);
                    }
                    at += width;
                }
                Tensor::integers(shape, out)?
            }
        };
        Ok(vec![out])
    }
}
