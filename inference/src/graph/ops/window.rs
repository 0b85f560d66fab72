//! How filters and pools lie over an image. One-dimensional ones are images of one row.

use crate::graph::{Attributes, Fault};

/// Zeros around the image.
#[derive(Clone, Debug, PartialEq)]
enum Padding {
    /// Before and behind, along each dimension.
    Explicit(Vec<usize>),
    /// As many as make the output as large as the input divided by the strides, more of them behind.
    SameUpper,
    /// The same with more of them before.
    SameLower,
}

/// Settings that filters and pools share.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    kernel: Option<Vec<usize>>,
    strides: Option<Vec<usize>>,
    dilations: Option<Vec<usize>>,
    padding: Padding,
    round_up: bool,
}

/// How a filter lies over an image of one size; pairs are vertical, horizontal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) input: [usize; 2],
    pub(super) output: [usize; 2],
    pub(super) kernel: [usize; 2],
    pub(super) strides: [usize; 2],
    pub(super) dilations: [usize; 2],
    /// Before the image.
    pub(super) pads: [usize; 2],
    /// Behind the image.
    pub(super) pads_behind: [usize; 2],
}

impl Layout {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, Fault> {
        let list = |name: &str| -> Result<Option<Vec<usize>>, Fault> {
            match attributes.integers(name)? {
                None => Ok(None),
                Some(_) => attributes.sizes(name, &[]).map(Some),
            }
        };
        let padding = match attributes.text("auto_pad", "NOTSET")? {
            "NOTSET" => Padding::Explicit(list("pads")?.unwrap_or_default()),
            "VALID" => Padding::Explicit(Vec::new()),
            "SAME_UPPER" => Padding::SameUpper,
            "SAME_LOWER" => Padding::SameLower,
            other => return Err(Fault::new(format!("the padding {other} is not known"))),
        };
        Ok(Self {
            kernel: list("kernel_shape")?,
            strides: list("strides")?,
            dilations: list("dilations")?,
            padding,
            round_up: attributes.integer("ceil_mode", 0)? != 0,
        })
    }

    /// Adds margins of zeros, before and behind each dimension of the image; false where the margins are not known.
    pub(super) fn widen(&mut self, before: &[usize], behind: &[usize]) -> bool {
        let Padding::Explicit(pads) = &mut self.padding else { return false };
        if pads.is_empty() {
            pads.resize(before.len() + behind.len(), 0);
        }
        if pads.len() != before.len() + behind.len() {
            return false;
        }
        pads.iter_mut().zip(before.iter().chain(behind)).for_each(|(pad, more)| *pad += more);
        true
    }

