//! Matrix product with the right-hand side packed once: `C[m,n] = A[m,k] · B[k,n]`, then bias and activation.

use super::simd::{COLUMNS, Level, add_products, at_level, gelu};

/// Rows of a register tile. 6 x 2 accumulators, 2 vectors of B and one of A fit sixteen registers.
const ROWS: usize = if cfg!(target_arch = "wasm32") { 5 } else { 6 };
/// Products that the inner loop does at a time.
const UNROLL: usize = 4;
/// Depth of a block: its part of a panel of B stays in the first-level cache over all rows of A.
const DEPTH: usize = 384;

/// What happens to a finished sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    /// Nothing.
    Identity,
    /// x Φ(x).
    Gelu,
}

/// A matrix `[k,n]` in panels of [`COLUMNS`] columns, each k rows deep; the last panel is filled up with zeros.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packed {
    k: usize,
    n: usize,
    panels: Vec<f32>,
}

impl Packed {
    /// Packs the matrix whose entry in row `k` and column `n` is `at(k, n)`.
    pub(crate) fn new(k: usize, n: usize, at: impl Fn(usize, usize) -> f32) -> Self {
        let mut packed = Self::default();
        packed.refill(k, n, at);
        packed
    }

    /// Packs another matrix into the same memory.
    pub(crate) fn refill(&mut self, k: usize, n: usize, at: impl Fn(usize, usize) -> f32) {
        (self.k, self.n) = (k, n);
        self.panels.clear();
        self.panels.reserve_exact(n.div_ceil(COLUMNS) * COLUMNS * k);
        for first in (0..n).step_by(COLUMNS) {
            for row in 0..k {
                self.panels.extend((first..first + COLUMNS).map(|c| if c < n { at(row, c) } else { 0.0 }));
            }
        }
    }

    /// Rows.
    pub(crate) fn rows(&self) -> usize {
        self.k
    }

    /// Columns.
    pub(crate) fn columns(&self) -> usize {
        self.n
    }
}

/// `c[i, ..n] = activation(a[i, ..k] · b + bias)` for every row i of `m`.
///
/// Rows of `a` and `c` begin `a_stride` and `c_stride` elements apart; `bias` has n elements or none. The slices
/// must hold all rows: a shorter one is a defect of the caller and panics.
#[expect(clippy::too_many_arguments, reason = "the signature that every GEMM has")]
pub(crate) fn gemm(
    level: Level,
    m: usize,
    a: &[f32],
    a_stride: usize,
    b: &Packed,
    bias: &[f32],
    activation: Activation,
    c: &mut [f32],
    c_stride: usize,
) {
    at_level!(
        level,
        product(
            m: usize,
            a: &[f32],
            a_stride: usize,
            b: &Packed,
            bias: &[f32],
            activation: Activation,
            c: &mut [f32],
            c_stride: usize,
        )
    );
}

#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the body of `gemm`")]
fn product<const FMA: bool>(
    m: usize,
    a: &[f32],
    a_stride: usize,
    b: &Packed,
    bias: &[f32],
    activation: Activation,
    c: &mut [f32],
    c_stride: usize,
) {
    let Packed { k, n, .. } = *b;
    // Tiles of nearly the same height: 16 rows are 6 + 5 + 5, not 6 + 6 + 4.
    let tiles = m.div_ceil(ROWS).max(1);
    for first in (0..k).step_by(DEPTH) {
        let depth = DEPTH.min(k - first);
        let stage =
            Stage { begins: first == 0, ends: first + depth == k, gelu: activation == Activation::Gelu };
        for (panel, column) in b.panels.chunks_exact(k * COLUMNS).zip((0..n).step_by(COLUMNS)) {
            let panel = &panel[first * COLUMNS..(first + depth) * COLUMNS];
            let width = COLUMNS.min(n - column);
            let bias = if bias.is_empty() { bias } else { &bias[column..column + width] };
            let mut row = 0;
            for tile in 0..tiles {
                let rows = (m - row).div_ceil(tiles - tile);
                let a = &a[row * a_stride + first..];
                let c = &mut c[row * c_stride + column..];
                match rows {
                    6 => tile_of::<FMA, 6>(stage, depth, a, a_stride, panel, bias, c, c_stride, width),
                    5 => tile_of::<FMA, 5>(stage, depth, a, a_stride, panel, bias, c, c_stride, width),
                    4 => tile_of::<FMA, 4>(stage, depth, a, a_stride, panel, bias, c, c_stride, width),
                    3 => tile_of::<FMA, 3>(stage, depth, a, a_stride, panel, bias, c, c_stride, width),
                    2 => tile_of::<FMA, 2>(stage, depth, a, a_stride, panel, bias, c, c_stride, width),
                    1 => tile_of::<FMA, 1>(stage, depth, a, a_stride, panel, bias, c, c_stride, width),
                    _ => {}
                }
                row += rows;
            }
        }
    }
}

