//! Layer normalisation and unit vectors.

use super::simd::{Level, at_level, multiply_add};

/// Partial sums that are independent of each other, so that the compiler may use SIMD.
const LANES: usize = 8;

/// `x[row] = (x[row] - mean) / sqrt(variance + epsilon) * gamma + beta` for every row of `gamma.len()` elements.
pub(crate) fn layer_norm(level: Level, x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    at_level!(level, norm(x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32));
}

/// `x += y`, then [`layer_norm`].
pub(crate) fn add_layer_norm(
    level: Level,
    x: &mut [f32],
    y: &[f32],
    gamma: &[f32],
    beta: &[f32],
    epsilon: f32,
) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
    layer_norm(level, x, gamma, beta, epsilon);
}

#[inline(always)]
fn norm<const FMA: bool>(x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    let width = gamma.len();
    for row in x.chunks_exact_mut(width) {
        let mean = sum(row, |v| v) / width as f32;
        let variance = sum(row, |v| (v - mean) * (v - mean)) / width as f32;
        let scale = 1.0 / (variance + epsilon).sqrt();
        for ((x, gamma), beta) in row.iter_mut().zip(gamma).zip(beta) {
            *x = multiply_add::<FMA>((*x - mean) * scale, *gamma, *beta);
        }
    }
}

#[inline(always)]
fn sum(row: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for chunk in chunks {
        for (sum, v) in sums.iter_mut().zip(chunk) {
            *sum += term(*v);
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|v| term(*v)).sum::<f32>()
}

/// Scales `x` to length 1. A vector of zeros stays as it is.
pub(crate) fn normalise(x: &mut [f32]) {
    let length = sum(x, |v| v * v).sqrt();
    if length > 0.0 {
        x.iter_mut().for_each(|v| *v /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalised_rows_have_the_mean_and_variance_asked_for() {
        for level in [Level::Baseline, Level::detect()] {
            let width = 37;
            let mut x: Vec<f32> = (0..3 * width).map(|i| (i * 7919 % 101) as f32).collect();
            layer_norm(level, &mut x, &vec![2.0; width], &vec![5.0; width], 1e-12);
            for row in x.chunks(width) {
                let mean = row.iter().sum::<f32>() / width as f32;
                let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / width as f32;
                assert!((mean - 5.0).abs() < 1e-4 && (variance - 4.0).abs() < 1e-3, "{mean} {variance}");
            }
        }
    }

    #[test]
    fn unit_vectors_have_length_one_and_zero_stays_zero() {
        let mut x = [3.0, 4.0];
        normalise(&mut x);
        assert_eq!(x, [0.6, 0.8]);
        let mut zero = [0.0; 4];
        normalise(&mut zero);
        assert_eq!(zero, [0.0; 4]);
    }
}
