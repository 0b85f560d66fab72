//! The request of a chat completion.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::providers::chat::{
    ChatRequest, Format, Message, Part, Picture, Tool, ToolCall, ToolChoice, words,
};

/// What `POST /v1/chat/completions` takes. Fields that are not listed go on to providers that speak this format.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
pub struct ChatBody {
    /// A model of `GET /v1/models`, or `provider/model`; the realm's usual one where it is left out.
    #[serde(default)]
    pub model: Option<String>,
    /// The oldest first.
    #[schema(value_type = Vec<Object>)]
    pub messages: Vec<WireMessage>,
    /// Whether the answer comes in pieces.
    #[serde(default)]
    pub stream: Option<bool>,
    /// Options of the stream.
    #[serde(default)]
    pub stream_options: Option<StreamOptions>,
    /// What the model may call.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Object>>)]
    pub tools: Option<Vec<WireTool>>,
    /// `auto`, `none`, `required`, or a function by name.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub tool_choice: Option<WireToolChoice>,
    /// `{"type": "text" | "json_object" | "json_schema"}`
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub response_format: Option<WireFormat>,
    /// Tokens at most.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// The newer name of the same.
    #[serde(default)]
    pub max_completion_tokens: Option<u32>,
    /// 0 always takes the best.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Only the best tokens that make up this share.
    #[serde(default)]
    pub top_p: Option<f64>,
    /// A string or several that end the answer.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub stop: Option<OneOrMany>,
    /// The same seed and request give the same answer, where a provider can.
    #[serde(default)]
    pub seed: Option<i64>,
    /// Answers; only 1.
    #[serde(default)]
    pub n: Option<u32>,
    /// Everything else.
    #[serde(flatten)]
    #[schema(ignore)]
    pub extra: Map<String, Value>,
}

/// See [`ChatBody::stream_options`].
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
pub struct StreamOptions {
    /// Whether a last piece says how many tokens it were.
    #[serde(default)]
    pub include_usage: Option<bool>,
}

/// One or several texts.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl From<OneOrMany> for Vec<String> {
    fn from(texts: OneOrMany) -> Self {
        match texts {
            OneOrMany::One(text) => vec![text],
            OneOrMany::Many(texts) => texts,
        }
    }
}

/// A message as it is sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum WireMessage {
    /// Instructions.
    #[serde(alias = "developer")]
    System {
        /// Words.
        content: WireContent,
    },
    /// The person.
    User {
        /// Words and images.
        content: WireContent,
    },
    /// The model.
    Assistant {
        /// Words.
        #[serde(default)]
        content: Option<WireContent>,
        /// Calls.
        #[serde(default)]
        tool_calls: Option<Vec<WireCall>>,
    },
    /// A tool.
    Tool {
        /// The call.
        tool_call_id: String,
        /// The result.
        content: WireContent,
    },
}

/// Words, or pieces.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum WireContent {
    /// Words.
    Text(String),
    /// Pieces.
    Parts(Vec<WirePart>),
}

/// A piece.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum WirePart {
    /// Words.
    Text {
        /// The words.
        text: String,
    },
    /// An image.
    ImageUrl {
        /// Where, or itself as `data:`.
        image_url: WireImage,
    },
    /// A recording.
    InputAudio {
        /// The recording.
        input_audio: WireAudio,
    },
}

/// An image.
#[derive(Clone, Debug, Deserialize)]
pub struct WireImage {
    /// `https:` or `data:`.
    pub url: String,
}

/// A recording.
#[derive(Clone, Debug, Deserialize)]
pub struct WireAudio {
    /// In base64.
    pub data: String,
    /// `wav` or `mp3`.
    pub format: String,
}

/// A call.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct WireCall {
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// Always `function`.
    #[serde(rename = "type", default = "function")]
    pub kind: String,
    /// What is called.
    pub function: WireFunction,
}

fn function() -> String {
    "function".to_owned()
}

/// What is called.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct WireFunction {
    /// Its name.
    pub name: String,
    /// JSON.
    #[serde(default)]
    pub arguments: String,
}

