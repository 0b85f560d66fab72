//! Answers that are instances of a JSON Schema by construction: which bytes, and so which tokens, may come next.
//!
//! A schema is compiled once to a grammar of bytes (`grammar`); an automaton with a stack follows the answer byte by byte
//! (`automaton`). A token is allowed where all its bytes are, and where what is still missing afterwards fits into the
//! tokens that are left: an answer is complete JSON even when the limit is near.
//!
//! The instances that can come are a subset of the valid ones: properties in the schema's order and none beyond those that
//! it names, no escapes by number, at most one space after a colon or comma, and numbers of up to 15 digits. Where several
//! schemas hold the same value (`oneOf`), that it fits no second one is not checked. What cannot be promised (`not`,
//! `if`, `patternProperties` and so on) is refused by name.

mod automaton;
mod grammar;
mod number;
mod pattern;
mod text;

use std::rc::Rc;

use mtor_shared::problem::{Problem, ProblemCode};
use serde_json::Value;

use automaton::{State, advance, is_complete, missing};
use grammar::Grammar;

use crate::tokenizer::TextTokenizer;

/// The bytes of every token, found once for a tokenizer.
pub struct Vocabulary {
    bytes: Vec<u8>,
    /// Where the bytes of token i end.
    ends: Vec<u32>,
}

impl Vocabulary {
    /// The bytes of every token of a tokenizer; those that steer the model have none.
    pub fn new(tokenizer: &TextTokenizer) -> Self {
        let mut bytes = Vec::new();
        let ends = (0..tokenizer.len() as u32)
            .map(|id| {
                tokenizer.bytes(id, &mut bytes);
                bytes.len() as u32
            })
            .collect();
        Self { bytes, ends }
    }

    /// The bytes of a token; none beyond the vocabulary.
    pub fn token(&self, id: u32) -> &[u8] {
        let end = self.ends.get(id as usize).copied().unwrap_or_default() as usize;
        let start = (id as usize).checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        self.bytes.get(start.unwrap_or_default() as usize..end).unwrap_or_default()
    }
}

/// An answer on its way to an instance of a schema.
#[derive(Clone)]
pub struct Constraint {
    grammar: Rc<Grammar>,
    /// Every way in which the bytes so far can be understood.
    states: Vec<State>,
}

impl Constraint {
    /// Before the first byte.
    ///
    /// # Errors
    ///
    /// `bad-argument` for what is no JSON Schema or has no instance, `unsupported` with the name of the keyword that cannot
    /// be promised.
    pub fn new(schema: &Value) -> Result<Self, Problem> {
        let grammar = Rc::new(Grammar::compile(schema)?);
        let states = vec![automaton::start(&grammar)];
        Ok(Self { grammar, states })
    }

    /// Bytes of the shortest way to complete JSON: as many tokens are enough.
    pub fn missing(&self) -> usize {
        self.states.iter().map(|state| missing(&self.grammar, state)).min().unwrap_or(usize::MAX)
    }

    /// Whether the answer is complete JSON.
    pub fn is_complete(&self) -> bool {
        self.states.iter().any(|state| is_complete(&self.grammar, state))
    }

    /// Whether the answer is complete and nothing can follow.
    pub fn is_closed(&self) -> bool {
        self.states.iter().all(Vec::is_empty)
    }

    /// Whether `bytes`, at least one, may come next, with room for `left` bytes after them.
    pub fn allows(&self, bytes: &[u8], left: usize) -> bool {
        let Some((first, rest)) = bytes.split_first() else { return false };
        // Most tokens end here, before anything is allocated for them.
        let states = self.after(&self.states, *first);
        let states = rest
            .iter()
            .try_fold(states, |states, byte| (!states.is_empty()).then(|| self.after(&states, *byte)));
        states.is_some_and(|states| states.iter().any(|state| missing(&self.grammar, state) <= left))
    }

    /// The answer goes on with `bytes`.
    ///
    /// # Errors
    ///
    /// `internal` where they are not allowed.
    pub fn accept(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        for byte in bytes {
            self.states = self.after(&self.states, *byte);
        }
        if self.states.is_empty() {
            return Err(Problem::new(
                ProblemCode::Internal,
                "A token was chosen that the schema forbids.",
                "",
            ));
        }
        Ok(())
    }

    fn after(&self, states: &[State], byte: u8) -> Vec<State> {
        let mut next = Vec::new();
        for state in states {
            advance(&self.grammar, state, byte, &mut next);
        }
        next
    }
}

#[cfg(test)]
mod tests;
