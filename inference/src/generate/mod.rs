//! A language model with everything around the network: tokenizer, chat template, sampling, the end of an answer.
//!
//! The caller drives: [`TextModel::begin`] takes a prompt, each [`TextModel::step`] reads a batch of it or makes one
//! token, and not calling it again is how a caller stops. Between two answers the model remembers what it has read: a
//! prompt that begins like the last one goes on from where they part, so a conversation is not read again at each turn.
//!
//! When the context is full, an answer ends with [`End::Context`]; nothing of the prompt is dropped silently. A prompt
//! that leaves no room for an answer is refused. Which messages of a long conversation to leave out is the caller's to
//! decide, who can tell the person.

mod sample;
mod stop;

use mtor_shared::{
    engine::Backend,
    problem::{Problem, ProblemCode},
};

pub use sample::{Sampler, Sampling};
pub use stop::StopStrings;

use crate::{
    chat::{ChatTemplate, Message},
    device::Target,
    models::decoder::{BATCH, Decoder},
    tokenizer::{TextTokenizer, Utf8Stream},
    weights::{Gguf, Source},
};

/// Tokens of prompt and answer together, unless the model was trained on fewer: each takes up to 0.1 MB of memory.
pub const CONTEXT: usize = 4096;

/// A loaded language model.
pub struct TextModel {
    tokenizer: TextTokenizer,
    template: Option<ChatTemplate>,
    decoder: Decoder,
    /// What the decoder has read.
    read: Vec<u32>,
    context: usize,
}

/// What is asked of a model.
#[derive(Clone, Debug)]
pub struct Request {
    /// Tokens at most; the context may end an answer before.
    pub max_tokens: usize,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Strings that end the answer and are not part of it.
    pub stop: Vec<String>,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The model was done.
    Complete,
    /// One of the request's stop strings came.
    StopString,
    /// It has as many tokens as were asked for.
    MaxTokens,
    /// There is no room for more.
    Context,
}

/// What a step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A part of the prompt was read.
    Reading {
        /// Tokens read so far, those remembered included.
        done: usize,
        /// Tokens of the prompt.
        total: usize,
    },
    /// One token more.
    Token {
        /// Its id.
        id: u32,
        /// The characters that are complete with it; may be empty.
        text: String,
    },
    /// The answer is complete.
    Ended {
        /// Characters that were held back.
        text: String,
        /// Why it ended.
        end: End,
    },
}

/// An answer on the way.
pub struct Answer {
    prompt: Vec<u32>,
    /// Prompt and answer that the decoder has not read yet begin here.
    unread: usize,
    /// Prompt and answer.
    ids: Vec<u32>,
    max_tokens: usize,
    sampler: Sampler,
    stop: StopStrings,
    stream: Utf8Stream,
    /// Why it is over, once it is.
    ended: Option<End>,
}

impl TextModel {
    /// Loads a GGUF file onto `target`; `loaded` is told after each part how much of 1 is done.
    ///
    /// # Errors
    ///
    /// When the file is not of a kind that MTOR runs, or cannot be read.
    pub async fn load<S: Source>(
        weights: S,
        target: &Target,
        loaded: impl FnMut(f64),
    ) -> Result<Self, Problem> {
        let mut file = Gguf::open(weights).await?;
        // Before the weights: what is not supported is told at once.
        let tokenizer = TextTokenizer::new(&mut file.metadata)?;
        let word =
            |key: &str| file.metadata.count(key).and_then(|id| tokenizer.word(id as u32)).unwrap_or("");
        let template = match file.metadata.text("tokenizer.chat_template") {
            Some(source) => Some(ChatTemplate::new(
                source,
                word("tokenizer.ggml.bos_token_id"),
                word("tokenizer.ggml.eos_token_id"),
            )?),
            None => None,
        };
        let decoder = Decoder::load(&file, target, loaded).await?;
        let context = decoder.limit().min(CONTEXT);
        Ok(Self { tokenizer, template, decoder, read: Vec::new(), context })
    }

    /// Where it computes.
    pub fn backend(&self) -> Backend {
        self.decoder.backend()
    }

    /// Bytes of the weights in memory.
    pub fn bytes(&self) -> usize {
        self.decoder.bytes()
    }

    /// Tokens of prompt and answer together.
    pub fn context(&self) -> usize {
        self.context
    }

    /// Its tokenizer.
    pub fn tokenizer(&self) -> &TextTokenizer {
        &self.tokenizer
    }

    /// Whether the file says how a conversation is put.
    pub fn chats(&self) -> bool {
        self.template.is_some()
    }

