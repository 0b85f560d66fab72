//! Matrices in the GPU's memory, in the layout of [`crate::kernels::quant`], and the products with them.

use super::launch::{Gpu, Grid, Step};
use crate::{
    device::wgpu,
    kernels::quant::{Matrix, PANEL},
    weights::blocks::{BlockFormat, Quantisation},
};

/// How the weights of a matrix are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storage {
    Quantised(Quantisation),
    Half,
    Brain,
    Single,
}

impl Storage {
    fn of(format: BlockFormat) -> Self {
        match (format, format.quantisation()) {
            (_, Some(kind)) => Self::Quantised(kind),
            (BlockFormat::F16, _) => Self::Half,
            (BlockFormat::BF16, _) => Self::Brain,
            _ => Self::Single,
        }
    }

    /// Bytes of a panel's quants, and of its scales.
    fn panel_bytes(self) -> (u64, u64) {
        match self {
            Self::Quantised(kind) => {
                let pairs = if kind.mins || kind.halves { 2 } else { 1 };
                (u64::from(kind.bits) * 16, 16 * pairs)
            }
            Self::Half | Self::Brain => (256, 0),
            Self::Single => (512, 0),
        }
    }

    /// What a kernel reads panels with.
    fn source(self) -> String {
        let head = include_str!("matrix.wgsl");
        match self {
            Self::Quantised(kind) => {
                let quants = match kind.bits {
                    4 => include_str!("quants4.wgsl"),
                    5 => include_str!("quants5.wgsl"),
                    6 => include_str!("quants6.wgsl"),
                    _ => include_str!("quants8.wgsl"),
                };
                let scales = match kind {
                    Quantisation { mins: true, .. } => include_str!("scales_min.wgsl"),
                    Quantisation { halves: true, .. } => include_str!("scales_half.wgsl"),
                    _ => include_str!("scales_group.wgsl"),
                };
                [head, quants, scales].concat()
            }
            Self::Half => [head, include_str!("half.wgsl")].concat(),
            Self::Brain => [head, include_str!("brain.wgsl")].concat(),
            Self::Single => [head, include_str!("single.wgsl")].concat(),
        }
    }

    fn offset(self) -> f64 {
        match self {
            Self::Quantised(kind) => f64::from(kind.offset),
            Self::Half | Self::Brain | Self::Single => 0.0,
        }
    }
}

/// A matrix of `rows` x `columns`, in as many parts as its size and the device's limits demand.
pub(crate) struct GpuMatrix {
    storage: Storage,
    rows: usize,
    columns: usize,
    parts: Vec<Part>,
}

struct Part {
    first: usize,
    rows: usize,
    quants: wgpu::Buffer,
    scales: wgpu::Buffer,
}

/// Where a product reads and writes, and what it adds.
pub(crate) struct Operands<'a> {
    /// What differs from pass to pass.
    pub(crate) pass: &'a wgpu::Buffer,
    /// [tokens, x_stride]
    pub(crate) x: &'a wgpu::Buffer,
    /// Elements of a token in `x`.
    pub(crate) x_stride: usize,
    /// One element a row of the output; nothing where there is none.
    pub(crate) bias: Option<&'a wgpu::Buffer>,
    /// [tokens, y_stride]
    pub(crate) y: &'a wgpu::Buffer,
    /// Elements of a token in `y`.
    pub(crate) y_stride: usize,
    /// The element of a token in `y`, and of `bias`, that the matrix's first row makes.
    pub(crate) first: usize,
    /// Whether the product is added to what is in `y`.
    pub(crate) add: bool,
}

