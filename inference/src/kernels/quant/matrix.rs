//! Quantised weights in the layout of the kernels.

use crate::weights::blocks::{GROUP, Group, Quantisation};

/// Weights that are packed together; rows are filled up to a multiple of it with zeros.
pub(crate) const PANEL: usize = 128;

/// A matrix of `rows` x `columns`, row by row: weight = scale * quant - min.
///
/// A panel of 128 weights is 64 bytes of low nibbles (byte j holds weights j and 64 + j), then the higher bits: for 5
/// bits 16 bytes (bit b of byte j belongs to weight 16 b + j), for 6 bits 32 bytes (bits 2b and 2b + 1 of byte j belong
/// to weight 32 b + j). 8 bits are plain bytes.
#[derive(Debug)]
pub(crate) struct Matrix {
    columns: usize,
    rows: usize,
    kind: Quantisation,
    quants: Vec<u8>,
    /// One a group of 32, or one a half of it.
    scales: Vec<f32>,
    /// One a group of 32, or none.
    mins: Vec<f32>,
    /// What of the row that is being filled is not packed yet.
    pending: Vec<i8>,
}

impl Matrix {
    /// A matrix that is to be filled by [`Matrix::push`].
    pub(crate) fn new(rows: usize, columns: usize, kind: Quantisation) -> Self {
        let groups = columns.next_multiple_of(PANEL) / GROUP;
        let per_group = if kind.halves { 2 } else { 1 };
        Self {
            columns,
            rows,
            kind,
            quants: Vec::with_capacity(rows * (groups * GROUP / PANEL) * panel_bytes(kind.bits)),
            scales: Vec::with_capacity(rows * groups * per_group),
            mins: Vec::with_capacity(if kind.mins { rows * groups } else { 0 }),
            pending: Vec::with_capacity(PANEL),
        }
    }

    /// Rounds a matrix of floats, row by row, to 8 bits with a scale for each 32.
    pub(crate) fn from_floats(rows: usize, columns: usize, weights: &[f32]) -> Self {
        let mut matrix =
            Self::new(rows, columns, Quantisation { bits: 8, offset: 0, halves: false, mins: false });
        for group in weights.as_chunks::<GROUP>().0 {
            let top = group.iter().fold(0.0f32, |top, v| top.max(v.abs()));
            let scale = top / 127.0;
            let factor = if scale > 0.0 { 1.0 / scale } else { 0.0 };
            let quants = group.map(|v| (v * factor).round() as i8);
            matrix.push(&Group { quants, scales: [scale; 2], min: 0.0 });
        }
        matrix
    }

    /// Adds the next 32 weights, in the order of rows.
    pub(crate) fn push(&mut self, group: &Group) {
        self.append(group);
        let groups = self.columns / GROUP;
        let padded = self.columns.next_multiple_of(PANEL) / GROUP;
        let done = self.scales.len() / if self.kind.halves { 2 } else { 1 };
        if done % padded == groups {
            for _ in groups..padded {
                self.append(&Group { scales: [0.0; 2], ..Group::default() });
            }
        }
    }

    fn append(&mut self, group: &Group) {
        self.scales.extend(&group.scales[..if self.kind.halves { 2 } else { 1 }]);
        if self.kind.mins {
            self.mins.push(group.min);
        }
        self.pending.extend(group.quants);
        if self.pending.len() == PANEL {
            pack(&self.pending, self.kind, &mut self.quants);
            self.pending.clear();
        }
    }

    /// Columns without padding.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Columns with padding.
    pub(crate) fn padded(&self) -> usize {
        self.columns.next_multiple_of(PANEL)
    }

    /// Rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// What kind of numbers it holds.
    pub(crate) fn kind(&self) -> Quantisation {
        self.kind
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.quants.len() + 4 * (self.scales.len() + self.mins.len())
    }

    /// The packed bytes of all rows.
    #[cfg(feature = "gpu")]
    pub(crate) fn packed(&self) -> &[u8] {
        &self.quants
    }

    /// The scales of all rows, each followed by its minimum where there are any.
    #[cfg(feature = "gpu")]
    pub(crate) fn numbers(&self) -> Vec<f32> {
        if self.mins.is_empty() {
            return self.scales.clone();
        }
        self.scales.iter().zip(&self.mins).flat_map(|(scale, min)| [*scale, *min]).collect()
    }

    /// The packed bytes of a row.
    #[inline(always)]
    pub(super) fn quants(&self, row: usize) -> &[u8] {
        let bytes = self.padded() / PANEL * panel_bytes(self.kind.bits);
        &self.quants[row * bytes..][..bytes]
    }

    /// The scales of a row.
    #[inline(always)]
    pub(super) fn scales(&self, row: usize) -> &[f32] {
        let count = self.padded() / GROUP * if self.kind.halves { 2 } else { 1 };
        &self.scales[row * count..][..count]
    }

    /// The mins of a row; empty where there are none.
    #[inline(always)]
    pub(super) fn mins(&self, row: usize) -> &[f32] {
        if self.mins.is_empty() {
            return &[];
        }
        let count = self.padded() / GROUP;
        &self.mins[row * count..][..count]
    }

    /// A row as numbers.
    pub(crate) fn dequantise_row(&self, row: usize, into: &mut [f32]) {
        let mut quants = vec![0i8; self.padded()];
        unpack(self.quants(row), self.kind, &mut quants);
        let (scales, mins) = (self.scales(row), self.mins(row));
        for (i, (v, q)) in into.iter_mut().zip(&quants).enumerate() {
            let scale = scales[if self.kind.halves { i / (GROUP / 2) } else { i / GROUP }];
            *v = scale * f32::from(*q) - mins.get(i / GROUP).copied().unwrap_or(0.0);
        }
    }
}

