//! Sizes of Silero's voice activity detector, version 5 and 6, for 16 kHz.

/// Samples of a window.
pub const WINDOW: usize = 512;
/// Samples of the window before that are seen again.
pub const CONTEXT: usize = 64;
/// Samples of a frame of the spectrum.
pub const FRAME: usize = 256;
/// Samples between two frames.
pub const HOP: usize = 128;
/// Frequencies of a frame.
pub const BINS: usize = FRAME / 2 + 1;
/// Elements of the recurrent state.
pub const HIDDEN: usize = 128;
/// Samples of neighbours that a convolution sees.
pub const KERNEL: usize = 3;
/// Inputs, outputs and stride of each convolution.
pub const CONVOLUTIONS: [(usize, usize, usize); 4] =
    [(BINS, 128, 1), (128, 64, 2), (64, 64, 2), (64, HIDDEN, 1)];