/// Where in the sum over k a block stands.
#[derive(Clone, Copy)]
struct Stage {
    begins: bool,
    ends: bool,
    gelu: bool,
}

/// One register tile: M rows by [`COLUMNS`] columns over `depth`.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the inner part of `product`, inlined into it")]
fn tile_of<const FMA: bool, const M: usize>(
    stage: Stage,
    depth: usize,
    a: &[f32],
    a_stride: usize,
    panel: &[f32],
    bias: &[f32],
    c: &mut [f32],
    c_stride: usize,
    width: usize,
) {
    let mut sums = [[0.0f32; COLUMNS]; M];
    sums_of::<FMA, M>(depth, a, a_stride, panel, &mut sums);
    for (i, sums) in sums.iter_mut().enumerate() {
        let c = &mut c[i * c_stride..][..width];
        if !stage.begins {
            for (sum, c) in sums.iter_mut().zip(&*c) {
                *sum += c;
            }
        } else {
            for (sum, bias) in sums.iter_mut().zip(bias) {
                *sum += bias;
            }
        }
        if stage.ends && stage.gelu {
            // `array::map` may stay a function of its own, compiled without the wider instructions.
            for sum in sums.iter_mut() {
                *sum = gelu::<FMA>(*sum);
            }
        }
        c.copy_from_slice(&sums[..width]);
    }
}

/// The sums of one tile. Apart from what is done with them, so that they stay in registers.
#[inline(always)]
pub(super) fn sums_of<const FMA: bool, const M: usize>(
    depth: usize,
    a: &[f32],
    a_stride: usize,
    panel: &[f32],
    out: &mut [[f32; COLUMNS]; M],
) {
    let a: [&[f32]; M] = std::array::from_fn(|i| &a[i * a_stride..][..depth]);
    let mut sums = [[0.0f32; COLUMNS]; M];
    let (panel, _) = panel.as_chunks::<COLUMNS>();
    let panel = &panel[..depth];
    // Four steps at a time: less counting and checking for each product.
    let whole = depth / UNROLL * UNROLL;
    for (step, b) in panel.as_chunks::<UNROLL>().0.iter().enumerate() {
        let a: [&[f32; UNROLL]; M] = std::array::from_fn(|i| &a[i].as_chunks::<UNROLL>().0[step]);
        for (k, b) in b.iter().enumerate() {
            for i in 0..M {
                sums[i] = add_products::<FMA, COLUMNS>(sums[i], a[i][k], b);
            }
        }
    }
    for k in whole..depth {
        for i in 0..M {
            sums[i] = add_products::<FMA, COLUMNS>(sums[i], a[i][k], &panel[k]);
        }
    }
    *out = sums;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small integers, so that every order of summation gives the same result.
    fn entry(seed: usize) -> f32 {
        (seed * 7919 % 13) as f32 - 6.0
    }

    #[test]
    fn product_equals_the_definition_at_every_edge() {
        for level in [Level::Baseline, Level::detect()] {
            for (m, k, n) in
                [(1, 1, 1), (6, 384, 16), (7, 385, 17), (13, 800, 5), (16, 33, 40), (64, 32, 100)]
            {
                let a: Vec<f32> = (0..m * (k + 3)).map(entry).collect();
                let b = Packed::new(k, n, |row, column| entry(row * 31 + column));
                let bias: Vec<f32> = (0..n).map(|j| entry(j + 5)).collect();
                let mut c = vec![99.0; m * (n + 2)];
                gemm(level, m, &a, k + 3, &b, &bias, Activation::Identity, &mut c, n + 2);
                for i in 0..m {
                    for j in 0..n {
                        let sum: f32 = (0..k).map(|l| a[i * (k + 3) + l] * entry(l * 31 + j)).sum();
                        assert_eq!(c[i * (n + 2) + j], sum + bias[j], "{m}x{k}x{n} at {i},{j}");
                    }
                    assert_eq!(&c[i * (n + 2) + n..(i + 1) * (n + 2)], &[99.0, 99.0], "beyond the row");
                }
            }
        }
    }
}
