//! Steps that belong together become one: offsets, normalisation and activation go into the product before them, and
//! functions that exporters spell out become themselves again.

use super::{
    Fault, Operand, Tensor,
    compile::Draft,
    ops::{Fold, Function, LayerNormalization, Operator},
};
use crate::kernels::{Pairwise, Pointwise};

/// Rewrites a draft until there is nothing left to do.
pub(super) fn fuse(draft: &mut Draft) -> Result<(), Fault> {
    for index in 0..draft.steps.len() {
        prepare(draft, index)?;
    }
    for rule in [silu, gelu, layer_norm] {
        let mut found = false;
        for index in 0..draft.steps.len() {
            found |= rule(draft, index).is_some();
        }
        if found {
            draft.survey();
        }
    }
    for index in 0..draft.steps.len() {
        widen(draft, index);
    }
    draft.survey();
    // What follows a product goes into it one after the other: offset, then function.
    for index in 0..draft.steps.len() {
        while merge_next(draft, index)? {}
    }
    Ok(())
}

/// Takes weights that never change into the step that uses them.
fn prepare(draft: &mut Draft, index: usize) -> Result<(), Fault> {
    let Some(step) = &mut draft.steps[index] else { return Ok(()) };
    let constants = &draft.constants;
    let constant = |inputs: &[Operand], at: usize| match inputs.get(at) {
        Some(Operand::Constant(at)) => Some(&constants[*at]),
        _ => None,
    };
    let inputs = &mut step.inputs;
    match &mut step.operator {
        Operator::Convolution(convolution) => {
            if let Some(bias) = constant(inputs, 2) {
                convolution.bias = Some(bias.as_floats().map_err(|fault| fault.at(&step.name))?.to_vec());
                inputs.truncate(2);
            } else if let (2, Some(&[filters, ..])) = (inputs.len(), constant(inputs, 1).map(Tensor::shape)) {
                convolution.bias = Some(vec![0.0; filters]);
            }
        }
        Operator::TransposedConvolution(convolution) => {
            if let Some(bias) = constant(inputs, 2) {
                convolution.bias = Some(bias.as_floats().map_err(|fault| fault.at(&step.name))?.to_vec());
                inputs.truncate(2);
            } else if let (2, Some(&[_, filters, ..])) =
                (inputs.len(), constant(inputs, 1).map(Tensor::shape))
            {
                convolution.bias = Some(vec![0.0; filters * convolution.groups]);
            }
        }
        Operator::Product(product) => {
            if let Some(right) = constant(inputs, 1)
                && product.pack(right).map_err(|fault| fault.at(&step.name))?
            {
                inputs[1] = Operand::Missing;
                if let Some(bias) = constant(inputs, 2)
                    && product.take_bias(bias).map_err(|fault| fault.at(&step.name))?
                {
                    inputs.truncate(2);
                }
            }
        }
        Operator::IntegerProduct(product) => {
            let zero_is_known = matches!(inputs.get(3), None | Some(Operand::Missing | Operand::Constant(_)));
            if let Some(right) = constant(inputs, 1)
                && zero_is_known
                && product.pack(right, constant(inputs, 3)).map_err(|fault| fault.at(&step.name))?
            {
                inputs[1] = Operand::Missing;
                inputs.truncate(3);
            }
        }
        Operator::Clip(_) => {
            let known = |at: usize| !matches!(inputs.get(at), Some(Operand::Value(_)));
            let real =
                [1, 2].iter().all(|at| constant(inputs, *at).is_none_or(|bound| bound.as_floats().is_ok()));
            if known(1) && known(2) && real && inputs.len() > 1 {
                let bounds = super::ops::clip_between(constant(inputs, 1), constant(inputs, 2));
                step.operator =
                    Operator::Function(Function::Fast(bounds.map_err(|fault| fault.at(&step.name))?));
                step.inputs.truncate(1);
            }
        }
        _ => {}
    }
    Ok(())
}

impl Draft {
    fn operator(&self, index: usize) -> Option<&Operator> {
        self.steps.get(index)?.as_ref().map(|step| &step.operator)
    }

    /// The step that computes a value.
    fn producer(&self, operand: Operand) -> Option<usize> {
        match operand {
            Operand::Value(value) => self.producers[value],
            _ => None,
        }
    }

