//! Matrix products.

use super::{Context, Inputs, broadcast};
use crate::{
    graph::{Attributes, Fault, Tensor},
    kernels::{Activation, Packed, Pointwise, apply, combine, gemm},
};

/// `MatMul` or `Gemm`, with what follows it.
#[derive(Debug)]
pub(in crate::graph) struct Product {
    /// The right side, where it is known beforehand; the second input is then not looked at.
    packed: Option<Packed>,
    /// Whether the right side is given with rows and columns exchanged.
    turned: bool,
    /// What the third input is multiplied with before it is added.
    beta: f32,
    alpha: f32,
    /// Added to each row.
    pub(in crate::graph) bias: Vec<f32>,
    /// Applied to the result.
    pub(in crate::graph) then: Pointwise,
}

impl Default for Product {
    fn default() -> Self {
        Self {
            packed: None,
            turned: false,
            alpha: 1.0,
            beta: 1.0,
            bias: Vec::new(),
            then: Pointwise::Identity,
        }
    }
}

impl Product {
    pub(super) fn read_gemm(attributes: &Attributes) -> Result<Self, Fault> {
        if attributes.integer("transA", 0)? != 0 {
            return Err(Fault::new("a product with its left side turned is not supported"));
        }
        Ok(Self {
            turned: attributes.integer("transB", 0)? != 0,
            alpha: attributes.float("alpha", 1.0)?,
            beta: attributes.float("beta", 1.0)?,
            ..Self::default()
        })
    }

    /// Columns of the result, once the right side is known.
    pub(in crate::graph) fn columns(&self) -> Option<usize> {
        self.packed.as_ref().map(Packed::columns)
    }

    /// Takes a right side that never changes; false where it has not two dimensions.
    pub(in crate::graph) fn pack(&mut self, right: &Tensor) -> Result<bool, Fault> {
        let [rows, columns] = *right.shape() else { return Ok(false) };
        let (k, n) = if self.turned { (columns, rows) } else { (rows, columns) };
        let (values, turned, alpha) = (right.as_floats()?, self.turned, self.alpha);
        self.packed = Some(Packed::new(k, n, |row, column| {
            alpha * if turned { values[column * k + row] } else { values[row * n + column] }
        }));
        Ok(true)
    }

    /// Takes the third input of a `Gemm` that never changes as a row to add; false where it is none.
    pub(in crate::graph) fn take_bias(&mut self, bias: &Tensor) -> Result<bool, Fault> {
        let Some(columns) = self.columns() else { return Ok(false) };
        let is_row = bias.elements() == columns && bias.shape().last() == Some(&columns);
        if is_row {
            self.bias = bias.as_floats()?.iter().map(|value| value * self.beta).collect();
        }
        Ok(is_row)
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let a = inputs.get(0)?;
        let mut out = match &self.packed {
            Some(packed) => by_rows(a, packed, &self.bias, self.then, context)?,
            None => {
                let b = inputs.get(1)?;
                let mut out = batched(a, b, self.turned, self.alpha, context)?;
                if !self.bias.is_empty() || self.then != Pointwise::Identity {
                    out = finish(out, &self.bias, self.then, context)?;
                }
                out
            }
        };
        if let Some(more) = inputs.optional(2) {
            // Only `Gemm` has a third input, and only rows of numbers were ever seen there.
            let row: Vec<f32> = more.as_floats()?.iter().map(|value| value * self.beta).collect();
            out = finish(out, &row, Pointwise::Identity, context)?;
        }
        Ok(vec![out])
    }
}

fn finish(out: Tensor, bias: &[f32], then: Pointwise, context: &mut Context) -> Result<Tensor, Fault> {
    let shape = out.shape().to_vec();
    let crate::graph::Data::Floats(mut values) = out.into_data() else {
        return Err(Fault::new("a product of integers has no bias"));
    };
    if !bias.is_empty() {
        if shape.last() != Some(&bias.len()) {
            return Err(Fault::new(format!("{} offsets for a product of shape {shape:?}", bias.len())));
        }
        values.chunks_exact_mut(bias.len()).for_each(|row| {
            combine(context.level, crate::kernels::Pairwise::Add, row, bias);
        });
    }
    apply(context.level, then, &mut values);
    Tensor::floats(shape, values)
}

/// All rows of `a` times one matrix.
pub(super) fn by_rows(
    a: &Tensor,
    b: &Packed,
    bias: &[f32],
    then: Pointwise,
    context: &mut Context,
) -> Result<Tensor, Fault> {
    let (depth, columns) = (b.rows(), b.columns());
    let mut shape = a.shape().to_vec();
    match shape.last_mut() {
        Some(last) if *last == depth && (bias.is_empty() || bias.len() == columns) => *last = columns,
        _ => return Err(Fault::new(format!("shape {shape:?} does not fit a matrix of {depth} rows"))),
    }
    let values = a.as_floats()?;
    let level = context.level;
    context.pool.floats(shape, |out| {
        let rows = values.len() / depth.max(1);
        gemm(level, rows, values, depth, b, bias, Activation::Identity, out, columns);
        apply(level, then, out);
        Ok(())
    })
}

/// Matrix by matrix, of stacks that are stretched to meet each other.
fn batched(a: &Tensor, b: &Tensor, turned: bool, alpha: f32, context: &mut Context) -> Result<Tensor, Fault> {
    let wrong = || Fault::new(format!("shapes {:?} and {:?} do not multiply", a.shape(), b.shape()));
    let ([a_stack @ .., m, k], [b_stack @ .., rows, columns]) = (a.shape(), b.shape()) else {
        return Err(wrong());
    };
    let (depth, n) = if turned { (columns, rows) } else { (rows, columns) };
    if k != depth {
        return Err(wrong());
    }
    let (m, k, n) = (*m, *k, *n);
    let stack = broadcast::common_shape(a_stack, b_stack)?;
    let walk = |own: &[usize]| Ok::<_, Fault>(broadcast::offsets(&stack, &broadcast::steps(own, &stack)?));
    let pairs = walk(a_stack)?.zip(walk(b_stack)?);
    let (a, b) = (a.as_floats()?, b.as_floats()?);
    let shape: Vec<usize> = stack.iter().copied().chain([m, n]).collect();
    let (level, packed) = (context.level, &mut *context.packed);
    context.pool.floats(shape, |out| {
        let mut held = None;
        for (out, (i, j)) in out.chunks_exact_mut((m * n).max(1)).zip(pairs) {
            if held != Some(j) {
                let b = &b[j * k * n..][..k * n];
                packed.refill(k, n, |row, column| {
                    alpha * if turned { b[column * k + row] } else { b[row * n + column] }
                });
                held = Some(j);
            }
            gemm(level, m, &a[i * m * k..][..m * k], k, packed, &[], Activation::Identity, out, n);
        }
        Ok(())
    })
}
