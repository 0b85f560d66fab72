//! Convolutions.

use super::{
    Context, Inputs,
    window::{Layout, batch_of, shape_of},
};
use crate::{
    graph::{Attributes, Fault, Tensor, elements_of},
    kernels::{Pointwise, Window, apply, convolve},
};

/// `Conv`, with what follows it.
#[derive(Debug)]
pub(in crate::graph) struct Convolution {
    layout: Layout,
    groups: usize,
    /// Added to each filter's result, where the bias is known beforehand; else it is the third input.
    pub(in crate::graph) bias: Option<Vec<f32>>,
    /// Applied to the result.
    pub(in crate::graph) then: Pointwise,
}

fn groups(attributes: &Attributes) -> Result<usize, Fault> {
    usize::try_from(attributes.integer("group", 1)?)
        .ok()
        .filter(|groups| *groups > 0)
        .ok_or_else(|| Fault::new("a convolution has no groups"))
}

fn bias_of<'a>(own: Option<&'a [f32]>, given: Option<&'a Tensor>, filters: usize) -> Result<Vec<f32>, Fault> {
    let bias = match (own, given) {
        (Some(bias), _) => bias,
        (None, Some(bias)) => bias.as_floats()?,
        (None, None) => return Ok(vec![0.0; filters]),
    };
    if bias.len() != filters {
        return Err(Fault::new(format!("{} offsets for {filters} filters", bias.len())));
    }
    Ok(bias.to_vec())
}

impl Convolution {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        Ok(Self {
            layout: Layout::read(attributes)?,
            groups: groups(attributes)?,
            bias: None,
            then: Pointwise::Identity,
        })
    }

    /// Takes zeros that lie around the image (before each dimension, then behind each) into the margins of its own;
    /// false where they do not lie around the image alone.
    pub(in crate::graph) fn widen(&mut self, pads: &[usize]) -> bool {
        let (before, behind) = pads.split_at(pads.len() / 2);
        match (before, behind) {
            ([0, 0, before @ ..], [0, 0, behind @ ..]) => self.layout.widen(before, behind),
            _ => false,
        }
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let (x, weights) = (inputs.get(0)?, inputs.get(1)?);
        let (images, channels, size) = batch_of(x.shape())?;
        let (filters, seen, kernel) = batch_of(weights.shape())?;
        if channels != seen * self.groups || filters % self.groups != 0 || x.elements() == 0 {
            return Err(Fault::new(format!(
                "filters {:?} in {} groups do not fit images {:?}",
                weights.shape(),
                self.groups,
                x.shape()
            )));
        }
        let placed = self.layout.place(size, Some(kernel))?;
        let bias = bias_of(self.bias.as_deref(), inputs.optional(2), filters)?;
        let window = Window {
            channels,
            input: placed.input,
            filters,
            output: placed.output,
            kernel: placed.kernel,
            strides: placed.strides,
            dilations: placed.dilations,
            pads: placed.pads,
            groups: self.groups,
        };
        let (x, weights) = (x.as_floats()?, weights.as_floats()?);
        let shape = shape_of(images, filters, size.len(), placed.output);
        let (level, scratch) = (context.level, &mut *context.scratch);
        let out = context.pool.floats(shape, |out| {
            let part = out.len() / images;
            for (x, out) in x.chunks_exact(x.len() / images).zip(out.chunks_exact_mut(part)) {
                convolve(level, &window, x, weights, &bias, self.then, out, scratch);
            }
            Ok(())
        })?;
        Ok(vec![out])
    }
}

/// `ConvTranspose`, with what follows it.
#[derive(Debug)]
pub(in crate::graph) struct TransposedConvolution {
    layout: Layout,
    pub(in crate::graph) groups: usize,
    more: Vec<usize>,
    /// Added to each filter's result, where the bias is known beforehand; else it is the third input.
    pub(in crate::graph) bias: Option<Vec<f32>>,
    /// Applied to the result.
    pub(in crate::graph) then: Pointwise,
}