    /// The ids after which the model answers a conversation.
    ///
    /// # Errors
    ///
    /// `unsupported` for a model that only continues text; `bad-request` when its template refuses the messages.
    pub fn conversation(&self, messages: &[Message]) -> Result<Vec<u32>, Problem> {
        let template = self.template.as_ref().ok_or_else(|| {
            Problem::new(
                ProblemCode::Unsupported,
                "This model goes on with a text and was not made for conversations.",
                "Choose a model whose name says instruct or chat.",
            )
        })?;
        let rendered = template.render(messages)?;
        let mut ids = self.tokenizer.encode(&rendered, true, false)?;
        // Templates differ in whether they write the first token themselves.
        if let Some(first) = self.tokenizer.first().filter(|first| ids.first() != Some(first)) {
            ids.insert(0, first);
        }
        Ok(ids)
    }

    /// The ids of a text that the model is to go on with.
    ///
    /// # Errors
    ///
    /// When the tokenizer is damaged.
    pub fn text(&self, text: &str) -> Result<Vec<u32>, Problem> {
        self.tokenizer.encode(text, false, true)
    }

    /// Takes a prompt, at least one token.
    ///
    /// # Errors
    ///
    /// `bad-request` for an empty prompt, `too-large` for one that leaves no room for an answer.
    pub fn begin(&mut self, prompt: Vec<u32>, request: Request) -> Result<Answer, Problem> {
        if prompt.is_empty() {
            return Err(Problem::new(
                ProblemCode::BadRequest,
                "There is nothing to go on with.",
                "Write something.",
            ));
        }
        if prompt.len() >= self.context {
            return Err(Problem::new(
                ProblemCode::TooLarge,
                format!("The text has {} tokens, and the model looks at {}.", prompt.len(), self.context),
                "Shorten it, or leave out older messages.",
            ));
        }
        // The last token is read again even if it is known: its logits are wanted.
        let known = self.read.iter().zip(&prompt).take_while(|(a, b)| a == b).count().min(prompt.len() - 1);
        self.read.truncate(known);
        self.decoder.rewind(known);
        Ok(Answer {
            unread: known,
            ids: prompt.clone(),
            prompt,
            max_tokens: request.max_tokens,
            sampler: Sampler::new(request.sampling),
            stop: StopStrings::new(request.stop),
            stream: Utf8Stream::default(),
            ended: (request.max_tokens == 0).then_some(End::MaxTokens),
        })
    }

    /// Does the next step of an answer, of which there may be one at a time.
    ///
    /// # Errors
    ///
    /// `device-lost` when the device gives something that is no logits.
    pub async fn step(&mut self, answer: &mut Answer) -> Result<Step, Problem> {
        if let Some(end) = answer.ended {
            return Ok(answer.end(end));
        }
        let batch = &answer.ids[answer.unread..answer.ids.len().min(answer.unread + BATCH)];
        let last = answer.unread + batch.len() == answer.ids.len();
        let logits = self.decoder.advance(batch).await?;
        self.read.extend_from_slice(batch);
        answer.unread += batch.len();
        if !last {
            return Ok(Step::Reading { done: answer.unread, total: answer.prompt.len() });
        }
        let id = answer.sampler.choose(logits, &answer.ids, |_| true).ok_or_else(|| {
            Problem::retryable(
                ProblemCode::DeviceLost,
                "The device returned numbers that are no logits.",
                "Load the model again; choose the CPU if this happens more than once.",
            )
        })?;
        if self.tokenizer.is_end(id) {
            return Ok(answer.end(End::Complete));
        }
        answer.ids.push(id);
        let mut bytes = Vec::new();
        self.tokenizer.bytes(id, &mut bytes);
        let (text, stopped) = answer.stop.push(&answer.stream.push(&bytes));
        if stopped {
            answer.ended = Some(End::StopString);
            return Ok(Step::Ended { text, end: End::StopString });
        }
        // The token itself is told now, the end by the next step.
        if answer.tokens().len() >= answer.max_tokens {
            answer.ended = Some(End::MaxTokens);
        } else if answer.ids.len() >= self.context {
            answer.ended = Some(End::Context);
        }
        Ok(Step::Token { id, text })
    }
}

impl Answer {
    /// Tokens of the answer so far.
    pub fn tokens(&self) -> &[u32] {
        &self.ids[self.prompt.len()..]
    }

    /// Tokens of the prompt.
    pub fn prompt(&self) -> &[u32] {
        &self.prompt
    }

    fn end(&mut self, end: End) -> Step {
        self.ended = Some(end);
        let (mut text, stopped) = self.stop.push(&self.stream.finish());
        if stopped {
            return Step::Ended { text, end: End::StopString };
        }
        text.push_str(&self.stop.finish());
        Step::Ended { text, end }
    }
}
