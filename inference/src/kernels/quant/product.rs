//! `Y[tokens, rows] = X · Wᵀ`, with one token as the case that decoding consists of.

use std::ops::Range;

use super::{Activations, Matrix, dot::dot, matrix::unpack};
use crate::kernels::simd::{Level, at_level};

/// Rows of activations that share one reading of the weights' registers.
const TILE: usize = 4;

/// `y[t * stride + r - rows.start] = x[t] · w[r]` for the matrix's `rows` and every token.
///
/// Rows are independent of each other: threads may each take a range.
pub(crate) fn product(
    level: Level,
    w: &Matrix,
    rows: Range<usize>,
    x: &Activations,
    y: &mut [f32],
    stride: usize,
) {
    debug_assert!(x.padded() == w.padded() && rows.end <= w.rows());
    at_level!(level, of_rows(w: &Matrix, rows: Range<usize>, x: &Activations, y: &mut [f32], stride: usize));
}

#[inline(always)]
fn of_rows<const FMA: bool>(w: &Matrix, rows: Range<usize>, x: &Activations, y: &mut [f32], stride: usize) {
    if w.kind().halves {
        of_kind::<FMA, true>(w, rows, x, y, stride);
    } else {
        of_kind::<FMA, false>(w, rows, x, y, stride);
    }
}

#[inline(always)]
fn of_kind<const FMA: bool, const HALVES: bool>(
    w: &Matrix,
    rows: Range<usize>,
    x: &Activations,
    y: &mut [f32],
    stride: usize,
) {
    let mut bytes = vec![0i8; if w.kind().bits == 8 { 0 } else { w.padded() }];
    let tokens = x.tokens();
    for (column, row) in rows.enumerate() {
        let quants: &[i8] = if w.kind().bits == 8 {
            bytemuck::cast_slice(w.quants(row))
        } else {
            unpack(w.quants(row), w.kind(), &mut bytes);
            &bytes
        };
        let (scales, mins) = (w.scales(row), w.mins(row));
        let mut token = 0;
        while token + TILE <= tokens {
            tile::<FMA, HALVES, TILE>(quants, scales, mins, x, token, &mut y[column..], stride);
            token += TILE;
        }
        while token < tokens {
            tile::<FMA, HALVES, 1>(quants, scales, mins, x, token, &mut y[column..], stride);
            token += 1;
        }
    }
}

#[inline(always)]
fn tile<const FMA: bool, const HALVES: bool, const T: usize>(
    quants: &[i8],
    scales: &[f32],
    mins: &[f32],
    x: &Activations,
    token: usize,
    y: &mut [f32],
    stride: usize,
) {
    let parts: [(&[i16], &[f32], &[f32]); T] = std::array::from_fn(|t| x.row(token + t));
    let sums = dot::<FMA, HALVES, T>(quants, scales, parts.map(|part| part.0), parts.map(|part| part.1));
    for (t, sum) in sums.into_iter().enumerate() {
        y[(token + t) * stride] = sum - inner(mins, parts[t].2);
    }
}

/// Sum of products.
#[inline(always)]
fn inner(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b[..a.len()].as_chunks::<8>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::quant::matrix::tests::{FORMATS, example};

    #[test]
    fn product_equals_that_of_the_dequantised_numbers() {
        for level in [Level::Baseline, Level::detect()] {
            for format in FORMATS {
                let kind = format.quantisation().unwrap();
                for (rows, columns, tokens) in [(3, 32, 1), (5, 896, 6), (2, 768, 4), (7, 160, 9)] {
                    let (matrix, weights) = example(kind, rows, columns);
                    let x: Vec<f32> =
                        (0..tokens * columns).map(|i| ((i * 7919 % 1013) as f32 - 500.0) / 700.0).collect();
                    let mut quantised = Activations::default();
                    quantised.quantise(level, &x, columns);
                    let mut y = vec![f32::NAN; tokens * (rows + 1)];
                    product(level, &matrix, 0..rows, &quantised, &mut y, rows + 1);
                    for t in 0..tokens {
                        let (quants, scales, _) = quantised.row(t);
                        for r in 0..rows {
                            let terms = (0..columns).map(|i| {
                                let x = f64::from(quants[i]) * f64::from(scales[i / 32]);
                                x * f64::from(weights[r * columns + i])
                            });
                            let (want, size) =
                                terms.fold((0.0, 0.0), |(sum, size), v| (sum + v, size + v.abs()));
                            let got = f64::from(y[t * (rows + 1) + r]);
                            assert!((got - want).abs() <= 1e-5 * size, "{format:?}: {got} instead of {want}");
                        }
                        assert!(y[t * (rows + 1) + rows].is_nan(), "beyond the row");
                    }
                }
            }
        }
    }

    #[test]
    fn a_range_of_rows_is_what_the_whole_product_has_there() {
        let kind = FORMATS[2].quantisation().unwrap();
        let (matrix, _) = example(kind, 9, 256);
        let mut x = Activations::default();
        x.quantise(Level::detect(), &[0.5; 512], 256);
        let (mut whole, mut part) = (vec![0.0; 18], vec![0.0; 8]);
        product(Level::detect(), &matrix, 0..9, &x, &mut whole, 9);
        product(Level::detect(), &matrix, 3..7, &x, &mut part, 4);
        assert_eq!(part, [&whole[3..7], &whole[12..16]].concat());
    }
}
