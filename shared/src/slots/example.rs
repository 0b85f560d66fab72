//! Example sentences with marked slots.

use serde::{Deserialize, Serialize};

/// A piece of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Words as they are.
    Words(String),
    /// A slot and the value that it has in the example.
    Slot {
        /// The argument's name.
        name: String,
        /// A value that somebody might give.
        sample: String,
    },
}

/// A sentence that asks for a capability, written `what's the weather in {place=Lisbon}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Example {
    parts: Vec<Part>,
}

/// Why a string is no example.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no example: write slots as {{name=sample}}")]
pub struct ExampleError {
    text: String,
}

impl Example {
    /// The pieces in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The sentence as a person would say it.
    pub fn sentence(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Words(words) => words.as_str(),
                Part::Slot { sample, .. } => sample.as_str(),
            })
            .collect()
    }

    /// The words around the slots.
    pub fn carrier(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Words(words) => Some(words.as_str()),
            Part::Slot { .. } => None,
        })
    }
}

impl TryFrom<String> for Example {
    type Error = ExampleError;

    fn try_from(text: String) -> Result<Self, ExampleError> {
        let error = || ExampleError { text: text.clone() };
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some(open) = rest.find('{') {
            if open > 0 {
                parts.push(Part::Words(rest[..open].to_owned()));
            }
            let close = rest[open..].find('}').map(|at| open + at).ok_or_else(error)?;
            let (name, sample) = rest[open + 1..close].split_once('=').ok_or_else(error)?;
            if name.is_empty() || sample.is_empty() {
                return Err(error());
            }
            parts.push(Part::Slot { name: name.to_owned(), sample: sample.to_owned() });
            rest = &rest[close + 1..];
        }
        if rest.contains('}') {
            return Err(error());
        }
        if !rest.is_empty() {
            parts.push(Part::Words(rest.to_owned()));
        }
        if parts.is_empty() { Err(error()) } else { Ok(Self { parts }) }
    }
}

impl From<Example> for String {
    fn from(example: Example) -> Self {
        example
            .parts
            .into_iter()
            .map(|part| match part {
                Part::Words(words) => words,
                Part::Slot { name, sample } => format!("{{{name}={sample}}}"),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_reads_as_a_sentence_and_keeps_its_form() {
        let text = "convert {amount=20} euros to {to=USD}";
        let example = Example::try_from(text.to_owned()).expect("valid");
        assert_eq!(example.sentence(), "convert 20 euros to USD");
        assert_eq!(example.carrier().collect::<Vec<_>>(), ["convert ", " euros to "]);
        assert_eq!(String::from(example), text);
    }

    #[test]
    fn broken_slots_are_refused() {
        for text in ["", "in {place}", "in {=Rome}", "in {place=}", "in {place=Rome", "in place=Rome}"] {
            assert!(Example::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
