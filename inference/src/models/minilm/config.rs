//! Sizes of all-MiniLM-L6-v2, a BERT with six small layers.

/// Encoder layers.
pub const LAYERS: usize = 6;
/// Elements of a token's state, and of an embedding.
pub const WIDTH: usize = 384;
/// Attention heads.
pub const HEADS: usize = 12;
/// Elements of a head.
pub const HEAD_WIDTH: usize = WIDTH / HEADS;
/// Elements between the two halves of the feed-forward part.
pub const FEED_FORWARD: usize = 1536;
/// Words and parts of words.
pub const VOCABULARY: usize = 30_522;
/// Rows of the position table.
pub const POSITIONS: usize = 512;
/// Tokens of a text that count, `[CLS]` and `[SEP]` included; the rest is cut off.
pub const TOKEN_LIMIT: usize = 256;
/// Added to the variance in layer normalisation.
pub const EPSILON: f64 = 1e-12;
