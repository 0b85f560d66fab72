//! The block formats of GGUF files: 32 or 256 weights that share scales.
//!
//! Every quantised format is taken apart into [`Group`]s of 32 weights `scale * q - min` with small integers q: what
//! the kernels' own layouts are made from. Layouts after ggml's `ggml-common.h`, arithmetic after its
//! `dequantize_row_*`.

/// How weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are ggml's")]
pub enum BlockFormat {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

/// Weights of a [`Group`].
pub const GROUP: usize = 32;

/// 32 weights: weight i is `scales[i / 16] * quants[i] - min`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Group {
    /// Small integers, in the range that [`Quantisation`] tells.
    pub quants: [i8; GROUP],
    /// One scale for each half; equal except in Q6_K.
    pub scales: [f32; 2],
    /// What is subtracted from every weight; zero in the symmetric formats.
    pub min: f32,
}

/// What is common to all groups of a quantised format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantisation {
    /// Bits of `quants + offset`.
    pub bits: u32,
    /// What makes the quants non-negative: 16 for -16..=15.
    pub offset: i8,
    /// Whether the two halves of a group have scales of their own.
    pub halves: bool,
    /// Whether there is anything in `min`.
    pub mins: bool,
}

impl BlockFormat {
    /// Weights of a block.
    pub fn block(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::BF16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Q4K | Self::Q5K | Self::Q6K => 256,
        }
    }

    /// Bytes of a block.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q4K => 144,
            Self::Q5K => 176,
            Self::Q6K => 210,
        }
    }

    /// Bytes of a row of `columns` weights, a whole number of blocks.
    pub fn bytes(self, columns: usize) -> usize {
        columns / self.block() * self.block_bytes()
    }

    /// The kind of quantisation; none for floats.
    pub fn quantisation(self) -> Option<Quantisation> {
        let symmetric = |bits, offset| Quantisation { bits, offset, halves: false, mins: false };
        Some(match self {
            Self::F32 | Self::F16 | Self::BF16 => return None,
            Self::Q4_0 => symmetric(4, 8),
            Self::Q5_0 => symmetric(5, 16),
            Self::Q8_0 => symmetric(8, 0),
            Self::Q4_1 => Quantisation { mins: true, ..symmetric(4, 0) },
            Self::Q5_1 => Quantisation { mins: true, ..symmetric(5, 0) },
            Self::Q4K => Quantisation { mins: true, ..symmetric(4, 0) },
            Self::Q5K => Quantisation { mins: true, ..symmetric(5, 0) },
            Self::Q6K => Quantisation { halves: true, ..symmetric(6, 32) },
        })
    }

    /// Takes whole blocks apart; `group` is called for every 32 weights in order. Floats have no groups.
    pub fn groups(self, blocks: &[u8], mut group: impl FnMut(&Group)) {
        match self {
            Self::F32 | Self::F16 | Self::BF16 => {}
            Self::Q4_0 => each(blocks, |b: &[u8; 18]| {
                let quants = nibbles(&b[2..18]).map(|q| q as i8 - 8);
                group(&Group { quants, scales: [half(b, 0); 2], min: 0.0 });
            }),
            Self::Q4_1 => each(blocks, |b: &[u8; 20]| {
                let quants = nibbles(&b[4..20]).map(|q| q as i8);
                group(&Group { quants, scales: [half(b, 0); 2], min: -half(b, 2) });
            }),
            Self::Q5_0 => each(blocks, |b: &[u8; 22]| {
                let quants = with_fifth(nibbles(&b[6..22]), &b[2..6]).map(|q| q as i8 - 16);
                group(&Group { quants, scales: [half(b, 0); 2], min: 0.0 });
            }),
            Self::Q5_1 => each(blocks, |b: &[u8; 24]| {
                let quants = with_fifth(nibbles(&b[8..24]), &b[4..8]).map(|q| q as i8);
                group(&Group { quants, scales: [half(b, 0); 2], min: -half(b, 2) });
            }),
            Self::Q8_0 => each(blocks, |b: &[u8; 34]| {
                let quants = std::array::from_fn(|i| b[2 + i] as i8);
                group(&Group { quants, scales: [half(b, 0); 2], min: 0.0 });
            }),
            Self::Q4K => each(blocks, |b: &[u8; 144]| {
                k_groups(b, |j| {
                    let bytes = &b[16 + j / 2 * 32..][..32];
                    std::array::from_fn(|i| (bytes[i] >> (4 * (j % 2)) & 15) as i8)
                })
                .iter()
                .for_each(&mut group);
            }),
            Self::Q5K => each(blocks, |b: &[u8; 176]| {
                k_groups(b, |j| {
                    let bytes = &b[48 + j / 2 * 32..][..32];
                    std::array::from_fn(|i| {
                        (bytes[i] >> (4 * (j % 2)) & 15 | (b[16 + i] >> j & 1) << 4) as i8
                    })
                })
                .iter()
                .for_each(&mut group);
            }),
            Self::Q6K => each(blocks, |b: &[u8; 210]| {
                let d = half(b, 208);
                for j in 0..8 {
                    // Each half of 128 weights has 64 bytes of low and 32 bytes of high bits.
                    let (half, part) = (j / 4, j % 4);
                    let low = &b[half * 64 + part % 2 * 32..][..32];
                    let high = &b[128 + half * 32..][..32];
                    let quants = std::array::from_fn(|i| {
                        ((low[i] >> (4 * (part / 2)) & 15) | (high[i] >> (2 * part) & 3) << 4) as i8 - 32
                    });
                    let scale = |k: usize| d * f32::from(b[192 + 2 * j + k] as i8);
                    group(&Group { quants, scales: [scale(0), scale(1)], min: 0.0 });
                }
            }),
        }
    }

    /// Whole blocks as numbers, as many as `into` holds.
    pub fn dequantise(self, blocks: &[u8], into: &mut [f32]) {
        match self {
            Self::F32 => {
                each(blocks, {
                    let mut into = into.iter_mut();
                    move |b: &[u8; 4]| into.next().into_iter().for_each(|v| *v = f32::from_le_bytes(*b))
                });
            }
            Self::F16 | Self::BF16 => {
                for (v, b) in into.iter_mut().zip(blocks.as_chunks::<2>().0) {
                    let bits = u16::from_le_bytes(*b);
                    *v = if self == Self::F16 { f16_to_f32(bits) } else { bf16_to_f32(bits) };
                }
            }
            _ => {
                let mut into = into.chunks_exact_mut(GROUP);
                self.groups(blocks, |group| {
                    let Some(into) = into.next() else { return };
                    for (i, (v, q)) in into.iter_mut().zip(group.quants).enumerate() {
                        *v = group.scales[i / 16] * f32::from(q) - group.min;
                    }
                });
            }
        }
    }
}

