//! A conversation with a model, in the gateway's own words. Serialised it is what an answer is kept under.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::identity::Caller;

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ChatRequest {
    /// The oldest first.
    pub messages: Vec<Message>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Whether it must.
    pub tool_choice: ToolChoice,
    /// The form of the answer.
    pub format: Format,
    /// Tokens at most.
    pub max_tokens: Option<u32>,
    /// 0 always takes the best.
    pub temperature: Option<f64>,
    /// Only the best tokens that make up this share.
    pub top_p: Option<f64>,
    /// Strings that end the answer.
    pub stop: Vec<String>,
    /// The same seed and request give the same answer, where a provider can.
    pub seed: Option<i64>,
    /// Fields that the gateway does not know: providers that speak the asker's language get them as they are.
    pub extra: Map<String, Value>,
    /// The beginning of an answer whose stream broke: only what follows is wanted.
    pub resume: Option<String>,
    /// For whom it is asked. Nobody outside the realm is told; the realm's own capabilities are called in their name.
    #[serde(skip)]
    pub behalf: Option<Caller>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Message {
    /// What holds for the whole conversation.
    System(String),
    /// The person.
    User(Vec<Part>),
    /// The model.
    Assistant {
        /// What it said.
        text: String,
        /// What it called.
        calls: Vec<ToolCall>,
    },
    /// What a tool said.
    Tool {
        /// The call.
        id: String,
        /// The result.
        text: String,
    },
}

/// A piece of what a person sends.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Part {
    /// Words.
    Text(String),
    /// An image.
    Image(Picture),
    /// A recording, in base64.
    Audio {
        /// The recording.
        base64: String,
        /// `wav` or `mp3`.
        format: String,
    },
}

/// An image that is looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Picture {
    /// Where the provider fetches it. The gateway itself fetches nothing.
    Url(String),
    /// The image itself.
    Data {
        /// For example `image/png`.
        media_type: String,
        /// The bytes in base64.
        base64: String,
    },
}

/// Something that a model may call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// JSON Schema of its arguments.
    pub parameters: Value,
    /// Whether arguments must fit it exactly.
    pub strict: Option<bool>,
}

/// Whether tools are called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub enum ToolChoice {
    /// As the model sees fit.
    #[default]
    Auto,
    /// Never.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// The form of an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub enum Format {
    /// Words.
    #[default]
    Text,
    /// Any JSON object.
    Json,
    /// JSON of a schema.
    Schema {
        /// The schema's name.
        name: String,
        /// The schema.
        schema: Value,
        /// Whether it is kept exactly.
        strict: Option<bool>,
    },
}

/// A call that a model makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ToolCall {
    /// Its id within the conversation.
    pub id: String,
    /// The tool.
    pub name: String,
    /// JSON, as the model wrote it.
    pub arguments: String,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Finish {
    /// The model was done.
    #[default]
    Stop,
    /// There are as many tokens as were asked for, or as there is room for.
    Length,
    /// Tools are called.
    ToolCalls,
    /// The provider held it back.
    Filtered,
}

/// Tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Of what was asked.
    pub input: u64,
    /// Of those, read from the provider's cache.
    pub cached: u64,
    /// Of what was answered.
    pub output: u64,
}

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatResponse {
    /// The words.
    pub text: String,
    /// What the model thought before, where that is told.
    pub reasoning: String,
    /// Tools that are called.
    pub calls: Vec<ToolCall>,
    /// Why it ended.
    pub finish: Finish,
    /// What it took; none where the provider does not say.
    pub usage: Option<Usage>,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Chunk {
    /// Words.
    Text(String),
    /// Thoughts.
    Reasoning(String),
    /// A part of a call: the first one of an index has id and name.
    Call {
        /// Which call, from 0.
        index: u32,
        /// The id, once.
        id: Option<String>,
        /// The name, once.
        name: Option<String>,
        /// More of the arguments.
        arguments: String,
    },
    /// The last piece.
    End {
        /// Why it ended.
        finish: Finish,
        /// What it took; none where the provider does not say.
        usage: Option<Usage>,
    },
}

impl ChatResponse {
    /// Takes a piece in.
    pub fn fold(&mut self, chunk: &Chunk) {
        match chunk {
            Chunk::Text(text) => self.text.push_str(text),
            Chunk::Reasoning(text) => self.reasoning.push_str(text),
            Chunk::Call { index, id, name, arguments } => {
                let index = usize::try_from(*index).unwrap_or(usize::MAX);
                // An index out of order would make a provider's fault ours: it is the next one then.
                if index >= self.calls.len() {
                    self.calls.push(ToolCall::default());
                }
                let at = index.min(self.calls.len() - 1);
                let call = &mut self.calls[at];
                if let Some(id) = id {
                    call.id.clone_from(id);
                }
                if let Some(name) = name {
                    call.name.clone_from(name);
                }
                call.arguments.push_str(arguments);
            }
            Chunk::End { finish, usage } => {
                self.finish = *finish;
                self.usage = *usage;
            }
        }
    }

    /// The same in pieces.
    pub fn chunks(&self) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        if !self.reasoning.is_empty() {
            chunks.push(Chunk::Reasoning(self.reasoning.clone()));
        }
        if !self.text.is_empty() {
            chunks.push(Chunk::Text(self.text.clone()));
        }
        for (index, call) in (0_u32..).zip(&self.calls) {
            chunks.push(Chunk::Call {
                index,
                id: Some(call.id.clone()),
                name: Some(call.name.clone()),
                arguments: call.arguments.clone(),
            });
        }
        chunks.push(Chunk::End { finish: self.finish, usage: self.usage });
        chunks
    }
}

impl ChatRequest {
    /// Tokens that it probably takes, asked and answered: four bytes a token, an image like 1,000, and half of what may
    /// be answered. For comparing prices, and for reserving before anything is known.
    pub fn estimated_tokens(&self) -> (u64, u64) {
        let text = |text: &str| text.len() as u64 / 4 + 4;
        let asked: u64 = self
            .messages
            .iter()
            .map(|message| match message {
                Message::System(words) | Message::Tool { text: words, .. } => text(words),
                Message::Assistant { text: words, calls } => {
                    text(words) + calls.iter().map(|call| text(&call.arguments)).sum::<u64>()
                }
                Message::User(parts) => parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(words) => text(words),
                        Part::Image(_) | Part::Audio { .. } => 1_000,
                    })
                    .sum(),
            })
            .sum();
        let tools: u64 = self.tools.iter().map(|tool| tool.parameters.to_string().len() as u64 / 4).sum();
        (asked + tools, u64::from(self.max_tokens.unwrap_or(1_024)) / 2)
    }

    /// The words of the last message of the person.
    pub fn last_words(&self) -> Option<String> {
        self.messages.iter().rev().find_map(|message| match message {
            Message::User(parts) => Some(words(parts)),
            Message::System(_) | Message::Assistant { .. } | Message::Tool { .. } => None,
        })
    }
}

/// The words among the pieces.
pub fn words(parts: &[Part]) -> String {
    let words = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Image(_) | Part::Audio { .. } => None,
    });
    words.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_and_the_whole_say_the_same() {
        let whole = ChatResponse {
            text: "Hello".into(),
            reasoning: "Hm".into(),
            calls: vec![
                ToolCall { id: "a".into(), name: "f".into(), arguments: "{}".into() },
                ToolCall { id: "b".into(), name: "g".into(), arguments: "{\"x\":1}".into() },
            ],
            finish: Finish::ToolCalls,
            usage: Some(Usage { input: 3, cached: 1, output: 4 }),
        };
        let mut folded = ChatResponse::default();
        whole.chunks().iter().for_each(|chunk| folded.fold(chunk));
        assert_eq!(folded, whole);
    }

    #[test]
    fn a_call_with_a_wild_index_is_the_next_one() {
        let mut folded = ChatResponse::default();
        let call =
            Chunk::Call { index: u32::MAX, id: Some("a".into()), name: None, arguments: String::new() };
        folded.fold(&call);
        assert_eq!(folded.calls.len(), 1);
    }
}
