//! Pooling: the greatest or the mean of each window.

use super::{
    Context, Inputs,
    window::{Layout, Placed, batch_of, shape_of},
};
use crate::graph::{Fault, Node, Tensor};

/// `MaxPool` or `AveragePool`.
#[derive(Debug)]
pub(in crate::graph) struct Pooling {
    layout: Layout,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Max,
    /// Whether margins count as zeros; else only what lies within the image counts.
    Average {
        with_margins: bool,
    },
}

impl Pooling {
    pub(super) fn read(node: &Node) -> Result<Self, Fault> {
        let with_margins = node.attributes.integer("count_include_pad", 0)? != 0;
        let kind = if node.kind == "MaxPool" { Kind::Max } else { Kind::Average { with_margins } };
        if node.outputs.len() > 1 {
            return Err(Fault::new("places of the greatest elements are not supported"));
        }
        Ok(Self { layout: Layout::read(&node.attributes)?, kind })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let x = inputs.get(0)?;
        let (images, channels, size) = batch_of(x.shape())?;
        let placed = self.layout.place(size, None)?;
        let values = x.as_floats()?;
        let shape = shape_of(images, channels, size.len(), placed.output);
        let planes = values.chunks_exact((placed.input[0] * placed.input[1]).max(1));
        let out = context.pool.floats(shape, |out| {
            for (plane, out) in planes.zip(out.chunks_exact_mut(placed.output[0] * placed.output[1])) {
                match self.kind {
                    Kind::Max => {
                        out.fill(f32::NEG_INFINITY);
                        over(&placed, plane, out, |out, x| *out = if x > *out { x } else { *out });
                    }
                    Kind::Average { with_margins } => {
                        out.fill(0.0);
                        over(&placed, plane, out, |out, x| *out += x);
                        average(&placed, with_margins, out);
                    }
                }
            }
            Ok(())
        })?;
        Ok(vec![out])
    }
}

/// Outputs of one dimension that a place of the kernel reaches within the image: the first, and the one after the last.
fn reach(placed: &Placed, i: usize, tap: usize) -> (usize, usize) {
    let (stride, at) = (placed.strides[i], tap * placed.dilations[i]);
    let first = placed.pads[i].saturating_sub(at).div_ceil(stride);
    let end = (placed.input[i] + placed.pads[i]).saturating_sub(at).div_ceil(stride);
    (first, end.clamp(first, placed.output[i].max(first)).min(placed.output[i]))
}

/// Calls `join(output, element)` for all elements of all windows, row by row.
fn over(placed: &Placed, plane: &[f32], out: &mut [f32], join: impl Fn(&mut f32, f32)) {
    let width = placed.output[1];
    for down in 0..placed.kernel[0] {
        let (top, bottom) = reach(placed, 0, down);
        for y in top..bottom {
            let line = y * placed.strides[0] + down * placed.dilations[0] - placed.pads[0];
            let row = &plane[line * placed.input[1]..][..placed.input[1]];
            for right in 0..placed.kernel[1] {
                let (left, end) = reach(placed, 1, right);
                if left >= end {
                    continue;
                }
                let start = left * placed.strides[1] + right * placed.dilations[1] - placed.pads[1];
                let out = &mut out[y * width..][left..end];
                match placed.strides[1] {
                    1 => out.iter_mut().zip(&row[start..]).for_each(|(out, x)| join(out, *x)),
                    step => out
                        .iter_mut()
                        .zip(row[start..].iter().step_by(step))
                        .for_each(|(out, x)| join(out, *x)),
                }
            }
        }
    }
}

/// Divides sums by the number of elements in each window.
fn average(placed: &Placed, with_margins: bool, out: &mut [f32]) {
    let counts = |i: usize| -> Vec<f32> {
        let mut counts = vec![0.0; placed.output[i]];
        for tap in 0..placed.kernel[i] {
            let (first, end) = reach(placed, i, tap);
            for (at, count) in counts.iter_mut().enumerate() {
                // With margins, what hangs over them does not count either.
                let place = at * placed.strides[i] + tap * placed.dilations[i];
                let in_margins = place < placed.input[i] + placed.pads[i] + placed.pads_behind[i];
                if (first..end).contains(&at) || with_margins && in_margins {
                    *count += 1.0;
                }
            }
        }
        counts
    };
    let (rows, columns) = (counts(0), counts(1));
    for (out, row) in out.chunks_exact_mut(placed.output[1]).zip(rows) {
        for (out, column) in out.iter_mut().zip(&columns) {
            *out /= (row * column).max(1.0);
        }
    }
}
