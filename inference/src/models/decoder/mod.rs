//! Language models that go on with a text, token by token: Qwen2, Gemma 3, Llama.
//!
//! [`config`] says what a family is like, `load` which tensors it has; both know nothing of how it is computed. `cpu`
//! and `gpu` compute it on their kernels.

pub mod config;
mod cpu;
#[cfg(feature = "gpu")]
mod gpu;
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

/// Tokens that are looked back on at most, even where a model was trained on more: each takes up to 0.1 MB of memory.
pub const CONTEXT: usize = 4096;

/// Candidates that are enough for choosing the next token without penalties.
pub const CANDIDATES: usize = 64;

/// A loaded network and what it has read so far.
pub struct Decoder {
    network: Network,
    limit: usize,
}

enum Network {
    Kernels(Box<cpu::Decoder>),
    #[cfg(feature = "gpu")]
    Gpu(Box<gpu::Decoder>),
}

/// How likely the next tokens are, before it is known what a sampler makes of it.
#[derive(Clone, Copy, Debug)]
pub enum Logits<'a> {
    /// One for every word of the vocabulary.
    All(&'a [f32]),
    /// The best ones with their ids, best first; of equals the lower id first.
    Best(&'a [(u32, f32)]),
}

impl<'a> Logits<'a> {
    /// Ids and their logits.
    pub fn iter(self) -> impl Iterator<Item = (u32, f32)> + 'a {
        let (all, best): (&[f32], &[(u32, f32)]) = match self {
            Self::All(all) => (all, &[]),
            Self::Best(best) => (&[], best),
        };
        (0u32..).zip(all.iter().copied()).chain(best.iter().copied())
    }
}

impl<'a> From<&'a [f32]> for Logits<'a> {
    fn from(all: &'a [f32]) -> Self {
        Self::All(all)
    }
}

impl<'a, const N: usize> From<&'a [f32; N]> for Logits<'a> {
    fn from(all: &'a [f32; N]) -> Self {
        Self::All(all)
    }
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
        let limit = config.context.min(CONTEXT);
        let network = match target {
            Target::Kernels => Network::Kernels(Box::new(cpu::Decoder::load(file, config, loaded).await?)),
            #[cfg(feature = "gpu")]
            Target::Gpu(gpu) => {
                Network::Gpu(Box::new(gpu::Decoder::load(file, config, limit, gpu, loaded).await?))
            }
        };
        Ok(Self { network, limit })
    }

    /// Where it computes.
    pub fn backend(&self) -> Backend {
        match self.network {
            Network::Kernels(_) => Backend::Cpu,
            #[cfg(feature = "gpu")]
            Network::Gpu(_) => Backend::Gpu,
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
            #[cfg(feature = "gpu")]
            Network::Gpu(decoder) => decoder.positions(),
        }
    }

    /// Bytes of the weights in memory.
    pub fn bytes(&self) -> usize {
        match &self.network {
            Network::Kernels(decoder) => decoder.bytes(),
            #[cfg(feature = "gpu")]
            Network::Gpu(decoder) => decoder.bytes(),
        }
    }

    /// Forgets everything after the first `positions` tokens.
    pub fn rewind(&mut self, positions: usize) {
        match &mut self.network {
            Network::Kernels(decoder) => decoder.rewind(positions),
            #[cfg(feature = "gpu")]
            Network::Gpu(decoder) => decoder.rewind(positions),
        }
    }

    fn vocabulary(&self) -> usize {
        match &self.network {
            Network::Kernels(decoder) => decoder.vocabulary(),
            #[cfg(feature = "gpu")]
            Network::Gpu(decoder) => decoder.vocabulary(),
        }
    }

    /// Dispatches that one token takes; none on the CPU.
    pub fn dispatches(&self) -> Option<usize> {
        match &self.network {
            Network::Kernels(_) => None,
            #[cfg(feature = "gpu")]
            Network::Gpu(decoder) => Some(decoder.dispatches()),
        }
    }

    /// Reads the tokens that come next, at least one and at most [`BATCH`]; what follows them is not wanted.
    ///
    /// # Errors
    ///
    /// As [`Decoder::advance`].
    pub async fn read(&mut self, ids: &[u32]) -> Result<(), Problem> {
        self.check(ids)?;
        match &mut self.network {
            Network::Kernels(decoder) => decoder.read(ids),
            #[cfg(feature = "gpu")]
            Network::Gpu(decoder) => decoder.read(ids).await?,
        }
        Ok(())
    }

    /// Reads the tokens that come next, at least one and at most [`BATCH`]; the logits of what follows the last one.
    /// `best` says that the best [`CANDIDATES`] are enough; there may be more.
    ///
    /// # Errors
    ///
    /// `bad-request` for an id beyond the vocabulary or too many tokens at a time, `too-large` for more tokens than
    /// the model looks back on, `device-lost` when the GPU gives nothing back.
    #[cfg_attr(not(feature = "gpu"), expect(unused_variables, reason = "the CPU always has all of them"))]
    pub async fn advance(&mut self, ids: &[u32], best: bool) -> Result<Logits<'_>, Problem> {
        self.check(ids)?;
        match &mut self.network {
            Network::Kernels(decoder) => Ok(Logits::All(decoder.advance(ids))),
            #[cfg(feature = "gpu")]
            Network::Gpu(decoder) => {
                if best {
                    decoder.best(ids).await.map(Logits::Best)
                } else {
                    decoder.advance(ids).await.map(Logits::All)
                }
            }
        }
    }

    fn check(&self, ids: &[u32]) -> Result<(), Problem> {
        let (positions, limit, vocabulary) = (self.positions(), self.limit, self.vocabulary());
        if ids.is_empty() || ids.len() > BATCH || ids.iter().any(|id| *id as usize >= vocabulary) {
            return Err(Problem::new(
                ProblemCode::BadRequest,
                format!(
                    "The model reads 1 to {BATCH} tokens at a time, and its tokens are 0 to {}.",
                    vocabulary.saturating_sub(1)
                ),
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
        Ok(())
    }
}