/// Bytes of a panel.
fn panel_bytes(bits: u32) -> usize {
    PANEL * bits as usize / 8
}

fn pack(quants: &[i8], kind: Quantisation, into: &mut Vec<u8>) {
    let stored = |i: usize| (quants[i] as u8).wrapping_add(kind.offset as u8);
    match kind.bits {
        8 => into.extend((0..PANEL).map(stored)),
        bits => {
            into.extend((0..64).map(|j| stored(j) & 15 | stored(64 + j) << 4));
            match bits {
                5 => into.extend(
                    (0..16).map(|j| (0..8).fold(0, |byte, b| byte | (stored(16 * b + j) >> 4 & 1) << b)),
                ),
                6 => into.extend(
                    (0..32)
                        .map(|j| (0..4).fold(0, |byte, b| byte | (stored(32 * b + j) >> 4 & 3) << (2 * b))),
                ),
                _ => {}
            }
        }
    }
}

/// A row's packed bytes to its quants. Not for 8 bits, which need none.
#[inline(always)]
pub(super) fn unpack(packed: &[u8], kind: Quantisation, into: &mut [i8]) {
    let offset = kind.offset as u8;
    match kind.bits {
        4 => panels::<64>(packed, into, |panel, out| low(panel, offset, out)),
        5 => panels::<80>(packed, into, |panel, out| {
            low(panel, 0, out);
            for b in 0..8 {
                for j in 0..16 {
                    let high = (panel[64 + j] >> b & 1) << 4;
                    out[16 * b + j] = (out[16 * b + j] as u8 | high).wrapping_sub(offset) as i8;
                }
            }
        }),
        6 => panels::<96>(packed, into, |panel, out| {
            low(panel, 0, out);
            for b in 0..4 {
                for j in 0..32 {
                    let high = (panel[64 + j] >> (2 * b) & 3) << 4;
                    out[32 * b + j] = (out[32 * b + j] as u8 | high).wrapping_sub(offset) as i8;
                }
            }
        }),
        _ => into.iter_mut().zip(packed).for_each(|(q, byte)| *q = *byte as i8),
    }
}

#[inline(always)]
fn panels<const N: usize>(packed: &[u8], into: &mut [i8], each: impl Fn(&[u8; N], &mut [i8; PANEL])) {
    for (panel, out) in packed.as_chunks::<N>().0.iter().zip(into.as_chunks_mut::<PANEL>().0) {
        each(panel, out);
    }
}

#[inline(always)]
fn low(panel: &[u8], offset: u8, out: &mut [i8; PANEL]) {
    for j in 0..64 {
        out[j] = (panel[j] & 15).wrapping_sub(offset) as i8;
        out[64 + j] = (panel[j] >> 4).wrapping_sub(offset) as i8;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::weights::blocks::BlockFormat;

    pub(in crate::kernels) const FORMATS: [BlockFormat; 8] = [
        BlockFormat::Q4_0,
        BlockFormat::Q4_1,
        BlockFormat::Q5_0,
        BlockFormat::Q5_1,
        BlockFormat::Q8_0,
        BlockFormat::Q4K,
        BlockFormat::Q5K,
        BlockFormat::Q6K,
    ];

    /// A matrix of that kind with values all over its range, and the same as numbers.
    pub(in crate::kernels) fn example(kind: Quantisation, rows: usize, columns: usize) -> (Matrix, Vec<f32>) {
        let mut matrix = Matrix::new(rows, columns, kind);
        let mut values = Vec::new();
        for index in 0..rows * columns / GROUP {
            let mut group = Group::default();
            for (i, q) in group.quants.iter_mut().enumerate() {
                let stored = (index * 31 + i * 7919) % (1 << kind.bits);
                *q = if kind.bits == 8 { stored as u8 as i8 } else { stored as i8 - kind.offset };
            }
            let scale = 0.01 + 0.001 * (index % 7) as f32;
            group.scales = [scale, if kind.halves { 2.0 * scale } else { scale }];
            group.min = if kind.mins { 0.05 * (index % 5) as f32 } else { 0.0 };
            values.extend((0..GROUP).map(|i| group.scales[i / 16] * f32::from(group.quants[i]) - group.min));
            matrix.push(&group);
        }
        (matrix, values)
    }

    #[test]
    fn floats_rounded_to_8_bits_are_near() {
        let weights: Vec<f32> = (0..3 * 160).map(|i| (i * 7919 % 1013) as f32 / 500.0 - 1.0).collect();
        let matrix = Matrix::from_floats(3, 160, &weights);
        let mut row = vec![0.0; 160];
        for (index, want) in weights.chunks(160).enumerate() {
            matrix.dequantise_row(index, &mut row);
            assert!(row.iter().zip(want).all(|(got, want)| (got - want).abs() < 1.1 / 254.0));
        }
    }

    #[test]
    fn a_packed_row_gives_back_its_weights() {
        for format in FORMATS {
            let kind = format.quantisation().unwrap();
            for columns in [32, 128, 896, 160] {
                let (matrix, values) = example(kind, 3, columns);
                assert_eq!(matrix.quants.len(), 3 * matrix.padded() * kind.bits as usize / 8);
                for row in 0..3 {
                    let mut got = vec![f32::NAN; columns];
                    matrix.dequantise_row(row, &mut got);
                    assert_eq!(got, values[row * columns..][..columns], "{format:?} {columns}");
                }
            }
        }
    }
}
