//! Sizes of a Whisper model, from the shapes of its variables.

use mtor_shared::problem::Problem;

use crate::weights::{Ct2, Source, unreadable};

/// Added to the variance in layer normalisation.
pub const EPSILON: f32 = 1e-5;
/// Neighbours that the two convolutions see.
pub const KERNEL: usize = 3;
/// Frames that the encoder makes one state of.
pub const STRIDE: usize = 2;

/// What a network is built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Bands of a mel frame.
    pub bands: usize,
    /// Elements of a state.
    pub width: usize,
    /// Heads of every attention.
    pub heads: usize,
    /// Layers of the encoder.
    pub encoder_layers: usize,
    /// Layers of the decoder.
    pub decoder_layers: usize,
    /// Elements between the two halves of the feed-forward parts.
    pub feed_forward: usize,
    /// Words and parts of words, special ones included.
    pub vocabulary: usize,
    /// States that the encoder makes of 30 s.
    pub positions: usize,
    /// Tokens that the decoder looks back on.
    pub context: usize,
}

impl Config {
    /// Reads the sizes.
    ///
    /// # Errors
    ///
    /// When the file is of another kind or does not fit together.
    pub async fn new<S: Source>(file: &Ct2<S>) -> Result<Self, Problem> {
        if file.specification() != "WhisperSpec" {
            return Err(unreadable(format_args!(
                "it is a {} instead of a Whisper model",
                file.specification()
            )));
        }
        let shape = |name: &str, rank: usize| {
            file.shape(name)
                .filter(|shape| shape.len() == rank && !shape.contains(&0))
                .map(<[usize]>::to_vec)
                .ok_or_else(|| unreadable(format_args!("there is no variable {name}")))
        };
        let layers = |part: &str| {
            (0..256)
                .take_while(|i| file.shape(&format!("{part}/layer_{i}/ffn/linear_0/bias")).is_some())
                .count()
        };
        let convolution = shape("encoder/conv1/weight", 3)?;
        let heads = file.integer("encoder/num_heads").await?;
        let config = Self {
            bands: convolution[1],
            width: convolution[0],
            heads: usize::try_from(heads).unwrap_or(0),
            encoder_layers: layers("encoder"),
            decoder_layers: layers("decoder"),
            feed_forward: shape("encoder/layer_0/ffn/linear_0/bias", 1)?[0],
            vocabulary: shape("decoder/embeddings/weight", 2)?[0],
            positions: shape("encoder/position_encodings/encodings", 2)?[0],
            context: shape("decoder/position_encodings/encodings", 2)?[0],
        };
        let sound = config.heads > 0
            && config.width.is_multiple_of(32 * config.heads.max(1))
            && config.feed_forward.is_multiple_of(32)
            && (16..=1 << 12).contains(&config.bands.max(16))
            && (4..=1 << 14).contains(&config.context)
            && config.positions <= 1 << 14
            && config.decoder_layers > 0;
        if !sound || file.integer("decoder/num_heads").await? != heads {
            return Err(unreadable(format_args!("the sizes {config:?} do not fit")));
        }
        Ok(config)
    }

    /// Elements of a head.
    pub fn head_width(&self) -> usize {
        self.width / self.heads
    }
}