/// A tool.
#[derive(Clone, Debug, Deserialize)]
pub struct WireTool {
    /// The function.
    pub function: WireToolFunction,
}

/// What a tool is.
#[derive(Clone, Debug, Deserialize)]
pub struct WireToolFunction {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: Option<String>,
    /// JSON Schema.
    #[serde(default)]
    pub parameters: Option<Value>,
    /// Whether arguments must fit exactly.
    #[serde(default)]
    pub strict: Option<bool>,
}

/// A choice of tools.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum WireToolChoice {
    /// `auto`, `none`, `required`.
    Word(String),
    /// One of them.
    Function {
        /// Which.
        function: WireName,
    },
}

/// A name.
#[derive(Clone, Debug, Deserialize)]
pub struct WireName {
    /// The name.
    pub name: String,
}

/// The form of an answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum WireFormat {
    /// Words.
    Text,
    /// Any object.
    JsonObject,
    /// JSON of a schema.
    JsonSchema {
        /// The schema.
        json_schema: WireSchema,
    },
}

/// A named schema.
#[derive(Clone, Debug, Deserialize)]
pub struct WireSchema {
    /// Its name.
    pub name: String,
    /// The schema.
    #[serde(default)]
    pub schema: Value,
    /// Whether it is kept exactly.
    #[serde(default)]
    pub strict: Option<bool>,
}

/// What a request asks the gateway for.
pub struct Asked {
    /// The model; none for the usual one.
    pub model: Option<String>,
    /// What goes to it.
    pub request: ChatRequest,
    /// Whether the answer comes in pieces.
    pub stream: bool,
    /// Whether the last piece says how many tokens it were.
    pub include_usage: bool,
    /// Who the asker says is asking, for conversations that stay with one upstream.
    pub conversation: Option<String>,
}

impl ChatBody {
    /// In the gateway's words; the error is a sentence and the field that it is about.
    ///
    /// # Errors
    /// Something that no provider can be asked for.
    pub fn read(self) -> Result<Asked, (String, &'static str)> {
        if self.messages.is_empty() {
            return Err(("messages is empty; the last one is what is answered.".to_owned(), "messages"));
        }
        if self.n.is_some_and(|n| n != 1) {
            return Err(("n is not 1; this gateway gives one answer a request.".to_owned(), "n"));
        }
        let messages = self.messages.into_iter().map(message).collect::<Result<_, _>>()?;
        let tool_choice = match self.tool_choice {
            None => ToolChoice::Auto,
            Some(WireToolChoice::Word(word)) => match word.as_str() {
                "auto" => ToolChoice::Auto,
                "none" => ToolChoice::None,
                "required" => ToolChoice::Required,
                _ => return Err(("tool_choice is not auto, none or required.".to_owned(), "tool_choice")),
            },
            Some(WireToolChoice::Function { function }) => ToolChoice::Named(function.name),
        };
        let format = match self.response_format {
            None | Some(WireFormat::Text) => Format::Text,
            Some(WireFormat::JsonObject) => Format::Json,
            Some(WireFormat::JsonSchema { json_schema: WireSchema { name, schema, strict } }) => {
                Format::Schema { name, schema, strict }
            }
        };
        let tools = self.tools.unwrap_or_default().into_iter().map(|tool| Tool {
            name: tool.function.name,
            description: tool.function.description,
            parameters: tool.function.parameters.unwrap_or_else(|| json!({"type": "object"})),
            strict: tool.function.strict,
        });
        let conversation = self.extra.get("user").and_then(Value::as_str).map(str::to_owned);
        Ok(Asked {
            model: self.model,
            stream: self.stream.unwrap_or(false),
            include_usage: self.stream_options.and_then(|options| options.include_usage).unwrap_or(false),
            conversation,
            request: ChatRequest {
                messages,
                tools: tools.collect(),
                tool_choice,
                format,
                max_tokens: self.max_completion_tokens.or(self.max_tokens),
                temperature: self.temperature,
                top_p: self.top_p,
                stop: self.stop.map(Vec::from).unwrap_or_default(),
                seed: self.seed,
                extra: self.extra,
                resume: None,
                behalf: None,
            },
        })
    }
}

