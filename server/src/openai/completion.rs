//! The answer of a chat completion, whole and in pieces.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::chat::{WireCall, encode_call};
use crate::providers::{
    ProviderError,
    chat::{ChatResponse, Chunk, Finish, ToolCall, Usage},
};

/// A whole answer as a provider sends it.
#[derive(Debug, Deserialize)]
pub struct Completion {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<WireUsage>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    message: Answer,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    content: Option<String>,
    /// As llama.cpp, vLLM and DeepSeek call it.
    #[serde(default, alias = "reasoning")]
    reasoning_content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<WireCall>>,
}

/// Tokens.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct WireUsage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    #[serde(default)]
    prompt_tokens_details: Option<Details>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Details {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

impl From<WireUsage> for Usage {
    fn from(usage: WireUsage) -> Self {
        let cached = usage.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0);
        Self { input: usage.prompt_tokens, cached, output: usage.completion_tokens }
    }
}

fn finish(reason: &str) -> Finish {
    match reason {
        "length" => Finish::Length,
        "tool_calls" | "function_call" => Finish::ToolCalls,
        "content_filter" => Finish::Filtered,
        _ => Finish::Stop,
    }
}

/// The word for why an answer ended.
pub fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool_calls",
        Finish::Filtered => "content_filter",
    }
}

impl Completion {
    /// In the gateway's words.
    ///
    /// # Errors
    /// There is no answer in it.
    pub fn read(self) -> Result<ChatResponse, ProviderError> {
        let choice = self.choices.into_iter().next().ok_or(ProviderError::Garbage("it has no choices"))?;
        let calls = choice.message.tool_calls.unwrap_or_default().into_iter();
        Ok(ChatResponse {
            text: choice.message.content.unwrap_or_default(),
            reasoning: choice.message.reasoning_content.unwrap_or_default(),
            calls: calls
                .map(|call| ToolCall {
                    id: call.id,
                    name: call.function.name,
                    arguments: call.function.arguments,
                })
                .collect(),
            finish: choice.finish_reason.as_deref().map_or(Finish::Stop, finish),
            usage: self.usage.map(Usage::from),
        })
    }
}

/// A piece as a provider sends it.
#[derive(Debug, Deserialize)]
pub struct Piece {
    #[serde(default)]
    choices: Vec<PieceChoice>,
    #[serde(default)]
    usage: Option<WireUsage>,
    /// How a stream fails after it has begun.
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct PieceChoice {
    #[serde(default)]
    delta: Delta,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
    #[serde(default, alias = "reasoning")]
    reasoning_content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<PieceCall>>,
}

#[derive(Debug, Deserialize)]
struct PieceCall {
    #[serde(default)]
    index: u32,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: PieceFunction,
}

#[derive(Debug, Default, Deserialize)]
struct PieceFunction {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

/// Puts pieces of the wire into the gateway's: the end comes when the provider says that nothing follows.
#[derive(Debug, Default)]
pub struct Pieces {
    finish: Option<Finish>,
    usage: Option<Usage>,
}

impl Pieces {
    /// Takes one piece of the wire in.
    ///
    /// # Errors
    /// It says that the answer failed, or is none.
    pub fn read(&mut self, data: &str, out: &mut impl Extend<Chunk>) -> Result<(), ProviderError> {
        let piece: Piece = serde_json::from_str(data)
            .map_err(|_| ProviderError::Garbage("an event is not the JSON that is expected"))?;
        if let Some(error) = piece.error {
            let status = error["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(502);
            let message =
                error["message"].as_str().unwrap_or("The stream failed.").chars().take(600).collect();
            return Err(ProviderError::Status { status: status.max(500), message, retry_after: None });
        }
        self.usage = piece.usage.map(Usage::from).or(self.usage);
        let Some(choice) = piece.choices.into_iter().next() else { return Ok(()) };
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        out.extend(filled(choice.delta.reasoning_content).map(Chunk::Reasoning));
        out.extend(filled(choice.delta.content).map(Chunk::Text));
        out.extend(choice.delta.tool_calls.unwrap_or_default().into_iter().map(|call| Chunk::Call {
            index: call.index,
            id: filled(call.id),
            name: filled(call.function.name),
            arguments: call.function.arguments.unwrap_or_default(),
        }));
        if let Some(reason) = choice.finish_reason {
            self.finish = Some(finish(&reason));
        }
        Ok(())
    }

    /// The last piece, after the provider's; none when the answer was cut off. `done` says whether the provider said
    /// that nothing follows.
    pub fn end(&self, done: bool) -> Option<Chunk> {
        let finish = if done { Some(self.finish.unwrap_or_default()) } else { self.finish };
        finish.map(|finish| Chunk::End { finish, usage: self.usage })
    }
}

/// What an answer is labelled with.
#[derive(Clone, Debug)]
pub struct Label {
    /// Its id.
    pub id: String,
    /// Seconds since 1970.
    pub created: u64,
    /// The model that was asked for.
    pub model: String,
}

/// Tokens as clients get them.
pub fn encode_usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.input, "completion_tokens": usage.output, "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
    })
}

