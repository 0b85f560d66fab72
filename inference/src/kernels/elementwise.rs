//! Normalisation, gates and unit vectors.

use super::simd::{Level, at_level, exp, multiply_add};

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

/// `x[row] = x[row] / sqrt(mean(x[row]²) + epsilon) * gamma` for every row of `gamma.len()` elements.
pub(crate) fn rms_norm(level: Level, x: &mut [f32], gamma: &[f32], epsilon: f32) {
    at_level!(level, rms(x: &mut [f32], gamma: &[f32], epsilon: f32));
}

#[inline(always)]
fn rms<const FMA: bool>(x: &mut [f32], gamma: &[f32], epsilon: f32) {
    for row in x.chunks_exact_mut(gamma.len()) {
        let mean = sum(row, |v| v * v) / gamma.len() as f32;
        let scale = 1.0 / (mean + epsilon).sqrt();
        for (x, gamma) in row.iter_mut().zip(gamma) {
            *x = *x * scale * gamma;
        }
    }
}

/// What a gate does to its input before the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// x / (1 + e^-x).
    Silu,
    /// x Φ(x), approximated with tanh.
    GeluTanh,
}

/// `x = gate(x) * y`.
pub(crate) fn gated(level: Level, gate: Gate, x: &mut [f32], y: &[f32]) {
    at_level!(level, gated_product(gate: Gate, x: &mut [f32], y: &[f32]));
}

#[inline(always)]
fn gated_product<const FMA: bool>(gate: Gate, x: &mut [f32], y: &[f32]) {
    match gate {
        Gate::Silu => {
            for (x, y) in x.iter_mut().zip(y) {
                *x = *x / (1.0 + exp::<FMA>(-*x)) * y;
            }
        }
        Gate::GeluTanh => {
            for (x, y) in x.iter_mut().zip(y) {
                // (1 + tanh z) / 2 is the logistic function at 2z.
                let z = 0.797_884_6 * *x * multiply_add::<FMA>(0.044_715 * *x, *x, 1.0);
                *x = *x / (1.0 + exp::<FMA>(-2.0 * z)) * y;
            }
        }
    }
}

/// `x = ln softmax(x)`. Elements that are minus infinity stay so.
pub(crate) fn log_softmax(level: Level, x: &mut [f32]) {
    at_level!(level, logarithms(x: &mut [f32]));
}

#[inline(always)]
fn logarithms<const FMA: bool>(x: &mut [f32]) {
    let top = x.iter().fold(f32::NEG_INFINITY, |top, v| if *v > top { *v } else { top });
    if top == f32::NEG_INFINITY {
        return;
    }
    let shift = top + sum(x, |v| exp::<FMA>(v - top)).ln();
    x.iter_mut().for_each(|v| *v -= shift);
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
    fn logarithms_of_shares_add_up_to_one() {
        let mut x: Vec<f32> = (0..1001).map(|i| (i % 37) as f32 / 3.0).collect();
        x[5] = f32::NEG_INFINITY;
        let before = x.clone();
        log_softmax(Level::detect(), &mut x);
        let total: f64 = x.iter().map(|v| f64::from(*v).exp()).sum();
        assert!((total - 1.0).abs() < 1e-4 && x[5] == f32::NEG_INFINITY, "{total}");
        assert!((x[1] - x[0] - (before[1] - before[0])).abs() < 1e-5);
    }

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
    fn root_mean_square_becomes_one() {
        for level in [Level::Baseline, Level::detect()] {
            let mut x: Vec<f32> = (0..3 * 37).map(|i| (i * 7919 % 101) as f32 - 40.0).collect();
            rms_norm(level, &mut x, &[2.0; 37], 1e-12);
            for row in x.chunks(37) {
                let mean = row.iter().map(|v| v * v).sum::<f32>() / 37.0;
                assert!((mean - 4.0).abs() < 1e-4, "{mean}");
            }
        }
    }

    #[test]
    fn gates_agree_with_known_values() {
        // silu(x) and the tanh form of gelu(x) to seven digits.
        for (x, silu, gelu) in [
            (-20.0f32, -4.122_307e-8, 0.0),
            (-1.0, -0.268_941_4, -0.158_808),
            (0.5, 0.311_229_7, 0.345_714),
            (3.0, 2.857_722, 2.996_363),
        ] {
            for (gate, want) in [(Gate::Silu, silu), (Gate::GeluTanh, gelu)] {
                let mut got = [x];
                gated(Level::detect(), gate, &mut got, &[2.0]);
                assert!(
                    (got[0] - 2.0 * want).abs() < 4e-6,
                    "{gate:?} of {x}: {} instead of {want}",
                    got[0] / 2.0
                );
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
