//! The weights as both implementations want them: one tensor at a time, each handed over before the next is read.

use mtor_shared::problem::Problem;

use super::config::{FEED_FORWARD, LAYERS, POSITIONS, VOCABULARY, WIDTH};
use crate::weights::{SafeTensors, Source};

/// y = x W + b. `weight` is stored as the file has it, [outputs, inputs].
pub(super) struct Linear {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// Scale and shift of a layer normalisation.
pub(super) struct Norm {
    pub(super) gamma: Vec<f32>,
    pub(super) beta: Vec<f32>,
}

/// What the words are looked up in.
pub(super) struct Embeddings {
    /// [VOCABULARY, WIDTH].
    pub(super) words: Vec<f32>,
    /// [POSITIONS, WIDTH], the embedding of token type 0 added to each row: there is no other type here.
    pub(super) positions: Vec<f32>,
    pub(super) norm: Norm,
}

/// One encoder layer.
pub(super) struct Layer {
    /// Queries, keys and values side by side: outputs = 3 WIDTH.
    pub(super) qkv: Linear,
    pub(super) output: Linear,
    pub(super) attention_norm: Norm,
    pub(super) up: Linear,
    pub(super) down: Linear,
    pub(super) output_norm: Norm,
}

/// Reads the embeddings.
pub(super) async fn embeddings<S: Source>(file: &SafeTensors<S>) -> Result<Embeddings, Problem> {
    let words = file.tensor("embeddings.word_embeddings.weight", &[VOCABULARY, WIDTH]).await?;
    let mut positions = file.tensor("embeddings.position_embeddings.weight", &[POSITIONS, WIDTH]).await?;
    let types = file.tensor("embeddings.token_type_embeddings.weight", &[2, WIDTH]).await?;
    for row in positions.chunks_exact_mut(WIDTH) {
        for (position, kind) in row.iter_mut().zip(&types) {
            *position += kind;
        }
    }
    Ok(Embeddings { words, positions, norm: norm(file, "embeddings.LayerNorm").await? })
}

/// Reads layer `index`, of [`LAYERS`].
pub(super) async fn layer<S: Source>(file: &SafeTensors<S>, index: usize) -> Result<Layer, Problem> {
    debug_assert!(index < LAYERS);
    let name = |part: &str| format!("encoder.layer.{index}.{part}");
    let mut qkv = linear(file, &name("attention.self.query"), WIDTH, WIDTH).await?;
    for part in ["attention.self.key", "attention.self.value"] {
        let more = linear(file, &name(part), WIDTH, WIDTH).await?;
        qkv.outputs += more.outputs;
        qkv.weight.extend(more.weight);
        qkv.bias.extend(more.bias);
    }
    Ok(Layer {
        qkv,
        output: linear(file, &name("attention.output.dense"), WIDTH, WIDTH).await?,
        attention_norm: norm(file, &name("attention.output.LayerNorm")).await?,
        up: linear(file, &name("intermediate.dense"), WIDTH, FEED_FORWARD).await?,
        down: linear(file, &name("output.dense"), FEED_FORWARD, WIDTH).await?,
        output_norm: norm(file, &name("output.LayerNorm")).await?,
    })
}

async fn linear<S: Source>(
    file: &SafeTensors<S>,
    name: &str,
    inputs: usize,
    outputs: usize,
) -> Result<Linear, Problem> {
    Ok(Linear {
        inputs,
        outputs,
        weight: file.tensor(&format!("{name}.weight"), &[outputs, inputs]).await?,
        bias: file.tensor(&format!("{name}.bias"), &[outputs]).await?,
    })
}

async fn norm<S: Source>(file: &SafeTensors<S>, name: &str) -> Result<Norm, Problem> {
    Ok(Norm {
        gamma: file.tensor(&format!("{name}.weight"), &[WIDTH]).await?,
        beta: file.tensor(&format!("{name}.bias"), &[WIDTH]).await?,
    })
}
