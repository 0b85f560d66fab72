//! Words of a sentence with their places, folded for comparison.

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// As it stands, without punctuation around it.
    pub text: &'a str,
    /// Lower case, straight apostrophes.
    pub folded: String,
}

/// The words of a text, in order. Punctuation at the edges of a word is dropped, inside it stays (`what's`, `x-ray`).
pub fn words(text: &str) -> Vec<Word<'_>> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '—'))
        .map(|piece| piece.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|piece| !piece.is_empty())
        .map(|text| Word { text, folded: fold(text) })
        .collect()
}

/// The folded words alone.
pub fn folded(text: &str) -> Vec<String> {
    words(text).into_iter().map(|word| word.folded).collect()
}

fn fold(word: &str) -> String {
    word.to_lowercase().replace('’', "'")
}

/// A crude English stem, enough to bring `raining`, `rains` and `rained` together. Short words stay.
pub fn stem(folded: &str) -> &str {
    let word = folded.strip_suffix("'s").unwrap_or(folded);
    for (suffix, keeps) in [("ing", 4), ("ies", 3), ("ed", 4), ("es", 4), ("s", 3), ("e", 4), ("y", 4)] {
        if let Some(rest) = word.strip_suffix(suffix)
            && rest.chars().count() >= keeps
            && !rest.ends_with('s')
        {
            return rest;
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_lose_their_punctuation_and_insides_keep_it() {
        assert_eq!(
            folded("“What’s” the x-ray, in São Paulo?!"),
            ["what's", "the", "x-ray", "in", "são", "paulo"]
        );
    }

    #[test]
    fn forms_of_a_word_share_a_stem() {
        assert_eq!(stem("raining"), stem("rains"));
        assert_eq!(stem("books"), stem("book"));
        assert_eq!(stem("invoices"), stem("invoice"));
        assert_eq!(stem("is"), "is");
    }
}
