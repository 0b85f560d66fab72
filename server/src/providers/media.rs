//! What is neither words in nor words out: vectors, images, recordings.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

/// Texts to embed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EmbedRequest {
    /// One vector each.
    pub texts: Vec<String>,
    /// How long the vectors are wanted, where a model can choose.
    pub dimensions: Option<u32>,
}

/// Vectors, in the order of the texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embeddings {
    /// One a text, all of one length.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens of the texts; none where the provider does not say.
    pub input: Option<u64>,
}

/// What an image shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ImageRequest {
    /// In words.
    pub prompt: String,
    /// What it must not show.
    pub negative: String,
    /// How many.
    pub count: u32,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// The same seed gives the same image, where a provider can.
    pub seed: Option<i64>,
    /// Fields that the gateway does not know.
    pub extra: Map<String, Value>,
}

/// An image.
#[derive(Clone, Debug, PartialEq)]
pub enum Image {
    /// The bytes in base64.
    Base64(String),
    /// Where it is.
    Url(String),
}

/// A recording whose words are wanted: the form as it came, since every server knows other fields.
#[derive(Clone, Debug, PartialEq)]
pub struct TranscribeRequest {
    /// The recording.
    pub file: Bytes,
    /// Its name, which tells servers its format.
    pub file_name: String,
    /// The other fields, without `model`.
    pub fields: Vec<(String, String)>,
    /// The address behind `audio/`: `transcriptions` or `translations`.
    pub verb: &'static str,
}

/// What a server made of it, in the form that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// For example `application/json`.
    pub content_type: String,
    /// The answer.
    pub body: Bytes,
}

/// Words to speak: the fields as they came, without `model`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SpeechRequest {
    /// The words.
    pub input: String,
    /// The other fields.
    pub extra: Map<String, Value>,
}

/// A recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Speech {
    /// For example `audio/mpeg`.
    pub content_type: String,
    /// The recording.
    pub body: Bytes,
}
