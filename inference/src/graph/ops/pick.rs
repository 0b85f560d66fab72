//! Operators that take parts out of a tensor.

use super::{Context, Inputs, layout::sizes_of};
use crate::graph::{Attributes, Data, Fault, Node, Tensor, elements_of, tensor::axis_of};

/// `Gather`.
#[derive(Debug)]
pub(in crate::graph) struct Gather {
    axis: i64,
}

impl Gather {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        Ok(Self { axis: attributes.integer("axis", 0)? })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let (x, indices) = (inputs.get(0)?, inputs.get(1)?);
        let axis = axis_of(self.axis, x.shape().len())?;
        let size = x.shape()[axis];
        let places: Vec<usize> = indices
            .as_integers()?
            .iter()
            .map(|index| {
                axis_of(*index, size)
                    .map_err(|_| Fault::new(format!("there is no element {index} among {size}")))
            })
            .collect::<Result<_, _>>()?;
        let (before, behind) = (&x.shape()[..axis], &x.shape()[axis + 1..]);
        let shape: Vec<usize> = before.iter().chain(indices.shape()).chain(behind).copied().collect();
        let (rows, width): (usize, usize) = (before.iter().product(), behind.iter().product());
        elements_of(&shape)?;
        let picks = (0..rows).flat_map(|row| places.iter().map(move |place| (row * size + place) * width));
        let out = match x.data() {
            Data::Floats(values) => context.pool.floats(shape, |out| {
                for (out, at) in out.chunks_exact_mut(width.max(1)).zip(picks) {
                    out.copy_from_slice(&values[at..at + width]);
                }
                Ok(())
            })?,
            Data::Integers(values) => {
                Tensor::integers(shape, picks.flat_map(|at| &values[at..at + width]).copied().collect())?
            }
        };
        Ok(vec![out])
    }
}

/// `Slice`, with bounds that are inputs or, in old graphs, settings.
#[derive(Debug)]
pub(in crate::graph) struct Slice {
    own: Option<[Option<Vec<i64>>; 3]>,
}

impl Slice {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        let list = |name: &str| Ok::<_, Fault>(attributes.integers(name)?.map(<[i64]>::to_vec));
        let starts = list("starts")?;
        Ok(Self { own: if starts.is_some() { Some([starts, list("ends")?, list("axes")?]) } else { None } })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let given =
            |index: usize| inputs.optional(index).map(|t| t.as_integers().map(<[i64]>::to_vec)).transpose();
        let [starts, ends, axes, steps] = match &self.own {
            Some([starts, ends, axes]) => [starts.clone(), ends.clone(), axes.clone(), None],
            None => [given(1)?, given(2)?, given(3)?, given(4)?],
        };
        let (Some(starts), Some(ends)) = (starts, ends) else {
            return Err(Fault::new("the bounds are missing"));
        };
        let x = inputs.get(0)?;
        let rank = x.shape().len();
        let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
        if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() {
            return Err(Fault::new("bounds, axes and steps are not equally many"));
        }
        // Of every dimension: where it begins, the step, and how many.
        let mut parts: Vec<(i64, i64, usize)> = x.shape().iter().map(|size| (0, 1, *size)).collect();
        for (((start, end), axis), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
            let axis = axis_of(*axis, rank)?;
            parts[axis] = range(*start, *end, *step, x.shape()[axis] as i64)?;
        }
        let shape: Vec<usize> = parts.iter().map(|(_, _, count)| *count).collect();
        if shape == x.shape() && parts.iter().all(|(_, step, _)| *step == 1) {
            return Ok(vec![inputs.take(0, context.pool)?]);
        }
        let strides = crate::graph::tensor::strides_of(x.shape());
        let base: i64 = parts.iter().zip(&strides).map(|((start, ..), stride)| start * *stride as i64).sum();
        // Steps may be negative; offsets are taken modulo 2^64 and come out right.
        let steps: Vec<usize> = parts
            .iter()
            .zip(&strides)
            .map(|((_, step, _), stride)| step.wrapping_mul(*stride as i64) as usize)
            .collect();
        let walk = Walk { shape: shape.clone(), steps, at: vec![0; rank], offset: base as usize };
        let out = match x.data() {
            Data::Floats(values) => context.pool.floats(shape, |out| {
                walk.rows(out.len(), |row, at, step, count| {
                    let out = &mut out[row * count..][..count];
                    if step == 1 {
                        out.copy_from_slice(&values[at..at + count]);
                    } else {
                        out.iter_mut().enumerate().for_each(|(i, out)| {
                            *out = values[at.wrapping_add(step.wrapping_mul(i))];
                        });
                    }
                });
                Ok(())
            })?,
            Data::Integers(values) => {
                let mut out = vec![0; elements_of(&shape)?];
                walk.rows(out.len(), |row, at, step, count| {
                    for i in 0..count {
                        out[row * count + i] = values[at.wrapping_add(step.wrapping_mul(i))];
                    }
                });
                Tensor::integers(shape, out)?
            }
        };
        Ok(vec![out])
    }
}

