//! Ranking by words in common.

use std::collections::{BTreeMap, BTreeSet};

use super::{Candidate, Method, Ranking};
use crate::{
    catalogue::Catalogue,
    words::{folded, stem},
};

/// Ranks by the words that the text shares with the words around the slots of each example. A word counts by how few
/// capabilities and background sentences use it. Words that nobody uses are taken as values of slots and count little.
pub fn rank_lexical(text: &str, catalogue: &Catalogue) -> Ranking {
    let weights = Weights::new(catalogue);
    let asked = stems(text);
    let candidates = catalogue
        .capabilities
        .iter()
        .filter(|capability| !capability.examples.is_empty())
        .map(|capability| {
            let (score, nearest) = capability
                .examples
                .iter()
                .map(|example| {
                    let carrier =
                        example.carrier().flat_map(folded).map(|word| stem(&word).to_owned()).collect();
                    (weights.similarity(&asked, &carrier), example)
                })
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .map_or((0.0, String::new()), |(score, example)| (score, example.sentence()));
            Candidate { capability: capability.id.clone(), score, nearest }
        })
        .collect();
    let background = catalogue
        .background
        .iter()
        .map(|sentence| weights.similarity(&asked, &stems(sentence)))
        .fold(0.0, f32::max);
    Ranking::new(Method::Lexical, candidates, background)
}

fn stems(text: &str) -> BTreeSet<String> {
    folded(text).iter().map(|word| stem(word).to_owned()).collect()
}

/// Inverse document frequencies, a capability or a background sentence being a document.
struct Weights {
    documents: f32,
    frequency: BTreeMap<String, u32>,
}

impl Weights {
    /// What a word of the question that nobody uses counts, as a share of the rarest known word.
    const UNKNOWN_SHARE: f32 = 0.12;

    fn new(catalogue: &Catalogue) -> Self {
        let capabilities = catalogue.capabilities.iter().map(|capability| {
            let words = capability.examples.iter().flat_map(|example| example.carrier()).flat_map(folded);
            words.map(|word| stem(&word).to_owned()).collect::<BTreeSet<_>>()
        });
        let background = catalogue.background.iter().map(|sentence| stems(sentence));
        let mut frequency = BTreeMap::new();
        let mut documents = 0.0;
        for document in capabilities.chain(background) {
            documents += 1.0;
            for word in document {
                *frequency.entry(word).or_insert(0) += 1;
            }
        }
        Self { documents, frequency }
    }

    fn weight(&self, word: &str) -> f32 {
        match self.frequency.get(word) {
            Some(&n) => (1.0 + self.documents / n as f32).ln(),
            None => Self::UNKNOWN_SHARE * (1.0 + self.documents).ln(),
        }
    }

    /// Harmonic mean of how much of the question and how much of the example is in common, by weight.
    fn similarity(&self, asked: &BTreeSet<String>, example: &BTreeSet<String>) -> f32 {
        let sum = |words: &mut dyn Iterator<Item = &String>| words.map(|word| self.weight(word)).sum::<f32>();
        let common = sum(&mut asked.intersection(example));
        if common == 0.0 {
            return 0.0;
        }
        2.0 * common / (sum(&mut asked.iter()) + sum(&mut example.iter()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        route::{Decision, decide},
        testing::capability,
    };

    fn catalogue() -> Catalogue {
        Catalogue {
            realm: "test".into(),
            capabilities: vec![
                capability(
                    "meteo/weather",
                    "place",
                    &["what's the weather in {place=Lisbon}", "will it rain in {place=Rome}"],
                ),
                capability("library/books", "q", &["books about {q=whales}", "find books by {q=Le Guin}"]),
                capability("meteo/step", "x", &[]),
            ],
            background: vec!["tell me a joke".into(), "what's the time".into()],
        }
    }

    fn best(text: &str) -> Option<String> {
        match decide(&rank_lexical(text, &catalogue())) {
            Decision::Run { capability, .. } => Some(capability.0),
            _ => None,
        }
    }

    #[test]
    fn shared_words_decide() {
        assert_eq!(best("What’s the weather in Ouagadougou?").as_deref(), Some("meteo/weather"));
        assert_eq!(best("is it raining in Rome").as_deref(), Some("meteo/weather"));
        assert_eq!(best("a book about the sea").as_deref(), Some("library/books"));
    }

    #[test]
    fn background_and_nonsense_are_not_guessed() {
        for text in ["tell me a joke", "what's the time", "xyzzy plugh", ""] {
            assert_eq!(best(text), None, "{text}");
        }
    }

    #[test]
    fn capabilities_without_examples_are_not_asked_for() {
        assert_eq!(rank_lexical("weather", &catalogue()).candidates.len(), 2);
    }
}
