//! Parts of speech (Penn Treebank tags) by an averaged perceptron: a word with one tag is looked up, any other is
//! scored by what stands around it.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Tagger {
    tags: Vec<String>,
    tagdict: HashMap<String, String>,
    vocab: HashSet<String>,
    weights: HashMap<String, HashMap<String, f64>>,
}

fn normal(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next();
    if word.contains('-') && first != Some('-') {
        return "!HYPHEN".to_owned();
    }
    let digits = word.chars().all(char::is_numeric);
    if digits && word.chars().count() == 4 {
        return "!YEAR".to_owned();
    }
    if first.is_some_and(char::is_numeric) {
        return "!DIGITS".to_owned();
    }
    word.to_lowercase()
}

fn shape(word: &str) -> String {
    let count = word.chars().count();
    if word.chars().all(char::is_alphabetic) {
        let lower = |text: &str| text.chars().all(char::is_lowercase);
        let rest: String = word.chars().skip(1).collect();
        let first_upper = word.chars().next().is_some_and(char::is_uppercase);
        return if lower(word) {
            "x"
        } else if word.chars().all(char::is_uppercase) {
            if count > 1 { "XX" } else { "X1" }
        } else if first_upper && lower(&rest) {
            "Xx"
        } else {
            "xX"
        }
        .to_owned();
    }
    if word.chars().all(char::is_numeric) {
        return "d".to_owned();
    }
    let kind = |c: char| match c {
        c if c.is_numeric() => 'd',
        c if c.is_alphabetic() => 'x',
        c => c,
    };
    word.chars().take(4).map(kind).collect()
}

/// The last three characters.
fn ending(word: &str) -> &str {
    let at = word.char_indices().rev().nth(2).map_or(0, |(at, _)| at);
    &word[at..]
}

impl Tagger {
    /// A tag for each word.
    pub(super) fn tags(&self, words: &[&str]) -> Vec<String> {
        let mut around = vec!["-START2-".to_owned(), "-START-".to_owned()];
        around.extend(words.iter().map(|word| {
            let normal = normal(word);
            if self.vocab.contains(&normal) { normal } else { format!("<{}>", shape(word)) }
        }));
        around.extend(["-END-".to_owned(), "-END2-".to_owned()]);
        let (mut before, mut earlier) = ("-START-".to_owned(), "-START2-".to_owned());
        let mut tags = Vec::with_capacity(words.len());
        for (index, word) in words.iter().enumerate() {
            let tag = match self.tagdict.get(*word) {
                Some(tag) => tag.clone(),
                None => self.predict(index, word, &around[index..index + 5], &before, &earlier),
            };
            earlier = std::mem::replace(&mut before, tag.clone());
            tags.push(tag);
        }
        tags
    }

    /// `around` is the word with two on each side.
    fn predict(&self, index: usize, word: &str, around: &[String], before: &str, earlier: &str) -> String {
        let features = [
            "b".to_owned(),
            format!("s3={}", ending(word)),
            format!("p1={}", word.chars().next().map(String::from).unwrap_or_default()),
            format!("w={}", around[2]),
            format!("sh={}", shape(word)),
            (if index == 0 { "i0" } else { "i+" }).to_owned(),
            format!("t-1={before}"),
            format!("t-2={earlier}"),
            format!("t-12={before},{earlier}"),
            format!("w-1={}", around[1]),
            format!("s3-1={}", ending(&around[1])),
            format!("w-2={}", around[0]),
            format!("w+1={}", around[3]),
            format!("s3+1={}", ending(&around[3])),
            format!("w+2={}", around[4]),
        ];
        let mut scores: HashMap<&str, f64> = HashMap::new();
        for weights in features.iter().filter_map(|feature| self.weights.get(feature)) {
            for (tag, weight) in weights {
                *scores.entry(tag).or_default() += weight;
            }
        }
        let score = |tag: &String| scores.get(tag.as_str()).copied().unwrap_or(0.0);
        let best = self.tags.iter().max_by(|a, b| score(a).total_cmp(&score(b)).then_with(|| a.cmp(b)));
        match best {
            Some(best) if !scores.is_empty() => best.clone(),
            _ => "NN".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_endings_count_characters() {
        assert_eq!(
            ["word", "IBM", "A", "Paris", "iPhone", "42", "3rd", "a-b"].map(shape),
            ["x", "XX", "X1", "Xx", "xX", "d", "dxx", "x-x"]
        );
        assert_eq!(["running", "né", ""].map(ending), ["ing", "né", ""]);
        assert_eq!(["1999", "12", "well-known", "Word"].map(normal), ["!YEAR", "!DIGITS", "!HYPHEN", "word"]);
    }
}
