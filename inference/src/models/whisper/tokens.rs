//! Whisper's tokens: words as GPT-2 cuts them, and special ones for languages, tasks and times.

use std::collections::BTreeSet;

use mtor_shared::problem::Problem;
use serde::Deserialize;

use crate::{
    tokenizer::{BytePairs, bytes_of},
    weights::{Strings, unreadable},
};

/// Seconds between two times.
pub(super) const TIME_STEP: f64 = 0.02;

/// What are no words that somebody says: left out of every transcript, as faster-whisper does.
const SYMBOLS: &str = "\" # ( ) * + / : ; < = > @ [ \\ ] ^ _ ` { | } ~ 「 」 『 』 << >> <<< >>> -- --- -( -[ (' (\" (( )) \
    ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪";
/// Of these the first token is left out even where there are several.
const NOTES: &str = "♩♪♫♬♭♮♯";

/// The tokenizer of a Whisper model.
pub struct WhisperTokens {
    words: Strings,
    pairs: BytePairs,
    /// Ends a transcript; every word is below it.
    pub(super) end: u32,
    /// Begins one.
    pub(super) start: u32,
    pub(super) start_of_previous: u32,
    pub(super) no_speech: u32,
    pub(super) no_times: u32,
    pub(super) transcribe: u32,
    /// Ids and codes of the languages; none where the model knows only English.
    languages: Vec<(u32, String)>,
    suppressed: Vec<u32>,
    blanks: [u32; 2],
}

#[derive(Deserialize)]
struct File {
    added_tokens: Vec<Added>,
    model: Model,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
}

#[derive(Deserialize)]
struct Model {
    vocab: std::collections::HashMap<String, u32>,
    merges: Vec<String>,
}

impl WhisperTokens {
    /// Reads `tokenizer.json`, for a model with that many tokens.
    ///
    /// # Errors
    ///
    /// When the file is not a tokenizer of this kind.
    pub fn new(json: &[u8], vocabulary: usize) -> Result<Self, Problem> {
        let damaged =
            |what: &dyn std::fmt::Display| unreadable(format_args!("tokenizer.json is damaged ({what})"));
        let File { added_tokens, model } = serde_json::from_slice(json).map_err(|error| damaged(&error))?;
        let mut texts = vec![String::new(); vocabulary];
        for (text, id) in model.vocab {
            *texts.get_mut(id as usize).ok_or_else(|| damaged(&"a token is beyond the vocabulary"))? = text;
        }
        let (mut words, mut merges) = (Strings::default(), Strings::default());
        texts.iter().for_each(|text| words.push(text));
        model.merges.iter().for_each(|merge| merges.push(merge));
        let pairs = BytePairs::new("gpt-2", &words, &merges)?;
        let special = |name: &str| {
            let found = added_tokens.iter().find(|token| token.content == name);
            found
                .map(|token| token.id)
                .filter(|id| (*id as usize) < vocabulary)
                .ok_or_else(|| damaged(&format!("it has no {name}")))
        };
        let start = special("<|startoftranscript|>")?;
        let translate = special("<|translate|>")?;
        // The English models have the same tokens and were not trained on them.
        let multilingual = vocabulary >= 51_865;
        let languages = added_tokens
            .iter()
            .filter(|token| multilingual && token.id > start && token.id < translate)
            .map(|token| (token.id, token.content.trim_matches(['<', '|', '>']).to_owned()))
            .collect();
        let end = special("<|endoftext|>")?;
        let mut tokens = Self {
            words,
            pairs,
            end,
            start,
            start_of_previous: special("<|startofprev|>")?,
            no_speech: special("<|nospeech|>").or_else(|_| special("<|nocaptions|>"))?,
            no_times: special("<|notimestamps|>")?,
            transcribe: special("<|transcribe|>")?,
            languages,
            suppressed: Vec::new(),
            blanks: [end; 2],
        };
        if tokens.first_time() as usize >= vocabulary {
            return Err(damaged(&"it has no room for times"));
        }
        let mut suppressed = tokens.symbols()?;
        let start_of_model = special("<|startoflm|>")?;
        suppressed.extend([
            tokens.transcribe,
            translate,
            start,
            tokens.start_of_previous,
            start_of_model,
            tokens.no_speech,
        ]);
        tokens.suppressed = suppressed.into_iter().collect();
        tokens.blanks = [tokens.encode(" ")?.first().copied().unwrap_or(end), end];
        Ok(tokens)
    }

    fn symbols(&self) -> Result<BTreeSet<u32>, Problem> {
        let mut found = BTreeSet::new();
        // Inside of words they are fine, but not at the beginning of one.
        for text in [" -", " '"] {
            found.extend(self.encode(text)?.first());
        }
        let notes = NOTES.chars().map(String::from);
        for symbol in SYMBOLS.split(' ').map(str::to_owned).chain(notes) {
            for text in [symbol.clone(), format!(" {symbol}")] {
                let ids = self.encode(&text)?;
                if ids.len() == 1 || NOTES.contains(&symbol) {
                    found.extend(ids.first());
                }
            }
        }
        Ok(found)
    }

    /// Ids of a text without special tokens.
    ///
    /// # Errors
    ///
    /// None is known; the library's signature has one.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Problem> {
        let mut ids = Vec::new();
        self.pairs.encode(text, &mut ids)?;
        Ok(ids)
    }

    /// The text of ids, special tokens and times left out.
    pub fn decode(&self, ids: &[u32]) -> String {
        let words = ids.iter().filter(|id| **id < self.end);
        let bytes: Vec<u8> =
            words.flat_map(|id| bytes_of(self.words.get(*id as usize).unwrap_or_default())).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The token of time zero; later ones follow every 20 ms.
    pub fn first_time(&self) -> u32 {
        self.no_times + 1
    }

    /// Ids and codes of the languages; none where the model knows only English.
    pub fn languages(&self) -> &[(u32, String)] {
        &self.languages
    }

    /// Never part of a transcript.
    pub(super) fn suppressed(&self) -> &[u32] {
        &self.suppressed
    }

    /// Not at its beginning.
    pub(super) fn blanks(&self) -> &[u32] {
        &self.blanks
    }
}
