//! Operators that change how elements are arranged, not what they are.

use super::{
    Context, Inputs,
    broadcast::{common_shape, offsets},
    elementwise::stretch,
};
use crate::graph::{
    Attributes, Data, Fault, Tensor, elements_of,
    tensor::{axis_of, strides_of},
};

/// Axes that are a setting in old graphs and an input in new ones.
fn axes_of(own: &Option<Vec<i64>>, inputs: &Inputs) -> Result<Option<Vec<i64>>, Fault> {
    match (own, inputs.optional(1)) {
        (Some(axes), _) => Ok(Some(axes.clone())),
        (None, Some(axes)) => Ok(Some(axes.as_integers()?.to_vec())),
        (None, None) => Ok(None),
    }
}

/// Sizes that a graph computed.
pub(super) fn sizes_of(tensor: &Tensor) -> Result<Vec<usize>, Fault> {
    let sizes = tensor.as_integers()?.iter().map(|size| {
        usize::try_from(*size).map_err(|_| Fault::new(format!("{size} is no size of a dimension")))
    });
    sizes.collect()
}

/// `Reshape`.
#[derive(Debug)]
pub(in crate::graph) struct Reshape {
    zero_is_zero: bool,
}

impl Reshape {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        Ok(Self { zero_is_zero: attributes.integer("allowzero", 0)? != 0 })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let x = inputs.take(0, context.pool)?;
        let wanted = inputs.get(1)?.as_integers()?;
        let mut open = None;
        let mut shape = Vec::with_capacity(wanted.len());
        for (axis, size) in wanted.iter().enumerate() {
            shape.push(match *size {
                -1 if open.is_none() => {
                    open = Some(axis);
                    1
                }
                0 if !self.zero_is_zero => {
                    *x.shape().get(axis).ok_or_else(|| Fault::new("there is no size to keep"))?
                }
                size => usize::try_from(size).map_err(|_| Fault::new(format!("{wanted:?} is no shape")))?,
            });
        }
        if let Some(axis) = open {
            let known = elements_of(&shape)?;
            shape[axis] = x.elements().checked_div(known).unwrap_or(0);
        }
        Ok(vec![x.reshaped(shape)?])
    }
}

/// `Flatten`.
#[derive(Debug)]
pub(in crate::graph) struct Flatten {
    axis: i64,
}

impl Flatten {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        Ok(Self { axis: attributes.integer("axis", 1)? })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let x = inputs.take(0, context.pool)?;
        let rank = x.shape().len();
        let axis = if self.axis == rank as i64 { rank } else { axis_of(self.axis, rank)? };
        let (before, behind) = x.shape().split_at(axis);
        let shape = vec![before.iter().product(), behind.iter().product()];
        Ok(vec![x.reshaped(shape)?])
    }
}

/// `Squeeze`.
#[derive(Debug)]
pub(in crate::graph) struct Squeeze {
    axes: Option<Vec<i64>>,
}

impl Squeeze {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        Ok(Self { axes: attributes.integers("axes")?.map(<[i64]>::to_vec) })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let axes = axes_of(&self.axes, inputs)?;
        let x = inputs.take(0, context.pool)?;
        let rank = x.shape().len();
        let mut leaving = vec![axes.is_none(); rank];
        for axis in axes.into_iter().flatten() {
            leaving[axis_of(axis, rank)?] = true;
        }
        let shape: Vec<usize> = x
            .shape()
            .iter()
            .zip(leaving)
            .filter(|(size, leaves)| !(*leaves && **size == 1))
            .map(|(size, _)| *size)
            .collect();
        Ok(vec![x.reshaped(shape)?])
    }
}

/// `Unsqueeze`.
#[derive(Debug)]
pub(in crate::graph) struct Unsqueeze {
    axes: Option<Vec<i64>>,
}

impl Unsqueeze {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        Ok(Self { axes: attributes.integers("axes")?.map(<[i64]>::to_vec) })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let axes = axes_of(&self.axes, inputs)?.ok_or_else(|| Fault::new("the new axes are missing"))?;
        let x = inputs.take(0, context.pool)?;
        let rank = x.shape().len() + axes.len();
        let mut is_new = vec![false; rank];
        for axis in axes {
            is_new[axis_of(axis, rank)?] = true;
        }
        let mut sizes = x.shape().iter();
        let shape: Vec<usize> = is_new
            .iter()
            .map(|is_new| if *is_new { 1 } else { sizes.next().copied().unwrap_or(1) })
            .collect();
        Ok(vec![x.reshaped(shape)?])
    }
}

