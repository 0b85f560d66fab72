//! Convolution over images, each channel a plane. What is dense becomes a matrix product: the inputs of
//! [`COLUMNS`] neighbouring pixels are gathered into a panel that stays in the first-level cache while all filters
//! pass over it. So weights are used as files store them, and no large matrix is ever unrolled.

use super::{
    depthwise::depthwise,
    gemm::sums_of,
    pointwise::{Pointwise, each},
    simd::{COLUMNS, Level, at_level},
};

/// Filters of a register tile.
const ROWS: usize = if cfg!(target_arch = "wasm32") { 5 } else { 6 };
/// Depth of a block: its part of a panel stays in the first-level cache.
const DEPTH: usize = 384;

/// A convolution's sizes; pairs are vertical, horizontal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Channels of the input.
    pub(crate) channels: usize,
    /// Size of the input.
    pub(crate) input: [usize; 2],
    /// Channels of the output.
    pub(crate) filters: usize,
    /// Size of the output.
    pub(crate) output: [usize; 2],
    /// Size of a filter.
    pub(crate) kernel: [usize; 2],
    /// Steps from one output pixel to the next.
    pub(crate) strides: [usize; 2],
    /// Steps from one element of a filter to the next.
    pub(crate) dilations: [usize; 2],
    /// Zeros before the first row and column.
    pub(crate) pads: [usize; 2],
    /// Parts of the channels that do not see each other.
    pub(crate) groups: usize,
}

