//! Mel frames to states: two convolutions and layers of attention, all at 32 bits.

use mtor_shared::problem::Problem;

use super::super::{
    config::{Config, EPSILON, KERNEL, STRIDE},
    load::{self, Norm},
};
use crate::{
    kernels::{Activation, AttentionScratch, Level, Packed, attend, gemm, layer_norm},
    weights::{Ct2, Source},
};

pub(in super::super) struct Encoder {
    level: Level,
    config: Config,
    first: Convolution,
    second: Convolution,
    /// [positions, width].
    positions: Vec<f32>,
    layers: Vec<Layer>,
    norm: Norm,
    attention: AttentionScratch,
    rows: Vec<f32>,
    context: Vec<f32>,
    wide: Vec<f32>,
}

struct Convolution {
    weight: Packed,
    bias: Vec<f32>,
}

impl Convolution {
    /// Rows of inputs lie one after the other, so that neighbours are one longer row: k = KERNEL * inputs.
    fn new(from: load::Convolution) -> Self {
        let load::Convolution { inputs, outputs, weight, bias } = from;
        let at = |k: usize, output: usize| weight[(output * inputs + k % inputs) * KERNEL + k / inputs];
        Self { weight: Packed::new(KERNEL * inputs, outputs, at), bias }
    }
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

    fn apply(&self, level: Level, rows: usize, from: &[f32], activation: Activation, to: &mut [f32]) {
        gemm(level, rows, from, self.inputs, &self.weight, &self.bias, activation, to, self.weight.columns());
    }
}

struct Layer {
    attention_norm: Norm,
    qkv: Linear,
    output: Linear,
    feed_norm: Norm,
    up: Linear,
    down: Linear,
}

impl Encoder {
    pub(in super::super) async fn load<S: Source>(
        file: &Ct2<S>,
        config: Config,
        mut loaded: impl FnMut(f64),
    ) -> Result<Self, Problem> {
        let width = config.width;
        let first = load::convolution(file, "encoder/conv1", config.bands, width).await?;
        let second = load::convolution(file, "encoder/conv2", width, width).await?;
        let positions =
            file.tensor("encoder/position_encodings/encodings", &[config.positions, width]).await?;
        let mut layers = Vec::with_capacity(config.encoder_layers);
        for index in 0..config.encoder_layers {
            let layer = load::layer(file, &config, &format!("encoder/layer_{index}")).await?;
            layers.push(Layer {
                attention_norm: layer.attention_norm,
                qkv: Linear::new(layer.qkv),
                output: Linear::new(layer.output),
                feed_norm: layer.feed_norm,
                up: Linear::new(layer.up),
                down: Linear::new(layer.down),
            });
            loaded((index + 1) as f64 / config.encoder_layers as f64);
        }
        Ok(Self {
            level: Level::detect(),
            config,
            first: Convolution::new(first),
            second: Convolution::new(second),
            positions,
            layers,
            norm: load::norm(file, "encoder/layer_norm", width).await?,
            attention: AttentionScratch::default(),
            rows: Vec::new(),
            context: Vec::new(),
            wide: Vec::new(),
        })
    }

    /// `mel` is [frames, bands], an even number of frames up to twice the model's positions; the result is
    /// [frames / 2, width].
    pub(in super::super) fn forward(&mut self, mel: &[f32]) -> Vec<f32> {
        let Config { bands, width, heads, feed_forward, .. } = self.config;
        let Self { level, first, second, attention, rows, context, wide, .. } = self;
        let level = *level;
        let none = Activation::Identity;
        let frames = mel.len() / bands;
        let count = frames / STRIDE;

        // A row of zeros before and after.
        rows.clear();
        rows.resize((frames + 2) * bands, 0.0);
        rows[bands..(frames + 1) * bands].copy_from_slice(&mel[..frames * bands]);
        wide.clear();
        wide.resize(((frames + 2) * width).max(count * feed_forward.max(3 * width)), 0.0);
        let gelu = Activation::Gelu;
        gemm(level, frames, rows, bands, &first.weight, &first.bias, gelu, &mut wide[width..], width);
        let mut x = vec![0.0; count * width];
        gemm(level, count, wide, STRIDE * width, &second.weight, &second.bias, gelu, &mut x, width);
        for (x, position) in x.iter_mut().zip(&self.positions) {
            *x += position;
        }

        context.resize(count * width, 0.0);
        for layer in &self.layers {
            normed(level, &x, &layer.attention_norm, rows);
            layer.qkv.apply(level, count, rows, none, wide);
            attend(level, attention, wide, count, heads, width / heads, context);
            layer.output.apply(level, count, context, none, rows);
            add(&mut x, rows);
            normed(level, &x, &layer.feed_norm, rows);
            layer.up.apply(level, count, rows, gelu, wide);
            layer.down.apply(level, count, wide, none, rows);
            add(&mut x, rows);
        }
        layer_norm(level, &mut x, &self.norm.gamma, &self.norm.beta, EPSILON);
        x
    }
}

/// `to = norm(x)`.
fn normed(level: Level, x: &[f32], norm: &Norm, to: &mut Vec<f32>) {
    to.clear();
    to.extend_from_slice(x);
    layer_norm(level, to, &norm.gamma, &norm.beta, EPSILON);
}

fn add(x: &mut [f32], y: &[f32]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}
