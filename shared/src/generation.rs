//! Text that a language model makes: what is asked of it, and what an answer came to.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::Backend;

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// What holds for the whole conversation.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub content: String,
}

/// What a model goes on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Prompt {
    /// A conversation, put into the form that the model was trained on.
    Messages {
        /// The oldest first; the last one is the person's.
        messages: Vec<Message>,
    },
    /// A text as it is.
    Text {
        /// The text.
        text: String,
    },
    /// Tokens as they are.
    Tokens {
        /// Their ids.
        ids: Vec<u32>,
    },
}

/// What is asked of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What it goes on from.
    pub prompt: Prompt,
    /// Tokens at most; the context may end an answer before.
    pub max_tokens: u32,
    /// How tokens are chosen.
    #[serde(default)]
    pub sampling: Sampling,
    /// Strings that end the answer and are not part of it.
    #[serde(default)]
    pub stop: Vec<String>,
    /// A JSON Schema that the answer is an instance of; none for free text.
    #[serde(default)]
    pub schema: Option<Value>,
}

/// How the next token is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// 0 always takes the best; 1 takes tokens as often as the model expects them.
    pub temperature: f32,
    /// Only the best this many are considered; 0 for all.
    pub top_k: usize,
    /// Only the best ones that make up this share of the probability; 1 for all.
    pub top_p: f32,
    /// Only those at least this share as likely as the best one; 0 for all.
    pub min_p: f32,
    /// Divides positive logits of recent tokens and multiplies negative ones; 1 for none.
    pub repetition_penalty: f32,
    /// Tokens that count as recent.
    pub penalty_window: usize,
    /// The same seed and the same text give the same answer.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_k: 40,
            top_p: 0.95,
            min_p: 0.05,
            repetition_penalty: 1.0,
            penalty_window: 64,
            seed: 0,
        }
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The model was done.
    Complete,
    /// One of the request's stop strings came.
    StopString,
    /// It has as many tokens as were asked for.
    MaxTokens,
    /// There is no room for more.
    Context,
    /// Somebody stopped it.
    Stopped,
}

/// What an answer came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Characters that were held back until the end; may be empty.
    pub text: String,
    /// Why it ended.
    pub end: End,
    /// What it took.
    pub usage: Usage,
}

/// What an answer took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Those of them that were remembered from the answer before and not read again.
    pub remembered_tokens: u32,
    /// Tokens of the answer.
    pub answer_tokens: u32,
    /// Milliseconds from the beginning to the first token.
    pub first_token_ms: f64,
    /// Milliseconds from the first token to the end.
    pub rest_ms: f64,
    /// Where it was computed.
    pub backend: Backend,
    /// GPU dispatches that a token took; none on the CPU.
    #[serde(default)]
    pub dispatches: Option<u32>,
}

impl Usage {
    /// Prompt tokens read in a second; none where there was nothing to measure.
    pub fn reading_per_s(&self) -> Option<f64> {
        rate(self.prompt_tokens.saturating_sub(self.remembered_tokens), self.first_token_ms)
    }

    /// Tokens made in a second after the first one; none where there was nothing to measure.
    pub fn tokens_per_s(&self) -> Option<f64> {
        rate(self.answer_tokens.saturating_sub(1), self.rest_ms)
    }
}

fn rate(count: u32, ms: f64) -> Option<f64> {
    (count > 0 && ms > 0.0).then(|| f64::from(count) * 1000.0 / ms)
}
