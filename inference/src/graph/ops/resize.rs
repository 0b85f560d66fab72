//! Images made larger or smaller.

use super::{
    Context, Inputs,
    layout::sizes_of,
    window::{batch_of, shape_of},
};
use crate::graph::{Fault, Node, Tensor};

/// `Resize` over the image's own dimensions.
#[derive(Debug)]
pub(in crate::graph) struct Resize {
    linear: bool,
    place: Place,
    nearest: Nearest,
    /// Which input the scales are.
    scales: usize,
}

/// Where the middle of an output pixel lies in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Asymmetric,
    HalfPixel,
    /// Half a pixel, but one pixel lies at zero.
    TorchHalfPixel,
    AlignCorners,
}

/// Which pixel is the nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nearest {
    Floor,
    Ceil,
    RoundDown,
    RoundUp,
}

impl Resize {
    pub(super) fn read(node: &Node) -> Result<Self, Fault> {
        let attributes = &node.attributes;
        let is_old = node.kind == "Upsample";
        let unknown = |what: &str| Fault::new(format!("resizing by {what} is not supported"));
        let linear = match attributes.text("mode", "nearest")? {
            "nearest" => false,
            "linear" => true,
            other => return Err(unknown(other)),
        };
        let default = if is_old { "asymmetric" } else { "half_pixel" };
        let place = match attributes.text("coordinate_transformation_mode", default)? {
            "asymmetric" => Place::Asymmetric,
            "half_pixel" => Place::HalfPixel,
            "pytorch_half_pixel" => Place::TorchHalfPixel,
            "align_corners" => Place::AlignCorners,
            other => return Err(unknown(other)),
        };
        let default = if is_old { "floor" } else { "round_prefer_floor" };
        let nearest = match attributes.text("nearest_mode", default)? {
            "floor" => Nearest::Floor,
            "ceil" => Nearest::Ceil,
            "round_prefer_floor" => Nearest::RoundDown,
            "round_prefer_ceil" => Nearest::RoundUp,
            other => return Err(unknown(other)),
        };
        Ok(Self { linear, place, nearest, scales: if is_old { 1 } else { 2 } })
    }

    pub(super) fn run(&self, inputs: &mut Inputs, context: &mut Context) -> Result<Vec<Tensor>, Fault> {
        let x = inputs.get(0)?;
        let (images, channels, size) = batch_of(x.shape())?;
        let rank = size.len();
        let scales = inputs.optional(self.scales).filter(|scales| scales.elements() > 0);
        // Sizes of the output, and how much larger each is.
        let mut target = Vec::with_capacity(rank + 2);
        let mut factors = Vec::with_capacity(rank + 2);
        if let Some(scales) = scales {
            let scales = scales.as_floats()?;
            if scales.len() != rank + 2 || scales.iter().any(|scale| !(1e-3..1e3).contains(scale)) {
                return Err(Fault::new(format!("{scales:?} does not resize shape {:?}", x.shape())));
            }
            for (scale, size) in scales.iter().zip(x.shape()) {
                target.push((*size as f32 * scale).floor() as usize);
                factors.push(*scale);
            }
        } else {
            target = sizes_of(inputs.get(3)?)?;
            factors.extend(target.iter().zip(x.shape()).map(|(to, from)| *to as f32 / *from as f32));
        }
        if target.len() != rank + 2
            || target[..2] != x.shape()[..2]
            || target.contains(&0)
            || x.elements() == 0
        {
            return Err(Fault::new(format!("shape {:?} cannot be resized to {target:?}", x.shape())));
        }
        let pair = |values: &[usize]| if rank == 1 { [1, values[0]] } else { [values[0], values[1]] };
        let (input, output) = (pair(size), pair(&target[2..]));
        let factors = if rank == 1 { [1.0, factors[2]] } else { [factors[2], factors[3]] };
        let values = x.as_floats()?;
        let rows: Vec<(usize, usize, f32)> =
            (0..output[0]).map(|i| self.source(i, input[0], output[0], factors[0])).collect();
        let columns: Vec<(usize, usize, f32)> =
            (0..output[1]).map(|i| self.source(i, input[1], output[1], factors[1])).collect();
        let out = context.pool.floats(shape_of(images, channels, rank, output), |out| {
            let planes = values.chunks_exact(input[0] * input[1]);
            for (plane, out) in planes.zip(out.chunks_exact_mut(output[0] * output[1])) {
                for (y, (above, below, down)) in rows.iter().enumerate() {
                    let row = |y: &usize| &plane[y * input[1]..][..input[1]];
                    let (above, below) = (row(above), row(below));
                    // Repeated rows are copied.
                    if !self.linear && y > 0 && rows[y - 1].0 == rows[y].0 {
                        out.copy_within((y - 1) * output[1]..y * output[1], y * output[1]);
                        continue;
                    }
                    let out = &mut out[y * output[1]..][..output[1]];
                    if self.linear {
                        for (out, (left, right, share)) in out.iter_mut().zip(&columns) {
                            let top = above[*left] + (above[*right] - above[*left]) * share;
                            let bottom = below[*left] + (below[*right] - below[*left]) * share;
                            *out = top + (bottom - top) * down;
                        }
                    } else {
                        out.iter_mut().zip(&columns).for_each(|(out, (at, ..))| *out = above[*at]);
                    }
                }
            }
            Ok(())
        })?;
        Ok(vec![out])
    }

    /// The two input pixels around an output pixel, and the share of the second; for the nearest, both are that one.
    fn source(&self, at: usize, input: usize, output: usize, factor: f32) -> (usize, usize, f32) {
        let at = at as f32;
        let x = match self.place {
            Place::Asymmetric => at / factor,
            Place::HalfPixel => (at + 0.5) / factor - 0.5,
            Place::TorchHalfPixel if output == 1 => 0.0,
            Place::TorchHalfPixel => (at + 0.5) / factor - 0.5,
            Place::AlignCorners if output == 1 => 0.0,
            Place::AlignCorners => at * (input - 1) as f32 / (output - 1) as f32,
        };
        let last = input - 1;
        if self.linear {
            let x = x.clamp(0.0, last as f32);
            let low = (x.floor() as usize).min(last);
            return (low, (low + 1).min(last), x - low as f32);
        }
        let nearest = match self.nearest {
            Nearest::Floor => x.floor(),
            Nearest::Ceil => x.ceil(),
            Nearest::RoundDown => (x - 0.5).ceil(),
            Nearest::RoundUp => (x + 0.5).floor(),
        };
        let nearest = (nearest.max(0.0) as usize).min(last);
        (nearest, nearest, 0.0)
    }
}
