//! Language models that go on with a text, token by token: Qwen2, Gemma 3, Llama.
//!
//! [`config`] says what a family is like, `load` which tensors it has; both know nothing of how it is computed. `cpu`
//! computes it on the kernels; a backend for a GPU implements `load::Place` and the methods of `cpu::Decoder`.

pub mod config;
mod cpu;
mod load;

use mtor_shared::{
    engine::Backend,
    problem::{Problem, ProblemCode},
};

use crate::{
    device::Target,
    weights::{Gguf, Source},
};
use config::Config;

/// Tokens that are read in one pass: what cannot be stopped, about half a second on one CPU thread.
pub const BATCH: usize = 64;

/// A loaded network and what it has read so far.
pub struct Decoder {
    network: Network,
    limit: usize,
}

enum Network {
    Kernels(Box<cpu::Decoder>),
}

impl Decoder {
    /// Loads the network onto `target`; `loaded` is told after each part how much of 1 is done.
    ///
    /// # Errors
    ///
    /// When the file is not of a family or format that MTOR runs, or cannot be read.
    pub async fn load<S: Source>(
        file: &Gguf<S>,
        target: &Target,
        loaded: impl FnMut(f64),
    ) -> Result<Self, Problem> {
        let config = Config::new(&file.metadata)?;
        let limit = config.context;
        let network = match target {
            Target::Kernels => Network::Kernels(Box::new(cpu::Decoder::load(file, config, loaded).await?)),
            #[cfg(feature = "gpu")]
            Target::Graph(_) => {
                return Err(Problem::new(
                    ProblemCode::Unsupported,
                    "Language models do not run on the GPU yet.",
                    "Choose the CPU.",
                ));
            }
        };
        Ok(Self { network, limit })
    }

    /// Where it computes.
    pub fn backend(&self) -> Backend {
        match self.network {
            Network::Kernels(_) => Backend::Cpu,
        }
    }

    /// Tokens that the model was trained to look back on.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Tokens read so far.
    pub fn positions(&self) -> usize {
        match &self.network {
            Network::Kernels(decoder) => decoder.positions(),
        }
    }

    /// Bytes of the weights in memory.
    pub fn bytes(&self) -> usize {
        match &self.network {
            Network::Kernels(decoder) => decoder.bytes(),
        }
    }

    /// Forgets everything after the first `positions` tokens.
    pub fn rewind(&mut self, positions: usize) {
        match &mut self.network {
            Network::Kernels(decoder) => decoder.rewind(positions),
        }
    }

    /// Reads the tokens that come next, at least one and best at most [`BATCH`]; the logits of what follows the last
    /// one, one for every word of the vocabulary.
    ///
    /// # Errors
    ///
    /// `bad-request` for an id beyond the vocabulary or more tokens than the model looks back on.
    pub async fn advance(&mut self, ids: &[u32]) -> Result<&[f32], Problem> {
        let (positions, limit) = (self.positions(), self.limit);
        let Network::Kernels(decoder) = &mut self.network;
        let vocabulary = decoder.vocabulary();
        if ids.is_empty() || ids.iter().any(|id| *id as usize >= vocabulary) {
            return Err(Problem::new(
                ProblemCode::BadRequest,
                format!("The model reads at least one token, and its tokens are 0 to {}.", vocabulary - 1),
                "",
            ));
        }
        if positions + ids.len() > limit {
            return Err(Problem::new(
                ProblemCode::TooLarge,
                format!("The model looks back on {limit} tokens, and there are more."),
                "Shorten the text.",
            ));
        }
        Ok(decoder.advance(ids))
    }
}