impl TransposedConvolution {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        if attributes.integers("output_shape")?.is_some() {
            return Err(Fault::new("a transposed convolution with an output shape is not supported"));
        }
        Ok(Self {
            layout: Layout::read(attributes)?,
            groups: groups(attributes)?,
            more: attributes.sizes("output_padding", &[])?,
            bias: None,
            then: Pointwise::Identity,
        })
    }

    /// Every input pixel times the filter gives a patch; patches are added where they overlap.
    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let (x, weights) = (inputs.get(0)?, inputs.get(1)?);
        let (images, channels, size) = batch_of(x.shape())?;
        let (seen, filters, kernel) = batch_of(weights.shape())?;
        let rank = size.len();
        if channels != seen || channels % self.groups != 0 || kernel.len() != rank || x.elements() == 0 {
            return Err(Fault::new(format!(
                "filters {:?} do not fit images {:?}",
                weights.shape(),
                x.shape()
            )));
        }
        let [strides, dilations, pads, pads_behind] = self.layout.transposed(rank)?;
        let pair = |values: &[usize], default: usize| match values {
            [height, width] => [*height, *width],
            [width] => [default, *width],
            _ => [default; 2],
        };
        let (input, kernel, more) = (pair(size, 1), pair(kernel, 1), pair(&self.more, 0));
        let mut output = [0; 2];
        for i in 0..2 {
            let whole = (input[i] - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1 + more[i];
            output[i] = whole
                .checked_sub(pads[i] + pads_behind[i])
                .filter(|size| *size > 0)
                .ok_or_else(|| Fault::new("nothing is left within the margins"))?;
        }
        let taps = kernel[0] * kernel[1];
        let all = filters * self.groups;
        let bias = bias_of(self.bias.as_deref(), inputs.optional(2), all)?;
        let (inner, pixels) = (channels / self.groups, input[0] * input[1]);
        let window = Window {
            channels: inner,
            input,
            filters: filters * taps,
            output: input,
            kernel: [1, 1],
            strides: [1, 1],
            dilations: [1, 1],
            pads: [0, 0],
            groups: 1,
        };
        let (x, weights) = (x.as_floats()?, weights.as_floats()?);
        let mut turned = context.pool.take(elements_of(&[inner, filters, taps])?);
        let mut patches = context.pool.take(elements_of(&[filters, taps, pixels])?);
        let no_bias = vec![0.0; filters * taps];
        let (level, scratch) = (context.level, &mut *context.scratch);
        let out = context.pool.floats(shape_of(images, all, rank, output), |out| {
            let plane = output[0] * output[1];
            for (part, out) in out.chunks_exact_mut(filters * plane).enumerate() {
                // Images and groups lie one after the other, in the input as in the output.
                let x = &x[part * inner * pixels..][..inner * pixels];
                let weights =
                    &weights[part % self.groups * inner * filters * taps..][..inner * filters * taps];
                for (channel, weights) in weights.chunks_exact(filters * taps).enumerate() {
                    for (tap, weight) in weights.iter().enumerate() {
                        turned[tap * inner + channel] = *weight;
                    }
                }
                convolve(level, &window, x, &turned, &no_bias, Pointwise::Identity, &mut patches, scratch);
                for (filter, out) in out.chunks_exact_mut(plane).enumerate() {
                    out.fill(bias[part % self.groups * filters + filter]);
                    for tap in 0..taps {
                        let patch = &patches[(filter * taps + tap) * pixels..][..pixels];
                        let at = [tap / kernel[1] * dilations[0], tap % kernel[1] * dilations[1]];
                        scatter(patch, input[1], strides, at, pads, out, output[1]);
                    }
                }
            }
            apply(level, self.then, out);
            Ok(())
        })?;
        context.pool.give_buffer(turned);
        context.pool.give_buffer(patches);
        Ok(vec![out])
    }
}

/// Adds one element of every patch to where it belongs.
fn scatter(
    patch: &[f32],
    width: usize,
    strides: [usize; 2],
    at: [usize; 2],
    pads: [usize; 2],
    out: &mut [f32],
    out_width: usize,
) {
    for (y, row) in patch.chunks_exact(width).enumerate() {
        let Some(line) = (y * strides[0] + at[0]).checked_sub(pads[0]) else { continue };
        let Some(out) = out.get_mut(line * out_width..(line + 1) * out_width) else { continue };
        for (x, value) in row.iter().enumerate() {
            let Some(column) = (x * strides[1] + at[1]).checked_sub(pads[1]) else { continue };
            if let Some(out) = out.get_mut(column) {
                *out += value;
            }
        }
    }
}
