//! Anthropic's Messages API: `/v1/messages`, with its streaming events. Shaped by Anthropic's API reference
//! (version 2023-06-01).

use std::collections::{HashMap, VecDeque};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use reqwest::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Chunks, Provider, ProviderError, Upstream,
    chat::{ChatRequest, ChatResponse, Chunk, Finish, Format, Message, Part, Picture, ToolChoice, Usage},
    upstream::EventStream,
};
use crate::openai::chat::GO_ON;

/// Tokens of an answer where the request does not say: this interface wants a number.
const USUAL_MAX_TOKENS: u32 = 4_096;
/// The tool that an answer in JSON is given by: this interface holds the arguments of tools to a schema.
const ANSWER: &str = "answer";

/// See the module.
pub struct Anthropic {
    upstream: Upstream,
}

impl Anthropic {
    /// At an address without `/v1`.
    pub fn new(upstream: Upstream) -> Self {
        let version = HeaderValue::from_static("2023-06-01");
        Self { upstream: upstream.with_header(HeaderName::from_static("anthropic-version"), version) }
    }
}

fn encode(model: &str, request: &ChatRequest, stream: bool) -> Result<Value, ProviderError> {
    let mut system = Vec::new();
    let mut messages: Vec<(&str, Vec<Value>)> = Vec::new();
    // Messages of one side that follow each other are one message here.
    let mut push = |role: &'static str, blocks: Vec<Value>| match messages.last_mut() {
        Some((last, there)) if *last == role => there.extend(blocks),
        _ => messages.push((role, blocks)),
    };
    let text = |text: &str| json!({"type": "text", "text": text});
    for message in &request.messages {
        match message {
            Message::System(words) => system.push(words.as_str()),
            Message::User(parts) => {
                push("user", parts.iter().map(encode_part).collect::<Result<_, _>>()?);
            }
            Message::Assistant { text: words, calls } => {
                let mut blocks = Vec::new();
                if !words.trim().is_empty() {
                    blocks.push(text(words));
                }
                blocks.extend(calls.iter().map(|call| {
                    let input: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
                    json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input})
                }));
                if !blocks.is_empty() {
                    push("assistant", blocks);
                }
            }
            Message::Tool { id, text } => {
                push("user", vec![json!({"type": "tool_result", "tool_use_id": id, "content": text})]);
            }
        }
    }
    if let Some(begun) = &request.resume {
        push("assistant", vec![text(begun.trim_end())]);
        push("user", vec![text(GO_ON)]);
    }
    let messages: Vec<Value> =
        messages.into_iter().map(|(role, content)| json!({"role": role, "content": content})).collect();
    let max_tokens = request.max_tokens.unwrap_or(USUAL_MAX_TOKENS);
    let mut body = json!({"model": model, "max_tokens": max_tokens, "messages": messages});
    if !system.is_empty() {
        body["system"] = system.join("\n\n").into();
    }
    let mut tools: Vec<Value> = request
        .tools
        .iter()
        .map(|tool| {
            let mut shown = json!({"name": tool.name, "input_schema": tool.parameters});
            if let Some(description) = &tool.description {
                shown["description"] = description.clone().into();
            }
            shown
        })
        .collect();
    let mut choice = match &request.tool_choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!({"type": "none"})),
        ToolChoice::Required => Some(json!({"type": "any"})),
        ToolChoice::Named(name) => Some(json!({"type": "tool", "name": name})),
    };
    if let Some(schema) = answer_schema(request) {
        tools.push(json!({"name": ANSWER, "description": "Gives the answer.", "input_schema": schema}));
        choice = Some(if request.tools.is_empty() {
            json!({"type": "tool", "name": ANSWER})
        } else {
            json!({"type": "any"})
        });
    }
    if !tools.is_empty() {
        body["tools"] = tools.into();
        if let Some(choice) = choice {
            body["tool_choice"] = choice;
        }
    }
    // Its scale ends at 1, others' at 2.
    let temperature = request.temperature.map(|temperature| temperature.clamp(0.0, 1.0));
    for (name, value) in [
        ("temperature", temperature.map(Value::from)),
        ("top_p", request.top_p.map(Value::from)),
        ("stop_sequences", (!request.stop.is_empty()).then(|| request.stop.clone().into())),
        ("stream", stream.then(|| true.into())),
    ] {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    Ok(body)
}