impl Window {
    fn pixels(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Whether every output channel sees one input channel.
    fn is_depthwise(&self) -> bool {
        self.groups == self.channels && self.filters == self.channels
    }

    /// Whether input and output pixels are the same and a filter sees one of them.
    fn is_plain(&self) -> bool {
        self.kernel == [1, 1] && self.strides == [1, 1] && self.pads == [0, 0] && self.input == self.output
    }
}

/// `out[filter] = then(weights[filter] * x + bias[filter])` for one image of `channels` planes.
///
/// `weights` is [filters, channels / groups, kernel]; `bias` has an element a filter. Slices that are too short are a
/// defect of the caller and panic.
#[expect(clippy::too_many_arguments, reason = "what a convolution is made of")]
pub(crate) fn convolve(
    level: Level,
    window: &Window,
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    then: Pointwise,
    out: &mut [f32],
    scratch: &mut Vec<f32>,
) {
    if window.is_depthwise() {
        return depthwise(level, window, x, weights, bias, then, out, scratch);
    }
    let (channels, filters) = (window.channels / window.groups, window.filters / window.groups);
    let depth = channels * window.kernel[0] * window.kernel[1];
    scratch.clear();
    scratch.resize(depth * COLUMNS, 0.0);
    let plane = window.input[0] * window.input[1];
    for group in 0..window.groups {
        let x = &x[group * channels * plane..][..channels * plane];
        let weights = &weights[group * filters * depth..][..filters * depth];
        let bias = &bias[group * filters..][..filters];
        let out = &mut out[group * filters * window.pixels()..][..filters * window.pixels()];
        at_level!(
            level,
            dense(
                window: &Window,
                x: &[f32],
                weights: &[f32],
                bias: &[f32],
                then: Pointwise,
                out: &mut [f32],
                scratch: &mut [f32],
            )
        );
    }
}

#[inline(always)]
fn dense<const FMA: bool>(
    window: &Window,
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    then: Pointwise,
    out: &mut [f32],
    panel: &mut [f32],
) {
    let pixels = window.pixels();
    let depth = panel.len() / COLUMNS;
    for first in (0..pixels).step_by(COLUMNS) {
        let width = COLUMNS.min(pixels - first);
        if window.is_plain() {
            for (row, plane) in panel.as_chunks_mut::<COLUMNS>().0.iter_mut().zip(x.chunks_exact(pixels)) {
                match plane[first..].first_chunk::<COLUMNS>() {
                    Some(values) => *row = *values,
                    None => row[..width].copy_from_slice(&plane[first..]),
                }
            }
        } else {
            gather(window, x, first, width, panel);
        }
        multiply::<FMA>(depth, weights, bias, panel, &mut out[first..], pixels, width);
        if then != Pointwise::Identity {
            for row in out[first..].chunks_mut(pixels) {
                match row.first_chunk_mut::<COLUMNS>() {
                    Some(values) if width == COLUMNS => each::<FMA>(then, values),
                    _ => each::<FMA>(then, &mut row[..width]),
                }
            }
        }
    }
}

/// Fills a panel: a row for every channel and element of the filter, a column for each of `width` output pixels from
/// `first` on.
#[inline(always)]
fn gather(window: &Window, x: &[f32], first: usize, width: usize, panel: &mut [f32]) {
    let [height, breadth] = window.input;
    let columns = window.output[1];
    let mut rows = panel.as_chunks_mut::<COLUMNS>().0.iter_mut();
    for plane in x.chunks_exact(height * breadth) {
        for down in 0..window.kernel[0] {
            for right in 0..window.kernel[1] {
                let Some(row) = rows.next() else { return };
                // A panel may run over the end of a row of pixels.
                let (mut line, mut from, mut done) = (first / columns, first % columns, 0);
                while done < width {
                    let count = (columns - from).min(width - done);
                    let part = &mut row[done..done + count];
                    let y =
                        (line * window.strides[0] + down * window.dilations[0]).wrapping_sub(window.pads[0]);
                    if y < height {
                        let source = &plane[y * breadth..][..breadth];
                        // The first pixel's column, which lies left of the image while it is negative.
                        let start = (from * window.strides[1] + right * window.dilations[1]) as isize
                            - window.pads[1] as isize;
                        fetch(source, start, window.strides[1], part);
                    } else {
                        part.fill(0.0);
                    }
                    (line, from, done) = (line + 1, 0, done + count);
                }
            }
        }
    }
}

/// `to[i] = from[start + i stride]`, zero beyond both ends.
#[inline(always)]
fn fetch(from: &[f32], start: isize, stride: usize, to: &mut [f32]) {
    if stride == 1 && start >= 0 && start as usize + to.len() <= from.len() {
        to.copy_from_slice(&from[start as usize..][..to.len()]);
        return;
    }
    for (i, to) in to.iter_mut().enumerate() {
        let at = start + (i * stride) as isize;
        *to = usize::try_from(at).ok().and_then(|at| from.get(at)).copied().unwrap_or(0.0);
    }
}

/// `c[i, ..width] = a[i, ..depth] · panel + bias[i]` for every row i of `a`; rows of `c` begin `stride` apart.
#[inline(always)]
pub(super) fn multiply<const FMA: bool>(
    depth: usize,
    a: &[f32],
    bias: &[f32],
    panel: &[f32],
    c: &mut [f32],
    stride: usize,
    width: usize,
) {
    let rows = bias.len();
    // Tiles of nearly the same height: 16 rows are 6 + 5 + 5, not 6 + 6 + 4.
    let tiles = rows.div_ceil(ROWS);
    for first in (0..depth).step_by(DEPTH) {
        let block = DEPTH.min(depth - first);
        let panel = &panel[first * COLUMNS..(first + block) * COLUMNS];
        let mut row = 0;
        for tile in 0..tiles {
            let height = (rows - row).div_ceil(tiles - tile);
            let a = &a[row * depth + first..];
            let c = &mut c[row * stride..];
            let bias = if first == 0 { Some(&bias[row..row + height]) } else { None };
            match height {
                6 => tile_of::<FMA, 6>(block, a, depth, bias, panel, c, stride, width),
                5 => tile_of::<FMA, 5>(block, a, depth, bias, panel, c, stride, width),
                4 => tile_of::<FMA, 4>(block, a, depth, bias, panel, c, stride, width),
                3 => tile_of::<FMA, 3>(block, a, depth, bias, panel, c, stride, width),
                2 => tile_of::<FMA, 2>(block, a, depth, bias, panel, c, stride, width),
                1 => tile_of::<FMA, 1>(block, a, depth, bias, panel, c, stride, width),
                _ => {}
            }
            row += height;
        }
    }
}

/// One register tile: M rows by [`COLUMNS`] columns, begun with the bias or added to what is there.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the inner part of `multiply`, inlined into it")]
fn tile_of<const FMA: bool, const M: usize>(
    depth: usize,
    a: &[f32],
    a_stride: usize,
    bias: Option<&[f32]>,
    panel: &[f32],
    c: &mut [f32],
    c_stride: usize,
    width: usize,
) {
    let mut sums = [[0.0f32; COLUMNS]; M];
    sums_of::<FMA, M>(depth, a, a_stride, panel, &mut sums);
    for (i, sums) in sums.iter_mut().enumerate() {
        let c = &mut c[i * c_stride..][..width];
        match bias {
            Some(bias) => sums.iter_mut().for_each(|sum| *sum += bias[i]),
            None => sums.iter_mut().zip(&*c).for_each(|(sum, c)| *sum += c),
        }
        match c.first_chunk_mut::<COLUMNS>() {
            Some(whole) => *whole = *sums,
            None => c.copy_from_slice(&sums[..width]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seed: usize) -> f32 {
        (seed * 7919 % 13) as f32 - 6.0
    }

    /// The definition, pixel by pixel.
    fn defined(window: &Window, x: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f32> {
        let (channels, filters) = (window.channels / window.groups, window.filters / window.groups);
        let mut out = Vec::new();
        for (filter, bias) in bias.iter().enumerate() {
            for y in 0..window.output[0] {
                for column in 0..window.output[1] {
                    let mut sum = *bias;
                    for channel in 0..channels {
                        for down in 0..window.kernel[0] {
                            for right in 0..window.kernel[1] {
                                let y = (y * window.strides[0] + down * window.dilations[0]) as isize
                                    - window.pads[0] as isize;
                                let z = (column * window.strides[1] + right * window.dilations[1]) as isize
                                    - window.pads[1] as isize;
                                if y < 0
                                    || z < 0
                                    || y >= window.input[0] as isize
                                    || z >= window.input[1] as isize
                                {
                                    continue;
                                }
                                let plane = filter / filters * channels + channel;
                                let at =
                                    (plane * window.input[0] + y as usize) * window.input[1] + z as usize;
                                let weight = ((filter * channels + channel) * window.kernel[0] + down)
                                    * window.kernel[1]
                                    + right;
                                sum += x[at] * weights[weight];
                            }
                        }
                    }
                    out.push(sum);
                }
            }
        }
        out
    }

    #[expect(clippy::too_many_arguments, reason = "a table of sizes")]
    fn window(
        channels: usize,
        input: [usize; 2],
        filters: usize,
        kernel: [usize; 2],
        strides: [usize; 2],
        dilations: [usize; 2],
        pads: [usize; 2],
        groups: usize,
    ) -> Window {
        let size =
            |i: usize| (input[i] + 2 * pads[i] - (dilations[i] * (kernel[i] - 1) + 1)) / strides[i] + 1;
        let output = [size(0), size(1)];
        Window { channels, input, filters, output, kernel, strides, dilations, pads, groups }
    }

    #[test]
    fn every_kind_of_convolution_equals_the_definition() {
        for window in [
            window(3, [7, 9], 8, [3, 3], [1, 1], [1, 1], [1, 1], 1),
            window(5, [6, 17], 7, [1, 1], [1, 1], [1, 1], [0, 0], 1),
            window(400, [3, 5], 13, [1, 1], [1, 1], [1, 1], [0, 0], 1),
            window(2, [16, 16], 3, [3, 3], [2, 2], [1, 1], [1, 1], 1),
            window(4, [9, 40], 6, [3, 2], [2, 1], [1, 2], [1, 1], 2),
            window(3, [1, 50], 4, [1, 5], [1, 1], [1, 2], [0, 4], 1),
            window(6, [11, 23], 6, [3, 3], [1, 1], [1, 1], [1, 1], 6),
            window(6, [11, 24], 6, [3, 3], [2, 2], [1, 1], [1, 1], 6),
            window(3, [20, 37], 3, [7, 7], [1, 1], [1, 1], [3, 3], 3),
            window(3, [20, 37], 3, [5, 3], [2, 1], [1, 2], [2, 2], 3),
            window(4, [1, 33], 4, [1, 7], [1, 1], [1, 1], [0, 3], 4),
            window(4, [5, 3], 8, [3, 3], [1, 1], [1, 1], [1, 1], 4),
        ] {
            let x: Vec<f32> = (0..window.channels * window.input[0] * window.input[1]).map(entry).collect();
            let size = window.filters * window.channels / window.groups * window.kernel[0] * window.kernel[1];
            let weights: Vec<f32> = (0..size).map(|i| entry(i * 31 + 5)).collect();
            let bias: Vec<f32> = (0..window.filters).map(|i| entry(i + 3)).collect();
            let want = defined(&window, &x, &weights, &bias);
            for level in [Level::Baseline, Level::detect()] {
                let mut out = vec![99.0; want.len()];
                let scratch = &mut vec![7.0; 3];
                convolve(level, &window, &x, &weights, &bias, Pointwise::Identity, &mut out, scratch);
                assert_eq!(out, want, "{window:?}");
                convolve(level, &window, &x, &weights, &bias, Pointwise::Relu, &mut out, scratch);
                assert!(out.iter().zip(&want).all(|(out, want)| *out == want.max(0.0)), "{window:?}");
            }
        }
    }
}
