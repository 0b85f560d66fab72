//! The network as a burn graph, for the GPU. It runs on every device that burn has; on the CPU the kernels of
//! `cpu.rs` do the same about twice as fast.

use burn::tensor::{
    Device, Int, Tensor, TensorData,
    activation::{gelu, softmax},
    module::{embedding, layer_norm, linear},
};
use mtor_shared::problem::{Problem, ProblemCode};

use super::{
    config::{EPSILON, HEAD_WIDTH, HEADS, LAYERS, POSITIONS, TOKEN_LIMIT, VOCABULARY, WIDTH},
    load,
};
use crate::weights::{SafeTensors, Source};

/// Sequences are padded to one of these lengths, so that few kernels are compiled and reused.
const BUCKETS: [usize; 5] = [16, 32, 64, 128, TOKEN_LIMIT];
/// Added to the scores of padding: e^x is then zero.
const MASKED: f32 = -1e9;

/// The encoder with its weights on a device.
pub(super) struct Encoder {
    device: Device,
    words: Tensor<2>,
    positions: Tensor<2>,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Layer {
    qkv: Linear,
    output: Linear,
    attention_norm: Norm,
    up: Linear,
    down: Linear,
    output_norm: Norm,
}

/// `weight` is [inputs, outputs].
struct Linear {
    weight: Tensor<2>,
    bias: Tensor<1>,
}

impl Linear {
    fn new(from: load::Linear, device: &Device) -> Self {
        // Turned here, once: burn's matmul reads rows of the right-hand side.
        let load::Linear { inputs, outputs, weight, .. } = &from;
        let turned = (0..inputs * outputs).map(|at| weight[at % outputs * inputs + at / outputs]).collect();
        Self {
            weight: Tensor::from_data(TensorData::new::<f32, _>(turned, [*inputs, *outputs]), device),
            bias: Tensor::from_data(TensorData::new(from.bias, [from.outputs]), device),
        }
    }

    fn apply(&self, x: Tensor<3>) -> Tensor<3> {
        linear(x, self.weight.clone(), Some(self.bias.clone()))
    }
}

struct Norm {
    gamma: Tensor<1>,
    beta: Tensor<1>,
}

impl Norm {
    fn new(from: load::Norm, device: &Device) -> Self {
        Self {
            gamma: Tensor::from_data(TensorData::new(from.gamma, [WIDTH]), device),
            beta: Tensor::from_data(TensorData::new(from.beta, [WIDTH]), device),
        }
    }

    fn apply(&self, x: Tensor<3>) -> Tensor<3> {
        layer_norm(x, self.gamma.clone(), Some(self.beta.clone()), EPSILON)
    }
}

impl Layer {
    /// `x` and the result are [batch, tokens, WIDTH]; `bias` is [batch, 1, 1, tokens].
    fn apply(&self, x: Tensor<3>, bias: &Tensor<4>) -> Tensor<3> {
        let [batch, tokens, _] = x.dims();
        // [batch, 3 HEADS, tokens, HEAD_WIDTH]: queries, keys, values; views, no copies.
        let qkv = self.qkv.apply(x.clone()).reshape([batch, tokens, 3 * HEADS, HEAD_WIDTH]).swap_dims(1, 2);
        let query = qkv.clone().narrow(1, 0, HEADS);
        let key = qkv.clone().narrow(1, HEADS, HEADS);
        let value = qkv.narrow(1, 2 * HEADS, HEADS);
        let scores = query.matmul(key.transpose()) / (HEAD_WIDTH as f64).sqrt() + bias.clone();
        let context = softmax(scores, 3).matmul(value).swap_dims(1, 2).reshape([batch, tokens, WIDTH]);
        let x = self.attention_norm.apply(x + self.output.apply(context));
        let change = self.down.apply(gelu(self.up.apply(x.clone())));
        self.output_norm.apply(x + change)
    }
}

impl Encoder {
    /// Reads the weights and moves them to the device; `loaded` is told after each part how much of 1 is done.
    pub(super) async fn load<S: Source>(
        file: &SafeTensors<S>,
        device: &Device,
        mut loaded: impl FnMut(f64),
    ) -> Result<Self, Problem> {
        let embeddings = load::embeddings(file).await?;
        let words = Tensor::from_data(TensorData::new(embeddings.words, [VOCABULARY, WIDTH]), device);
        let positions = Tensor::from_data(TensorData::new(embeddings.positions, [POSITIONS, WIDTH]), device);
        let norm = Norm::new(embeddings.norm, device);
        loaded(0.5);
        let mut layers = Vec::with_capacity(LAYERS);
        for index in 0..LAYERS {
            let layer = load::layer(file, index).await?;
            layers.push(Layer {
                qkv: Linear::new(layer.qkv, device),
                output: Linear::new(layer.output, device),
                attention_norm: Norm::new(layer.attention_norm, device),
                up: Linear::new(layer.up, device),
                down: Linear::new(layer.down, device),
                output_norm: Norm::new(layer.output_norm, device),
            });
            loaded(0.5 + 0.5 * (index + 1) as f64 / LAYERS as f64);
        }
        Ok(Self { device: device.clone(), words, positions, norm, layers })
    }

    /// The mean of each sequence's token states times its length: one vector of WIDTH a sequence, not normalised.
    ///
    /// # Errors
    ///
    /// `device-lost` when the device cannot give the result.
    pub(super) async fn sums(&self, batch: &[&[u32]]) -> Result<Vec<Vec<f32>>, Problem> {
        let count = batch.len();
        let longest = batch.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let tokens = BUCKETS.into_iter().find(|bucket| *bucket >= longest).unwrap_or(TOKEN_LIMIT);
        let mut ids = vec![0i32; count * tokens];
        let mut mask = vec![0f32; count * tokens];
        for (row, sequence) in batch.iter().enumerate() {
            for (column, id) in sequence.iter().enumerate() {
                ids[row * tokens + column] = *id as i32;
                mask[row * tokens + column] = 1.0;
            }
        }
        let bias: Vec<f32> = mask.iter().map(|real| (1.0 - real) * MASKED).collect();
        let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [count, tokens]), &self.device);
        let mask = Tensor::<3>::from_data(TensorData::new(mask, [count, 1, tokens]), &self.device);
        let bias = Tensor::<4>::from_data(TensorData::new(bias, [count, 1, 1, tokens]), &self.device);

        let positions = self.positions.clone().narrow(0, 0, tokens).unsqueeze_dim::<3>(0);
        let mut x = self.norm.apply(embedding(self.words.clone(), ids) + positions);
        for layer in &self.layers {
            x = layer.apply(x, &bias);
        }
        let sums = mask.matmul(x);

        let data = sums.into_data_async().await.map_err(|error| lost(&error))?;
        let values: Vec<f32> = data.try_into_vec().map_err(|error| lost(&error))?;
        Ok(values.chunks_exact(WIDTH).map(<[f32]>::to_vec).collect())
    }
}

fn lost(error: &dyn std::fmt::Debug) -> Problem {
    Problem::retryable(
        ProblemCode::DeviceLost,
        format!("The GPU did not give a result ({error:?})."),
        "The model loads again; choose the CPU if this happens more than once.",
    )
}