/// Where a slice of one dimension begins, its step, and its length, as numpy has it.
fn range(start: i64, end: i64, step: i64, size: i64) -> Result<(i64, i64, usize), Fault> {
    if step == 0 || step == i64::MIN {
        return Err(Fault::new(format!("a slice cannot go in steps of {step}")));
    }
    let from_start = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
    let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let start = from_start(start).clamp(if step > 0 { 0 } else { -1 }, high);
    let end = from_start(end).clamp(low, high.max(low));
    let distance = if step > 0 { end - start } else { start - end };
    let count = if distance <= 0 { 0 } else { (distance - 1) / step.abs() + 1 };
    Ok((start.max(0), step, count as usize))
}

/// Rows of a slice.
struct Walk {
    shape: Vec<usize>,
    steps: Vec<usize>,
    at: Vec<usize>,
    offset: usize,
}

impl Walk {
    /// Calls `row(number, offset, step, count)` for every innermost row.
    fn rows(mut self, elements: usize, mut row: impl FnMut(usize, usize, usize, usize)) {
        let (Some(count), Some(step)) = (self.shape.last().copied(), self.steps.last().copied()) else {
            return row(0, self.offset, 1, 1);
        };
        if elements == 0 {
            return;
        }
        for number in 0..elements / count {
            row(number, self.offset, step, count);
            for axis in (0..self.shape.len() - 1).rev() {
                self.at[axis] += 1;
                self.offset = self.offset.wrapping_add(self.steps[axis]);
                if self.at[axis] < self.shape[axis] {
                    break;
                }
                self.offset = self.offset.wrapping_sub(self.steps[axis].wrapping_mul(self.shape[axis]));
                self.at[axis] = 0;
            }
        }
    }
}

/// `Split`.
#[derive(Debug)]
pub(in crate::graph) struct Split {
    axis: i64,
    sizes: Option<Vec<usize>>,
    parts: usize,
}

impl Split {
    pub(super) fn read(node: &Node) -> Result<Self, Fault> {
        let own = node.attributes.integers("split")?.is_some();
        Ok(Self {
            axis: node.attributes.integer("axis", 0)?,
            sizes: if own { Some(node.attributes.sizes("split", &[])?) } else { None },
            parts: node.outputs.len(),
        })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let x = inputs.get(0)?;
        let axis = axis_of(self.axis, x.shape().len())?;
        let size = x.shape()[axis];
        let sizes = match (&self.sizes, inputs.optional(1)) {
            (Some(sizes), _) => sizes.clone(),
            (None, Some(sizes)) => sizes_of(sizes)?,
            (None, None) => {
                let part = size.div_ceil(self.parts.max(1));
                (0..self.parts).map(|i| part.min(size.saturating_sub(i * part))).collect()
            }
        };
        if sizes.iter().try_fold(0usize, |sum, part| sum.checked_add(*part)) != Some(size) {
            return Err(Fault::new(format!("parts of {sizes:?} do not make {size}")));
        }
        let width: usize = x.shape()[axis + 1..].iter().product();
        let mut outs = Vec::with_capacity(sizes.len());
        let mut first = 0;
        for part in sizes {
            let mut shape = x.shape().to_vec();
            shape[axis] = part;
            let rows = |row: usize| (row * size + first) * width..(row * size + first + part) * width;
            outs.push(match x.data() {
                Data::Floats(values) => context.pool.floats(shape, |out| {
                    for (row, out) in out.chunks_exact_mut((part * width).max(1)).enumerate() {
                        out.copy_from_slice(&values[rows(row)]);
                    }
                    Ok(())
                })?,
                Data::Integers(values) => {
                    let count: usize = shape[..axis].iter().product();
                    Tensor::integers(shape, (0..count).flat_map(|row| &values[rows(row)]).copied().collect())?
                }
            });
            first += part;
        }
        Ok(outs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_numpy() {
        // (start, end, step) of ten elements and what `list(range(10))[start:end:step]` begins with and counts.
        for (slice, want) in [
            ((0, 10, 1), (0, 10)),
            ((2, 5, 1), (2, 3)),
            ((-3, i64::MAX, 1), (7, 3)),
            ((5, 2, 1), (5, 0)),
            ((0, i64::MAX, 3), (0, 4)),
            ((-1, i64::MIN, -1), (9, 10)),
            ((8, 2, -2), (8, 3)),
            ((20, 30, 1), (10, 0)),
        ] {
            let (start, step, count) = range(slice.0, slice.1, slice.2, 10).expect("the step is not zero");
            assert_eq!(((start, count), step), (want, slice.2), "{slice:?}");
        }
        assert!(range(0, 1, 0, 10).is_err());
    }
}
