//! The network on the CPU kernels.

mod decoder;
mod encoder;

pub(super) use decoder::{Decoder, Row};
pub(super) use encoder::Encoder;