    /// Lays a kernel of these sizes (or of the settings' own) over an image of these sizes.
    pub(super) fn place(&self, image: &[usize], kernel: Option<&[usize]>) -> Result<Placed, Fault> {
        let rank = image.len();
        let kernel = kernel.or(self.kernel.as_deref()).ok_or_else(|| Fault::new("the kernel has no size"))?;
        if !(1..=2).contains(&rank) || kernel.len() != rank {
            return Err(Fault::new(format!(
                "a kernel of {kernel:?} over an image of {image:?} is not supported"
            )));
        }
        let pair = |values: Option<&[usize]>, default: usize| -> Result<[usize; 2], Fault> {
            match values {
                None | Some([]) => Ok([default; 2]),
                Some([width]) if rank == 1 => Ok([default, *width]),
                Some([height, width]) if rank == 2 => Ok([*height, *width]),
                Some(values) => {
                    Err(Fault::new(format!("{values:?} does not fit an image of {rank} dimensions")))
                }
            }
        };
        let input = pair(Some(image), 1)?;
        let kernel = pair(Some(kernel), 1)?;
        let strides = pair(self.strides.as_deref(), 1)?;
        let dilations = pair(self.dilations.as_deref(), 1)?;
        if [kernel, strides, dilations].as_flattened().iter().any(|size| *size == 0 || *size > 1 << 16) {
            return Err(Fault::new("a kernel has a size or step of zero, or too large a one"));
        }
        let span = |i: usize| dilations[i] * (kernel[i] - 1) + 1;
        let (mut pads, mut pads_behind) = ([0; 2], [0; 2]);
        match &self.padding {
            Padding::Explicit(values) if values.is_empty() => {}
            Padding::Explicit(values) if values.len() == 2 * rank => {
                let (before, behind) = values.split_at(rank);
                (pads, pads_behind) = (pair(Some(before), 0)?, pair(Some(behind), 0)?);
            }
            Padding::Explicit(values) => {
                return Err(Fault::new(format!("{values:?} are no margins of {rank} dimensions")));
            }
            same => {
                for i in 0..2 {
                    let output = input[i].div_ceil(strides[i]);
                    let all = (output.saturating_sub(1) * strides[i] + span(i)).saturating_sub(input[i]);
                    let less = all / 2;
                    (pads[i], pads_behind[i]) =
                        if *same == Padding::SameUpper { (less, all - less) } else { (all - less, less) };
                }
            }
        }
        if pads.iter().chain(&pads_behind).any(|pad| *pad > 1 << 16) {
            return Err(Fault::new("the margins are too large"));
        }
        let mut output = [0; 2];
        for i in 0..2 {
            let room = (input[i] + pads[i] + pads_behind[i])
                .checked_sub(span(i))
                .ok_or_else(|| Fault::new(format!("an image of {image:?} is smaller than the kernel")))?;
            output[i] = room / strides[i] + 1;
            // Rounded up, a window may hang over the end, but it begins within the image or the margin before it.
            if self.round_up && room % strides[i] != 0 && output[i] * strides[i] < input[i] + pads[i] {
                output[i] += 1;
            }
        }
        Ok(Placed { input, output, kernel, strides, dilations, pads, pads_behind })
    }

    /// Strides, dilations and margins of a transposed convolution: strides, dilations, margins before and behind.
    pub(super) fn transposed(&self, rank: usize) -> Result<[[usize; 2]; 4], Fault> {
        let Padding::Explicit(pads) = &self.padding else {
            return Err(Fault::new("this padding of a transposed convolution is not supported"));
        };
        let pair = |values: &[usize], default: usize| match values {
            [] => Ok([default; 2]),
            [width] if rank == 1 => Ok([default, *width]),
            [height, width] if rank == 2 => Ok([*height, *width]),
            _ => Err(Fault::new(format!("{values:?} does not fit an image of {rank} dimensions"))),
        };
        let (before, behind) = pads.split_at(pads.len() / 2);
        let strides = pair(self.strides.as_deref().unwrap_or_default(), 1)?;
        let dilations = pair(self.dilations.as_deref().unwrap_or_default(), 1)?;
        if [strides, dilations].as_flattened().iter().any(|size| *size == 0 || *size > 1 << 12) {
            return Err(Fault::new("a kernel has a step of zero, or too large a one"));
        }
        Ok([strides, dilations, pair(before, 0)?, pair(behind, 0)?])
    }
}

/// Takes the shape of a batch of images apart: images, channels, size of one.
pub(super) fn batch_of(shape: &[usize]) -> Result<(usize, usize, &[usize]), Fault> {
    match shape {
        [images, channels, size @ ..] if (1..=2).contains(&size.len()) => Ok((*images, *channels, size)),
        _ => Err(Fault::new(format!("shape {shape:?} is no batch of images"))),
    }
}

/// The shape of a batch of images of `output`, which has one row where images have one dimension.
pub(super) fn shape_of(images: usize, channels: usize, rank: usize, output: [usize; 2]) -> Vec<usize> {
    let mut shape = vec![images, channels];
    shape.extend(&output[2 - rank..]);
    shape
}
