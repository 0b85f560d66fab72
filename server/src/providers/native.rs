//! The realm's own engine as a provider: a language model and an embedder on this machine's CPU. Nothing leaves it.

use std::{collections::HashMap, path::Path};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use mtor_shared::{
    generation::{self, Prompt, Request, Role, Sampling},
    model::{self, CHAT, EMBEDDER, ModelId},
};
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    Chunks, Provider, ProviderError,
    chat::{ChatRequest, ChatResponse, Chunk, Format, Message, Part, words},
    media::{EmbedRequest, Embeddings},
    native_thread::start,
};
use crate::search::engine::Engine;

/// Pieces that are made before anybody has read them.
const AHEAD: usize = 64;
/// Tokens of an answer where the request does not say.
const USUAL_MAX_TOKENS: u32 = 512;

/// See the module.
pub struct Native {
    chats: HashMap<String, mpsc::Sender<Job>>,
    engine: Engine,
}

/// One conversation to answer.
#[cfg_attr(not(feature = "inference"), allow(dead_code, reason = "the thread that reads it is not built"))]
pub(super) struct Job {
    pub(super) request: Request,
    pub(super) pieces: mpsc::Sender<Result<Chunk, ProviderError>>,
}

impl Native {
    /// With the models whose weights are in the folder, and their names.
    pub fn new(models: &Path, engine: Engine) -> (Self, Vec<String>) {
        let there = |id: &str| {
            model::find(&ModelId(id.to_owned()))
                .is_some_and(|model| model.files.iter().all(|file| models.join(&file.sha256).is_file()))
        };
        let mut names = Vec::new();
        let mut chats = HashMap::new();
        if there(CHAT)
            && let Some(jobs) = start(models, CHAT)
        {
            chats.insert(CHAT.to_owned(), jobs);
            names.push(CHAT.to_owned());
        }
        if there(EMBEDDER) && engine.is_there() {
            names.push(EMBEDDER.to_owned());
        }
        (Self { chats, engine }, names)
    }

    async fn begin(
        &self,
        model: &str,
        request: &ChatRequest,
    ) -> Result<mpsc::Receiver<Result<Chunk, ProviderError>>, ProviderError> {
        let jobs = self.chats.get(model).ok_or(ProviderError::Unsupported("chats with this model"))?;
        let (pieces, read) = mpsc::channel(AHEAD);
        let job = Job { request: translate(request)?, pieces };
        jobs.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ProviderError::Busy,
            mpsc::error::TrySendError::Closed(_) => {
                ProviderError::NotSetUp("the engine has ended".to_owned())
            }
        })?;
        Ok(read)
    }
}

/// A request in the engine's words.
fn translate(request: &ChatRequest) -> Result<Request, ProviderError> {
    if !request.tools.is_empty() {
        return Err(ProviderError::Unsupported("tools"));
    }
    let mut messages = Vec::new();
    for message in &request.messages {
        let (role, content) = match message {
            Message::System(text) => (Role::System, text.clone()),
            Message::User(parts) if parts.iter().all(|part| matches!(part, Part::Text(_))) => {
                (Role::User, words(parts))
            }
            Message::User(_) => return Err(ProviderError::Unsupported("images and recordings")),
            Message::Assistant { text, .. } => (Role::Assistant, text.clone()),
            Message::Tool { .. } => return Err(ProviderError::Unsupported("tools")),
        };
        messages.push(generation::Message { role, content });
    }
    if let Some(said) = &request.resume {
        messages.push(generation::Message { role: Role::Assistant, content: said.clone() });
        messages
            .push(generation::Message { role: Role::User, content: crate::openai::chat::GO_ON.to_owned() });
    }
    let usual = Sampling::default();
    Ok(Request {
        prompt: Prompt::Messages { messages },
        max_tokens: request.max_tokens.unwrap_or(USUAL_MAX_TOKENS),
        sampling: Sampling {
            // Clients expect some variety where they ask for nothing; 0.7 is what the model's makers use.
            temperature: request.temperature.unwrap_or(0.7) as f32,
            top_p: request.top_p.map_or(usual.top_p, |top_p| top_p as f32),
            seed: request.seed.map_or(usual.seed, i64::unsigned_abs),
            ..usual
        },
        stop: request.stop.clone(),
        schema: match &request.format {
            Format::Text => None,
            Format::Json => Some(json!({"type": "object"})),
            Format::Schema { schema, .. } => Some(schema.clone()),
        },
    })
}

#[async_trait]
impl Provider for Native {
    async fn chat(&self, model: &str, request: &ChatRequest) -> Result<ChatResponse, ProviderError> {
        let mut pieces = self.begin(model, request).await?;
        let mut response = ChatResponse::default();
        while let Some(piece) = pieces.recv().await {
            let piece = piece?;
            response.fold(&piece);
            if matches!(piece, Chunk::End { .. }) {
                return Ok(response);
            }
        }
        Err(ProviderError::Broken("the engine has ended".to_owned()))
    }

    async fn chat_stream(&self, model: &str, request: &ChatRequest) -> Result<Chunks, ProviderError> {
        let pieces = self.begin(model, request).await?;
        Ok(stream::unfold(
            pieces,
            |mut pieces| async move { pieces.recv().await.map(|piece| (piece, pieces)) },
        )
        .boxed())
    }

    async fn embed(&self, model: &str, request: &EmbedRequest) -> Result<Embeddings, ProviderError> {
        if model != EMBEDDER {
            return Err(ProviderError::Unsupported("embeddings with this model"));
        }
        let vectors = self.engine.embed_soon(request.texts.clone()).await;
        let vectors = vectors.map_err(|problem| ProviderError::NotSetUp(problem.title))?;
        Ok(Embeddings { vectors, input: None })
    }
}
