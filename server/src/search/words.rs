//! Search by words: BM25 (Robertson and Zaragoza, 2009) over what operations are called and say about themselves.
//!
//! An own small index instead of a search engine: a description is indexed once, when it is compiled, never changes,
//! and ten thousand operations are a few megabytes. One index a source; they are searched together.

use std::{collections::BTreeMap, ops::Bound};

use mtor_federation::Operation;
use mtor_shared::{capability::Capability, words};

/// How fast more of the same word stops to count.
const K1: f32 = 1.2;
/// How much long texts are held against themselves.
const B: f32 = 0.6;
/// The last word of a query may be the beginning of one, if it has at least this many letters.
const PREFIX_CHARS: usize = 3;
/// Words that one beginning stands for at most, in one index.
const PREFIX_WORDS: usize = 32;
/// How much a word counts of which only the beginning was given.
const PREFIX_WEIGHT: f32 = 0.6;
/// Words of a query that are looked at.
const QUERY_WORDS: usize = 24;
/// Says nothing in a query.
const EMPTY: [&str; 16] =
    ["a", "an", "and", "by", "for", "from", "in", "is", "of", "on", "or", "the", "to", "what", "with", "all"];

/// An operation as words, each with its weight.
pub struct Document {
    weights: BTreeMap<String, f32>,
}

impl Document {
    /// What an operation is called counts more than what is said about it.
    pub fn operation(operation: &Operation) -> Self {
        let mut document = Self::of(&operation.capability);
        document.add(&operation.template, 1.5);
        document.add(&operation.method, 0.5);
        for tag in &operation.tags {
            document.add(tag, 1.0);
        }
        document
    }

    /// A capability that is made of several operations.
    pub fn composition(capability: &Capability) -> Self {
        Self::of(capability)
    }

    fn of(capability: &Capability) -> Self {
        let mut document = Self { weights: BTreeMap::new() };
        document.add(&capability.title, 3.0);
        document.add(&capability.id.0, 2.0);
        if capability.summary != capability.title {
            document.add(&capability.summary, 1.0);
        }
        for example in &capability.examples {
            document.add(&example.sentence(), 1.0);
        }
        document
    }

    fn add(&mut self, text: &str, weight: f32) {
        for term in terms(text) {
            *self.weights.entry(term).or_default() += weight;
        }
    }
}

/// The words of a text in the form in which they are compared: `getPetById` is `get`, `pet`, `by`, `id`.
pub fn terms(text: &str) -> impl Iterator<Item = String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let next_is_small = rest.peek().is_some_and(|next| next.is_lowercase());
        let begins = c.is_uppercase()
            && (before.is_lowercase() || before.is_ascii_digit() || (before.is_uppercase() && next_is_small));
        if (begins || !c.is_alphanumeric()) && !word.is_empty() {
            pieces.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    pieces.push(word);
    pieces.into_iter().filter(|word| !word.is_empty()).map(|word| words::stem(&word).to_owned())
}

/// Documents that have a word, with its weight there.
type Postings<'a> = &'a [(u32, f32)];

/// The operations of one description by their words.
#[derive(Default)]
pub struct Index {
    /// For each word the documents that have it, with its weight there.
    postings: BTreeMap<String, Vec<(u32, f32)>>,
    lengths: Vec<f32>,
    total: f32,
}

