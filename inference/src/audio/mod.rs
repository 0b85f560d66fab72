//! Sound as the models take it: one channel of 32-bit floats in [-1, 1], 16,000 a second.
//!
//! Everything streams: a stage takes what there is and gives what it can, so that hours of sound pass through seconds
//! of memory. Files are read natively only; a browser decodes by itself and gives samples.

#[cfg(not(target_arch = "wasm32"))]
mod file;
mod mel;
mod resample;
mod segment;
mod wav;

#[cfg(not(target_arch = "wasm32"))]
pub use file::AudioFile;
pub(crate) use mel::scale;
pub use mel::{FRAME, HOP, MelFrontEnd, WINDOW};
pub use resample::Resampler;
pub use segment::{Change, Segment, SegmentRules, Segmenter};
pub use wav::wav;

/// Samples a second that the models take.
pub const SAMPLE_RATE: u32 = 16_000;