    /// The two inputs of a step that is this function of two.
    fn sides(&self, index: usize, f: Pairwise) -> Option<[Operand; 2]> {
        match (self.operator(index)?, self.steps[index].as_ref()?.inputs.as_slice()) {
            (Operator::Binary(binary), [a, b]) if binary.0 == f => Some([*a, *b]),
            _ => None,
        }
    }

    /// The only input of a step that is this function of one.
    fn input_of(&self, index: usize, is: impl Fn(Function) -> bool) -> Option<Operand> {
        match (self.operator(index)?, self.steps[index].as_ref()?.inputs.as_slice()) {
            (Operator::Function(function), [x]) if is(*function) => Some(*x),
            _ => None,
        }
    }

    /// The number that an operand is.
    fn number(&self, operand: Operand) -> Option<f32> {
        match operand {
            Operand::Constant(at) => {
                self.constants[at].as_floats().ok().filter(|v| v.len() == 1).map(|v| v[0])
            }
            _ => None,
        }
    }

    /// The other input of a step that is this function of a number near `wanted`.
    fn beside(&self, index: usize, f: Pairwise, wanted: f32) -> Option<Operand> {
        let [a, b] = self.sides(index, f)?;
        let is_it = |operand| self.number(operand).is_some_and(|number| (number - wanted).abs() < 1e-4);
        match f {
            _ if is_it(b) => Some(a),
            Pairwise::Add | Pairwise::Multiply if is_it(a) => Some(b),
            _ => None,
        }
    }

    /// The input of a step that takes the mean of each row.
    fn mean_of(&self, index: usize) -> Option<Operand> {
        match (self.operator(index)?, self.steps[index].as_ref()?.inputs.as_slice()) {
            (Operator::Reduction(mean), [x]) if mean.fold == Fold::Mean && mean.is_over_rows() => Some(*x),
            _ => None,
        }
    }

    fn replace(&mut self, index: usize, operator: Operator, inputs: Vec<Operand>) -> Option<()> {
        let step = self.steps[index].as_mut()?;
        (step.operator, step.inputs) = (operator, inputs);
        Some(())
    }
}

/// A convolution of an image with zeros around it: the zeros become margins of the convolution.
fn widen(draft: &mut Draft, index: usize) -> Option<()> {
    let Operator::Convolution(_) = draft.operator(index)? else { return None };
    let image = *draft.steps[index].as_ref()?.inputs.first()?;
    let pad = draft.producer(image)?;
    let constant = |operand: Option<&Operand>| match operand {
        Some(Operand::Constant(at)) => Some(Some(&draft.constants[*at])),
        None | Some(Operand::Missing) => Some(None),
        Some(Operand::Value(_)) => None,
    };
    let inputs = &draft.steps[pad].as_ref()?.inputs;
    let (plain, given, filling) = (*inputs.first()?, constant(inputs.get(1))?, constant(inputs.get(2))?);
    let Operator::Pad(operator) = draft.operator(pad)? else { return None };
    let pads = operator.zeros(given, filling)?;
    let step = draft.steps[index].as_mut()?;
    let Operator::Convolution(convolution) = &mut step.operator else { return None };
    if convolution.widen(&pads) {
        step.inputs[0] = plain;
    }
    Some(())
}

/// x sigmoid(x), and the same with straight lines.
fn silu(draft: &mut Draft, index: usize) -> Option<()> {
    let [a, b] = draft.sides(index, Pairwise::Multiply)?;
    for (x, gate) in [(a, b), (b, a)] {
        let Some(gate) = draft.producer(gate) else { continue };
        if draft.input_of(gate, |f| f == Function::Fast(Pointwise::Sigmoid)) == Some(x) {
            return draft.replace(index, Operator::Function(Function::Fast(Pointwise::Silu)), vec![x]);
        }
        let is_sixth = |f: Function| match f {
            Function::Fast(Pointwise::HardSigmoid { slope, offset }) => {
                (slope - 1.0 / 6.0).abs() < 1e-6 && offset == 0.5
            }
            _ => false,
        };
        if draft.input_of(gate, is_sixth) == Some(x) {
            return draft.replace(index, Operator::Function(Function::Fast(Pointwise::HardSwish)), vec![x]);
        }
    }
    None
}

