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

use std::rc::Rc;

use mtor_shared::{
    engine::Backend,
    generation::{Answer, End, Message, Prompt, Request, Usage},
    problem::{Problem, ProblemCode},
};

pub use sample::Sampler;
pub use stop::StopStrings;

use crate::{
    chat::ChatTemplate,
    constrain::{Constraint, Vocabulary},
    device::Target,
    models::decoder::{BATCH, Decoder},
    tokenizer::{TextTokenizer, Utf8Stream},
    weights::{Gguf, Source},
};

/// Milliseconds that a step of reading is to take: what cannot be stopped, and what others wait for.
const STEP_MS: f64 = 250.0;
/// Tokens of a step of reading at first, and at least: below that, weights are unpacked for too few tokens.
const FIRST_BATCH: usize = 16;
const LEAST_BATCH: usize = 8;

/// A clock in milliseconds; only differences mean something.
pub type Clock = fn() -> f64;

/// A loaded language model.
pub struct TextModel {
    tokenizer: TextTokenizer,
    template: Option<ChatTemplate>,
    decoder: Decoder,
    /// What the decoder has read.
    read: Vec<u32>,
    context: usize,
    /// Tokens that this machine reads in about [`STEP_MS`].
    batch: usize,
    /// The bytes of every token, once a schema asked for them.
    vocabulary: Option<Rc<Vocabulary>>,
}

/// What a step came to.
#[derive(Clone, Debug, PartialEq)]
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
    Ended(Answer),
}

/// An answer on the way.
pub struct Generation {
    prompt_tokens: usize,
    /// Tokens of the prompt that were read before.
    remembered: usize,
    /// Prompt and answer that the decoder has not read yet begin here.
    unread: usize,
    /// Prompt and answer.
    ids: Vec<u32>,
    max_tokens: usize,
    sampler: Sampler,
    constraint: Option<(Constraint, Rc<Vocabulary>)>,
    stop: StopStrings,
    stream: Utf8Stream,
    /// Why it is over, once it is.
    ended: Option<End>,
    backend: Backend,
    dispatches: Option<u32>,
    clock: Clock,
    began_ms: f64,
    first_ms: Option<f64>,
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
        let context = decoder.limit();
        Ok(Self {
            tokenizer,
            template,
            decoder,
            read: Vec::new(),
            context,
            batch: FIRST_BATCH,
            vocabulary: None,
        })
    }

    /// Reads one token and forgets it: a first pass, which compiles the kernels of a GPU and touches all weights.
    ///
    /// # Errors
    ///
    /// `device-lost` when the device gives something that is no logits.
    pub async fn first_pass(&mut self) -> Result<(), Problem> {
        self.read.clear();
        self.decoder.rewind(0);
        let fine = self.decoder.advance(&[0], false).await?.iter().all(|(_, logit)| logit.is_finite());
        self.decoder.rewind(0);
        if fine { Ok(()) } else { Err(no_logits()) }
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

    /// The ids of a prompt, as it is put to the model.
    ///
    /// # Errors
    ///
    /// As [`TextModel::conversation`] and [`TextModel::text`].
    pub fn ids(&self, prompt: &Prompt) -> Result<Vec<u32>, Problem> {
        match prompt {
            Prompt::Messages { messages } => self.conversation(messages),
            Prompt::Text { text } => self.text(text),
            Prompt::Tokens { ids } => Ok(ids.clone()),
        }
    }

    /// Takes a request. An answer that is not complete is given up by beginning another.
    ///
    /// # Errors
    ///
    /// `bad-request` for an empty prompt, `too-large` for one that leaves no room for an answer, and what
    /// [`TextModel::ids`] says.
    pub fn begin(&mut self, request: &Request, clock: Clock) -> Result<Generation, Problem> {
        let began_ms = clock();
        let ids = self.ids(&request.prompt)?;
        if ids.is_empty() {
            return Err(Problem::new(
                ProblemCode::BadRequest,
                "There is nothing to go on with.",
                "Write something.",
            ));
        }
        if ids.len() >= self.context {
            return Err(Problem::new(
                ProblemCode::TooLarge,
                format!("The text has {} tokens, and the model looks at {}.", ids.len(), self.context),
                "Shorten it, or leave out older messages.",
            ));
        }
        let constraint = match &request.schema {
            None => None,
            Some(schema) => {
                let constraint = Constraint::new(schema)?;
                let room = (request.max_tokens as usize).min(self.context - ids.len());
                if constraint.missing() > room {
                    return Err(Problem::new(
                        ProblemCode::TooLarge,
                        format!(
                            "The shortest answer that fits the schema may take {} tokens, and {room} are allowed.",
                            constraint.missing()
                        ),
                        "Allow more tokens, or shorten the schema.",
                    ));
                }
                let tokenizer = &self.tokenizer;
                let vocabulary = self.vocabulary.get_or_insert_with(|| Rc::new(Vocabulary::new(tokenizer)));
                Some((constraint, vocabulary.clone()))
            }
        };
        // The last token is read again even if it is known: its logits are wanted.
        let known = self.read.iter().zip(&ids).take_while(|(a, b)| a == b).count().min(ids.len() - 1);
        self.read.truncate(known);
        self.decoder.rewind(known);
        Ok(Generation {
            prompt_tokens: ids.len(),
            remembered: known,
            unread: known,
            ids,
            max_tokens: request.max_tokens as usize,
            sampler: Sampler::new(request.sampling),
            constraint,
            stop: StopStrings::new(request.stop.clone()),
            stream: Utf8Stream::default(),
            ended: (request.max_tokens == 0).then_some(End::MaxTokens),
            backend: self.backend(),
            dispatches: self.decoder.dispatches().map(|count| count as u32),
            clock,
            began_ms,
            first_ms: None,
        })
    }

    /// Does the next step of an answer, of which there may be one at a time.
    ///
    /// # Errors
    ///
    /// `device-lost` when the device gives something that is no logits.
    pub async fn step(&mut self, answer: &mut Generation) -> Result<Step, Problem> {
        if let Some(end) = answer.ended {
            return Ok(Step::Ended(answer.end(end)));
        }
        let began_ms = (answer.clock)();
        let batch = &answer.ids[answer.unread..answer.ids.len().min(answer.unread + self.batch)];
        let last = answer.unread + batch.len() == answer.ids.len();
        if !last {
            self.decoder.read(batch).await?;
            self.read.extend_from_slice(batch);
            answer.unread += batch.len();
            self.batch = paced(self.batch, (answer.clock)() - began_ms);
            return Ok(Step::Reading { done: answer.unread, total: answer.prompt_tokens });
        }
        // What a schema allows may be anywhere; else the best ones mostly decide.
        let best = answer.constraint.is_none() && answer.sampler.needs_only_the_best();
        let logits = self.decoder.advance(batch, best).await?;
        self.read.extend_from_slice(batch);
        answer.unread += batch.len();
        // Tokens that may come after this one.
        let left = (answer.max_tokens - answer.tokens().len()).min(self.context - answer.ids.len()) - 1;
        let Generation { sampler, ids, constraint, .. } = answer;
        let id = match constraint {
            None => sampler.choose(logits, ids, |_| true),
            Some((constraint, vocabulary)) => sampler.choose(logits, ids, |id| {
                if self.tokenizer.is_end(id) {
                    constraint.is_complete()
                } else {
                    constraint.allows(vocabulary.token(id), left)
                }
            }),
        };
        let id = id.ok_or_else(no_logits)?;
        answer.first_ms.get_or_insert_with(answer.clock);
        if self.tokenizer.is_end(id) {
            return Ok(Step::Ended(answer.end(End::Complete)));
        }
        answer.ids.push(id);
        let mut bytes = Vec::new();
        self.tokenizer.bytes(id, &mut bytes);
        let (text, stopped) = answer.stop.push(&answer.stream.push(&bytes));
        if stopped {
            answer.ended = Some(End::StopString);
            return Ok(Step::Ended(answer.told(text, End::StopString)));
        }
        if let Some((constraint, _)) = &mut answer.constraint {
            constraint.accept(&bytes)?;
        }
        // The token itself is told now, the end by the next step.
        if answer.constraint.as_ref().is_some_and(|(constraint, _)| constraint.is_closed()) {
            answer.ended = Some(End::Complete);
        } else if answer.tokens().len() >= answer.max_tokens {
            answer.ended = Some(End::MaxTokens);
        } else if answer.ids.len() >= self.context {
            answer.ended = Some(End::Context);
        }
        Ok(Step::Token { id, text })
    }
}