fn each<const N: usize>(blocks: &[u8], f: impl FnMut(&[u8; N])) {
    blocks.as_chunks::<N>().0.iter().for_each(f);
}

/// The number that two bytes at `at` are.
fn half(block: &[u8], at: usize) -> f32 {
    f16_to_f32(u16::from_le_bytes([block[at], block[at + 1]]))
}

/// 16 bytes: the low nibbles are the first 16 numbers, the high ones the others.
fn nibbles(bytes: &[u8]) -> [u8; GROUP] {
    std::array::from_fn(|i| if i < 16 { bytes[i] & 15 } else { bytes[i - 16] >> 4 })
}

/// Adds bit i of a little-endian word of 32 as the fifth bit of number i.
fn with_fifth(low: [u8; GROUP], word: &[u8]) -> [u8; GROUP] {
    std::array::from_fn(|i| low[i] | (word[i / 8] >> (i % 8) & 1) << 4)
}

/// The eight groups of a Q4_K or Q5_K block: two scales of the block, then 12 bytes of eight 6-bit scales and mins.
fn k_groups(block: &[u8], quants: impl Fn(usize) -> [i8; GROUP]) -> [Group; 8] {
    let (d, dmin) = (half(block, 0), half(block, 2));
    let s = &block[4..16];
    std::array::from_fn(|j| {
        let (scale, min) = if j < 4 {
            (s[j] & 63, s[j + 4] & 63)
        } else {
            ((s[j + 4] & 15) | (s[j - 4] >> 6) << 4, (s[j + 4] >> 4) | (s[j] >> 6) << 4)
        };
        Group { quants: quants(j), scales: [d * f32::from(scale); 2], min: dmin * f32::from(min) }
    })
}

