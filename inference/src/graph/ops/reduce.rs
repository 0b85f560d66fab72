//! Operators that fold dimensions up.

use super::{Context, Inputs, layout::rearranged};
use crate::graph::{Attributes, Data, Fault, Node, Tensor, tensor::axis_of};

/// What elements are folded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graph) enum Fold {
    /// The mean.
    Mean,
    /// The sum.
    Sum,
    /// The greatest.
    Max,
    /// The least.
    Min,
}

/// `ReduceMean` and its kin, and pooling over whole images.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::graph) struct Reduction {
    /// How.
    pub(in crate::graph) fold: Fold,
    axes: Axes,
    keeps: bool,
    /// Whether no axes mean that nothing happens; else everything is folded.
    none_is_none: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Axes {
    These(Vec<i64>),
    /// Those of the second input, or all.
    Given,
    /// All after the channels.
    Image,
}

impl Reduction {
    pub(super) fn read(node: &Node) -> Result<Option<Self>, Fault> {
        let (fold, image) = match node.kind.as_str() {
            "ReduceMean" => (Fold::Mean, false),
            "ReduceSum" => (Fold::Sum, false),
            "ReduceMax" => (Fold::Max, false),
            "ReduceMin" => (Fold::Min, false),
            "GlobalAveragePool" => (Fold::Mean, true),
            "GlobalMaxPool" => (Fold::Max, true),
            _ => return Ok(None),
        };
        let axes = match node.attributes.integers("axes")? {
            _ if image => Axes::Image,
            Some(axes) => Axes::These(axes.to_vec()),
            None => Axes::Given,
        };
        Ok(Some(Self {
            fold,
            axes,
            keeps: node.attributes.integer("keepdims", 1)? != 0,
            none_is_none: node.attributes.integer("noop_with_empty_axes", 0)? != 0,
        }))
    }

    /// Whether it folds the last dimension alone and keeps it with one element.
    pub(in crate::graph) fn is_over_rows(&self) -> bool {
        self.keeps && matches!(&self.axes, Axes::These(axes) if axes.as_slice() == [-1])
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let x = inputs.get(0)?;
        let rank = x.shape().len();
        let axes: Vec<i64> = match &self.axes {
            Axes::These(axes) => axes.clone(),
            Axes::Image => (2..rank as i64).collect(),
            Axes::Given => {
                inputs.optional(1).map_or(Ok(Vec::new()), |axes| axes.as_integers().map(<[i64]>::to_vec))?
            }
        };
        if axes.is_empty() && self.none_is_none {
            return Ok(vec![inputs.take(0, context.pool)?]);
        }
        let mut folded = vec![axes.is_empty(); rank];
        for axis in axes {
            folded[axis_of(axis, rank)?] = true;
        }
        let kept: Vec<usize> = (0..rank).filter(|axis| !folded[*axis]).collect();
        let order: Vec<usize> = kept.iter().copied().chain((0..rank).filter(|axis| folded[*axis])).collect();
        let shape: Vec<usize> = if self.keeps {
            (0..rank).map(|axis| if folded[axis] { 1 } else { x.shape()[axis] }).collect()
        } else {
            kept.iter().map(|axis| x.shape()[*axis]).collect()
        };
        let rows: usize = kept.iter().map(|axis| x.shape()[*axis]).product();
        let width = (0..rank).filter(|axis| folded[*axis]).map(|axis| x.shape()[axis]).product();
        if width == 0 {
            return Err(Fault::new("there is nothing to fold"));
        }
        let turned = if order.is_sorted() { None } else { Some(rearranged(x, &order, context)?) };
        let out = match turned.as_ref().unwrap_or(x).data() {
            Data::Floats(values) => context.pool.floats(shape, |out| {
                for (out, row) in out.iter_mut().zip(values.chunks_exact(width)) {
                    *out = self.of_floats(row);
                }
                Ok(())
            })?,
            Data::Integers(values) => {
                let rows = values.chunks_exact(width).take(rows).map(|row| self.of_integers(row));
                Tensor::integers(shape, rows.collect::<Result<_, _>>()?)?
            }
        };
        if let Some(turned) = turned {
            context.pool.give(turned);
        }
        Ok(vec![out])
    }

