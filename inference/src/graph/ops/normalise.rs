//! Normalisation, and softmax.

use super::{Context, Inputs, layout::rearranged};
use crate::{
    graph::{Attributes, Data, Fault, Tensor, tensor::axis_of},
    kernels::{Pointwise, apply, layer_norm, softmax},
};

fn real(x: Tensor) -> Result<(Vec<usize>, Vec<f32>), Fault> {
    let shape = x.shape().to_vec();
    match x.into_data() {
        Data::Floats(values) => Ok((shape, values)),
        Data::Integers(_) => Err(Fault::new("integers stand where real numbers belong")),
    }
}

/// `LayerNormalization`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::graph) struct LayerNormalization {
    /// The first dimension that is normalised over.
    pub(in crate::graph) axis: i64,
    /// Added to the variance.
    pub(in crate::graph) epsilon: f32,
}

impl LayerNormalization {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        Ok(Self { axis: attributes.integer("axis", -1)?, epsilon: attributes.float("epsilon", 1e-5)? })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let (shape, mut values) = real(inputs.take(0, context.pool)?)?;
        let width: usize = shape[axis_of(self.axis, shape.len())?..].iter().product();
        let gamma = inputs.get(1)?.as_floats()?;
        let none = vec![0.0; width];
        let beta = inputs.optional(2).map_or(Ok(none.as_slice()), Tensor::as_floats)?;
        if gamma.len() != width || beta.len() != width || width == 0 {
            return Err(Fault::new(format!("{} scales for rows of {width}", gamma.len())));
        }
        layer_norm(context.level, &mut values, gamma, beta, self.epsilon);
        Ok(vec![Tensor::floats(shape, values)?])
    }
}

/// `BatchNormalization` with statistics that are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::graph) struct BatchNormalization {
    epsilon: f32,
}

impl BatchNormalization {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        if attributes.integer("training_mode", 0)? != 0 {
            return Err(Fault::new("normalisation that learns is not supported"));
        }
        Ok(Self { epsilon: attributes.float("epsilon", 1e-5)? })
    }

    /// What each channel is multiplied with and what is added, from the inputs after the first.
    pub(in crate::graph) fn factors(&self, statistics: [&Tensor; 4]) -> Result<(Vec<f32>, Vec<f32>), Fault> {
        let [gamma, beta, mean, variance] = statistics.map(Tensor::as_floats);
        let (gamma, beta, mean, variance) = (gamma?, beta?, mean?, variance?);
        if [beta, mean, variance].iter().any(|list| list.len() != gamma.len()) {
            return Err(Fault::new("statistics of channels are not equally many"));
        }
        let scales: Vec<f32> = gamma
            .iter()
            .zip(variance)
            .map(|(gamma, variance)| gamma / (variance + self.epsilon).sqrt())
            .collect();
        let shifts =
            beta.iter().zip(mean).zip(&scales).map(|((beta, mean), scale)| beta - mean * scale).collect();
        Ok((scales, shifts))
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let (shape, mut values) = real(inputs.take(0, context.pool)?)?;
        let (scales, shifts) =
            self.factors([inputs.get(1)?, inputs.get(2)?, inputs.get(3)?, inputs.get(4)?])?;
        let channels = *shape.get(1).ok_or_else(|| Fault::new("there are no channels"))?;
        let plane: usize = shape[2..].iter().product();
        if channels != scales.len() {
            return Err(Fault::new(format!("{} scales for {channels} channels", scales.len())));
        }
        let factors = scales.iter().zip(&shifts).cycle();
        for (plane, (scale, shift)) in values.chunks_exact_mut(plane.max(1)).zip(factors) {
            apply(context.level, Pointwise::Affine { scale: *scale, shift: *shift }, plane);
        }
        Ok(vec![Tensor::floats(shape, values)?])
    }
}

/// `Softmax`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graph) enum Softmax {
    /// Over one dimension.
    Over(i64),
    /// Over this dimension and all behind it, as it was before version 13 of the operators.
    From(i64),
}

impl Softmax {
    pub(super) fn read(attributes: &Attributes, opset: i64) -> Result<Self, Fault> {
        Ok(if opset < 13 {
            Self::From(attributes.integer("axis", 1)?)
        } else {
            Self::Over(attributes.integer("axis", -1)?)
        })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let rank = inputs.get(0)?.shape().len();
        let (Self::Over(axis) | Self::From(axis)) = *self;
        let axis = axis_of(axis, rank)?;
        let is_last = axis + 1 == rank;
        if matches!(self, Self::Over(_)) && !is_last {
            // The dimension is brought to the end and back.
            let mut order: Vec<usize> = (0..rank).collect();
            order.swap(axis, rank - 1);
            let turned = rearranged(inputs.get(0)?, &order, context)?;
            let width = turned.shape()[rank - 1];
            let (shape, mut values) = real(turned)?;
            softmax(context.level, &mut values, width.max(1), 1.0);
            let turned = Tensor::floats(shape, values)?;
            let back = rearranged(&turned, &order, context)?;
            context.pool.give(turned);
            return Ok(vec![back]);
        }
        let (shape, mut values) = real(inputs.take(0, context.pool)?)?;
        let width: usize = shape[axis..].iter().product();
        softmax(context.level, &mut values, width.max(1), 1.0);
        Ok(vec![Tensor::floats(shape, values)?])
    }
}
