//! The network on the CPU kernels: quantised weights, new tokens in one pass, keys and values kept.

use mtor_shared::problem::Problem;

use super::{
    config::Config,
    load::{self, Linear, Network, Place},
};
use crate::{
    kernels::{
        Activations, FloatMatrix, Heads, Level, Matrix, attend_causal, gated, product, rms_norm, rotate,
    },
    weights::{
        Gguf, Source, TensorInfo,
        blocks::{BlockFormat, round_to_f16},
        unreadable,
    },
};

/// Bytes that are read from a file at a time.
const READ: usize = 4 << 20;

/// The decoder with its weights, the memory of what it has read, and the memory that it works in.
pub(super) struct Decoder {
    config: Config,
    level: Level,
    network: Network<Weights>,
    /// Keys and values of each layer: [positions, key_heads * head_width].
    cache: Vec<(Vec<f32>, Vec<f32>)>,
    positions: usize,
    work: Work,
}

#[derive(Default)]
struct Work {
    inputs: Inputs,
    state: Vec<f32>,
    normed: Vec<f32>,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    context: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    change: Vec<f32>,
    scores: Vec<f32>,
    logits: Vec<f32>,
}

impl Decoder {
    pub(super) async fn load<S: Source>(
        file: &Gguf<S>,
        config: Config,
        loaded: impl FnMut(f64),
    ) -> Result<Self, Problem> {
        let network = load::network(file, &config, &mut Memory, loaded).await?;
        let cache = vec![(Vec::new(), Vec::new()); config.layers];
        Ok(Self { config, level: Level::detect(), network, cache, positions: 0, work: Work::default() })
    }

    /// Tokens read so far.
    pub(super) fn positions(&self) -> usize {
        self.positions
    }

    /// Words that there are logits for.
    pub(super) fn vocabulary(&self) -> usize {
        self.network.vocabulary
    }

    /// Bytes of the weights in memory.
    pub(super) fn bytes(&self) -> usize {
        let Network { embedding, layers, output, .. } = &self.network;
        let layers = layers.iter().flat_map(|layer| {
            [&layer.query, &layer.key, &layer.value, &layer.output, &layer.gate, &layer.up, &layer.down]
        });
        layers.map(|linear| linear.weight.bytes()).sum::<usize>()
            + embedding.bytes()
            + output.as_ref().map_or(0, Weights::bytes)
    }

    /// Forgets everything after the first `positions` tokens.
    pub(super) fn rewind(&mut self, positions: usize) {
        self.positions = self.positions.min(positions);
        let row = self.config.key_heads * self.config.head_width;
        for (keys, values) in &mut self.cache {
            keys.truncate(self.positions * row);
            values.truncate(self.positions * row);
        }
    }

    /// Reads the tokens that come next; the logits of what follows the last one, `[vocabulary]`.
    ///
    /// Ids must be below the vocabulary's size: the caller has checked them.
    pub(super) fn advance(&mut self, ids: &[u32]) -> &[f32] {
        self.read(ids);
        let Self { config, level, network, work, .. } = self;
        let Work { inputs, state, normed, logits, .. } = work;
        let last = &state[(ids.len().max(1) - 1) * config.width..];
        normed.clear();
        normed.extend_from_slice(last);
        rms_norm(*level, normed, &network.norm, config.epsilon);
        logits.resize(network.vocabulary, 0.0);
        inputs.renew();
        let output = network.output.as_ref().unwrap_or(&network.embedding);
        output.product(*level, inputs, normed, config.width, logits, network.vocabulary);
        logits
    }

    /// Reads the tokens that come next, as [`Decoder::advance`].
    pub(super) fn read(&mut self, ids: &[u32]) {
        let Self { config, level, network, cache, positions, work } = self;
        let Config { width, heads, key_heads, head_width, feed_forward, epsilon, .. } = *config;
        let (level, first) = (*level, *positions);
        let Work { inputs, state, normed, query, key, value, context, gate, up, change, scores, .. } = work;
        let tokens = ids.len();
        let (queries, keys) = (heads * head_width, key_heads * head_width);

        state.resize(tokens * width, 0.0);
        for (id, state) in ids.iter().zip(state.chunks_exact_mut(width)) {
            network.embedding.row(*id as usize, state);
            state.iter_mut().for_each(|v| *v *= config.embedding_scale);
        }
        query.resize(tokens * queries, 0.0);
        key.resize(tokens * keys, 0.0);
        value.resize(tokens * keys, 0.0);
        context.resize(tokens * queries, 0.0);
        gate.resize(tokens * feed_forward, 0.0);
        up.resize(tokens * feed_forward, 0.0);
        change.resize(tokens * width, 0.0);

        for (index, (layer, (kept_keys, kept_values))) in network.layers.iter().zip(cache).enumerate() {
            normed.clone_from(state);
            rms_norm(level, normed, &layer.attention_norm, epsilon);
            inputs.renew();
            layer.query.apply(level, inputs, normed, query);
            layer.key.apply(level, inputs, normed, key);
            layer.value.apply(level, inputs, normed, value);
            if !layer.query_norm.is_empty() {
                rms_norm(level, query, &layer.query_norm, epsilon);
            }
            if !layer.key_norm.is_empty() {
                rms_norm(level, key, &layer.key_norm, epsilon);
            }
            rotate(query, queries, first, config.pairing, &layer.frequencies);
            rotate(key, keys, first, config.pairing, &layer.frequencies);
            // As llama.cpp keeps them, so that near ties fall the same way.
            kept_keys.extend(key.iter().map(|v| round_to_f16(*v)));
            kept_values.extend(value.iter().map(|v| round_to_f16(*v)));
            let sizes = Heads {
                queries: heads,
                keys: key_heads,
                width: head_width,
                scale: config.attention_scale,
                window: config.window(index),
            };
            attend_causal(level, sizes, query, first, kept_keys, kept_values, scores, context);
            inputs.renew();
            layer.output.apply(level, inputs, context, change);
            add(level, state, change, &layer.after_attention_norm, epsilon);

            normed.clone_from(state);
            rms_norm(level, normed, &layer.feed_forward_norm, epsilon);
            inputs.renew();
            layer.gate.apply(level, inputs, normed, gate);
            layer.up.apply(level, inputs, normed, up);
            gated(level, config.gate, gate, up);
            inputs.renew();
            layer.down.apply(level, inputs, gate, change);
            add(level, state, change, &layer.after_feed_forward_norm, epsilon);
        }
        *positions += tokens;
    }
}

