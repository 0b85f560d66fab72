//! Tokens to the logits of what follows. Weights are rounded to 8 bits with a scale for each 32: decoding is bound by
//! reading them, and the file's 16 bits would take twice the time for the same words.

use mtor_shared::problem::Problem;

use super::super::{
    config::{Config, EPSILON},
    load::{self, Norm},
};
use crate::{
    kernels::{
        Activation, Activations, Level, Matrix, Memory, Packed, Pointwise, apply, attend_lineage,
        attend_memory, gemm, layer_norm, product,
    },
    weights::{Ct2, Source},
};

pub(in super::super) struct Decoder {
    level: Level,
    config: Config,
    embeddings: Matrix,
    /// [context, width].
    positions: Vec<f32>,
    layers: Vec<Layer>,
    norm: Norm,
    quantised: Activations,
    x: Vec<f32>,
    h: Vec<f32>,
    wide: Vec<f32>,
    context: Vec<f32>,
    scores: Vec<f32>,
    logits: Vec<f32>,
    /// Rows of keys and values so far.
    slots: usize,
}

struct Linear {
    weight: Matrix,
    bias: Vec<f32>,
}

impl Linear {
    fn new(from: load::Linear) -> Self {
        Self { weight: Matrix::from_floats(from.outputs, from.inputs, &from.weight), bias: from.bias }
    }

    /// `to = x W + b`, [rows, outputs].
    fn apply(&self, level: Level, x: &Activations, rows: usize, to: &mut Vec<f32>) {
        let outputs = self.weight.rows();
        to.resize(rows * outputs, 0.0);
        product(level, &self.weight, 0..outputs, x, to, outputs);
        for row in to.chunks_exact_mut(outputs) {
            row.iter_mut().zip(&self.bias).for_each(|(v, bias)| *v += bias);
        }
    }
}

struct Layer {
    attention_norm: Norm,
    qkv: Linear,
    output: Linear,
    cross_norm: Norm,
    query: Linear,
    /// [width, 2 width]; only used once for each sound.
    keys_values: (Packed, Vec<f32>),
    cross_output: Linear,
    feed_norm: Norm,
    up: Linear,
    down: Linear,
    memory: Memory,
    /// [slots, width].
    keys: Vec<f32>,
    values: Vec<f32>,
}

/// A token to read.
pub(in super::super) struct Row<'a> {
    pub(in super::super) token: u32,
    /// Tokens before it.
    pub(in super::super) position: usize,
    /// Slots of its past, its own included: rows take the next slots in order.
    pub(in super::super) sees: &'a [u32],
}

impl Decoder {
    pub(in super::super) async fn load<S: Source>(
        file: &Ct2<S>,
        config: Config,
        mut loaded: impl FnMut(f64),
    ) -> Result<Self, Problem> {
        let Config { width, vocabulary, context, .. } = config;
        let embeddings = file.tensor("decoder/embeddings/weight", &[vocabulary, width]).await?;
        let embeddings = Matrix::from_floats(vocabulary, width, &embeddings);
        loaded(0.5);
        let mut layers = Vec::with_capacity(config.decoder_layers);
        for index in 0..config.decoder_layers {
            let name = format!("decoder/layer_{index}");
            let layer = load::layer(file, &config, &name).await?;
            let cross = load::cross(file, &config, &name).await?;
            let memory = cross.keys_values;
            layers.push(Layer {
                attention_norm: layer.attention_norm,
                qkv: Linear::new(layer.qkv),
                output: Linear::new(layer.output),
                cross_norm: cross.norm,
                query: Linear::new(cross.query),
                keys_values: (
                    Packed::new(width, 2 * width, |i, o| memory.weight[o * memory.inputs + i]),
                    memory.bias,
                ),
                cross_output: Linear::new(cross.output),
                feed_norm: layer.feed_norm,
                up: Linear::new(layer.up),
                down: Linear::new(layer.down),
                memory: Memory::default(),
                keys: Vec::new(),
                values: Vec::new(),
            });
            loaded(0.5 + 0.5 * (index + 1) as f64 / config.decoder_layers as f64);
        }
        Ok(Self {
            level: Level::detect(),
            config,
            embeddings,
            positions: file.tensor("decoder/position_encodings/encodings", &[context, width]).await?,
            layers,
            norm: load::norm(file, "decoder/layer_norm", width).await?,
            quantised: Activations::default(),
            x: Vec::new(),
            h: Vec::new(),
            wide: Vec::new(),
            context: Vec::new(),
            scores: Vec::new(),
            logits: Vec::new(),
            slots: 0,
        })
    }