/// The schema that an answer in JSON is held to.
fn answer_schema(request: &ChatRequest) -> Option<Value> {
    match &request.format {
        Format::Text => None,
        Format::Json => Some(json!({"type": "object"})),
        Format::Schema { schema, .. } => Some(schema.clone()),
    }
}

fn encode_part(part: &Part) -> Result<Value, ProviderError> {
    Ok(match part {
        Part::Text(text) => json!({"type": "text", "text": text}),
        Part::Image(Picture::Url(url)) => json!({"type": "image", "source": {"type": "url", "url": url}}),
        Part::Image(Picture::Data { media_type, base64 }) => json!({"type": "image",
            "source": {"type": "base64", "media_type": media_type, "data": base64}}),
        Part::Audio { .. } => return Err(ProviderError::Unsupported("recordings in a chat")),
    })
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct WireUsage {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
}

impl WireUsage {
    /// Its input leaves out what the cache gave.
    fn read(self) -> Usage {
        let cached = self.cache_read_input_tokens.unwrap_or(0);
        let input = self.input_tokens.unwrap_or(0) + cached + self.cache_creation_input_tokens.unwrap_or(0);
        Usage { input, cached, output: self.output_tokens.unwrap_or(0) }
    }

    /// Later numbers are of the whole so far.
    fn update(&mut self, newer: Self) {
        self.input_tokens = newer.input_tokens.or(self.input_tokens);
        self.output_tokens = newer.output_tokens.or(self.output_tokens);
        self.cache_read_input_tokens = newer.cache_read_input_tokens.or(self.cache_read_input_tokens);
        self.cache_creation_input_tokens =
            newer.cache_creation_input_tokens.or(self.cache_creation_input_tokens);
    }
}

fn finish(reason: Option<&str>) -> Finish {
    match reason {
        Some("max_tokens" | "model_context_window_exceeded") => Finish::Length,
        Some("tool_use") => Finish::ToolCalls,
        Some("refusal") => Finish::Filtered,
        _ => Finish::Stop,
    }
}

#[derive(Debug, Deserialize)]
struct Whole {
    content: Vec<Block>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<WireUsage>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    Thinking {
        #[serde(default)]
        thinking: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireEvent {
    MessageStart {
        message: Started,
    },
    ContentBlockStart {
        index: u32,
        content_block: Block,
    },
    ContentBlockDelta {
        index: u32,
        delta: Delta,
    },
    MessageDelta {
        delta: Ending,
        #[serde(default)]
        usage: Option<WireUsage>,
    },
    MessageStop,
    Error {
        error: Failure,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct Started {
    #[serde(default)]
    usage: Option<WireUsage>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: String },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: String },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct Ending {
    #[serde(default)]
    stop_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Failure {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    message: String,
}

impl Failure {
    fn read(self) -> ProviderError {
        let status = match self.kind.as_str() {
            "overloaded_error" => 529,
            "rate_limit_error" => 429,
            "invalid_request_error" => 400,
            _ => 500,
        };
        let message = self.message.chars().take(600).collect();
        ProviderError::Status { status, message, retry_after: None }
    }
}

/// What an open block is.
enum Open {
    /// A call, with its number among the calls.
    Call(u32),
    /// The answer in JSON.
    Answer,
}

struct Pieces {
    answers_in_json: bool,
    open: HashMap<u32, Open>,
    calls: u32,
    usage: Option<WireUsage>,
    finish: Finish,
}

impl Pieces {
    fn new(request: &ChatRequest) -> Self {
        let answers_in_json = answer_schema(request).is_some();
        Self { answers_in_json, open: HashMap::new(), calls: 0, usage: None, finish: Finish::Stop }
    }

    fn is_answer(&self, name: &str) -> bool {
        self.answers_in_json && name == ANSWER
    }

    fn use_of(&mut self, newer: Option<WireUsage>) {
        if let Some(newer) = newer {
            self.usage.get_or_insert_default().update(newer);
        }
    }

    fn end(&self) -> Chunk {
        // The tool that gives the answer is none for the asker.
        let finish = match self.finish {
            Finish::ToolCalls if self.calls == 0 => Finish::Stop,
            other => other,
        };
        Chunk::End { finish, usage: self.usage.map(WireUsage::read) }
    }

    fn read(&mut self, data: &str, out: &mut VecDeque<Chunk>) -> Result<(), ProviderError> {
        let event: WireEvent = serde_json::from_str(data)
            .map_err(|_| ProviderError::Garbage("an event is not the JSON that is expected"))?;
        match event {
            WireEvent::MessageStart { message } => self.use_of(message.usage),
            WireEvent::ContentBlockStart { index, content_block } => self.block(index, content_block, out),
            WireEvent::ContentBlockDelta { index, delta } => match delta {
                Delta::Text { text } => out.push_back(Chunk::Text(text)),
                Delta::Thinking { thinking } => out.push_back(Chunk::Reasoning(thinking)),
                Delta::InputJson { partial_json } => match self.open.get(&index) {
                    Some(Open::Call(call)) => out.push_back(Chunk::Call {
                        index: *call,
                        id: None,
                        name: None,
                        arguments: partial_json,
                    }),
                    Some(Open::Answer) => out.push_back(Chunk::Text(partial_json)),
                    None => return Err(ProviderError::Garbage("arguments of no call")),
                },
                Delta::Other => {}
            },
            WireEvent::MessageDelta { delta, usage } => {
                self.finish = finish(delta.stop_reason.as_deref());
                self.use_of(usage);
            }
            WireEvent::MessageStop => out.push_back(self.end()),
            WireEvent::Error { error } => return Err(error.read()),
            WireEvent::Other => {}
        }
        Ok(())
    }

    /// A block that begins. Its input is empty then, and comes in pieces.
    fn block(&mut self, index: u32, block: Block, out: &mut VecDeque<Chunk>) {
        match block {
            Block::Text { text } if !text.is_empty() => out.push_back(Chunk::Text(text)),
            Block::Thinking { thinking } if !thinking.is_empty() => {
                out.push_back(Chunk::Reasoning(thinking));
            }
            Block::ToolUse { name, .. } if self.is_answer(&name) => {
                self.open.insert(index, Open::Answer);
            }
            Block::ToolUse { id, name, .. } => {
                self.open.insert(index, Open::Call(self.calls));
                let (id, name) = (Some(id), Some(name));
                out.push_back(Chunk::Call { index: self.calls, id, name, arguments: String::new() });
                self.calls += 1;
            }
            Block::Text { .. } | Block::Thinking { .. } | Block::Other => {}
        }
    }

    /// A whole answer.
    fn whole(&mut self, whole: Whole) -> ChatResponse {
        let mut response = ChatResponse::default();
        for block in whole.content {
            match block {
                Block::Text { text } => response.fold(&Chunk::Text(text)),
                Block::Thinking { thinking } => response.fold(&Chunk::Reasoning(thinking)),
                Block::ToolUse { name, input, .. } if self.is_answer(&name) => {
                    response.fold(&Chunk::Text(input.to_string()));
                }
                Block::ToolUse { id, name, input } => {
                    let (id, name) = (Some(id), Some(name));
                    let call = Chunk::Call { index: self.calls, id, name, arguments: input.to_string() };
                    response.fold(&call);
                    self.calls += 1;
                }
                Block::Other => {}
            }
        }
        self.finish = finish(whole.stop_reason.as_deref());
        self.usage = whole.usage;
        response.fold(&self.end());
        response
    }
}

struct Reading {
    events: EventStream,
    pieces: Pieces,
    ready: VecDeque<Chunk>,
    over: bool,
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
impl Provider for Anthropic {
    async fn chat(&self, model: &str, request: &ChatRequest) -> Result<ChatResponse, ProviderError> {
        let whole: Whole = self.upstream.json("v1/messages", &encode(model, request, false)?).await?;
        Ok(Pieces::new(request).whole(whole))
    }

    async fn chat_stream(&self, model: &str, request: &ChatRequest) -> Result<Chunks, ProviderError> {
        let events = self.upstream.events("v1/messages", &encode(model, request, true)?).await?;
        let pieces = Pieces::new(request);
        let reading = Reading { events, pieces, ready: VecDeque::new(), over: false };
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
                let event = reading.events.next().await?.ok_or_else(cut)?;
                reading.pieces.read(&event.data, &mut reading.ready)?;
            }
        })
        .boxed())
    }

    async fn models(&self) -> Result<Vec<String>, ProviderError> {
        let list: ModelList = self.upstream.get("v1/models").await?;
        Ok(list.data.into_iter().map(|entry| entry.id).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::chat::{Tool, ToolCall};

    #[test]
    fn a_conversation_with_tools_takes_this_interfaces_form() {
        let request = ChatRequest {
            messages: vec![
                Message::System("Be brief.".into()),
                Message::User(vec![Part::Text("Weather?".into())]),
                Message::Assistant {
                    text: String::new(),
                    calls: vec![ToolCall {
                        id: "t1".into(),
                        name: "w".into(),
                        arguments: "{\"p\":1}".into(),
                    }],
                },
                Message::Tool { id: "t1".into(), text: "18 °C".into() },
                Message::User(vec![Part::Text("And?".into())]),
            ],
            tools: vec![Tool {
                name: "w".into(),
                description: None,
                parameters: json!({"type": "object"}),
                strict: None,
            }],
            temperature: Some(1.5),
            ..ChatRequest::default()
        };
        assert_eq!(
            encode("m", &request, true).expect("a body"),
            json!({
                "model": "m", "max_tokens": 4096, "system": "Be brief.", "stream": true, "temperature": 1.0,
                "tools": [{"name": "w", "input_schema": {"type": "object"}}],
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
                    {"role": "assistant", "content": [
                        {"type": "tool_use", "id": "t1", "name": "w", "input": {"p": 1}}]},
                    {"role": "user", "content": [
                        {"type": "tool_result", "tool_use_id": "t1", "content": "18 °C"},
                        {"type": "text", "text": "And?"}]}
                ]
            })
        );
    }

    #[test]
    fn json_is_asked_for_by_a_tool_and_given_as_words() {
        let request = ChatRequest { format: Format::Json, ..ChatRequest::default() };
        let body = encode("m", &request, false).expect("a body");
        assert_eq!(body["tool_choice"], json!({"type": "tool", "name": "answer"}));
        let whole = json!({"content": [{"type": "tool_use", "id": "t", "name": "answer", "input": {"a": 1}}],
            "stop_reason": "tool_use", "usage": {"input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": 4}});
        let response = Pieces::new(&request).whole(serde_json::from_value(whole).expect("an answer"));
        assert_eq!((response.text.as_str(), response.finish), ("{\"a\":1}", Finish::Stop));
        assert_eq!(response.usage, Some(Usage { input: 7, cached: 4, output: 2 }));
    }

    /// The events of the documentation's example of a streamed use of a tool, shortened.
    #[test]
    fn streamed_events_become_pieces() {
        let mut pieces = Pieces::new(&ChatRequest::default());
        let mut out = VecDeque::new();
        for data in [
            r#"{"type":"message_start","message":{"id":"m","usage":{"input_tokens":25,"output_tokens":1}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Okay"}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t1","name":"w","input":{}}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"p\":"}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1}"}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":15}}"#,
            r#"{"type":"message_stop"}"#,
        ] {
            pieces.read(data, &mut out).expect("a piece");
        }
        let mut response = ChatResponse::default();
        out.iter().for_each(|chunk| response.fold(chunk));
        assert_eq!(response.text, "Okay");
        assert_eq!(
            response.calls,
            [ToolCall { id: "t1".into(), name: "w".into(), arguments: "{\"p\":1}".into() }]
        );
        assert_eq!(response.finish, Finish::ToolCalls);
        assert_eq!(response.usage, Some(Usage { input: 25, cached: 0, output: 15 }));
    }

    #[test]
    fn an_overloaded_upstream_says_so_in_the_middle_of_a_stream() {
        let error = Pieces::new(&ChatRequest::default()).read(
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            &mut VecDeque::new(),
        );
        assert!(matches!(error, Err(ProviderError::Status { status: 529, .. })));
    }
}