    fn of_floats(&self, row: &[f32]) -> f32 {
        match self.fold {
            Fold::Sum => sum(row),
            Fold::Mean => sum(row) / row.len() as f32,
            Fold::Max => row.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            Fold::Min => row.iter().copied().fold(f32::INFINITY, f32::min),
        }
    }

    fn of_integers(&self, row: &[i64]) -> Result<i64, Fault> {
        let whole = match self.fold {
            Fold::Sum => row.iter().try_fold(0i64, |sum, x| sum.checked_add(*x)),
            Fold::Max => row.iter().copied().max(),
            Fold::Min => row.iter().copied().min(),
            Fold::Mean => None,
        };
        whole.ok_or_else(|| Fault::new("these integers cannot be folded"))
    }
}

/// A sum whose error does not grow with its length.
fn sum(row: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut whole = 0.0f64;
    for part in row.chunks(4096) {
        let (chunks, rest) = part.as_chunks::<LANES>();
        let mut sums = [0.0f32; LANES];
        for chunk in chunks {
            sums.iter_mut().zip(chunk).for_each(|(sum, x)| *sum += x);
        }
        whole += f64::from(sums.iter().sum::<f32>() + rest.iter().sum::<f32>());
    }
    whole as f32
}

/// `ArgMax`.
#[derive(Debug)]
pub(in crate::graph) struct ArgMax {
    axis: i64,
    keeps: bool,
    last: bool,
}

impl ArgMax {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        Ok(Self {
            axis: attributes.integer("axis", 0)?,
            keeps: attributes.integer("keepdims", 1)? != 0,
            last: attributes.integer("select_last_index", 0)? != 0,
        })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, _: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let x = inputs.get(0)?;
        let axis = axis_of(self.axis, x.shape().len())?;
        let size = x.shape()[axis];
        let width: usize = x.shape()[axis + 1..].iter().product();
        let mut shape = x.shape().to_vec();
        if self.keeps {
            shape[axis] = 1;
        } else {
            shape.remove(axis);
        }
        let values = x.as_floats()?;
        let mut best = Vec::new();
        for block in values.chunks_exact((size * width).max(1)) {
            for column in 0..width {
                let mut top = 0;
                for row in 1..size {
                    let (new, old) = (block[row * width + column], block[top * width + column]);
                    if new > old || self.last && new == old {
                        top = row;
                    }
                }
                best.push(top as i64);
            }
        }
        Ok(vec![Tensor::integers(shape, best)?])
    }
}

/// `CumSum`.
#[derive(Debug)]
pub(in crate::graph) struct CumulativeSum {
    without_own: bool,
    from_end: bool,
}

impl CumulativeSum {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        Ok(Self {
            without_own: attributes.integer("exclusive", 0)? != 0,
            from_end: attributes.integer("reverse", 0)? != 0,
        })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let axis = inputs.get(1)?.as_integer()?;
        let x = inputs.take(0, context.pool)?;
        let shape = x.shape().to_vec();
        let axis = axis_of(axis, shape.len())?;
        let (size, width) = (shape[axis], shape[axis + 1..].iter().product());
        Ok(vec![match x.into_data() {
            Data::Floats(mut values) => {
                self.sum(&mut values, size, width, |a, b| a + b);
                Tensor::floats(shape, values)?
            }
            Data::Integers(mut values) => {
                self.sum(&mut values, size, width, i64::wrapping_add);
                Tensor::integers(shape, values)?
            }
        }])
    }

    fn sum<T: Copy + Default>(&self, values: &mut [T], size: usize, width: usize, add: impl Fn(T, T) -> T) {
        for block in values.chunks_exact_mut((size * width).max(1)) {
            for column in 0..width {
                let mut so_far = T::default();
                for step in 0..size {
                    let row = if self.from_end { size - 1 - step } else { step };
                    let value = &mut block[row * width + column];
                    let with_own = add(so_far, *value);
                    *value = if self.without_own { so_far } else { with_own };
                    so_far = with_own;
                }
            }
        }
    }
}