fn message(message: WireMessage) -> Result<Message, (String, &'static str)> {
    Ok(match message {
        WireMessage::System { content } => Message::System(words(&parts(content)?)),
        WireMessage::User { content } => Message::User(parts(content)?),
        WireMessage::Assistant { content, tool_calls } => Message::Assistant {
            text: content.map(parts).transpose()?.map(|parts| words(&parts)).unwrap_or_default(),
            calls: tool_calls
                .unwrap_or_default()
                .into_iter()
                .map(|call| ToolCall {
                    id: call.id,
                    name: call.function.name,
                    arguments: call.function.arguments,
                })
                .collect(),
        },
        WireMessage::Tool { tool_call_id, content } => {
            Message::Tool { id: tool_call_id, text: words(&parts(content)?) }
        }
    })
}

fn parts(content: WireContent) -> Result<Vec<Part>, (String, &'static str)> {
    match content {
        WireContent::Text(text) => Ok(vec![Part::Text(text)]),
        WireContent::Parts(parts) => parts
            .into_iter()
            .map(|part| match part {
                WirePart::Text { text } => Ok(Part::Text(text)),
                WirePart::ImageUrl { image_url } => picture(image_url.url).map(Part::Image),
                WirePart::InputAudio { input_audio } => {
                    Ok(Part::Audio { base64: input_audio.data, format: input_audio.format })
                }
            })
            .collect(),
    }
}

fn picture(url: String) -> Result<Picture, (String, &'static str)> {
    if let Some(data) = url.strip_prefix("data:") {
        let parsed = data.split_once(";base64,").filter(|(kind, _)| kind.starts_with("image/"));
        let Some((media_type, base64)) = parsed else {
            return Err(("an image is not data:image/…;base64,…".to_owned(), "messages"));
        };
        return Ok(Picture::Data { media_type: media_type.to_owned(), base64: base64.to_owned() });
    }
    // A provider on this machine that fetches addresses must not be made to read files or inner services for a stranger.
    if url.starts_with("https://") {
        Ok(Picture::Url(url))
    } else {
        Err(("an image is neither https: nor data:.".to_owned(), "messages"))
    }
}

/// What a model is told that goes on for another one.
pub(crate) const GO_ON: &str =
    "Your last message was cut off. Go on with the very next character; repeat nothing and explain nothing.";

/// A request in the form that a provider takes.
pub fn encode(model: &str, request: &ChatRequest, stream: bool) -> Value {
    let mut body = request.extra.clone();
    let mut messages: Vec<Value> = request.messages.iter().map(encode_message).collect();
    if let Some(begun) = &request.resume {
        messages.push(json!({"role": "assistant", "content": begun}));
        messages.push(json!({"role": "user", "content": GO_ON}));
    }
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("model", model.into());
    put("messages", messages.into());
    if !request.tools.is_empty() {
        put("tools", request.tools.iter().map(encode_tool).collect());
        match &request.tool_choice {
            ToolChoice::Auto => None,
            ToolChoice::None => put("tool_choice", "none".into()),
            ToolChoice::Required => put("tool_choice", "required".into()),
            ToolChoice::Named(name) => {
                put("tool_choice", json!({"type": "function", "function": {"name": name}}))
            }
        };
    }
    match &request.format {
        Format::Text => {}
        Format::Json => {
            put("response_format", json!({"type": "json_object"}));
        }
        Format::Schema { name, schema, strict } => {
            let mut schema = json!({"name": name, "schema": schema});
            if let Some(strict) = strict {
                schema["strict"] = (*strict).into();
            }
            put("response_format", json!({"type": "json_schema", "json_schema": schema}));
        }
    }
    let fields = [
        ("max_tokens", request.max_tokens.map(Value::from)),
        ("temperature", request.temperature.map(Value::from)),
        ("top_p", request.top_p.map(Value::from)),
        ("seed", request.seed.map(Value::from)),
        ("stop", (!request.stop.is_empty()).then(|| request.stop.clone().into())),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            put(name, value);
        }
    }
    if stream {
        put("stream", true.into());
        put("stream_options", json!({"include_usage": true}));
    }
    Value::Object(body)
}

