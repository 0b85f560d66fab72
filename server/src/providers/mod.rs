//! Whoever answers for a model, behind one small trait: a file each.
//!
//! Requests and answers have the gateway's own types ([`chat`], [`media`]); each provider translates both ways. None of
//! them decides anything: who is asked, how long and how often is the business of [`crate::gateway`].

pub mod a1111;
pub mod anthropic;
pub mod capabilities;
pub mod chat;
pub mod comfyui;
mod error;
pub mod hugging_face;
pub mod media;
pub mod native;
#[cfg_attr(feature = "inference", path = "native_thread.rs")]
#[cfg_attr(not(feature = "inference"), path = "native_absent.rs")]
mod native_thread;
pub mod ollama;
pub mod openai;
mod sse;
mod upstream;
pub mod worker;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

pub use error::{Fault, ProviderError};
pub use upstream::{KeyHeader, Phases, Upstream, client as upstream_client};

use self::{
    chat::{ChatRequest, ChatResponse, Chunk},
    media::{
        EmbedRequest, Embeddings, Image, ImageRequest, Speech, SpeechRequest, TranscribeRequest, Transcript,
    },
};

/// A streamed answer: pieces in order, the last one a [`Chunk::End`]; nothing follows an error.
pub type Chunks = BoxStream<'static, Result<Chunk, ProviderError>>;

/// What a provider does. `model` is its own name of a model. What it does not do it refuses as
/// [`ProviderError::Unsupported`], and somebody else is asked.
#[async_trait]
pub trait Provider: Send + Sync {
    /// A whole answer.
    async fn chat(&self, model: &str, request: &ChatRequest) -> Result<ChatResponse, ProviderError>;

    /// An answer in pieces. It returns when the upstream has begun to answer; the pieces follow.
    async fn chat_stream(&self, model: &str, request: &ChatRequest) -> Result<Chunks, ProviderError>;

    /// A vector for each text.
    async fn embed(&self, _model: &str, _request: &EmbedRequest) -> Result<Embeddings, ProviderError> {
        Err(ProviderError::Unsupported("embeddings"))
    }

    /// Images of a text.
    async fn image(&self, _model: &str, _request: &ImageRequest) -> Result<Vec<Image>, ProviderError> {
        Err(ProviderError::Unsupported("images"))
    }

    /// The words of a recording.
    async fn transcribe(
        &self,
        _model: &str,
        _request: &TranscribeRequest,
    ) -> Result<Transcript, ProviderError> {
        Err(ProviderError::Unsupported("transcription"))
    }

    /// A text as a recording.
    async fn speak(&self, _model: &str, _request: &SpeechRequest) -> Result<Speech, ProviderError> {
        Err(ProviderError::Unsupported("speech"))
    }

    /// Its models by name, where it can be asked for them.
    async fn models(&self) -> Result<Vec<String>, ProviderError> {
        Err(ProviderError::Unsupported("a list of models"))
    }
}
