//! Which tensors a decoder has, and how they are read: one at a time, each handed to the backend before the next.

use mtor_shared::problem::Problem;

use super::config::Config;
use crate::weights::{Gguf, Source, TensorInfo};

/// Where matrices are put: the seam between the network and what computes it.
pub(super) trait Place {
    /// A matrix as this backend keeps it.
    type Matrix;

    /// Reads a matrix of [rows, columns] a few rows at a time and keeps it.
    async fn place<S: Source>(
        &mut self,
        file: &Gguf<S>,
        tensor: &TensorInfo,
    ) -> Result<Self::Matrix, Problem>;
}

/// y = W x + b.
pub(super) struct Linear<M> {
    pub(super) weight: M,
    /// Empty where there is none.
    pub(super) bias: Vec<f32>,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

/// One layer. Norms that a family does not have are empty.
pub(super) struct Layer<M> {
    pub(super) attention_norm: Vec<f32>,
    pub(super) query: Linear<M>,
    pub(super) key: Linear<M>,
    pub(super) value: Linear<M>,
    /// Over each head, like `key_norm`.
    pub(super) query_norm: Vec<f32>,
    pub(super) key_norm: Vec<f32>,
    pub(super) output: Linear<M>,
    pub(super) after_attention_norm: Vec<f32>,
    pub(super) feed_forward_norm: Vec<f32>,
    pub(super) gate: Linear<M>,
    pub(super) up: Linear<M>,
    pub(super) down: Linear<M>,
    pub(super) after_feed_forward_norm: Vec<f32>,
    /// Angles of the rotary embedding.
    pub(super) frequencies: Vec<f32>,
}

/// All weights.
pub(super) struct Network<M> {
    /// [vocabulary, width].
    pub(super) embedding: M,
    pub(super) vocabulary: usize,
    pub(super) layers: Vec<Layer<M>>,
    pub(super) norm: Vec<f32>,
    /// [vocabulary, width]; the embedding does where there is none.
    pub(super) output: Option<M>,
}

/// Reads everything; `loaded` is told after each part how much of 1 is done.
pub(super) async fn network<S: Source, P: Place>(
    file: &Gguf<S>,
    config: &Config,
    place: &mut P,
    mut loaded: impl FnMut(f64),
) -> Result<Network<P::Matrix>, Problem> {
    let Config { width, layers: count, .. } = *config;
    let parts = (count + 4) as f64;
    let vocabulary = file.find("token_embd.weight").map_or(0, TensorInfo::rows);
    let embedding = place.place(file, file.tensor("token_embd.weight", &[width, vocabulary])?).await?;
    loaded(2.0 / parts);
    let factors = match file.find("rope_freqs.weight") {
        Some(_) => file.values("rope_freqs.weight", &[config.head_width / 2]).await?,
        None => Vec::new(),
    };
    let mut layers = Vec::with_capacity(count);
    for index in 0..count {
        layers.push(layer(file, config, place, index, &factors).await?);
        loaded((index + 3) as f64 / parts);
    }
    let norm = file.values("output_norm.weight", &[width]).await?;
    let output = match file.find("output.weight") {
        Some(_) => Some(place.place(file, file.tensor("output.weight", &[width, vocabulary])?).await?),
        None => None,
    };
    loaded(1.0);
    Ok(Network { embedding, vocabulary, layers, norm, output })
}

async fn layer<S: Source, P: Place>(
    file: &Gguf<S>,
    config: &Config,
    place: &mut P,
    index: usize,
    factors: &[f32],
) -> Result<Layer<P::Matrix>, Problem> {
    let Config { width, feed_forward, heads, key_heads, head_width, .. } = *config;
    let name = |part: &str| format!("blk.{index}.{part}");
    let (queries, keys) = (heads * head_width, key_heads * head_width);
    Ok(Layer {
        attention_norm: file.values(&name("attn_norm.weight"), &[width]).await?,
        query: linear(file, place, &name("attn_q"), width, queries).await?,
        key: linear(file, place, &name("attn_k"), width, keys).await?,
        value: linear(file, place, &name("attn_v"), width, keys).await?,
        query_norm: optional(file, &name("attn_q_norm.weight"), head_width).await?,
        key_norm: optional(file, &name("attn_k_norm.weight"), head_width).await?,
        output: linear(file, place, &name("attn_output"), queries, width).await?,
        after_attention_norm: optional(file, &name("post_attention_norm.weight"), width).await?,
        feed_forward_norm: file.values(&name("ffn_norm.weight"), &[width]).await?,
        gate: linear(file, place, &name("ffn_gate"), width, feed_forward).await?,
        up: linear(file, place, &name("ffn_up"), width, feed_forward).await?,
        down: linear(file, place, &name("ffn_down"), feed_forward, width).await?,
        after_feed_forward_norm: optional(file, &name("post_ffw_norm.weight"), width).await?,
        frequencies: config.frequencies(index, factors),
    })
}

async fn linear<S: Source, P: Place>(
    file: &Gguf<S>,
    place: &mut P,
    name: &str,
    inputs: usize,
    outputs: usize,
) -> Result<Linear<P::Matrix>, Problem> {
    let weight = place.place(file, file.tensor(&format!("{name}.weight"), &[inputs, outputs])?).await?;
    let bias = optional(file, &format!("{name}.bias"), outputs).await?;
    Ok(Linear { weight, bias, inputs, outputs })
}

/// The numbers of a tensor that not every family has; none where it is missing.
async fn optional<S: Source>(file: &Gguf<S>, name: &str, length: usize) -> Result<Vec<f32>, Problem> {
    match file.find(name) {
        Some(_) => file.values(name, &[length]).await,
        None => Ok(Vec::new()),
    }
}
