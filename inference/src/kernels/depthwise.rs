//! Convolution of each channel with a filter of its own.

use super::{
    conv::Window,
    pointwise::{Pointwise, each},
    simd::{Level, at_level, multiply_add},
};

/// As [`super::convolve`], for windows with as many groups as channels and filters.
#[expect(clippy::too_many_arguments, reason = "what a convolution is made of")]
pub(super) fn depthwise(
    level: Level,
    window: &Window,
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    then: Pointwise,
    out: &mut [f32],
    scratch: &mut Vec<f32>,
) {
    let padded = Padded::new(window);
    scratch.clear();
    scratch.resize(padded.rows * padded.strides() * padded.phase, 0.0);
    at_level!(
        level,
        planes(
            window: &Window,
            padded: Padded,
            x: &[f32],
            weights: &[f32],
            bias: &[f32],
            then: Pointwise,
            out: &mut [f32],
            scratch: &mut [f32],
        )
    );
}

/// A plane with its margins, each row taken apart by the horizontal stride: then every element of the filter reads
/// neighbours.
#[derive(Clone, Copy)]
struct Padded {
    rows: usize,
    /// Elements of one phase of a row.
    phase: usize,
    stride: usize,
}

impl Padded {
    fn new(window: &Window) -> Self {
        let span = |i: usize| {
            (window.output[i] - 1) * window.strides[i] + window.dilations[i] * (window.kernel[i] - 1) + 1
        };
        let stride = window.strides[1];
        Self { rows: span(0), phase: span(1).div_ceil(stride), stride }
    }

    fn strides(self) -> usize {
        self.stride
    }
}

#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the body of `depthwise`")]
fn planes<const FMA: bool>(
    window: &Window,
    padded: Padded,
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    then: Pointwise,
    out: &mut [f32],
    scratch: &mut [f32],
) {
    let [height, breadth] = window.input;
    let pixels = window.output[0] * window.output[1];
    let taps = window.kernel[0] * window.kernel[1];
    for (channel, (plane, out)) in
        x.chunks_exact(height * breadth).zip(out.chunks_exact_mut(pixels)).enumerate()
    {
        copy(window, padded, plane, scratch);
        let weights = &weights[channel * taps..][..taps];
        for (line, out) in out.chunks_exact_mut(window.output[1]).enumerate() {
            out.fill(bias[channel]);
            for (down, weights) in weights.chunks_exact(window.kernel[1]).enumerate() {
                let row = line * window.strides[0] + down * window.dilations[0];
                let row = &scratch[row * padded.stride * padded.phase..][..padded.stride * padded.phase];
                let width = out.len();
                let tap = |right: usize| {
                    let at = right * window.dilations[1];
                    &row[at % padded.stride * padded.phase + at / padded.stride..][..width]
                };
                let mut right = 0;
                // Some taps at a time, so that sums are loaded and stored less often.
                while right < weights.len() {
                    let weights = &weights[right..];
                    match weights.len() {
                        7.. => {
                            let rows = std::array::from_fn(|i| tap(right + i));
                            add::<FMA, 7>(rows, weights, out);
                            right += 7;
                        }
                        5.. => {
                            let rows = std::array::from_fn(|i| tap(right + i));
                            add::<FMA, 5>(rows, weights, out);
                            right += 5;
                        }
                        3.. => {
                            let rows = std::array::from_fn(|i| tap(right + i));
                            add::<FMA, 3>(rows, weights, out);
                            right += 3;
                        }
                        _ => {
                            add::<FMA, 1>([tap(right)], weights, out);
                            right += 1;
                        }
                    }
                }
            }
            each::<FMA>(then, out);
        }
    }
}

/// Lays a plane out with its margins, which are zeros.
#[inline(always)]
fn copy(window: &Window, padded: Padded, plane: &[f32], scratch: &mut [f32]) {
    let [height, breadth] = window.input;
    let [top, left] = window.pads;
    for (row, to) in scratch.chunks_exact_mut(padded.stride * padded.phase).enumerate() {
        let y = row.wrapping_sub(top);
        if y >= height {
            to.fill(0.0);
            continue;
        }
        let from = &plane[y * breadth..][..breadth];
        for (phase, to) in to.chunks_exact_mut(padded.phase).enumerate() {
            if padded.stride == 1 {
                let left = left.min(to.len());
                let (before, rest) = to.split_at_mut(left);
                let (within, after) = rest.split_at_mut(rest.len().min(breadth));
                before.fill(0.0);
                within.copy_from_slice(&from[..within.len()]);
                after.fill(0.0);
            } else {
                for (i, to) in to.iter_mut().enumerate() {
                    let at = (i * padded.stride + phase).wrapping_sub(left);
                    *to = from.get(at).copied().unwrap_or(0.0);
                }
            }
        }
    }
}

/// `out += Σ weights[i] rows[i]`.
#[inline(always)]
fn add<const FMA: bool, const N: usize>(rows: [&[f32]; N], weights: &[f32], out: &mut [f32]) {
    let weights: [f32; N] = std::array::from_fn(|i| weights[i]);
    let rows: [&[f32]; N] = std::array::from_fn(|i| &rows[i][..out.len()]);
    for (x, out) in out.iter_mut().enumerate() {
        let mut sum = *out;
        for i in 0..N {
            sum = multiply_add::<FMA>(weights[i], rows[i][x], sum);
        }
        *out = sum;
    }
}
