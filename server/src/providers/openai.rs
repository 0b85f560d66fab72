//! OpenAI, and everything that speaks its language: llama.cpp, vLLM, LM Studio, Ollama's second tongue, most clouds.

use std::collections::VecDeque;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Chunks, Provider, ProviderError, Upstream,
    chat::{ChatRequest, ChatResponse, Chunk},
    media::{
        EmbedRequest, Embeddings, Image, ImageRequest, Speech, SpeechRequest, TranscribeRequest, Transcript,
    },
    upstream::EventStream,
};
use crate::openai::{
    chat,
    completion::{Completion, Pieces},
    media::{EmbedAnswer, ImageAnswer, encode_image_request},
};

/// See the module.
pub struct OpenAi {
    upstream: Upstream,
}

impl OpenAi {
    /// At an address that ends where `chat/completions` begins.
    pub fn new(upstream: Upstream) -> Self {
        Self { upstream }
    }
}

#[derive(Deserialize)]
struct ModelList {
    data: Vec<ModelEntry>,
}

#[derive(Deserialize)]
struct ModelEntry {
    id: String,
}

#[async_trait]
impl Provider for OpenAi {
    async fn chat(&self, model: &str, request: &ChatRequest) -> Result<ChatResponse, ProviderError> {
        let body = chat::encode(model, request, false);
        self.upstream.json::<Completion>("chat/completions", &body).await?.read()
    }

    async fn chat_stream(&self, model: &str, request: &ChatRequest) -> Result<Chunks, ProviderError> {
        let events = self.upstream.events("chat/completions", &chat::encode(model, request, true)).await?;
        Ok(chunks(events))
    }

    async fn embed(&self, model: &str, request: &EmbedRequest) -> Result<Embeddings, ProviderError> {
        let mut body =
            serde_json::json!({"model": model, "input": request.texts, "encoding_format": "float"});
        if let Some(dimensions) = request.dimensions {
            body["dimensions"] = dimensions.into();
        }
        self.upstream.json::<EmbedAnswer>("embeddings", &body).await?.read(request.texts.len())
    }

    async fn image(&self, model: &str, request: &ImageRequest) -> Result<Vec<Image>, ProviderError> {
        let body = encode_image_request(model, request);
        self.upstream.json::<ImageAnswer>("images/generations", &body).await?.read()
    }

    async fn transcribe(
        &self,
        model: &str,
        request: &TranscribeRequest,
    ) -> Result<Transcript, ProviderError> {
        let (kind, body) = form(model, request)?;
        let (content_type, body) =
            self.upstream.bytes(&format!("audio/{}", request.verb), kind, body).await?;
        Ok(Transcript { content_type, body })
    }

    async fn speak(&self, model: &str, request: &SpeechRequest) -> Result<Speech, ProviderError> {
        let mut body = request.extra.clone();
        body.insert("model".into(), model.into());
        body.insert("input".into(), request.input.clone().into());
        let (content_type, body) = self.upstream.json_for_bytes("audio/speech", &Value::Object(body)).await?;
        Ok(Speech { content_type, body })
    }

    async fn models(&self) -> Result<Vec<String>, ProviderError> {
        let list: ModelList = self.upstream.get("models").await?;
        Ok(list.data.into_iter().map(|entry| entry.id).collect())
    }
}

struct Reading {
    events: EventStream,
    pieces: Pieces,
    ready: VecDeque<Chunk>,
    over: bool,
}

/// Reads the events of a streamed completion.
pub(super) fn chunks(events: EventStream) -> Chunks {
    let reading = Reading { events, pieces: Pieces::default(), ready: VecDeque::new(), over: false };
    stream::try_unfold(reading, |mut reading| async move {
        loop {
            if let Some(chunk) = reading.ready.pop_front() {
                return Ok(Some((chunk, reading)));
            }
            if reading.over {
                return Ok(None);
            }
            let event = reading.events.next().await?;
            let done = event.as_ref().is_some_and(|event| event.data.trim() == "[DONE]");
            match event {
                Some(event) if !done => reading.pieces.read(&event.data, &mut reading.ready)?,
                _ => {
                    reading.over = true;
                    let cut = || ProviderError::Broken("the stream ended in the middle".to_owned());
                    reading.ready.push_back(reading.pieces.end(done).ok_or_else(cut)?);
                }
            }
        }
    })
    .boxed()
}

/// A form with a file (RFC 7578). The boundary is chosen so that it does not occur in what it divides.
fn form(model: &str, request: &TranscribeRequest) -> Result<(HeaderValue, Bytes), ProviderError> {
    let quoted = |text: &str| text.replace(['\r', '\n', '\0'], "").replace('\\', "\\\\").replace('"', "\\\"");
    let fields = || std::iter::once(("model", model)).chain(request.fields.iter().map(|(a, b)| (&**a, &**b)));
    let occurs = |boundary: &str| {
        let needle = boundary.as_bytes();
        request.file.windows(needle.len()).any(|window| window == needle)
            || fields().any(|(name, value)| name.contains(boundary) || value.contains(boundary))
    };
    let boundary = (0_u32..64)
        .map(|number| format!("mtor-form-boundary-{number:08x}"))
        .find(|boundary| !occurs(boundary))
        .ok_or_else(|| ProviderError::Invalid("The recording cannot be put into a form.".to_owned()))?;
    let mut body = Vec::with_capacity(request.file.len() + 1024);
    for (name, value) in fields() {
        let head =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n", quoted(name));
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(value.as_bytes());
        body.extend_from_slice(b"\r\n");
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\nContent-Type: \
         application/octet-stream\r\n\r\n",
        quoted(&request.file_name)
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(&request.file);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let kind = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"));
    let kind = kind.map_err(|_| ProviderError::Invalid("The form has no boundary.".to_owned()))?;
    Ok((kind, body.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_form_is_read_back_as_it_was_meant() {
        let request = TranscribeRequest {
            file: Bytes::from_static(b"RIFF mtor-form-boundary-00000000 \r\n--x"),
            file_name: "a\"b\r\n.wav".into(),
            fields: vec![("language".into(), "en".into())],
            verb: "transcriptions",
        };
        let (kind, body) = form("whisper-1", &request).expect("a form");
        let boundary = multer::parse_boundary(kind.to_str().expect("text")).expect("a boundary");
        assert_ne!(boundary, "mtor-form-boundary-00000000");
        let body = stream::iter([Ok::<_, std::convert::Infallible>(body)]);
        let mut form = multer::Multipart::new(body, boundary);
        let mut seen = Vec::new();
        while let Some(field) = form.next_field().await.expect("a form") {
            let name = field.name().expect("a name").to_owned();
            seen.push((name, field.bytes().await.expect("bytes")));
        }
        assert_eq!(
            seen,
            [
                ("model".to_owned(), Bytes::from_static(b"whisper-1")),
                ("language".to_owned(), Bytes::from_static(b"en")),
                ("file".to_owned(), request.file),
            ]
        );
    }
}
