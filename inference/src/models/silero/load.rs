//! Which tensors the file has.

use mtor_shared::problem::Problem;

use super::config::{BINS, CONTEXT, CONVOLUTIONS, FRAME, HIDDEN, KERNEL, WINDOW};
use crate::{
    kernels::Packed,
    weights::{Ggml, Source, unreadable},
};

/// Three of the version, then the sizes.
const NUMBERS: usize = 3 + 3 + 3 * CONVOLUTIONS.len() + 4;

pub(super) struct Weights {
    /// [FRAME, 2 BINS].
    pub(super) basis: Packed,
    pub(super) convolutions: Vec<Convolution>,
    /// [2 HIDDEN, 4 HIDDEN]: input and state to the gates: input, forget, cell, output.
    pub(super) gates: Packed,
    pub(super) gates_bias: Vec<f32>,
    pub(super) output: Vec<f32>,
    pub(super) output_bias: f32,
}

pub(super) struct Convolution {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) stride: usize,
    /// [KERNEL inputs, outputs].
    pub(super) weight: Packed,
    pub(super) bias: Vec<f32>,
}

pub(super) async fn weights<S: Source>(source: S) -> Result<Weights, Problem> {
    let file = Ggml::open(source, "silero-16k", NUMBERS).await?;
    let sizes = [WINDOW, CONTEXT, CONVOLUTIONS.len()];
    let sizes = sizes.into_iter().chain(
        CONVOLUTIONS
            .iter()
            .flat_map(|(inputs, outputs, _)| [*inputs, *outputs, KERNEL])
            .chain([HIDDEN, HIDDEN, HIDDEN, 1]),
    );
    if !file.numbers().iter().skip(3).map(|n| *n as usize).eq(sizes) {
        return Err(unreadable("the voice detector has other sizes than version 5 and 6"));
    }
    let basis = file.tensor("_model.stft.forward_basis_buffer", &[2 * BINS, 1, FRAME]).await?;
    let mut convolutions = Vec::new();
    for (index, (inputs, outputs, stride)) in CONVOLUTIONS.into_iter().enumerate() {
        let name = |part: &str| format!("_model.encoder.{index}.reparam_conv.{part}");
        let weight = file.tensor(&name("weight"), &[outputs, inputs, KERNEL]).await?;
        convolutions.push(Convolution {
            inputs,
            outputs,
            stride,
            weight: Packed::new(KERNEL * inputs, outputs, |k, output| {
                weight[(output * inputs + k % inputs) * KERNEL + k / inputs]
            }),
            bias: file.tensor(&name("bias"), &[outputs]).await?,
        });
    }
    let rnn = |part: &str| format!("_model.decoder.rnn.{part}");
    let from_input = file.tensor(&rnn("weight_ih"), &[4 * HIDDEN, HIDDEN]).await?;
    let from_state = file.tensor(&rnn("weight_hh"), &[4 * HIDDEN, HIDDEN]).await?;
    let input_bias = file.tensor(&rnn("bias_ih"), &[4 * HIDDEN]).await?;
    let state_bias = file.tensor(&rnn("bias_hh"), &[4 * HIDDEN]).await?;
    Ok(Weights {
        basis: Packed::new(FRAME, 2 * BINS, |sample, row| basis[row * FRAME + sample]),
        convolutions,
        gates: Packed::new(2 * HIDDEN, 4 * HIDDEN, |k, gate| {
            if k < HIDDEN { from_input[gate * HIDDEN + k] } else { from_state[gate * HIDDEN + k - HIDDEN] }
        }),
        gates_bias: input_bias.iter().zip(&state_bias).map(|(a, b)| a + b).collect(),
        output: file.tensor("_model.decoder.decoder.2.weight", &[1, HIDDEN]).await?,
        output_bias: file
            .tensor("_model.decoder.decoder.2.bias", &[1])
            .await?
            .first()
            .copied()
            .unwrap_or(0.0),
    })
}