    /// Takes the encoder's states, [states, width], as what it listens to, and forgets everything read.
    pub(in super::super) fn listen(&mut self, states: &[f32]) {
        let Config { width, heads, .. } = self.config;
        let rows = states.len() / width;
        let mut keys_values = vec![0.0; rows * 2 * width];
        for layer in &mut self.layers {
            let (weight, bias) = &layer.keys_values;
            let none = Activation::Identity;
            gemm(self.level, rows, states, width, weight, bias, none, &mut keys_values, 2 * width);
            layer.memory.fill(&keys_values, heads, width / heads);
        }
        self.forget();
    }

    /// Forgets everything read, but not what it listens to.
    pub(in super::super) fn forget(&mut self) {
        self.slots = 0;
        for layer in &mut self.layers {
            layer.keys.clear();
            layer.values.clear();
        }
    }

    /// Rows of keys and values so far: the slot that the next row takes.
    pub(in super::super) fn slots(&self) -> usize {
        self.slots
    }

    /// Reads tokens; the logits of what follows each of the rows from `wanted` on, [rows, vocabulary].
    pub(in super::super) fn read(&mut self, rows: &[Row<'_>], wanted: usize) -> &mut [f32] {
        let Config { width, heads, vocabulary, .. } = self.config;
        let Self { level, embeddings, quantised, x, h, wide, context, scores, logits, .. } = self;
        let (level, count) = (*level, rows.len());
        x.resize(count * width, 0.0);
        for (row, x) in rows.iter().zip(x.chunks_exact_mut(width)) {
            embeddings.dequantise_row(row.token as usize, x);
            let position = &self.positions[row.position * width..][..width];
            x.iter_mut().zip(position).for_each(|(v, position)| *v += position);
        }
        self.slots += count;
        let sees: Vec<&[u32]> = rows.iter().map(|row| row.sees).collect();
        context.resize(count * width, 0.0);
        for layer in &mut self.layers {
            quantise_normed(level, x, &layer.attention_norm, h, quantised);
            layer.qkv.apply(level, quantised, count, wide);
            h.clear();
            for row in wide.chunks_exact(3 * width) {
                h.extend_from_slice(&row[..width]);
                layer.keys.extend_from_slice(&row[width..2 * width]);
                layer.values.extend_from_slice(&row[2 * width..]);
            }
            let d = width / heads;
            attend_lineage(level, heads, d, h, &sees, &layer.keys, &layer.values, scores, context);
            quantised.quantise(level, context, width);
            layer.output.apply(level, quantised, count, h);
            add(x, h);

            quantise_normed(level, x, &layer.cross_norm, h, quantised);
            layer.query.apply(level, quantised, count, wide);
            attend_memory(level, &layer.memory, &wide[..count * width], scores, context);
            quantised.quantise(level, context, width);
            layer.cross_output.apply(level, quantised, count, h);
            add(x, h);

            quantise_normed(level, x, &layer.feed_norm, h, quantised);
            layer.up.apply(level, quantised, count, wide);
            apply(level, Pointwise::Gelu, wide);
            quantised.quantise(level, wide, self.config.feed_forward);
            layer.down.apply(level, quantised, count, h);
            add(x, h);
        }
        quantise_normed(level, &x[wanted * width..], &self.norm, h, quantised);
        logits.resize((count - wanted) * vocabulary, 0.0);
        product(level, embeddings, 0..vocabulary, quantised, logits, vocabulary);
        logits
    }
}

fn quantise_normed(level: Level, x: &[f32], norm: &Norm, scratch: &mut Vec<f32>, to: &mut Activations) {
    scratch.clear();
    scratch.extend_from_slice(x);
    layer_norm(level, scratch, &norm.gamma, &norm.beta, EPSILON);
    to.quantise(level, scratch, norm.gamma.len());
}

fn add(x: &mut [f32], y: &[f32]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}
