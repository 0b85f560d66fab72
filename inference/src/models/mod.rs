//! One folder a model: its sizes, how its weights are read, and the network itself.

pub mod decoder;
pub mod hibari;
pub mod minilm;
pub mod mobilenet;
pub mod nanodet;
pub mod ppocr;
pub mod silero;
pub mod whisper;
