//! Ollama's own interface: `/api/chat` in JSON lines, `/api/embed`, `/api/tags`. Shaped by Ollama's API documentation.

use std::collections::VecDeque;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Chunks, Provider, ProviderError, Upstream,
    chat::{ChatRequest, ChatResponse, Chunk, Finish, Format, Message, Part, Picture, ToolCall, Usage},
    media::{EmbedRequest, Embeddings},
    upstream::LineStream,
};
use crate::openai::chat::GO_ON;

/// See the module.
pub struct Ollama {
    upstream: Upstream,
}

impl Ollama {
    /// At an address without `/api`.
    pub fn new(upstream: Upstream) -> Self {
        Self { upstream }
    }
}

#[derive(Debug, Deserialize)]
struct Line {
    #[serde(default)]
    message: Said,
    #[serde(default)]
    done: bool,
    #[serde(default)]
    done_reason: Option<String>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
    #[serde(default)]
    eval_count: Option<u64>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Said {
    #[serde(default)]
    content: String,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

#[derive(Debug, Deserialize)]
struct Call {
    function: Function,
}

#[derive(Debug, Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: Value,
}

impl Line {
    /// Pieces of it; `calls` counts the calls so far.
    fn read(self, calls: &mut u32, out: &mut impl Extend<Chunk>) -> Result<(), ProviderError> {
        if let Some(error) = self.error {
            let message = error.chars().take(600).collect();
            return Err(ProviderError::Status { status: 500, message, retry_after: None });
        }
        let filled = |text: String| (!text.is_empty()).then_some(text);
        out.extend(self.message.thinking.and_then(filled).map(Chunk::Reasoning));
        out.extend(filled(self.message.content).map(Chunk::Text));
        for call in self.message.tool_calls.unwrap_or_default() {
            out.extend([Chunk::Call {
                index: *calls,
                // Ollama gives calls no id, and a conversation needs one.
                id: Some(format!("call_{calls}")),
                name: Some(call.function.name),
                arguments: match call.function.arguments {
                    Value::Null => "{}".to_owned(),
                    arguments => arguments.to_string(),
                },
            }]);
            *calls += 1;
        }
        if self.done {
            let finish = match self.done_reason.as_deref() {
                Some("length") => Finish::Length,
                _ if *calls > 0 => Finish::ToolCalls,
                _ => Finish::Stop,
            };
            let usage = (self.prompt_eval_count.is_some() || self.eval_count.is_some()).then(|| Usage {
                input: self.prompt_eval_count.unwrap_or(0),
                cached: 0,
                output: self.eval_count.unwrap_or(0),
            });
            out.extend([Chunk::End { finish, usage }]);
        }
        Ok(())
    }
}

fn encode(model: &str, request: &ChatRequest, stream: bool) -> Result<Value, ProviderError> {
    let mut messages = Vec::new();
    let mut names: Map<String, Value> = Map::new();
    for message in &request.messages {
        messages.push(match message {
            Message::System(text) => json!({"role": "system", "content": text}),
            Message::User(parts) => {
                let mut images = Vec::new();
                for part in parts {
                    match part {
                        Part::Text(_) => {}
                        Part::Image(Picture::Data { base64, .. }) => images.push(base64.clone()),
                        Part::Image(Picture::Url(_)) => {
                            return Err(ProviderError::Unsupported("images by address"));
                        }
                        Part::Audio { .. } => return Err(ProviderError::Unsupported("recordings in a chat")),
                    }
                }
                let mut message = json!({"role": "user", "content": super::chat::words(parts)});
                if !images.is_empty() {
                    message["images"] = images.into();
                }
                message
            }
            Message::Assistant { text, calls } => {
                let mut message = json!({"role": "assistant", "content": text});
                if !calls.is_empty() {
                    names.extend(calls.iter().map(|call| (call.id.clone(), call.name.clone().into())));
                    message["tool_calls"] = calls.iter().map(encode_call).collect();
                }
                message
            }
            Message::Tool { id, text } => {
                json!({"role": "tool", "content": text, "tool_name": names.get(id).unwrap_or(&Value::Null)})
            }
        });
    }
    if let Some(begun) = &request.resume {
        messages.push(json!({"role": "assistant", "content": begun}));
        messages.push(json!({"role": "user", "content": GO_ON}));
    }
    let mut options = Map::new();
    for (name, value) in [
        ("num_predict", request.max_tokens.map(Value::from)),
        ("temperature", request.temperature.map(Value::from)),
        ("top_p", request.top_p.map(Value::from)),
        ("seed", request.seed.map(Value::from)),
        ("stop", (!request.stop.is_empty()).then(|| request.stop.clone().into())),
    ] {
        if let Some(value) = value {
            options.insert(name.to_owned(), value);
        }
    }
    let mut body = json!({"model": model, "messages": messages, "stream": stream, "options": options});
    match &request.format {
        Format::Text => {}
        Format::Json => body["format"] = "json".into(),
        Format::Schema { schema, .. } => body["format"] = schema.clone(),
    }
    let none = request.tool_choice == super::chat::ToolChoice::None;
    if !request.tools.is_empty() && !none {
        let tools = request.tools.iter().map(|tool| {
            json!({"type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": tool.parameters}})
        });
        body["tools"] = tools.collect();
    }
    Ok(body)
}