/// `state += norm(change)`, without the norm where there is none.
fn add(level: Level, state: &mut [f32], change: &mut [f32], norm: &[f32], epsilon: f32) {
    if !norm.is_empty() {
        rms_norm(level, change, norm, epsilon);
    }
    state.iter_mut().zip(change).for_each(|(state, change)| *state += *change);
}

/// One input of several products, quantised when the first of them needs it.
#[derive(Default)]
struct Inputs {
    activations: Activations,
    ready: bool,
}

impl Inputs {
    /// The next input is another one.
    fn renew(&mut self) {
        self.ready = false;
    }

    fn quantised(&mut self, level: Level, x: &[f32], columns: usize) -> &Activations {
        if !std::mem::replace(&mut self.ready, true) {
            self.activations.quantise(level, x, columns);
        }
        &self.activations
    }
}

/// A matrix in memory.
enum Weights {
    Quantised(Matrix),
    Floats(FloatMatrix),
}

impl Weights {
    fn bytes(&self) -> usize {
        match self {
            Self::Quantised(matrix) => matrix.bytes(),
            Self::Floats(matrix) => matrix.bytes(),
        }
    }

    fn row(&self, row: usize, into: &mut [f32]) {
        match self {
            Self::Quantised(matrix) => matrix.dequantise_row(row, into),
            Self::Floats(matrix) => matrix.row(row, into),
        }
    }

    /// `y[token] = W x[token]`, `rows` of them.
    fn product(
        &self,
        level: Level,
        inputs: &mut Inputs,
        x: &[f32],
        columns: usize,
        y: &mut [f32],
        rows: usize,
    ) {
        match self {
            Self::Quantised(matrix) => {
                let x = inputs.quantised(level, x, columns);
                product(level, matrix, 0..rows, x, y, rows);
            }
            Self::Floats(matrix) => matrix.product(level, rows, x, columns, y, rows),
        }
    }
}

impl Linear<Weights> {
    fn apply(&self, level: Level, inputs: &mut Inputs, x: &[f32], y: &mut [f32]) {
        self.weight.product(level, inputs, x, self.inputs, y, self.outputs);
        if !self.bias.is_empty() {
            for y in y.chunks_exact_mut(self.outputs) {
                y.iter_mut().zip(&self.bias).for_each(|(y, bias)| *y += bias);
            }
        }
    }
}

/// Keeps matrices in this process's memory.
struct Memory;

impl Place for Memory {
    type Matrix = Weights;

    async fn place<S: Source>(&mut self, file: &Gguf<S>, tensor: &TensorInfo) -> Result<Weights, Problem> {
        let format = file.format(tensor)?;
        let (rows, columns) = (tensor.rows(), tensor.columns());
        let at_a_time = (READ / format.bytes(columns).max(1)).max(1);
        let mut bytes = Vec::new();
        let mut weights = match (format, format.quantisation()) {
            (_, Some(kind)) => Weights::Quantised(Matrix::new(rows, columns, kind)),
            (BlockFormat::F16, _) => Weights::Floats(FloatMatrix::Half(Vec::with_capacity(rows * columns))),
            (BlockFormat::BF16, _) => Weights::Floats(FloatMatrix::Brain(Vec::with_capacity(rows * columns))),
            _ => Weights::Floats(FloatMatrix::Single(Vec::with_capacity(rows * columns))),
        };
        for first in (0..rows).step_by(at_a_time) {
            file.rows(tensor, first, at_a_time.min(rows - first), &mut bytes).await?;
            match &mut weights {
                Weights::Quantised(matrix) => format.groups(&bytes, |group| matrix.push(group)),
                Weights::Floats(FloatMatrix::Half(values) | FloatMatrix::Brain(values)) => {
                    values.extend(bytes.as_chunks::<2>().0.iter().map(|bits| u16::from_le_bytes(*bits)));
                }
                Weights::Floats(FloatMatrix::Single(values)) => {
                    values.extend(bytes.as_chunks::<4>().0.iter().map(|bits| f32::from_le_bytes(*bits)));
                }
            }
        }
        let complete = match &weights {
            Weights::Quantised(matrix) => matrix.columns() == columns && matrix.rows() == rows,
            Weights::Floats(_) => true,
        };
        if complete {
            Ok(weights)
        } else {
            Err(unreadable(format_args!("tensor {} is incomplete", tensor.name)))
        }
    }
}
