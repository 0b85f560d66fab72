//! Multi-head self-attention over one sequence.

use super::{
    gemm::{Activation, Packed, gemm},
    simd::{Level, at_level, exp},
};

/// Queries whose scores are in memory at a time: those of a long sequence would not fit the second-level cache.
const QUERIES: usize = 96;

/// Memory that one call leaves to the next.
#[derive(Default)]
pub(crate) struct AttentionScratch {
    keys: Packed,
    values: Packed,
    scores: Vec<f32>,
}

/// `out[t] = concat over heads of softmax(q kᵀ / sqrt(d)) v` for the `tokens` rows of `qkv`.
///
/// A row of `qkv` holds the queries, keys and values of all heads: 3 x `heads` x d elements; a row of `out` has
/// `heads` x d. Every token attends to every other, so sequences are passed one by one and need no mask.
pub(crate) fn attend(
    level: Level,
    scratch: &mut AttentionScratch,
    qkv: &[f32],
    tokens: usize,
    heads: usize,
    d: usize,
    out: &mut [f32],
) {
    let width = heads * d;
    let stride = 3 * width;
    let scale = 1.0 / (d as f32).sqrt();
    let AttentionScratch { keys, values, scores } = scratch;
    scores.resize(QUERIES.min(tokens) * tokens, 0.0);
    for head in 0..heads {
        let (query, key, value) = (head * d, width + head * d, 2 * width + head * d);
        keys.refill(d, tokens, |i, t| qkv[t * stride + key + i]);
        values.refill(tokens, d, |t, i| qkv[t * stride + value + i]);
        for first in (0..tokens).step_by(QUERIES) {
            let rows = QUERIES.min(tokens - first);
            let scores = &mut scores[..rows * tokens];
            let none = Activation::Identity;
            gemm(level, rows, &qkv[first * stride + query..], stride, keys, &[], none, scores, tokens);
            softmax(level, scores, tokens, scale);
            let out = &mut out[first * width + query..];
            gemm(level, rows, scores, tokens, values, &[], none, out, width);
        }
    }
}

/// `x[row] = softmax(scale x[row])` for every row of `width` elements.
pub(crate) fn softmax(level: Level, x: &mut [f32], width: usize, scale: f32) {
    at_level!(level, softmax_rows(x: &mut [f32], width: usize, scale: f32));
}

#[inline(always)]
pub(super) fn softmax_rows<const FMA: bool>(x: &mut [f32], width: usize, scale: f32) {
    const LANES: usize = 8;
    for row in x.chunks_exact_mut(width) {
        let mut tops = [f32::NEG_INFINITY; LANES];
        let (chunks, rest) = row.as_chunks::<LANES>();
        for chunk in chunks {
            for (top, v) in tops.iter_mut().zip(chunk) {
                // `f32::max` orders NaN and costs more than this.
                *top = if *v > *top { *v } else { *top };
            }
        }
        let top = rest.iter().chain(&tops).fold(f32::NEG_INFINITY, |top, v| if *v > top { *v } else { top });

        let mut sums = [0.0f32; LANES];
        let (chunks, rest) = row.as_chunks_mut::<LANES>();
        for chunk in chunks {
            for (sum, v) in sums.iter_mut().zip(chunk) {
                *v = exp::<FMA>((*v - top) * scale);
                *sum += *v;
            }
        }
        let mut total: f32 = sums.iter().sum();
        for v in rest {
            *v = exp::<FMA>((*v - top) * scale);
            total += *v;
        }
        let share = 1.0 / total;
        row.iter_mut().for_each(|v| *v *= share);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attention_equals_the_definition() {
        let (heads, d) = (3, 8);
        for tokens in [1, 2, 19, 205] {
            let qkv: Vec<f32> =
                (0..tokens * 3 * heads * d).map(|i| (i * 7919 % 97) as f32 / 48.0 - 1.0).collect();
            let mut out = vec![0.0; tokens * heads * d];
            attend(Level::detect(), &mut AttentionScratch::default(), &qkv, tokens, heads, d, &mut out);
            let at = |t: usize, part: usize, head: usize, i: usize| {
                f64::from(qkv[t * 3 * heads * d + part * heads * d + head * d + i])
            };
            for t in 0..tokens {
                for head in 0..heads {
                    let weights: Vec<f64> = (0..tokens)
                        .map(|s| (0..d).map(|i| at(t, 0, head, i) * at(s, 1, head, i)).sum::<f64>())
                        .map(|score| (score / (d as f64).sqrt()).exp())
                        .collect();
                    let total: f64 = weights.iter().sum();
                    for i in 0..d {
                        let want: f64 =
                            (0..tokens).map(|s| weights[s] / total * at(s, 2, head, i)).sum::<f64>();
                        let got = f64::from(out[t * heads * d + head * d + i]);
                        assert!((got - want).abs() < 1e-5, "{tokens} tokens at {t},{head},{i}: {got} {want}");
                    }
                }
            }
        }
    }
}
