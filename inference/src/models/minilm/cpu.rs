//! The network on the CPU kernels. Sequences of a batch lie one after the other without padding: the linear parts see
//! all rows at once, attention sees one sequence at a time.

use mtor_shared::problem::Problem;

use super::{
    config::{EPSILON, FEED_FORWARD, HEAD_WIDTH, HEADS, LAYERS, WIDTH},
    load,
};
use crate::{
    kernels::{Activation, AttentionScratch, Level, Packed, add_layer_norm, attend, gemm, layer_norm},
    weights::{SafeTensors, Source},
};

/// The encoder with its weights packed for the kernels, and the memory that it works in.
pub(super) struct Encoder {
    level: Level,
    embeddings: load::Embeddings,
    layers: Vec<Layer>,
    attention: AttentionScratch,
    /// [rows, WIDTH] or [rows, 3 WIDTH] or [rows, FEED_FORWARD], by use.
    state: Vec<f32>,
    context: Vec<f32>,
    wide: Vec<f32>,
}

struct Layer {
    qkv: Linear,
    output: Linear,
    attention_norm: load::Norm,
    up: Linear,
    down: Linear,
    output_norm: load::Norm,
}

struct Linear {
    weight: Packed,
    bias: Vec<f32>,
    inputs: usize,
}

impl Linear {
    fn new(from: load::Linear) -> Self {
        let load::Linear { inputs, outputs, weight, bias } = from;
        Self { weight: Packed::new(inputs, outputs, |i, o| weight[o * inputs + i]), bias, inputs }
    }

    /// `to = activation(from W + b)`, `rows` of each.
    fn apply(&self, level: Level, rows: usize, from: &[f32], activation: Activation, to: &mut [f32]) {
        gemm(level, rows, from, self.inputs, &self.weight, &self.bias, activation, to, self.weight.columns());
    }
}

impl Encoder {
    /// Reads and packs the weights; `loaded` is told after each part how much of 1 is done.
    pub(super) async fn load<S: Source>(
        file: &SafeTensors<S>,
        mut loaded: impl FnMut(f64),
    ) -> Result<Self, Problem> {
        let embeddings = load::embeddings(file).await?;
        loaded(0.5);
        let mut layers = Vec::with_capacity(LAYERS);
        for index in 0..LAYERS {
            let layer = load::layer(file, index).await?;
            layers.push(Layer {
                qkv: Linear::new(layer.qkv),
                output: Linear::new(layer.output),
                attention_norm: layer.attention_norm,
                up: Linear::new(layer.up),
                down: Linear::new(layer.down),
                output_norm: layer.output_norm,
            });
            loaded(0.5 + 0.5 * (index + 1) as f64 / LAYERS as f64);
        }
        Ok(Self {
            level: Level::detect(),
            embeddings,
            layers,
            attention: AttentionScratch::default(),
            state: Vec::new(),
            context: Vec::new(),
            wide: Vec::new(),
        })
    }

    /// The mean of each sequence's token states: one vector of WIDTH a sequence, not normalised.
    pub(super) fn means(&mut self, batch: &[&[u32]]) -> Vec<Vec<f32>> {
        let rows = batch.iter().map(|ids| ids.len()).sum();
        let Self { level, embeddings, layers, attention, state, context, wide } = self;
        let level = *level;
        let epsilon = EPSILON as f32;

        state.clear();
        for ids in batch {
            for (id, position) in ids.iter().zip(embeddings.positions.chunks_exact(WIDTH)) {
                let word = &embeddings.words[*id as usize * WIDTH..][..WIDTH];
                state.extend(word.iter().zip(position).map(|(word, position)| word + position));
            }
        }
        layer_norm(level, state, &embeddings.norm.gamma, &embeddings.norm.beta, epsilon);
        context.resize(rows * WIDTH, 0.0);
        wide.resize(rows * FEED_FORWARD, 0.0);

        for layer in layers {
            layer.qkv.apply(level, rows, state, Activation::Identity, wide);
            let mut row = 0;
            for ids in batch {
                let qkv = &wide[row * 3 * WIDTH..];
                attend(level, attention, qkv, ids.len(), HEADS, HEAD_WIDTH, &mut context[row * WIDTH..]);
                row += ids.len();
            }
            layer.output.apply(level, rows, context, Activation::Identity, wide);
            let norm = &layer.attention_norm;
            add_layer_norm(level, state, wide, &norm.gamma, &norm.beta, epsilon);
            layer.up.apply(level, rows, state, Activation::Gelu, wide);
            layer.down.apply(level, rows, wide, Activation::Identity, context);
            let norm = &layer.output_norm;
            add_layer_norm(level, state, context, &norm.gamma, &norm.beta, epsilon);
        }

        let mut row = 0;
        batch
            .iter()
            .map(|ids| {
                let mut mean = vec![0.0; WIDTH];
                for token in state[row * WIDTH..(row + ids.len()) * WIDTH].chunks_exact(WIDTH) {
                    mean.iter_mut().zip(token).for_each(|(mean, v)| *mean += v / ids.len() as f32);
                }
                row += ids.len();
                mean
            })
            .collect()
    }
}
