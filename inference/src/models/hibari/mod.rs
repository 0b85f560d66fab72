//! Hibari: English text to speech, distilled from Kokoro: one small network a sentence, its spectra made a wave here.
//!
//! Text becomes phonemes in `g2p`, phonemes become spectra in the network (an ONNX graph), spectra become a wave in
//! `synth`. A sentence is computed at a time, so that the first is heard while the second is made.

mod g2p;
mod synth;

pub use g2p::Sources;

use std::collections::HashMap;

use fancy_regex::Regex;
use mtor_shared::problem::{Problem, ProblemCode};
use serde::Deserialize;

use self::{
    g2p::{Phonemizer, Unknown},
    synth::{BINS, Normal, Spectra, Synth},
};
use crate::{
    graph::{Network, Tensor},
    onnx,
    weights::unreadable,
};

/// Samples a second that it gives.
pub const RATE: u32 = synth::RATE;
/// Sentences with more phonemes are cut where a clause ends.
const PHONEMES: usize = 400;
/// A text longer than this is no sentence or two to be read aloud.
const TEXT_LIMIT: usize = 100_000;
/// Speeds that still sound like speech.
const SPEEDS: std::ops::RangeInclusive<f32> = 0.5..=2.0;

/// What the model is read from; the names are those of the package's files.
pub struct Files<'a> {
    /// `hibari.onnx`
    pub network: &'a [u8],
    /// `vocab.json`
    pub alphabet: &'a [u8],
    /// `oov.onnx`
    pub unknown_words: &'a [u8],
    /// `oov.json`
    pub unknown_letters: &'a [u8],
    /// What words are looked up in.
    pub words: Sources<'a>,
}

/// The loaded model.
pub struct Hibari {
    phonemizer: Phonemizer,
    unknown: UnknownWords,
    network: Network,
    /// Ids of phonemes.
    alphabet: HashMap<char, i64>,
    synth: Synth,
    sentence_end: Regex,
    clause_end: Regex,
}

/// Says words that no dictionary has: letters to phonemes, by a small transformer.
struct UnknownWords {
    network: Network,
    letters: HashMap<char, i64>,
    phonemes: Vec<String>,
    limit: usize,
    /// The same word is asked for again and again.
    known: HashMap<String, Option<String>>,
}

#[derive(Deserialize)]
struct Letters {
    #[serde(rename = "in")]
    letters: Vec<String>,
    #[serde(rename = "out")]
    phonemes: Vec<String>,
    maxlen: usize,
}

impl UnknownWords {
    fn new(network: &[u8], letters: &[u8]) -> Result<Self, Problem> {
        let table: Letters = serde_json::from_slice(letters)
            .map_err(|error| unreadable(format_args!("oov.json is damaged ({error})")))?;
        let letters =
            (1..).zip(&table.letters).filter_map(|(id, text)| Some((text.chars().next()?, id))).collect();
        Ok(Self {
            network: Network::new(onnx::read(network)?.graph)?,
            letters,
            phonemes: table.phonemes,
            limit: table.maxlen,
            known: HashMap::new(),
        })
    }
}

impl Unknown for UnknownWords {
    fn say(&mut self, word: &str) -> Result<Option<String>, Problem> {
        if let Some(known) = self.known.get(word) {
            return Ok(known.clone());
        }
        let ids: Vec<i64> =
            word.chars().filter_map(|c| self.letters.get(&c).copied()).take(self.limit).collect();
        if ids.is_empty() {
            return Ok(None);
        }
        let input = Tensor::integers(vec![1, ids.len()], ids)?;
        let results = self.network.run(vec![("chars", input)])?;
        let best = results.first().ok_or_else(|| unreadable("the network for words has no result"))?;
        // Repeated ones count once, zeros not at all.
        let (mut said, mut before) = (String::new(), 0);
        for id in best.as_integers()? {
            if *id != before && *id != 0 {
                let at = usize::try_from(id - 1).ok();
                said.push_str(at.and_then(|at| self.phonemes.get(at)).map_or("", String::as_str));
            }
            before = *id;
        }
        if self.known.len() < 4096 {
            self.known.insert(word.to_owned(), Some(said.clone()));
        }
        Ok(Some(said))
    }
}

