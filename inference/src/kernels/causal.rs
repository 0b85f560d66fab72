//! Attention of new tokens over everything before them, with keys and values kept from earlier passes.

use super::{
    attention::softmax_rows,
    quant::inner,
    simd::{Level, at_level, multiply_add},
};

/// Sizes of grouped-query attention.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heads {
    /// Query heads.
    pub(crate) queries: usize,
    /// Heads of keys and values, each shared by the same number of query heads.
    pub(crate) keys: usize,
    /// Elements of a head.
    pub(crate) width: usize,
    /// What scores are multiplied with.
    pub(crate) scale: f32,
    /// How many tokens, itself included, a token sees; all where there is none.
    pub(crate) window: Option<usize>,
}

/// Attends with the queries `q`, [tokens, queries * width], of the tokens at positions `first..`.
///
/// `keys` and `values` are [positions, keys * width] and hold the new tokens too. `out` is like `q`.
#[expect(clippy::too_many_arguments, reason = "what attention has, and where to put it")]
pub(crate) fn attend_causal(
    level: Level,
    heads: Heads,
    q: &[f32],
    first: usize,
    keys: &[f32],
    values: &[f32],
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    at_level!(
        level,
        tokens(
            heads: Heads,
            q: &[f32],
            first: usize,
            keys: &[f32],
            values: &[f32],
            scores: &mut Vec<f32>,
            out: &mut [f32],
        )
    );
}

#[inline(always)]
fn tokens<const FMA: bool>(
    heads: Heads,
    q: &[f32],
    first: usize,
    keys: &[f32],
    values: &[f32],
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let Heads { queries, keys: key_heads, width, scale, window } = heads;
    let (row, shared) = (key_heads * width, queries / key_heads);
    let parts = q.chunks_exact(queries * width).zip(out.chunks_exact_mut(queries * width));
    for (token, (q, out)) in parts.enumerate() {
        let end = first + token + 1;
        let start = window.map_or(0, |window| end.saturating_sub(window));
        let (keys, values) = (&keys[start * row..end * row], &values[start * row..end * row]);
        scores.clear();
        scores.resize(queries * (end - start), 0.0);
        // A key is read once for all query heads that share it.
        for (position, key) in keys.chunks_exact(row).enumerate() {
            for (head, key) in key.chunks_exact(width).enumerate() {
                for query in head * shared..(head + 1) * shared {
                    scores[query * (end - start) + position] =
                        inner::<FMA>(key, &q[query * width..][..width]);
                }
            }
        }
        softmax_rows::<FMA>(scores, end - start, scale);
        out.fill(0.0);
        for (position, value) in values.chunks_exact(row).enumerate() {
            for (head, value) in value.chunks_exact(width).enumerate() {
                for query in head * shared..(head + 1) * shared {
                    let weight = scores[query * (end - start) + position];
                    for (out, value) in out[query * width..][..width].iter_mut().zip(value) {
                        *out = multiply_add::<FMA>(weight, *value, *out);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attention_over_a_cache_equals_the_definition() {
        for (window, first, tokens) in [(None, 0, 5), (None, 7, 3), (Some(4), 6, 5), (Some(1), 2, 2)] {
            let heads = Heads { queries: 6, keys: 2, width: 8, scale: 0.4, window };
            let entry = |i: usize| ((i * 7919 % 97) as f32 / 48.0) - 1.0;
            let q: Vec<f32> = (0..tokens * 48).map(entry).collect();
            let keys: Vec<f32> = (0..(first + tokens) * 16).map(|i| entry(i + 11)).collect();
            let values: Vec<f32> = (0..(first + tokens) * 16).map(|i| entry(i + 29)).collect();
            let mut out = vec![f32::NAN; q.len()];
            for level in [Level::Baseline, Level::detect()] {
                attend_causal(level, heads, &q, first, &keys, &values, &mut Vec::new(), &mut out);
                for t in 0..tokens {
                    let positions = window.map_or(0, |w| (first + t + 1).saturating_sub(w))..first + t + 1;
                    for h in 0..6 {
                        let at = |cache: &[f32], p: usize, i: usize| f64::from(cache[p * 16 + h / 3 * 8 + i]);
                        let weights: Vec<f64> = positions
                            .clone()
                            .map(|p| {
                                let dot: f64 =
                                    (0..8).map(|i| f64::from(q[t * 48 + h * 8 + i]) * at(&keys, p, i)).sum();
                                (0.4 * dot).exp()
                            })
                            .collect();
                        let total: f64 = weights.iter().sum();
                        for i in 0..8 {
                            let want: f64 = positions
                                .clone()
                                .zip(&weights)
                                .map(|(p, weight)| weight / total * at(&values, p, i))
                                .sum();
                            let got = f64::from(out[t * 48 + h * 8 + i]);
                            assert!((got - want).abs() < 1e-5, "{got} instead of {want}");
                        }
                    }
                }
            }
        }
    }
}
