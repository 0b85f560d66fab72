//! What weights are multiplied with, quantised to 16 bits.
//!
//! llama.cpp takes 8 bits here, and that rounding is most of what its results are off: logits of its own builds differ
//! from each other by 0.08. 16 bits cost nothing more where products of bytes have to be widened anyway.

use super::PANEL;
use crate::{
    kernels::simd::{Level, at_level},
    weights::blocks::GROUP,
};

/// What the element farthest from zero becomes.
const LARGEST: f32 = 32_767.0;

/// Rows of numbers as small integers with a scale for each 32.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    tokens: usize,
    padded: usize,
    quants: Vec<i16>,
    /// [tokens, padded / 32].
    scales: Vec<f32>,
    /// Scale times the sum of the quants, for weights with mins; like `scales`.
    sums: Vec<f32>,
}

impl Activations {
    /// Quantises `x`, [tokens, columns].
    pub(crate) fn quantise(&mut self, level: Level, x: &[f32], columns: usize) {
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
                padded: usize,
                quants: &mut [i16],
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
    pub(super) fn row(&self, token: usize) -> (&[i16], &[f32], &[f32]) {
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
    padded: usize,
    quants: &mut [i16],
    scales: &mut [f32],
    sums: &mut [f32],
) {
    let groups = padded / GROUP;
    let parts = quants
        .chunks_exact_mut(padded)
        .zip(scales.chunks_exact_mut(groups).zip(sums.chunks_exact_mut(groups)));
    for (x, (quants, (scales, sums))) in x.chunks_exact(columns).zip(parts) {
        for (group, x) in x.as_chunks::<GROUP>().0.iter().enumerate() {
            let mut tops = [0.0f32; 8];
            for x in x.as_chunks::<8>().0 {
                for (top, v) in tops.iter_mut().zip(x) {
                    *top = if v.abs() > *top { v.abs() } else { *top };
                }
            }
            let top = tops.iter().fold(0.0f32, |top, v| if *v > top { *v } else { top });
            if top > 0.0 {
                let sum = round(x, LARGEST / top, &mut quants[group * GROUP..][..GROUP]);
                scales[group] = top / LARGEST;
                sums[group] = scales[group] * sum as f32;
            }
        }
    }
}

/// `quants = round(factor x)`; their sum.
#[inline(always)]
fn round(x: &[f32; GROUP], factor: f32, quants: &mut [i16]) -> i32 {
    /// Adding 1.5 * 2^23 leaves the nearest integer, ties to even, in the low bits.
    const MAGIC: f32 = 12_582_912.0;
    let mut sum = 0;
    for (q, v) in quants.iter_mut().zip(x) {
        let bits = (v * factor + MAGIC).to_bits() as i32 - MAGIC.to_bits() as i32;
        let bits = bits.clamp(-32_767, 32_767);
        *q = bits as i16;
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
            let mut quantised = Activations::default();
            quantised.quantise(level, &x, columns);
            assert_eq!((quantised.tokens(), quantised.padded()), (2, 384));
            for (token, x) in x.chunks(columns).enumerate() {
                let (quants, scales, sums) = quantised.row(token);
                for (i, v) in x.iter().enumerate() {
                    let got = f32::from(quants[i]) * scales[i / GROUP];
                    assert!((got - v).abs() <= 0.51 * scales[i / GROUP], "{got} instead of {v}");
                }
                assert!(quants[columns..].iter().all(|q| *q == 0));
                for (group, sum) in sums.iter().enumerate() {
                    let want: i32 = quants[group * GROUP..][..GROUP].iter().map(|q| i32::from(*q)).sum();
                    assert_eq!(*sum, scales[group] * want as f32);
                }
            }
        }
    }

    #[test]
    fn zeros_stay_zeros() {
        let mut quantised = Activations::default();
        quantised.quantise(Level::detect(), &[0.0; 256], 256);
        let (quants, scales, sums) = quantised.row(0);
        assert!(quants.iter().all(|q| *q == 0) && scales.iter().chain(sums).all(|v| *v == 0.0));
    }
}