/// `Shape`.
#[derive(Debug)]
pub(in crate::graph) struct Shape {
    start: i64,
    end: Option<i64>,
}

impl Shape {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        let end = attributes.integer("end", i64::MAX)?;
        Ok(Self { start: attributes.integer("start", 0)?, end: (end != i64::MAX).then_some(end) })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, _: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let shape = inputs.get(0)?.shape();
        let rank = shape.len() as i64;
        let bound = |at: i64| (if at < 0 { at + rank } else { at }).clamp(0, rank) as usize;
        let (start, end) = (bound(self.start), self.end.map_or(shape.len(), bound));
        let sizes = shape.get(start..end).unwrap_or_default();
        Ok(vec![Tensor::list(sizes.iter().map(|size| *size as i64).collect())])
    }
}

/// `Transpose`.
#[derive(Debug)]
pub(in crate::graph) struct Transpose {
    order: Option<Vec<usize>>,
}

impl Transpose {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        let order = attributes.integers("perm")?.is_some();
        Ok(Self { order: if order { Some(attributes.sizes("perm", &[])?) } else { None } })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let x = inputs.get(0)?;
        let rank = x.shape().len();
        let order = self.order.clone().unwrap_or_else(|| (0..rank).rev().collect());
        let mut seen = order.clone();
        seen.sort_unstable();
        if !seen.iter().copied().eq(0..rank) {
            return Err(Fault::new(format!("{order:?} is no order of {rank} dimensions")));
        }
        let moved: Vec<usize> = order.iter().copied().filter(|axis| x.shape()[*axis] != 1).collect();
        let shape: Vec<usize> = order.iter().map(|axis| x.shape()[*axis]).collect();
        if moved.is_sorted() {
            // Only dimensions of one element change places.
            return Ok(vec![inputs.take(0, context.pool)?.reshaped(shape)?]);
        }
        Ok(vec![rearranged(x, &order, context)?])
    }
}

/// The tensor with its dimensions in another order.
pub(super) fn rearranged(x: &Tensor, order: &[usize], context: &mut Context) -> Result<Tensor, Fault> {
    let shape: Vec<usize> = order.iter().map(|axis| x.shape()[*axis]).collect();
    let strides = strides_of(x.shape());
    let steps: Vec<usize> = order.iter().map(|axis| strides[*axis]).collect();
    match x.data() {
        Data::Integers(values) => {
            Tensor::integers(shape.clone(), offsets(&shape, &steps).map(|at| values[at]).collect())
        }
        Data::Floats(values) => context.pool.floats(shape.clone(), |out| {
            let (Some(row), Some(step)) = (shape.last(), steps.last()) else {
                out.copy_from_slice(values);
                return Ok(());
            };
            if *row == 0 {
                return Ok(());
            }
            let outer = shape.len() - 1;
            for (out, at) in out.chunks_exact_mut(*row).zip(offsets(&shape[..outer], &steps[..outer])) {
                if *step == 1 {
                    out.copy_from_slice(&values[at..at + row]);
                } else {
                    out.iter_mut()
                        .zip(values[at..].iter().step_by(*step))
                        .for_each(|(out, value)| *out = *value);
                }
            }
            Ok(())
        }),
    }
}

/// `Expand`.
#[derive(Debug)]
pub(in crate::graph) struct Expand;

impl Expand {
    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let wanted = sizes_of(inputs.get(1)?)?;
        let x = inputs.take(0, context.pool)?;
        let shape = common_shape(x.shape(), &wanted)?;
        Ok(vec![if x.shape() == shape { x } else { stretch(x, &shape, context)? }])
    }
}

/// `Tile`.
#[derive(Debug)]
pub(in crate::graph) struct Tile;

