//! Reads the Free Dictionary's entries.

use serde_json::Value;

/// Meanings drawn for each part of speech.
const SHOWN: usize = 4;

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// It.
    pub word: String,
    /// How it sounds, in IPA.
    pub sound: Option<String>,
    /// Its meanings by part of speech.
    pub meanings: Vec<Meaning>,
}

/// The meanings of one part of speech.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// `noun`, for example.
    pub part: String,
    /// Definitions with an example where there is one.
    pub definitions: Vec<(String, Option<String>)>,
    /// Definitions that are not drawn.
    pub more: usize,
    /// Words that mean the same.
    pub synonyms: Vec<String>,
}

/// Reads a list of entries; none when no word with a meaning is in it.
pub fn read(value: &Value) -> Option<Word> {
    let entries = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let word = entries.iter().find_map(|entry| entry.get("word")?.as_str())?;
    let sounds = entries.iter().flat_map(|entry| {
        let listed = entry.get("phonetics").and_then(Value::as_array).into_iter().flatten();
        entry.get("phonetic").into_iter().chain(listed.filter_map(|sound| sound.get("text")))
    });
    let meanings = entries.iter().filter_map(|entry| entry.get("meanings")?.as_array()).flatten();
    let meanings: Vec<_> = meanings.filter_map(meaning).take(8).collect();
    let sound = sounds.filter_map(Value::as_str).find(|sound| !sound.is_empty()).map(str::to_owned);
    (!meanings.is_empty()).then(|| Word { word: word.to_owned(), sound, meanings })
}

fn meaning(value: &Value) -> Option<Meaning> {
    let definition = |value: &Value| {
        let example = value.get("example").and_then(Value::as_str).map(str::to_owned);
        Some((value.get("definition")?.as_str()?.to_owned(), example))
    };
    let mut definitions: Vec<_> =
        value.get("definitions")?.as_array()?.iter().filter_map(definition).collect();
    let more = definitions.len().saturating_sub(SHOWN);
    definitions.truncate(SHOWN);
    let synonyms = value.get("synonyms").and_then(Value::as_array).into_iter().flatten();
    (!definitions.is_empty()).then(|| Meaning {
        part: value.get("partOfSpeech").and_then(Value::as_str).unwrap_or_default().to_owned(),
        definitions,
        more,
        synonyms: synonyms.filter_map(Value::as_str).take(6).map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entries_are_read_together() {
        let value = json!([
            {"word": "sea", "phonetics": [{"text": ""}, {"text": "/siː/"}], "meanings": [
                {"partOfSpeech": "noun", "definitions": (1..=6).map(|n| json!({"definition": format!("d{n}")})).collect::<Vec<_>>(),
                 "synonyms": ["ocean"]}]},
            {"word": "sea", "meanings": [{"definitions": [{"definition": "other", "example": "at sea"}]}]}
        ]);
        let word = read(&value).expect("a word");
        assert_eq!((word.word.as_str(), word.sound.as_deref()), ("sea", Some("/siː/")));
        assert_eq!(word.meanings.len(), 2);
        assert_eq!((word.meanings[0].definitions.len(), word.meanings[0].more), (4, 2));
        assert_eq!(word.meanings[1].definitions[0].1.as_deref(), Some("at sea"));
    }

    #[test]
    fn a_word_without_meanings_is_none() {
        for value in
            [json!([]), json!({"title": "No Definitions Found"}), json!([{"word": "x", "meanings": [{}]}])]
        {
            assert_eq!(read(&value), None, "{value}");
        }
    }
}
