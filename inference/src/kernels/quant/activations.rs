//! What weights are multiplied with, quantised to 8 bits.

use super::{PANEL, dot::Lane};
use crate::{
    kernels::simd::{Level, at_level},
    weights::blocks::{GROUP, round_to_f16},
};

/// Blocks of the wide kind.
const WIDE: usize = 256;

/// Rows of numbers as small integers with a scale for each 32.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    tokens: usize,
    padded: usize,
    quants: Vec<Lane>,
    /// [tokens, padded / 32].
    scales: Vec<f32>,
    /// Scale times the sum of the quants, for weights with mins; like `scales`.
    sums: Vec<f32>,
}

impl Activations {
    /// Quantises `x`, [tokens, columns]: in blocks of 256 where `wide_blocks`, as ggml does for its K formats, else of 32.
    pub(crate) fn quantise(&mut self, level: Level, x: &[f32], columns: usize, wide_blocks: bool) {
        self.tokens = x.len() / columns;
        self.padded = columns.next_multiple_of(PANEL);
        self.quants.clear();
        self.quants.resize(self.tokens * self.padded, 0);
        self.scales.clear();
        self.scales.resize(self.tokens * self.padded / GROUP, 0.0);
        self.sums.clear();
        self.sums.resize(self.scales.len(), 0.0);
        let Self { padded, quants, scales, sums, .. } = self;
        let padded = *padded;
        at_level!(
            level,
            rows(
                x: &[f32],
                columns: usize,
                wide_blocks: bool,
                padded: usize,
                quants: &mut [Lane],
                scales: &mut [f32],
                sums: &mut [f32],
            )
        );
    }

    /// Rows.
    pub(super) fn tokens(&self) -> usize {
        self.tokens
    }

    /// Columns with padding.
    pub(super) fn padded(&self) -> usize {
        self.padded
    }

    /// Quants, scales and sums of one row.
    #[inline(always)]
    pub(super) fn row(&self, token: usize) -> (&[Lane], &[f32], &[f32]) {
        let groups = self.padded / GROUP;
        (
            &self.quants[token * self.padded..][..self.padded],
            &self.scales[token * groups..][..groups],
            &self.sums[token * groups..][..groups],
        )
    }
}

#[inline(always)]
fn rows<const FMA: bool>(
    x: &[f32],
    columns: usize,
    wide_blocks: bool,
    padded: usize,
    quants: &mut [Lane],
    scales: &mut [f32],
    sums: &mut [f32],
) {
    let groups = padded / GROUP;
    let parts = quants
        .chunks_exact_mut(padded)
        .zip(scales.chunks_exact_mut(groups).zip(sums.chunks_exact_mut(groups)));
    for (x, (quants, (scales, sums))) in x.chunks_exact(columns).zip(parts) {
        if wide_blocks {
            for (block, x) in x.chunks(WIDE).enumerate() {
                // The element farthest from zero becomes -127.
                let mut far = 0.0f32;
                for v in x {
                    far = if v.abs() > far.abs() { *v } else { far };
                }
                if far == 0.0 {
                    continue;
                }
                let factor = -127.0 / far;
                for (group, x) in x.as_chunks::<GROUP>().0.iter().enumerate() {
                    let group = block * WIDE / GROUP + group;
                    let sum = round(x, factor, &mut quants[group * GROUP..][..GROUP]);
                    scales[group] = 1.0 / factor;
                    sums[group] = scales[group] * sum as f32;
                }
            }
        } else {
            for (group, x) in x.as_chunks::<GROUP>().0.iter().enumerate() {
                let mut tops = [0.0f32; 8];
                for x in x.as_chunks::<8>().0 {
                    for (top, v) in tops.iter_mut().zip(x) {
                        *top = if v.abs() > *top { v.abs() } else { *top };
                    }
                }
                let scale = tops.iter().fold(0.0f32, |top, v| if *v > top { *v } else { top }) / 127.0;
                if scale == 0.0 {
                    continue;
                }
                let sum = round(x, 1.0 / scale, &mut quants[group * GROUP..][..GROUP]);
                scales[group] = round_to_f16(scale);
                sums[group] = scales[group] * sum as f32;
            }
        }
    }
}

/// `quants = round(factor x)`; their sum.
#[inline(always)]
fn round(x: &[f32; GROUP], factor: f32, quants: &mut [Lane]) -> i32 {
    /// Adding 1.5 * 2^23 leaves the nearest integer, ties to even, in the low bits.
    const MAGIC: f32 = 12_582_912.0;
    let mut sum = 0;
    for (q, v) in quants.iter_mut().zip(x) {
        let bits = (v * factor + MAGIC).to_bits() as i32 - MAGIC.to_bits() as i32;
        let bits = bits.clamp(-127, 127);
        *q = bits as Lane;
        sum += bits;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantised_numbers_are_near_the_original_ones() {
        let columns = 288;
        let x: Vec<f32> = (0..2 * columns).map(|i| ((i * 7919 % 1013) as f32 - 500.0) / 70.0).collect();
        for level in [Level::Baseline, Level::detect()] {
            for wide in [false, true] {
                let mut quantised = Activations::default();
                quantised.quantise(level, &x, columns, wide);
                assert_eq!((quantised.tokens(), quantised.padded()), (2, 384));
                for (token, x) in x.chunks(columns).enumerate() {
                    let (quants, scales, sums) = quantised.row(token);
                    for (i, v) in x.iter().enumerate() {
                        let got = f32::from(quants[i]) * scales[i / GROUP];
                        assert!((got - v).abs() <= 0.6 * scales[i / GROUP].abs(), "{got} instead of {v}");
                    }
                    assert!(quants[columns..].iter().all(|q| *q == 0));
                    for (group, sum) in sums.iter().enumerate() {
                        let want: i32 = quants[group * GROUP..][..GROUP].iter().map(|q| i32::from(*q)).sum();
                        assert_eq!(*sum, scales[group] * want as f32);
                    }
                }
            }
        }
    }

    #[test]
    fn zeros_stay_zeros() {
        let mut quantised = Activations::default();
        quantised.quantise(Level::detect(), &[0.0; 256], 256, true);
        assert!(quantised.row(0).0.iter().all(|q| *q == 0));
        quantised.quantise(Level::detect(), &[0.0; 256], 256, false);
        assert!(quantised.row(0).1.iter().all(|scale| *scale == 0.0));
    }
}