impl GpuMatrix {
    /// Bytes on the device.
    pub(crate) fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.quants.size() + part.scales.size()).sum()
    }

    /// Rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Puts matrices with the same columns and format under each other; gives them back where that cannot be.
    pub(crate) fn stack(gpu: &Gpu, matrices: Vec<Self>) -> Result<Self, Vec<Self>> {
        let Some(first) = matrices.first() else { return Err(matrices) };
        let bytes: u64 = matrices.iter().flat_map(|m| &m.parts).map(|part| part.quants.size()).sum();
        let fits = matrices
            .iter()
            .all(|m| m.storage == first.storage && m.columns == first.columns && m.parts.len() == 1);
        // A buffer is at least 16 bytes long, and a matrix of no panels would leave a gap.
        if !fits || bytes > gpu.largest_binding() {
            return Err(matrices);
        }
        let joined = |label: &str, buffer: fn(&Part) -> &wgpu::Buffer| {
            let parts = || matrices.iter().flat_map(|m| &m.parts).map(buffer);
            let into = gpu.buffer(label, parts().map(wgpu::Buffer::size).sum());
            gpu.join(parts(), &into);
            into
        };
        let rows = matrices.iter().map(|m| m.rows).sum();
        let part = Part {
            first: 0,
            rows,
            quants: joined("quants", |part| &part.quants),
            scales: joined("scales", |part| &part.scales),
        };
        Ok(Self { storage: first.storage, rows, columns: first.columns, parts: vec![part] })
    }

    fn constants(&self, part: &Part, first: usize) -> Vec<(&'static str, f64)> {
        let mut constants = vec![
            ("COLUMNS", self.columns as f64),
            ("ROWS", part.rows as f64),
            ("FIRST", (first + part.first) as f64),
        ];
        if self.storage.offset() != 0.0 {
            constants.push(("OFFSET", self.storage.offset()));
        }
        constants
    }

    /// The rows of tokens: y[t] = scale * W[ids[t]].
    pub(crate) fn embed<'a>(
        &'a self,
        gpu: &'a Gpu,
        pass: &'a wgpu::Buffer,
        ids: &'a wgpu::Buffer,
        y: &'a wgpu::Buffer,
        scale: f32,
    ) -> impl Iterator<Item = Step> + 'a {
        let source = self.storage.source() + include_str!("embed.wgsl");
        let lanes = self.columns.div_ceil(PANEL) * 16;
        self.parts.iter().map(move |part| {
            let mut constants = self.constants(part, 0);
            constants.push(("SCALE", f64::from(scale)));
            let grid = Grid { x: lanes.div_ceil(64) as u32, tokens: 1 };
            gpu.step(&source, &constants, &[pass, &part.quants, &part.scales, ids, y], grid)
        })
    }

    /// The product with one token.
    pub(crate) fn times_vector<'a>(
        &'a self,
        gpu: &'a Gpu,
        operands: &'a Operands<'a>,
    ) -> impl Iterator<Item = Step> + 'a {
        self.product(gpu, operands, include_str!("vector.wgsl"), 8, 0)
    }

    /// The product with all tokens of a pass.
    pub(crate) fn times_tokens<'a>(
        &'a self,
        gpu: &'a Gpu,
        operands: &'a Operands<'a>,
    ) -> impl Iterator<Item = Step> + 'a {
        self.product(gpu, operands, include_str!("tokens.wgsl"), 64, 32)
    }

    fn product<'a>(
        &'a self,
        gpu: &'a Gpu,
        operands: &'a Operands<'a>,
        kernel: &str,
        rows: usize,
        tokens: u32,
    ) -> impl Iterator<Item = Step> + 'a {
        let source = self.storage.source() + kernel;
        self.parts.iter().map(move |part| {
            let Operands { pass, x, x_stride, bias, y, y_stride, first, add } = operands;
            let mut constants = self.constants(part, *first);
            if tokens > 0 {
                constants.push(("X_STRIDE", *x_stride as f64));
                constants.push(("Y_STRIDE", *y_stride as f64));
            }
            constants.push(("BIAS", f64::from(u8::from(bias.is_some()))));
            constants.push(("ADD", f64::from(u8::from(*add))));
            // Nothing is read of the scales where there is no bias.
            let bias = bias.unwrap_or(&part.scales);
            let grid = Grid { x: part.rows.div_ceil(rows) as u32, tokens };
            gpu.step(&source, &constants, &[pass, &part.quants, &part.scales, x, bias, y], grid)
        })
    }
}

/// A matrix on its way to the GPU, row by row.
pub(crate) struct Filling<'a> {
    gpu: &'a Gpu,
    matrix: GpuMatrix,
    /// Rows that are there.
    filled: usize,
}

impl<'a> Filling<'a> {
    /// Makes room for a matrix.
    pub(crate) fn new(gpu: &'a Gpu, format: BlockFormat, rows: usize, columns: usize) -> Self {
        let storage = Storage::of(format);
        let panels = columns.div_ceil(PANEL) as u64;
        let (quants, scales) = storage.panel_bytes();
        // A dispatch has at most 65,535 workgroups in a direction, of at least 8 rows.
        let at_a_time = (gpu.largest_binding() / (panels * quants.max(1)).max(1)).clamp(1, 1 << 19) as usize;
        let mut parts = Vec::new();
        for first in (0..rows).step_by(at_a_time) {
            let rows = at_a_time.min(rows - first);
            let size = rows as u64 * panels;
            parts.push(Part {
                first,
                rows,
                quants: gpu.buffer("quants", size * quants),
                scales: gpu.buffer("scales", size * scales),
            });
        }
        Self { gpu, matrix: GpuMatrix { storage, rows, columns, parts }, filled: 0 }
    }

    /// Adds rows as the file holds them.
    pub(crate) fn push(&mut self, format: BlockFormat, bytes: &[u8]) {
        let Self { gpu, matrix, filled } = self;
        let columns = matrix.columns;
        let row_bytes = format.bytes(columns).max(1);
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(part) = matrix.parts.iter().find(|part| *filled < part.first + part.rows) else {
                return;
            };
            let at = *filled - part.first;
            let rows = (rest.len() / row_bytes).min(part.rows - at);
            if rows == 0 {
                return;
            }
            let (now, later) = rest.split_at(rows * row_bytes);
            let panels = columns.div_ceil(PANEL) as u64;
            let (quants, scales) = matrix.storage.panel_bytes();
            let row = at as u64 * panels;
            match matrix.storage {
                Storage::Quantised(kind) => {
                    let mut packed = Matrix::new(rows, columns, kind);
                    format.groups(now, |group| packed.push(group));
                    let numbers = packed.numbers();
                    gpu.write(&part.quants, row * quants, packed.packed());
                    gpu.write(&part.scales, row * scales, &numbers);
                }
                Storage::Half | Storage::Brain | Storage::Single => {
                    // Rows are filled up to whole panels with zeros.
                    let padded = (panels * quants) as usize;
                    let mut filled = vec![0; rows * padded];
                    for (row, into) in now.chunks_exact(row_bytes).zip(filled.chunks_exact_mut(padded)) {
                        into[..row_bytes].copy_from_slice(row);
                    }
                    gpu.write(&part.quants, row * quants, &filled);
                }
            }
            *filled += rows;
            rest = later;
        }
    }

    /// The matrix, once all of its rows are there.
    pub(crate) fn finish(self) -> Option<GpuMatrix> {
        (self.filled == self.matrix.rows).then_some(self.matrix)
    }
}