fn encode_call(call: &ToolCall) -> Value {
    // Arguments are an object here. What is none was written by a model and is better passed on than refused.
    let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
    json!({"function": {"name": call.name, "arguments": arguments}})
}

struct Reading {
    lines: LineStream,
    ready: VecDeque<Chunk>,
    calls: u32,
    over: bool,
}

#[derive(Deserialize)]
struct Vectors {
    embeddings: Vec<Vec<f32>>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
}

#[derive(Deserialize)]
struct Tags {
    models: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
}

#[async_trait]
impl Provider for Ollama {
    async fn chat(&self, model: &str, request: &ChatRequest) -> Result<ChatResponse, ProviderError> {
        let line: Line = self.upstream.json("api/chat", &encode(model, request, false)?).await?;
        if !line.done {
            return Err(ProviderError::Garbage("the answer is not done"));
        }
        let mut chunks = Vec::new();
        line.read(&mut 0, &mut chunks)?;
        let mut response = ChatResponse::default();
        chunks.iter().for_each(|chunk| response.fold(chunk));
        Ok(response)
    }

    async fn chat_stream(&self, model: &str, request: &ChatRequest) -> Result<Chunks, ProviderError> {
        let lines = self.upstream.lines("api/chat", &encode(model, request, true)?).await?;
        let reading = Reading { lines, ready: VecDeque::new(), calls: 0, over: false };
        Ok(stream::try_unfold(reading, |mut reading| async move {
            loop {
                if let Some(chunk) = reading.ready.pop_front() {
                    reading.over = matches!(chunk, Chunk::End { .. });
                    return Ok(Some((chunk, reading)));
                }
                if reading.over {
                    return Ok(None);
                }
                let cut = || ProviderError::Broken("the stream ended in the middle".to_owned());
                let line: Line = reading.lines.next().await?.ok_or_else(cut)?;
                line.read(&mut reading.calls, &mut reading.ready)?;
            }
        })
        .boxed())
    }

    async fn embed(&self, model: &str, request: &EmbedRequest) -> Result<Embeddings, ProviderError> {
        let mut body = json!({"model": model, "input": request.texts});
        if let Some(dimensions) = request.dimensions {
            body["dimensions"] = dimensions.into();
        }
        let answer: Vectors = self.upstream.json("api/embed", &body).await?;
        if answer.embeddings.len() != request.texts.len() {
            return Err(ProviderError::Garbage("it has not one vector a text"));
        }
        Ok(Embeddings { vectors: answer.embeddings, input: answer.prompt_eval_count })
    }

    async fn models(&self) -> Result<Vec<String>, ProviderError> {
        let tags: Tags = self.upstream.get("api/tags").await?;
        Ok(tags.models.into_iter().map(|tag| tag.name).collect())
    }
}