fn encode_message(message: &Message) -> Value {
    match message {
        Message::System(text) => json!({"role": "system", "content": text}),
        Message::User(parts) => match parts.as_slice() {
            [Part::Text(text)] => json!({"role": "user", "content": text}),
            parts => json!({"role": "user", "content": parts.iter().map(encode_part).collect::<Vec<_>>()}),
        },
        Message::Assistant { text, calls } if calls.is_empty() => {
            json!({"role": "assistant", "content": text})
        }
        Message::Assistant { text, calls } => {
            let content = if text.is_empty() { Value::Null } else { text.clone().into() };
            json!({"role": "assistant", "content": content,
                "tool_calls": calls.iter().map(encode_call).collect::<Vec<_>>()})
        }
        Message::Tool { id, text } => json!({"role": "tool", "tool_call_id": id, "content": text}),
    }
}

fn encode_part(part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({"type": "text", "text": text}),
        Part::Image(Picture::Url(url)) => json!({"type": "image_url", "image_url": {"url": url}}),
        Part::Image(Picture::Data { media_type, base64 }) => {
            json!({"type": "image_url", "image_url": {"url": format!("data:{media_type};base64,{base64}")}})
        }
        Part::Audio { base64, format } => {
            json!({"type": "input_audio", "input_audio": {"data": base64, "format": format}})
        }
    }
}

fn encode_tool(tool: &Tool) -> Value {
    let mut function = json!({"name": tool.name, "parameters": tool.parameters});
    if let Some(description) = &tool.description {
        function["description"] = description.clone().into();
    }
    if let Some(strict) = tool.strict {
        function["strict"] = strict.into();
    }
    json!({"type": "function", "function": function})
}

/// A call in the form of a message.
pub fn encode_call(call: &ToolCall) -> Value {
    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Asked {
        let body: ChatBody = serde_json::from_value(body).expect("a body");
        body.read().map_err(|(what, _)| what).expect("a request")
    }

    #[test]
    fn a_request_that_passes_through_is_the_same() {
        let body = json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "a cat"}
            ],
            "tools": [{"type": "function", "function": {"name": "look", "description": "Looks.",
                "parameters": {"type": "object"}, "strict": true}}],
            "tool_choice": {"type": "function", "function": {"name": "look"}},
            "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}},
            "max_tokens": 5, "temperature": 0.5, "top_p": 0.9, "seed": 7, "stop": ["x"],
            "logit_bias": {"1": 2}, "user": "u"
        });
        let asked = read(body.clone());
        assert_eq!(asked.conversation.as_deref(), Some("u"));
        assert_eq!(encode("m", &asked.request, false), body);
    }

    #[test]
    fn streams_ask_for_usage_and_a_broken_one_goes_on() {
        let mut request = read(json!({"messages": [{"role": "user", "content": "Count."}]})).request;
        request.resume = Some("1, 2,".into());
        let body = encode("m", &request, true);
        assert_eq!(body["stream_options"], json!({"include_usage": true}));
        assert_eq!(body["messages"][1], json!({"role": "assistant", "content": "1, 2,"}));
        assert_eq!(body["messages"].as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn what_no_provider_can_do_is_named_with_its_field() {
        for (body, field) in [
            (json!({"messages": []}), "messages"),
            (json!({"messages": [{"role": "user", "content": "x"}], "n": 2}), "n"),
            (json!({"messages": [{"role": "user", "content": "x"}], "tool_choice": "maybe"}), "tool_choice"),
            (
                json!({"messages": [{"role": "user", "content": [
                    {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}]}),
                "messages",
            ),
            (
                json!({"messages": [{"role": "user", "content": [
                    {"type": "image_url", "image_url": {"url": "http://127.0.0.1/x.png"}}]}]}),
                "messages",
            ),
        ] {
            let body: ChatBody = serde_json::from_value(body).expect("a body");
            assert_eq!(body.read().err().map(|(_, field)| field), Some(field));
        }
    }
}
