//! Attention of some tokens over a memory that does not change: an encoder's result, packed once.

use super::{
    attention::softmax,
    gemm::{Activation, Packed, gemm},
    simd::Level,
};

/// Keys and values of one layer, for each head.
#[derive(Default)]
pub(crate) struct Memory {
    heads: Vec<(Packed, Packed)>,
    positions: usize,
    width: usize,
}

impl Memory {
    /// Packs `keys_values`, [positions, 2 * heads * width]: the keys of all heads, then the values.
    pub(crate) fn fill(&mut self, keys_values: &[f32], heads: usize, width: usize) {
        let row = 2 * heads * width;
        (self.positions, self.width) = (keys_values.len() / row, width);
        self.heads.resize_with(heads, Default::default);
        for (head, (keys, values)) in self.heads.iter_mut().enumerate() {
            let (key, value) = (head * width, (heads + head) * width);
            keys.refill(width, self.positions, |i, position| keys_values[position * row + key + i]);
            values.refill(self.positions, width, |position, i| keys_values[position * row + value + i]);
        }
    }
}

/// `out[t] = concat over heads of softmax(q kᵀ / sqrt(width)) v`; `q` and `out` are [tokens, heads * width].
pub(crate) fn attend_memory(
    level: Level,
    memory: &Memory,
    q: &[f32],
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let Memory { heads, positions, width } = memory;
    let (positions, row) = (*positions, heads.len() * width);
    let scale = 1.0 / (*width as f32).sqrt();
    /// Tokens at a time, so that their scores stay in the cache.
    const TOKENS: usize = 48;
    let none = Activation::Identity;
    for (q, out) in q.chunks(TOKENS * row).zip(out.chunks_mut(TOKENS * row)) {
        let tokens = q.len() / row;
        scores.resize(tokens * positions, 0.0);
        for (head, (keys, values)) in heads.iter().enumerate() {
            let at = head * width;
            gemm(level, tokens, &q[at..], row, keys, &[], none, scores, positions);
            softmax(level, scores, positions, scale);
            gemm(level, tokens, scores, positions, values, &[], none, &mut out[at..], row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attention_over_a_memory_equals_the_definition() {
        let (heads, width, positions) = (3, 8, 21);
        let entry = |i: usize| ((i * 7919 % 97) as f32 / 48.0) - 1.0;
        let stored: Vec<f32> = (0..positions * 2 * heads * width).map(entry).collect();
        let mut memory = Memory::default();
        memory.fill(&stored, heads, width);
        for tokens in [1, 5, 100] {
            let q: Vec<f32> = (0..tokens * heads * width).map(|i| entry(i + 13)).collect();
            let mut out = vec![f32::NAN; q.len()];
            attend_memory(Level::detect(), &memory, &q, &mut Vec::new(), &mut out);
            for t in 0..tokens {
                for head in 0..heads {
                    let at = |position: usize, part: usize, i: usize| {
                        f64::from(stored[position * 2 * heads * width + (part * heads + head) * width + i])
                    };
                    let query = |i: usize| f64::from(q[(t * heads + head) * width + i]);
                    let weights: Vec<f64> = (0..positions)
                        .map(|p| (0..width).map(|i| query(i) * at(p, 0, i)).sum::<f64>())
                        .map(|score| (score / (width as f64).sqrt()).exp())
                        .collect();
                    let total: f64 = weights.iter().sum();
                    for i in 0..width {
                        let want: f64 = (0..positions).map(|p| weights[p] / total * at(p, 1, i)).sum();
                        let got = f64::from(out[(t * heads + head) * width + i]);
                        assert!((got - want).abs() < 1e-5, "{got} instead of {want}");
                    }
                }
            }
        }
    }
}