/// x (1 + erf(x / √2)) / 2, in any order of the two products.
fn gelu(draft: &mut Draft, index: usize) -> Option<()> {
    // What `operand` is the gate 1 + erf(x / √2) of.
    let gated = |operand: Operand| {
        let erf = draft.producer(draft.beside(draft.producer(operand)?, Pairwise::Add, 1.0)?)?;
        let part = draft.producer(draft.input_of(erf, |f| f == Function::Fast(Pointwise::Erf))?)?;
        draft
            .beside(part, Pairwise::Divide, std::f32::consts::SQRT_2)
            .or_else(|| draft.beside(part, Pairwise::Multiply, std::f32::consts::FRAC_1_SQRT_2))
    };
    let product_of = |operand: Operand| draft.sides(draft.producer(operand)?, Pairwise::Multiply);
    let half_of = |operand: Operand| draft.beside(draft.producer(operand)?, Pairwise::Multiply, 0.5);
    let found = (|| {
        if let Some(product) = draft.beside(index, Pairwise::Multiply, 0.5) {
            let [a, b] = product_of(product)?;
            return [(a, b), (b, a)].into_iter().find(|(x, gate)| gated(*gate) == Some(*x)).map(|(x, _)| x);
        }
        let [a, b] = draft.sides(index, Pairwise::Multiply)?;
        for (one, other) in [(a, b), (b, a)] {
            // (x / 2) gate, x (gate / 2)
            let x = half_of(one);
            if x.is_some() && gated(other) == x {
                return x;
            }
            if half_of(other).and_then(gated) == Some(one) {
                return Some(one);
            }
        }
        None
    })();
    draft.replace(index, Operator::Function(Function::Fast(Pointwise::Gelu)), vec![found?])
}

/// (x - mean) / sqrt(variance + ε) γ + β over the last dimension.
fn layer_norm(draft: &mut Draft, index: usize) -> Option<()> {
    let constant_side = |index: usize, f: Pairwise| {
        let [a, b] = draft.sides(index, f)?;
        let is_row = |operand| match operand {
            Operand::Constant(at) => draft.constants[at].shape().len() == 1,
            _ => false,
        };
        if is_row(b) { Some((a, b)) } else { is_row(a).then_some((b, a)) }
    };
    let (scaled, beta) = constant_side(index, Pairwise::Add)?;
    let (normal, gamma) = constant_side(draft.producer(scaled)?, Pairwise::Multiply)?;
    let [centred, deviation] = draft.sides(draft.producer(normal)?, Pairwise::Divide)?;
    let [x, mean] = draft.sides(draft.producer(centred)?, Pairwise::Subtract)?;
    if draft.mean_of(draft.producer(mean)?) != Some(x) {
        return None;
    }
    let variance = draft.input_of(draft.producer(deviation)?, |f| f == Function::Sqrt)?;
    let [variance, epsilon] = draft.sides(draft.producer(variance)?, Pairwise::Add)?;
    let epsilon = draft.number(epsilon)?;
    let square = draft.producer(draft.mean_of(draft.producer(variance)?)?)?;
    let squared = draft
        .beside(square, Pairwise::Power, 2.0)
        .or_else(|| draft.sides(square, Pairwise::Multiply).filter(|[a, b]| a == b).map(|[a, _]| a));
    if squared != Some(centred) {
        return None;
    }
    let operator = Operator::LayerNormalization(LayerNormalization { axis: -1, epsilon });
    draft.replace(index, operator, vec![x, gamma, beta])
}

/// Merges the only step that reads this step's only result into it, if it can be; true if it was.
fn merge_next(draft: &mut Draft, index: usize) -> Result<bool, Fault> {
    let Some(step) = &draft.steps[index] else { return Ok(false) };
    let [output] = *step.outputs.as_slice() else { return Ok(false) };
    let is_plain = match &step.operator {
        Operator::Convolution(convolution) => convolution.then == Pointwise::Identity,
        Operator::TransposedConvolution(convolution) => convolution.then == Pointwise::Identity,
        Operator::Product(product) => product.then == Pointwise::Identity,
        _ => false,
    };
    if !is_plain || draft.uses[output] != 1 {
        return Ok(false);
    }
    let reads = |step: &super::Step| step.inputs.contains(&Operand::Value(output));
    let next = (index + 1..draft.steps.len()).find(|next| draft.steps[*next].as_ref().is_some_and(reads));
    let Some(next) = next else { return Ok(false) };
    if !absorb(draft, index, next, output)? {
        return Ok(false);
    }
    let Some(merged) = draft.steps[next].take() else { return Ok(false) };
    for value in &merged.outputs {
        draft.producers[*value] = Some(index);
    }
    if let Some(step) = &mut draft.steps[index] {
        step.outputs = merged.outputs;
    }
    Ok(true)
}

