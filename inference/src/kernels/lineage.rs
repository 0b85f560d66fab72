//! Attention of tokens that each have a past of their own: the beams of a search share one cache of keys and values,
//! and each knows which of its rows are its own past. Nothing is copied when a beam parts in two.

use super::{
    attention::softmax_rows,
    quant::inner,
    simd::{Level, at_level, multiply_add},
};

/// Attends with `q`, [tokens, heads * width], of which token t sees the rows `sees[t]` of `keys` and `values`,
/// [rows, heads * width]. `out` is like `q`.
#[expect(clippy::too_many_arguments, reason = "what attention has, and where to put it")]
pub(crate) fn attend_lineage(
    level: Level,
    heads: usize,
    width: usize,
    q: &[f32],
    sees: &[&[u32]],
    keys: &[f32],
    values: &[f32],
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    at_level!(
        level,
        tokens(
            heads: usize,
            width: usize,
            q: &[f32],
            sees: &[&[u32]],
            keys: &[f32],
            values: &[f32],
            scores: &mut Vec<f32>,
            out: &mut [f32],
        )
    );
}

#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the body of `attend_lineage`")]
fn tokens<const FMA: bool>(
    heads: usize,
    width: usize,
    q: &[f32],
    sees: &[&[u32]],
    keys: &[f32],
    values: &[f32],
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let row = heads * width;
    let scale = 1.0 / (width as f32).sqrt();
    for ((q, out), sees) in q.chunks_exact(row).zip(out.chunks_exact_mut(row)).zip(sees) {
        scores.clear();
        scores.resize(heads * sees.len(), 0.0);
        for (position, slot) in sees.iter().enumerate() {
            let key = &keys[*slot as usize * row..][..row];
            for (head, key) in key.chunks_exact(width).enumerate() {
                scores[head * sees.len() + position] = inner::<FMA>(key, &q[head * width..][..width]);
            }
        }
        softmax_rows::<FMA>(scores, sees.len(), scale);
        out.fill(0.0);
        for (position, slot) in sees.iter().enumerate() {
            let value = &values[*slot as usize * row..][..row];
            for (head, value) in value.chunks_exact(width).enumerate() {
                let weight = scores[head * sees.len() + position];
                for (out, value) in out[head * width..][..width].iter_mut().zip(value) {
                    *out = multiply_add::<FMA>(weight, *value, *out);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Heads, attend_causal};

    #[test]
    fn a_straight_past_gives_what_causal_attention_gives() {
        let (heads, width) = (3, 8);
        let entry = |i: usize| ((i * 7919 % 97) as f32 / 48.0) - 1.0;
        let q: Vec<f32> = (0..4 * 24).map(entry).collect();
        let keys: Vec<f32> = (0..6 * 24).map(|i| entry(i + 11)).collect();
        let values: Vec<f32> = (0..6 * 24).map(|i| entry(i + 29)).collect();
        let causal = Heads { queries: heads, keys: heads, width, scale: 1.0 / 8f32.sqrt(), window: None };
        let past: Vec<u32> = (0..6).collect();
        let sees: Vec<&[u32]> = (0..4).map(|t| &past[..t + 3]).collect();
        let (mut want, mut got) = (vec![0.0; q.len()], vec![f32::NAN; q.len()]);
        let level = Level::detect();
        attend_causal(level, causal, &q, 2, &keys, &values, &mut Vec::new(), &mut want);
        attend_lineage(level, heads, width, &q, &sees, &keys, &values, &mut Vec::new(), &mut got);
        assert!(got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-6));
        // Another order of the same rows is the same past.
        let turned: Vec<u32> = (0..6).rev().collect();
        let mut again = vec![f32::NAN; 24];
        attend_lineage(
            level,
            heads,
            width,
            &q[72..],
            &[&turned],
            &keys,
            &values,
            &mut Vec::new(),
            &mut again,
        );
        assert!(again.iter().zip(&want[72..]).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