/// How many tokens to read at a time, after so many took so long.
fn paced(tokens: usize, ms: f64) -> usize {
    let fitting = (tokens as f64 * STEP_MS / ms.max(1.0)) as usize;
    // Kernels take four tokens at a time.
    (fitting / 4 * 4).clamp(LEAST_BATCH, BATCH)
}

fn no_logits() -> Problem {
    Problem::retryable(
        ProblemCode::DeviceLost,
        "The device returned numbers that are no logits.",
        "Load the model again; choose the CPU if this happens more than once.",
    )
}

impl Generation {
    /// Tokens of the answer so far.
    pub fn tokens(&self) -> &[u32] {
        &self.ids[self.prompt_tokens..]
    }

    /// Tokens of the prompt.
    pub fn prompt(&self) -> &[u32] {
        &self.ids[..self.prompt_tokens]
    }

    /// Ends it here, because somebody said so.
    pub fn stop(mut self) -> Answer {
        self.end(End::Stopped)
    }

    fn end(&mut self, end: End) -> Answer {
        self.ended = Some(end);
        let (mut text, stopped) = self.stop.push(&self.stream.finish());
        if stopped {
            return self.told(text, End::StopString);
        }
        text.push_str(&self.stop.finish());
        self.told(text, end)
    }

    fn told(&self, text: String, end: End) -> Answer {
        let now_ms = (self.clock)();
        let first_ms = self.first_ms.unwrap_or(now_ms);
        let usage = Usage {
            prompt_tokens: self.prompt_tokens as u32,
            remembered_tokens: self.remembered as u32,
            answer_tokens: self.tokens().len() as u32,
            first_token_ms: first_ms - self.began_ms,
            rest_ms: now_ms - first_ms,
            backend: self.backend,
            dispatches: self.dispatches,
        };
        Answer { text, end, usage }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_reading_takes_as_many_tokens_as_the_machine_reads_in_its_time() {
        assert_eq!(paced(16, 1_000.0), LEAST_BATCH);
        assert_eq!(paced(16, 200.0), 20);
        assert_eq!(paced(16, 0.0), BATCH);
    }
}