/// Takes what `next` does to `output` into the step at `index`.
fn absorb(draft: &mut Draft, index: usize, next: usize, output: usize) -> Result<bool, Fault> {
    let (Some(step), Some(following)) = (&draft.steps[index], &draft.steps[next]) else { return Ok(false) };
    let weights = match step.inputs.get(1) {
        Some(Operand::Constant(at)) => Some(*at),
        _ => None,
    };
    let other = following.inputs.iter().find_map(|input| match input {
        Operand::Constant(at) => Some(*at),
        _ => None,
    });
    let rank = weights.map_or(0, |at| draft.constants[at].shape().len());
    match (&following.operator, following.inputs.as_slice()) {
        (Operator::Function(Function::Fast(function)), _) => {
            let function = *function;
            let Some(step) = &mut draft.steps[index] else { return Ok(false) };
            match &mut step.operator {
                Operator::Convolution(convolution) => convolution.then = function,
                Operator::TransposedConvolution(convolution) => convolution.then = function,
                Operator::Product(product) => product.then = function,
                _ => return Ok(false),
            }
            Ok(true)
        }
        (Operator::Binary(binary), [_, _]) if binary.0 == Pairwise::Add => {
            let Some(other) = other else { return Ok(false) };
            let offset = &draft.constants[other];
            let Ok(values) = offset.as_floats() else { return Ok(false) };
            let Some(step) = &mut draft.steps[index] else { return Ok(false) };
            match &mut step.operator {
                Operator::Convolution(super::ops::Convolution { bias: Some(bias), .. })
                | Operator::TransposedConvolution(super::ops::TransposedConvolution {
                    bias: Some(bias),
                    ..
                }) => {
                    // One number a channel: 1, channels, 1, 1.
                    let shape = offset.shape();
                    let channel = (shape.len() + 1).checked_sub(rank);
                    let fits = shape.len() <= rank
                        && values.len() == bias.len()
                        && channel.is_some_and(|channel| shape.get(channel) == Some(&bias.len()));
                    if fits {
                        bias.iter_mut().zip(values).for_each(|(bias, offset)| *bias += offset);
                    }
                    Ok(fits)
                }
                Operator::Product(product) => {
                    let columns = product.columns();
                    let fits = columns == Some(values.len()) && offset.shape().last() == columns.as_ref();
                    if fits && product.bias.is_empty() {
                        product.bias = values.to_vec();
                    } else if fits {
                        product.bias.iter_mut().zip(values).for_each(|(bias, offset)| *bias += offset);
                    }
                    Ok(fits)
                }
                _ => Ok(false),
            }
        }
        (Operator::BatchNormalization(normalisation), [Operand::Value(x), statistics @ ..])
            if *x == output && statistics.len() == 4 =>
        {
            let constant = |operand: &Operand| match operand {
                Operand::Constant(at) => Some(&draft.constants[*at]),
                _ => None,
            };
            let (Some(a), Some(b), Some(c), Some(d)) = (
                constant(&statistics[0]),
                constant(&statistics[1]),
                constant(&statistics[2]),
                constant(&statistics[3]),
            ) else {
                return Ok(false);
            };
            let (scales, shifts) = normalisation.factors([a, b, c, d])?;
            let (Some(weights), Operator::Convolution(convolution)) = (weights, &step.operator) else {
                return Ok(false);
            };
            let old = &draft.constants[weights];
            let (Some(bias), Ok(values)) = (&convolution.bias, old.as_floats()) else { return Ok(false) };
            if bias.len() != scales.len() || values.len() % scales.len().max(1) != 0 || values.is_empty() {
                return Ok(false);
            }
            let bias = bias
                .iter()
                .zip(&scales)
                .zip(&shifts)
                .map(|((bias, scale), shift)| bias * scale + shift)
                .collect();
            let mut scaled = values.to_vec();
            for (filter, scale) in scaled.chunks_exact_mut(values.len() / scales.len()).zip(&scales) {
                filter.iter_mut().for_each(|weight| *weight *= scale);
            }
            // Others may use the same weights as they are.
            let scaled = Tensor::floats(old.shape().to_vec(), scaled)?;
            draft.constants.push(scaled);
            let at = draft.constants.len() - 1;
            if let Some(step) = &mut draft.steps[index] {
                step.inputs[1] = Operand::Constant(at);
                if let Operator::Convolution(convolution) = &mut step.operator {
                    convolution.bias = Some(bias);
                }
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}