impl Index {
    /// Documents are numbered in their order.
    pub fn of(documents: impl Iterator<Item = Document>) -> Self {
        let mut index = Self::default();
        for (number, document) in documents.enumerate() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let length: f32 = document.weights.values().sum();
            for (term, weight) in document.weights {
                index.postings.entry(term).or_default().push((number, weight));
            }
            index.lengths.push(length);
            index.total += length;
        }
        index
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// The lists of a word, and of those that it begins, with how much they count.
    fn lists(&self, term: &Term) -> Vec<(Postings<'_>, f32)> {
        let mut lists: Vec<(Postings<'_>, f32)> = Vec::new();
        lists.extend(self.postings.get(&term.text).map(|list| (list.as_slice(), 1.0)));
        if term.may_go_on {
            let from = (Bound::Excluded(term.text.as_str()), Bound::Unbounded);
            let longer = self.postings.range::<str, _>(from);
            let longer = longer.take_while(|(word, _)| word.starts_with(&term.text)).take(PREFIX_WORDS);
            lists.extend(longer.map(|(_, list)| (list.as_slice(), PREFIX_WEIGHT)));
        }
        lists
    }
}

struct Term {
    text: String,
    may_go_on: bool,
}

fn query_terms(query: &str) -> Vec<Term> {
    let open = query.chars().next_back().is_some_and(char::is_alphanumeric);
    let all: Vec<String> = terms(query).take(QUERY_WORDS).collect();
    let last = all.len().saturating_sub(1);
    let said: Vec<Term> = all
        .into_iter()
        .enumerate()
        .map(|(at, text)| Term {
            may_go_on: open && at == last && text.chars().count() >= PREFIX_CHARS,
            text,
        })
        .collect();
    let (empty, full): (Vec<Term>, Vec<Term>) =
        said.into_iter().partition(|term| EMPTY.contains(&term.text.as_str()));
    if full.is_empty() { empty } else { full }
}

/// The score of each document of each index, 0 where no word is found.
pub fn scores(indices: &[&Index], query: &str) -> Vec<Vec<f32>> {
    let documents: usize = indices.iter().map(|index| index.len()).sum();
    let mean = indices.iter().map(|index| index.total).sum::<f32>() / (documents.max(1) as f32);
    let mut scores: Vec<Vec<f32>> = indices.iter().map(|index| vec![0.0; index.len()]).collect();
    for term in query_terms(query) {
        let found: Vec<Vec<(Postings<'_>, f32)>> = indices.iter().map(|index| index.lists(&term)).collect();
        let with: usize = found.iter().flatten().map(|(list, _)| list.len()).sum();
        let with = with.min(documents) as f32;
        let rarity = (1.0 + (documents as f32 - with + 0.5) / (with + 0.5)).ln();
        for ((index, lists), scores) in indices.iter().zip(found).zip(&mut scores) {
            for (list, counts) in lists {
                for (number, weight) in list {
                    let at = *number as usize;
                    let (Some(length), Some(score)) = (index.lengths.get(at), scores.get_mut(at)) else {
                        continue;
                    };
                    let saturated = weight * (K1 + 1.0) / (weight + K1 * (1.0 - B + B * length / mean));
                    *score += counts * rarity * saturated;
                }
            }
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(texts: &[&str]) -> Index {
        Index::of(texts.iter().map(|text| {
            let mut document = Document { weights: BTreeMap::new() };
            document.add(text, 1.0);
            document
        }))
    }

    fn best(indices: &[&Index], query: &str) -> Option<(usize, usize)> {
        let scores = scores(indices, query);
        let all = scores.iter().enumerate();
        all.flat_map(|(i, list)| list.iter().enumerate().map(move |(n, score)| (i, n, *score)))
            .filter(|(_, _, score)| *score > 0.0)
            .max_by(|a, b| a.2.total_cmp(&b.2))
            .map(|(i, n, _)| (i, n))
    }

    #[test]
    fn names_of_programs_are_taken_apart() {
        let all = |text: &str| terms(text).collect::<Vec<_>>();
        assert_eq!(all("getPetById"), ["get", "pet", "by", "id"]);
        assert_eq!(all("/v1/HTTPServers/{server_id}"), ["v1", "http", "server", "server", "id"]);
        assert_eq!(all("…"), [""; 0]);
    }

    #[test]
    fn a_rare_word_counts_more_than_a_common_one() {
        let (one, other) = (index(&["list users", "list pets", "list orders"]), index(&["cancel an order"]));
        assert_eq!(best(&[&one, &other], "list the pets"), Some((0, 1)));
        assert_eq!(best(&[&one, &other], "cancel orders"), Some((1, 0)));
        assert_eq!(best(&[&one, &other], "weather"), None);
    }

    #[test]
    fn the_last_word_may_be_unfinished() {
        let one = index(&["create an invoice", "list customers"]);
        assert_eq!(best(&[&one], "invo"), Some((0, 0)));
        assert_eq!(best(&[&one], "invo "), None);
    }

    #[test]
    fn an_operation_is_found_by_what_it_is_grouped_under() {
        let operation =
            |name: &str, tag: &str| serde_json::json!({"get": {"operationId": name, "tags": [tag]}});
        let document = serde_json::json!({"openapi": "3.1.0", "info": {"title": "T"},
            "servers": [{"url": "https://api.test"}],
            "paths": {"/a": operation("list", "Invoices"), "/b": operation("show", "Customers")}});
        let compiled = mtor_federation::compile("t", &document.to_string(), None).expect("compiles");
        let one = Index::of(compiled.operations.iter().map(Document::operation));
        assert_eq!(best(&[&one], "customers"), Some((0, 1)));
        assert_eq!(best(&[&one], "invoice"), Some((0, 0)));
    }

    #[test]
    fn nothing_is_found_in_nothing() {
        assert_eq!(scores(&[], "pets"), Vec::<Vec<f32>>::new());
        assert_eq!(scores(&[&Index::default()], ""), [Vec::<f32>::new()]);
    }
}
