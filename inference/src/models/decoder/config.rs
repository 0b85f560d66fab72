//! Sizes and habits of a decoder, from the file's own metadata.

use mtor_shared::problem::{Problem, ProblemCode};

use crate::{
    kernels::{Gate, Pairing},
    weights::{Metadata, unreadable},
};

/// Families of decoders. They differ in what [`Config`] says and in which tensors a layer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Qwen2 and Qwen2.5: biases on queries, keys and values.
    Qwen2,
    /// Gemma 3: norms around everything, a sliding window in five layers of six.
    Gemma3,
    /// Llama and whatever has its shape: Mistral, SmolLM2, TinyLlama.
    Llama,
}

impl Architecture {
    /// What this file is of.
    ///
    /// # Errors
    ///
    /// `unsupported` with the file's name of it.
    pub fn of(metadata: &Metadata) -> Result<Self, Problem> {
        match metadata.text("general.architecture") {
            Some("qwen2") => Ok(Self::Qwen2),
            Some("gemma3") => Ok(Self::Gemma3),
            Some("llama") => Ok(Self::Llama),
            other => Err(unsupported(format_args!(
                "The architecture of this model is {}, and MTOR runs qwen2, gemma3 and llama.",
                other.unwrap_or("not told")
            ))),
        }
    }

    fn key(self, name: &str) -> String {
        let family = match self {
            Self::Qwen2 => "qwen2",
            Self::Gemma3 => "gemma3",
            Self::Llama => "llama",
        };
        format!("{family}.{name}")
    }
}

fn unsupported(what: std::fmt::Arguments<'_>) -> Problem {
    Problem::new(ProblemCode::Unsupported, what.to_string(), "Choose another model.")
}

/// What a network is built from.
#[derive(Clone, Debug)]
pub struct Config {
    /// The family.
    pub architecture: Architecture,
    /// Layers.
    pub layers: usize,
    /// Elements of a token's state.
    pub width: usize,
    /// Elements between the two halves of the feed-forward part.
    pub feed_forward: usize,
    /// Query heads.
    pub heads: usize,
    /// Heads of keys and values.
    pub key_heads: usize,
    /// Elements of a head.
    pub head_width: usize,
    /// Tokens that the model was trained to look back on.
    pub context: usize,
    /// Added to the mean square in normalisation.
    pub epsilon: f32,
    /// What the token's embedding is multiplied with.
    pub embedding_scale: f32,
    /// What attention scores are multiplied with.
    pub attention_scale: f32,
    /// The feed-forward part's gate.
    pub(crate) gate: Gate,
    /// Which elements of a head are turned together.
    pub(crate) pairing: Pairing,
    rope_base: f32,
    rope_scale: f32,
    local: Option<Local>,
}

/// Layers that see only near tokens.
#[derive(Clone, Copy, Debug)]
struct Local {
    window: usize,
    rope_base: f32,
    /// Every `period`th layer sees everything.
    period: usize,
}

impl Config {
    /// Reads the metadata.
    ///
    /// # Errors
    ///
    /// `unsupported` for what MTOR does not run; otherwise when a size is missing or impossible.
    pub fn new(metadata: &Metadata) -> Result<Self, Problem> {
        let architecture = Architecture::of(metadata)?;
        let key = |name: &str| architecture.key(name);
        let size = |name: &str, limit: usize| metadata.size(&key(name), limit);
        let layers = size("block_count", 256)?;
        let width = size("embedding_length", 1 << 16)?;
        let heads = size("attention.head_count", 1 << 10)?;
        let key_heads = match metadata.get(&key("attention.head_count_kv")) {
            Some(_) => size("attention.head_count_kv", heads)?,
            None => heads,
        };
        let head_width = match metadata.get(&key("attention.key_length")) {
            Some(_) => size("attention.key_length", 1 << 12)?,
            None => width / heads,
        };
        let same = |name: &str| metadata.count(&key(name)).is_none_or(|count| count == head_width);
        if head_width == 0 || head_width % 2 != 0 || heads % key_heads != 0 {
            return Err(unreadable(format_args!(
                "{heads} query heads, {key_heads} key heads and a head width of {head_width} do not fit"
            )));
        }
        if !same("attention.value_length") || !same("rope.dimension_count") {
            return Err(unsupported(format_args!(
                "The heads of this model have parts of different widths, which MTOR does not run."
            )));
        }
        let rope_scale = match metadata.text(&key("rope.scaling.type")) {
            None | Some("none") => 1.0,
            Some("linear") => 1.0 / metadata.float(&key("rope.scaling.factor")).unwrap_or(1.0),
            Some(other) => {
                return Err(unsupported(format_args!(
                    "The model stretches its context by {other}, which MTOR does not run."
                )));
            }
        };
        if metadata.count(&key("expert_count")).is_some_and(|experts| experts > 0) {
            return Err(unsupported(format_args!(
                "The model is a mixture of experts, which MTOR does not run."
            )));
        }
        let gemma = architecture == Architecture::Gemma3;
        Ok(Self {
            architecture,
            layers,
            width,
            feed_forward: size("feed_forward_length", 1 << 18)?,
            heads,
            key_heads,
            head_width,
            context: size("context_length", 1 << 24)?,
            epsilon: metadata.float(&key("attention.layer_norm_rms_epsilon")).unwrap_or(1e-6),
            embedding_scale: if gemma { (width as f32).sqrt() } else { 1.0 },
            // The largest Gemma 3 is the one that scales by the width a head would have without its own.
            attention_scale: if gemma && layers == 62 {
                1.0 / ((width / heads) as f32).sqrt()
            } else {
                1.0 / (head_width as f32).sqrt()
            },
            gate: if gemma { Gate::GeluTanh } else { Gate::Silu },
            pairing: if architecture == Architecture::Llama { Pairing::Neighbours } else { Pairing::Halves },
            rope_base: metadata.float(&key("rope.freq_base")).unwrap_or(10_000.0),
            rope_scale,
            local: match metadata.count(&key("attention.sliding_window")) {
                Some(window) if gemma && window > 0 => Some(Local {
                    window,
                    rope_base: metadata.float(&key("rope.freq_base_swa")).unwrap_or(10_000.0),
                    period: 6,
                }),
                _ => None,
            },
        })
    }

    fn local(&self, layer: usize) -> Option<Local> {
        self.local.filter(|local| !(layer + 1).is_multiple_of(local.period))
    }

    /// How many tokens, itself included, a token sees in this layer; all where there is none.
    pub fn window(&self, layer: usize) -> Option<usize> {
        self.local(layer).map(|local| local.window)
    }

    /// The angles by which a layer turns the pairs of a head for each position; `factors` slow some of them down.
    pub fn frequencies(&self, layer: usize, factors: &[f32]) -> Vec<f32> {
        let (base, scale) = match self.local(layer) {
            Some(local) => (local.rope_base, 1.0),
            None => (self.rope_base, self.rope_scale),
        };
        (0..self.head_width / 2)
            .map(|pair| {
                let exponent = -2.0 * pair as f64 / self.head_width as f64;
                let factor = factors.get(pair).copied().unwrap_or(1.0);
                (f64::from(base).powf(exponent) * f64::from(scale / factor)) as f32
            })
            .collect()
    }
}
