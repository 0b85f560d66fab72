//! OpenAI's wire format, both ways: what clients send to `/v1` and get from it, and what providers that speak it are
//! sent and answer. Shaped by OpenAI's API reference (chat completions, embeddings, images, audio, errors).

pub mod chat;
pub mod completion;
pub mod media;