/// A whole answer as clients get it.
pub fn encode(label: &Label, response: &ChatResponse) -> Value {
    let content = if response.text.is_empty() && !response.calls.is_empty() {
        Value::Null
    } else {
        response.text.clone().into()
    };
    let mut message = json!({"role": "assistant", "content": content, "refusal": null});
    if !response.reasoning.is_empty() {
        message["reasoning_content"] = response.reasoning.clone().into();
    }
    if !response.calls.is_empty() {
        message["tool_calls"] = response.calls.iter().map(encode_call).collect();
    }
    let mut whole = json!({
        "id": label.id, "object": "chat.completion", "created": label.created, "model": label.model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": reason(response.finish)}],
    });
    if let Some(usage) = &response.usage {
        whole["usage"] = encode_usage(usage);
    }
    whole
}

#[derive(Serialize)]
struct OutPiece<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: [OutChoice<'a>; 1],
}

#[derive(Serialize)]
struct OutChoice<'a> {
    index: u32,
    delta: OutDelta<'a>,
    logprobs: Option<()>,
    finish_reason: Option<&'static str>,
}

#[derive(Default, Serialize)]
struct OutDelta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[OutCall<'a>; 1]>,
}

#[derive(Serialize)]
struct OutCall<'a> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    function: OutFunction<'a>,
}

#[derive(Serialize)]
struct OutFunction<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

/// A piece as clients get it, as the data of an event. The first one of an answer carries the role.
pub fn encode_piece(label: &Label, chunk: &Chunk, first: bool) -> String {
    let mut delta = OutDelta { role: first.then_some("assistant"), ..OutDelta::default() };
    let mut finish_reason = None;
    match chunk {
        Chunk::Text(text) => delta.content = Some(text),
        Chunk::Reasoning(text) => delta.reasoning_content = Some(text),
        Chunk::Call { index, id, name, arguments } => {
            delta.tool_calls = Some([OutCall {
                index: *index,
                id: id.as_deref(),
                kind: id.is_some().then_some("function"),
                function: OutFunction { name: name.as_deref(), arguments },
            }]);
        }
        Chunk::End { finish, .. } => finish_reason = Some(reason(*finish)),
    }
    let piece = OutPiece {
        id: &label.id,
        object: "chat.completion.chunk",
        created: label.created,
        model: &label.model,
        choices: [OutChoice { index: 0, delta, logprobs: None, finish_reason }],
    };
    // Strings and numbers always become JSON.
    serde_json::to_string(&piece).unwrap_or_default()
}

/// The piece after the last one that says how many tokens it were.
pub fn encode_usage_piece(label: &Label, usage: &Usage) -> String {
    json!({
        "id": label.id, "object": "chat.completion.chunk", "created": label.created, "model": label.model,
        "choices": [], "usage": encode_usage(usage),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> Label {
        Label { id: "chatcmpl-1".into(), created: 1, model: "m".into() }
    }

    fn sample() -> ChatResponse {
        ChatResponse {
            text: "Hi".into(),
            reasoning: "Hm".into(),
            calls: vec![ToolCall { id: "c".into(), name: "f".into(), arguments: "{\"a\":1}".into() }],
            finish: Finish::ToolCalls,
            usage: Some(Usage { input: 3, cached: 2, output: 5 }),
        }
    }

    #[test]
    fn a_whole_answer_that_passes_through_is_the_same() {
        let wire: Completion = serde_json::from_value(encode(&label(), &sample())).expect("a completion");
        assert_eq!(wire.read().expect("an answer"), sample());
    }

    #[test]
    fn pieces_that_pass_through_are_the_same() {
        let (mut pieces, mut out) = (Pieces::default(), Vec::new());
        for (number, chunk) in sample().chunks().iter().enumerate() {
            pieces.read(&encode_piece(&label(), chunk, number == 0), &mut out).expect("a piece");
        }
        pieces.read(&encode_usage_piece(&label(), &sample().usage.expect("usage")), &mut out).expect("usage");
        out.extend(pieces.end(false));
        assert_eq!(out, sample().chunks());
    }

    #[test]
    fn an_answer_that_is_cut_off_has_no_end() {
        let (mut pieces, mut out) = (Pieces::default(), Vec::new());
        pieces.read(&encode_piece(&label(), &Chunk::Text("x".into()), true), &mut out).expect("a piece");
        assert_eq!(pieces.end(false), None);
        assert!(pieces.end(true).is_some());
    }

    #[test]
    fn a_stream_that_says_it_failed_fails() {
        let error = Pieces::default().read(r#"{"error":{"message":"out of memory"}}"#, &mut Vec::new());
        assert!(matches!(error, Err(ProviderError::Status { status: 502, .. })));
    }
}