/// IEEE half precision, without branches so that loops become SIMD.
#[inline(always)]
pub(crate) fn f16_to_f32(bits: u16) -> f32 {
    let bits = u32::from(bits);
    // The exponent is rebased by a product, which also makes subnormals right; infinity and NaN are set apart.
    let magnitude = f32::from_bits((bits & 0x7fff) << 13) * f32::from_bits(0x7780_0000);
    let special =
        if bits & 0x7c00 == 0x7c00 { 0x7f80_0000 | (bits & 0x3ff) << 13 } else { magnitude.to_bits() };
    f32::from_bits(special | (bits & 0x8000) << 16)
}

/// The upper half of a 32-bit float.
#[inline(always)]
pub(crate) fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// A number as IEEE half precision would keep it, ties to even; beyond 65,504 it becomes infinite.
#[inline(always)]
pub(crate) fn round_to_f16(x: f32) -> f32 {
    let magnitude = x.abs();
    if magnitude >= 65_520.0 {
        return f32::INFINITY.copysign(x);
    }
    // Adding and subtracting a power of two that is 2^13 units of the last kept place rounds to that place.
    let exponent = (magnitude.to_bits() >> 23).max(127 - 14);
    let shift = f32::from_bits((exponent + 13) << 23);
    // Ten bits are kept below the leading one: the sum has its last place at 2^(e - 10).
    ((magnitude + shift) - shift).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_convert_at_every_corner() {
        for (bits, want) in [
            (0x0000u16, 0.0f32),
            (0x8000, -0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(f16_to_f32(bits).to_bits(), want.to_bits(), "{bits:#06x}");
        }
        assert!(f16_to_f32(0x7e00).is_nan());
        assert_eq!(bf16_to_f32(0x3f80), 1.0);
    }

    #[test]
    fn rounding_to_half_finds_the_nearest_half() {
        let halves: Vec<f32> = (0..0x7c00u16).map(f16_to_f32).collect();
        for half in &halves {
            assert_eq!(round_to_f16(*half), *half);
            assert_eq!(round_to_f16(-half), -half);
        }
        for (index, pair) in halves.windows(2).enumerate() {
            let middle = (pair[0] + pair[1]) / 2.0;
            let even = pair[index % 2];
            assert_eq!(round_to_f16(middle), even, "the tie at {middle}");
            assert_eq!(round_to_f16(f32::from_bits(middle.to_bits() + 1)), pair[1]);
            assert_eq!(round_to_f16(f32::from_bits(middle.to_bits().saturating_sub(1))), pair[0]);
        }
        assert_eq!(round_to_f16(1e6), f32::INFINITY);
    }

    #[test]
    fn every_format_gives_the_numbers_of_the_reference() {
        #[derive(serde::Deserialize)]
        struct Case {
            format: String,
            blocks: String,
            values: Vec<f32>,
        }
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../tests/fixtures/gguf_blocks.json")).unwrap();
        assert_eq!(cases.len(), 11);
        for case in cases {
            let name = case.format.replace("_K", "K");
            let format = (0..40)
                .filter_map(|kind| crate::weights::TensorType(kind).format())
                .find(|format| format!("{format:?}") == name)
                .unwrap();
            let blocks: Vec<u8> = (0..case.blocks.len() / 2)
                .map(|i| u8::from_str_radix(&case.blocks[2 * i..2 * i + 2], 16).unwrap())
                .collect();
            assert_eq!(format.bytes(case.values.len()), blocks.len(), "{name}");
            let mut values = vec![f32::NAN; case.values.len()];
            format.dequantise(&blocks, &mut values);
            for (i, (got, want)) in values.iter().zip(&case.values).enumerate() {
                assert!((got - want).abs() <= want.abs() * 1e-6, "{name} at {i}: {got} instead of {want}");
            }
            let Some(kind) = format.quantisation() else { continue };
            format.groups(&blocks, |group| {
                assert!(group.quants.iter().all(|q| {
                    let stored = i32::from(*q) + i32::from(kind.offset);
                    kind.bits == 8 || (0..1 << kind.bits).contains(&stored)
                }));
                assert!(kind.halves || group.scales[0] == group.scales[1]);
                assert!(kind.mins || group.min == 0.0);
            });
        }
    }
}