impl Tile {
    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let (x, times) = (inputs.get(0)?, sizes_of(inputs.get(1)?)?);
        if times.len() != x.shape().len() {
            return Err(Fault::new(format!("{times:?} repeats do not fit shape {:?}", x.shape())));
        }
        // A dimension n repeated t times is two dimensions [t, n] of which the first is stretched.
        let strides = strides_of(x.shape());
        let (mut split, mut steps, mut shape) = (Vec::new(), Vec::new(), Vec::new());
        for ((size, times), stride) in x.shape().iter().zip(&times).zip(strides) {
            split.extend([*times, *size]);
            steps.extend([0, stride]);
            shape.push(size.checked_mul(*times).ok_or_else(|| Fault::new("a tensor is repeated too often"))?);
        }
        elements_of(&shape)?;
        let walk = offsets(&split, &steps);
        let out = match x.data() {
            Data::Floats(values) => context.pool.floats(shape, |out| {
                out.iter_mut().zip(walk).for_each(|(out, at)| *out = values[at]);
                Ok(())
            })?,
            Data::Integers(values) => Tensor::integers(shape, walk.map(|at| values[at]).collect())?,
        };
        Ok(vec![out])
    }
}

/// `Pad`.
#[derive(Debug)]
pub(in crate::graph) struct Pad {
    mode: PadMode,
    pads: Option<Vec<i64>>,
    value: f32,
}

/// What the margin holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PadMode {
    Constant,
    Edge,
    Reflect,
}

impl Pad {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        let mode = match attributes.text("mode", "constant")? {
            "constant" => PadMode::Constant,
            "edge" => PadMode::Edge,
            "reflect" => PadMode::Reflect,
            other => return Err(Fault::new(format!("margins of kind {other} are not supported"))),
        };
        let pads = attributes.integers("pads")?.map(<[i64]>::to_vec);
        Ok(Self { mode, pads, value: attributes.float("value", 0.0)? })
    }

    /// The margins, where they are zeros and known beforehand; `given` and `filling` are the second and third inputs.
    pub(in crate::graph) fn zeros(
        &self,
        given: Option<&Tensor>,
        filling: Option<&Tensor>,
    ) -> Option<Vec<usize>> {
        let value = filling.map_or(Some(self.value), |filling| filling.as_number().ok())?;
        if self.mode != PadMode::Constant || value != 0.0 {
            return None;
        }
        let pads = self.pads.as_deref().or_else(|| given?.as_integers().ok())?;
        pads.iter().map(|pad| usize::try_from(*pad).ok().filter(|pad| *pad <= 1 << 16)).collect()
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let pads = axes_of(&self.pads, inputs)?.ok_or_else(|| Fault::new("the margins are missing"))?;
        let value = inputs.optional(2).map(Tensor::as_number).transpose()?.unwrap_or(self.value);
        let x = inputs.get(0)?;
        let rank = x.shape().len();
        if pads.len() != 2 * rank || pads.iter().any(|pad| !(0..1 << 24).contains(pad)) {
            return Err(Fault::new(format!("margins {pads:?} do not fit shape {:?}", x.shape())));
        }
        let (before, behind) = pads.split_at(rank);
        let shape: Vec<usize> = (0..rank).map(|i| x.shape()[i] + (before[i] + behind[i]) as usize).collect();
        let values = x.as_floats()?;
        let strides = strides_of(x.shape());
        // For every dimension and place of the result: where it comes from.
        let places: Vec<Vec<Option<usize>>> = (0..rank)
            .map(|i| (0..shape[i] as i64).map(|at| self.source(at - before[i], x.shape()[i])).collect())
            .collect();
        let own = strides_of(&shape);
        let out = context.pool.floats(shape.clone(), |out| {
            for (index, out) in out.iter_mut().enumerate() {
                let mut from = Some(0);
                for axis in 0..rank {
                    let place = places[axis][index / own[axis] % shape[axis]];
                    from = from.zip(place).map(|(from, place)| from + place * strides[axis]);
                }
                *out = from.map_or(value, |from| values[from]);
            }
            Ok(())
        })?;
        Ok(vec![out])
    }

    fn source(&self, at: i64, size: usize) -> Option<usize> {
        let last = size as i64 - 1;
        let at = match self.mode {
            PadMode::Constant => at,
            PadMode::Edge => at.clamp(0, last.max(0)),
            PadMode::Reflect => {
                let at = at.abs();
                if at > last { 2 * last - at } else { at }
            }
        };
        usize::try_from(at).ok().filter(|at| *at < size)
    }
}
