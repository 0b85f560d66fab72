//! Which variables a Whisper model has, read one layer at a time.

use mtor_shared::problem::Problem;

use super::config::{Config, KERNEL};
use crate::weights::{Ct2, Source};

/// `weight` is [outputs, inputs].
pub(super) struct Linear {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

pub(super) struct Norm {
    pub(super) gamma: Vec<f32>,
    pub(super) beta: Vec<f32>,
}

/// `weight` is [outputs, inputs, KERNEL].
pub(super) struct Convolution {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// Attention to the same sequence, then the feed-forward part.
pub(super) struct Layer {
    pub(super) attention_norm: Norm,
    pub(super) qkv: Linear,
    pub(super) output: Linear,
    pub(super) feed_norm: Norm,
    pub(super) up: Linear,
    pub(super) down: Linear,
}

/// What a layer of the decoder has between the two: attention to the encoder's states.
pub(super) struct Cross {
    pub(super) norm: Norm,
    pub(super) query: Linear,
    pub(super) keys_values: Linear,
    pub(super) output: Linear,
}

pub(super) async fn layer<S: Source>(file: &Ct2<S>, config: &Config, name: &str) -> Result<Layer, Problem> {
    let (width, wide) = (config.width, config.feed_forward);
    let part = |part: &str| format!("{name}/{part}");
    Ok(Layer {
        attention_norm: norm(file, &part("self_attention/layer_norm"), width).await?,
        qkv: linear(file, &part("self_attention/linear_0"), width, 3 * width).await?,
        output: linear(file, &part("self_attention/linear_1"), width, width).await?,
        feed_norm: norm(file, &part("ffn/layer_norm"), width).await?,
        up: linear(file, &part("ffn/linear_0"), width, wide).await?,
        down: linear(file, &part("ffn/linear_1"), wide, width).await?,
    })
}

pub(super) async fn cross<S: Source>(file: &Ct2<S>, config: &Config, name: &str) -> Result<Cross, Problem> {
    let width = config.width;
    let part = |part: &str| format!("{name}/attention/{part}");
    Ok(Cross {
        norm: norm(file, &part("layer_norm"), width).await?,
        query: linear(file, &part("linear_0"), width, width).await?,
        keys_values: linear(file, &part("linear_1"), width, 2 * width).await?,
        output: linear(file, &part("linear_2"), width, width).await?,
    })
}

pub(super) async fn convolution<S: Source>(
    file: &Ct2<S>,
    name: &str,
    inputs: usize,
    outputs: usize,
) -> Result<Convolution, Problem> {
    Ok(Convolution {
        inputs,
        outputs,
        weight: file.tensor(&format!("{name}/weight"), &[outputs, inputs, KERNEL]).await?,
        bias: file.tensor(&format!("{name}/bias"), &[outputs]).await?,
    })
}

async fn linear<S: Source>(
    file: &Ct2<S>,
    name: &str,
    inputs: usize,
    outputs: usize,
) -> Result<Linear, Problem> {
    Ok(Linear {
        inputs,
        outputs,
        weight: file.tensor(&format!("{name}/weight"), &[outputs, inputs]).await?,
        bias: file.tensor(&format!("{name}/bias"), &[outputs]).await?,
    })
}

pub(super) async fn norm<S: Source>(file: &Ct2<S>, name: &str, width: usize) -> Result<Norm, Problem> {
    Ok(Norm {
        gamma: file.tensor(&format!("{name}/gamma"), &[width]).await?,
        beta: file.tensor(&format!("{name}/beta"), &[width]).await?,
    })
}
