//! Weights that the file keeps as floats: 16 bits stay 16 bits in memory.

use crate::{
    kernels::simd::{Level, at_level, multiply_add},
    weights::blocks::{bf16_to_f32, f16_to_f32},
};

const LANES: usize = 16;

/// A matrix of floats, row by row.
#[derive(Debug)]
pub(crate) enum FloatMatrix {
    /// IEEE half precision.
    Half(Vec<u16>),
    /// The upper halves of 32-bit floats.
    Brain(Vec<u16>),
    /// 32 bits.
    Single(Vec<f32>),
}

impl FloatMatrix {
    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Half(values) | Self::Brain(values) => 2 * values.len(),
            Self::Single(values) => 4 * values.len(),
        }
    }

    /// A row as numbers, as many as `into` holds.
    #[inline(always)]
    pub(crate) fn row(&self, row: usize, into: &mut [f32]) {
        let range = row * into.len()..(row + 1) * into.len();
        match self {
            Self::Half(values) => {
                into.iter_mut().zip(&values[range]).for_each(|(v, bits)| *v = f16_to_f32(*bits));
            }
            Self::Brain(values) => {
                into.iter_mut().zip(&values[range]).for_each(|(v, bits)| *v = bf16_to_f32(*bits));
            }
            Self::Single(values) => into.copy_from_slice(&values[range]),
        }
    }

    /// `y[t * stride + r] = x[t] · w[r]` for `rows` rows and every token of `x`, [tokens, columns].
    pub(crate) fn product(
        &self,
        level: Level,
        rows: usize,
        x: &[f32],
        columns: usize,
        y: &mut [f32],
        stride: usize,
    ) {
        let w = self;
        at_level!(
            level,
            of_rows(w: &FloatMatrix, rows: usize, x: &[f32], columns: usize, y: &mut [f32], stride: usize)
        );
    }
}

#[inline(always)]
fn of_rows<const FMA: bool>(
    w: &FloatMatrix,
    rows: usize,
    x: &[f32],
    columns: usize,
    y: &mut [f32],
    stride: usize,
) {
    let mut weights = vec![0.0; columns];
    for row in 0..rows {
        w.row(row, &mut weights);
        for (token, x) in x.chunks_exact(columns).enumerate() {
            y[token * stride + row] = inner::<FMA>(&weights, x);
        }
    }
}

/// Sum of products of two slices of the same length.
#[inline(always)]
pub(in crate::kernels) fn inner<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b[..a.len()].as_chunks::<LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..LANES {
            sums[i] = multiply_add::<FMA>(a[i], b[i], sums[i]);
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn product_equals_the_definition_for_every_width() {
        let (rows, columns) = (3, 37);
        let half = |i: usize| (0x3c00 + (i * 37 % 900)) as u16;
        for matrix in [
            FloatMatrix::Half((0..rows * columns).map(half).collect()),
            FloatMatrix::Brain((0..rows * columns).map(half).collect()),
            FloatMatrix::Single((0..rows * columns).map(|i| i as f32 / 50.0 - 1.0).collect()),
        ] {
            let x: Vec<f32> = (0..2 * columns).map(|i| (i * 7919 % 97) as f32 / 48.0 - 1.0).collect();
            for level in [Level::Baseline, Level::detect()] {
                let mut y = vec![0.0; 2 * rows];
                matrix.product(level, rows, &x, columns, &mut y, rows);
                for t in 0..2 {
                    for r in 0..rows {
                        let mut row = vec![0.0; columns];
                        matrix.row(r, &mut row);
                        let want: f32 = row.iter().zip(&x[t * columns..]).map(|(w, x)| w * x).sum();
                        assert!((y[t * rows + r] - want).abs() < 1e-4, "{} {want}", y[t * rows + r]);
                    }
                }
            }
        }
    }
}