impl Hibari {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// When one of them is not this model's.
    pub fn new(files: &Files<'_>) -> Result<Self, Problem> {
        let alphabet: HashMap<String, i64> = serde_json::from_slice(files.alphabet)
            .map_err(|error| unreadable(format_args!("vocab.json is damaged ({error})")))?;
        let pattern =
            |pattern: &str| Regex::new(pattern).map_err(|error| unreadable(format_args!("{error}")));
        Ok(Self {
            phonemizer: Phonemizer::new(&files.words)?,
            unknown: UnknownWords::new(files.unknown_words, files.unknown_letters)?,
            network: Network::new(onnx::read(files.network)?.graph)?,
            alphabet: alphabet
                .into_iter()
                .filter_map(|(text, id)| Some((text.chars().next()?, id)))
                .collect(),
            synth: Synth::new(),
            sentence_end: pattern(r#"(?<=[.!?…])["”’)\]]*\s+(?=\S)"#)?,
            clause_end: pattern(r"(?<=[,;:—])\s+")?,
        })
    }

    /// The phonemes of a text, a sentence at a time, in misaki's alphabet.
    ///
    /// # Errors
    ///
    /// `too-large` for more than 100,000 characters.
    pub fn phonemes(&mut self, text: &str) -> Result<Vec<String>, Problem> {
        if text.len() > TEXT_LIMIT {
            return Err(Problem::new(
                ProblemCode::TooLarge,
                format!("The text has {} bytes, and {TEXT_LIMIT} are read aloud at most.", text.len()),
                "Read it in parts.",
            ));
        }
        let mut out = Vec::new();
        for sentence in self.sentences(text) {
            let phonemes = self.phonemizer.phonemes(&sentence, &mut self.unknown)?;
            if phonemes.chars().count() <= PHONEMES {
                out.extend(Some(phonemes).filter(|phonemes| !phonemes.is_empty()));
                continue;
            }
            let mut part = String::new();
            for clause in pieces(&self.clause_end, &phonemes) {
                if !part.is_empty() && part.chars().count() + clause.chars().count() + 1 > PHONEMES {
                    out.push(std::mem::take(&mut part));
                }
                if !part.is_empty() {
                    part.push(' ');
                }
                part.push_str(clause);
            }
            out.extend(Some(part).filter(|part| !part.is_empty()));
        }
        Ok(out)
    }

    /// A wave of [`RATE`] samples a second for one sentence's phonemes; `speed` is 1 for the voice's own pace.
    ///
    /// # Errors
    ///
    /// `bad-argument` for a speed outside of 0.5 to 2.
    pub fn speak(&mut self, phonemes: &str, speed: f32, seed: u64) -> Result<Vec<f32>, Problem> {
        if !SPEEDS.contains(&speed) {
            return Err(Problem::new(
                ProblemCode::BadArgument,
                format!("The speed {speed} is not between 0.5 and 2."),
                "Choose 1 for the voice's own pace.",
            ));
        }
        let mut ids = vec![0];
        ids.extend(phonemes.chars().filter_map(|c| self.alphabet.get(&c)));
        ids.push(0);
        if ids.len() < 3 {
            return Ok(Vec::new());
        }
        let input = Tensor::integers(vec![1, ids.len()], ids)?;
        let pace = Tensor::floats(vec![1], vec![speed])?;
        let results = self.network.run(vec![("ids", input), ("speed", pace)])?;
        let wave = {
            let [harmonic, turn, noise, rest, phase, pitch] = &results[..] else {
                return Err(unreadable("the voice's network has other results than hibari's"));
            };
            let frames = pitch.elements();
            let parts = [harmonic, turn, noise, rest, phase];
            if parts.iter().any(|part| part.elements() != BINS * frames) {
                return Err(unreadable("the voice's spectra do not fit together"));
            }
            let spectra = Spectra {
                harmonic: harmonic.as_floats()?,
                turn: turn.as_floats()?,
                noise: noise.as_floats()?,
                rest: rest.as_floats()?,
                phase: phase.as_floats()?,
                pitch: pitch.as_floats()?,
            };
            self.synth.wave(&spectra, &mut Normal::new(seed))
        };
        results.into_iter().for_each(|tensor| self.network.recycle(tensor));
        Ok(wave)
    }

    fn sentences(&self, text: &str) -> Vec<String> {
        let mut out = Vec::new();
        for paragraph in text.lines().map(str::trim) {
            let mut cut = 0;
            for end in self.sentence_end.find_iter(paragraph).map_while(Result::ok) {
                if self.ends_sentence(paragraph, end.start(), &paragraph[end.end()..]) {
                    out.push(paragraph[cut..end.start()].to_owned());
                    cut = end.end();
                }
            }
            out.push(paragraph[cut..].to_owned());
        }
        out.retain(|sentence| !sentence.trim().is_empty());
        out
    }

    /// Not after a title or an initial, and not before a small letter.
    fn ends_sentence(&self, paragraph: &str, end: usize, next: &str) -> bool {
        if next.chars().next().is_some_and(char::is_lowercase) {
            return false;
        }
        let Some(before) = paragraph[..end].strip_suffix('.') else { return true };
        let word =
            before.rsplit(' ').next().unwrap_or_default().trim_start_matches(['(', '"', '“', '\'', '‘']);
        let mut letters = word.chars();
        let initial = letters.next().is_some_and(char::is_uppercase) && letters.next().is_none();
        !(self.phonemizer.is_title(word) || initial)
    }
}

/// What stands between the matches.
fn pieces<'t>(pattern: &Regex, text: &'t str) -> Vec<&'t str> {
    let (mut out, mut done) = (Vec::new(), 0);
    for found in pattern.find_iter(text).map_while(Result::ok) {
        out.push(&text[done..found.start()]);
        done = found.end();
    }
    out.push(&text[done..]);
    out
}
