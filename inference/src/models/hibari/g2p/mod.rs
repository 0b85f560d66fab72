//! English text to phonemes: readings of times, dates and units, then words, their parts of speech, two dictionaries
//! with rules, and a small network for words that are in neither.
//!
//! A port of hibari's own Python (`hibari/g2p`, Apache-2.0, after misaki by hexgrad, Apache-2.0), step by step, so that
//! the voice hears what it was trained on. Alphabet and stress marks are misaki's.

mod lexicon;
mod normalize;
mod numbers;
mod tagger;
mod token;
mod tokenize;

use std::io::Read;

use fancy_regex::Regex;
use flate2::read::GzDecoder;
use mtor_shared::problem::Problem;

use self::{
    lexicon::{Context, Lexicon},
    normalize::Normalizer,
    tagger::Tagger,
    token::{Token, is_digits, merged},
    tokenize::Tokenizer,
};
use crate::weights::unreadable;

/// Where a long word is cut before it is looked up.
const PARTS: &str = r"^['‘’]+|[A-ZÀ-ÖØ-Þ](?=[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ])|(?:^-)?(?:\d?[,.]?\d)+|[-_]+|['‘’]{2,}|[^\W\d_]*?(?:['‘’][^\W\d_])*?[a-zß-öø-ÿ](?=[A-ZÀ-ÖØ-Þ])|[^\W\d_]+(?:['‘’][^\W\d_])*|[^\w\-'‘’]|['‘’]+$";
const PIECES: &str = r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+(?:[,.]\d+)*|[^\w\s]+";
const JUNK: &str = "',-._‘’/";
const PUNCTUATION: &str = ";:,.!?—…\"“”";
const PAUSES: &str = ";:,.!?—…";
const SIGNS: [&str; 11] = [".", ",", "-LRB-", "-RRB-", "``", "\"\"", "''", ":", "$", "#", "NFP"];
/// The largest file is a dictionary of 4 MB.
const LIMIT: u64 = 64 << 20;

/// What the way from text to phonemes is read from; the names are those of the package's files.
pub struct Sources<'a> {
    /// `lexicon_us_gold.json.gz`
    pub gold: &'a [u8],
    /// `lexicon_us_silver.json.gz`
    pub silver: &'a [u8],
    /// `tagger.json.gz`
    pub tagger: &'a [u8],
    /// `normalize.json`
    pub normalize: &'a [u8],
    /// `tokenizer_exceptions.json`
    pub exceptions: &'a [u8],
}

/// How words are said that no dictionary has.
pub(super) trait Unknown {
    /// Phonemes of a word of letters.
    fn say(&mut self, word: &str) -> Result<Option<String>, Problem>;
}

pub(super) struct Phonemizer {
    normalizer: Normalizer,
    tokenizer: Tokenizer,
    tagger: Tagger,
    lexicon: Lexicon,
    parts: Regex,
    pieces: Regex,
}

enum Word {
    One(Token),
    Many(Vec<Token>),
}

fn pattern(pattern: &str) -> Result<Regex, Problem> {
    Regex::new(pattern).map_err(|error| unreadable(format_args!("a pattern is damaged ({error})")))
}

/// Every character as itself, inside of a class too.
fn escape_all(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_ascii_punctuation() { vec!['\\', c] } else { vec![c] }).collect()
}

/// Reads JSON, compressed or not.
fn json<T: serde::de::DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, Problem> {
    let damaged = |error: &dyn std::fmt::Display| unreadable(format_args!("{what} is damaged ({error})"));
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return serde_json::from_slice(bytes).map_err(|error| damaged(&error));
    }
    let mut plain = Vec::new();
    GzDecoder::new(bytes).take(LIMIT).read_to_end(&mut plain).map_err(|error| damaged(&error))?;
    serde_json::from_slice(&plain).map_err(|error| damaged(&error))
}

impl Phonemizer {
    pub(super) fn new(sources: &Sources<'_>) -> Result<Self, Problem> {
        Ok(Self {
            normalizer: Normalizer::new(json(sources.normalize, "normalize.json")?)?,
            tokenizer: Tokenizer::new(json(sources.exceptions, "tokenizer_exceptions.json")?)?,
            tagger: json(sources.tagger, "the tagger")?,
            lexicon: Lexicon::new(sources.gold, sources.silver)?,
            parts: pattern(PARTS)?,
            pieces: pattern(PIECES)?,
        })
    }

    pub(super) fn is_title(&self, word: &str) -> bool {
        self.normalizer.is_title(word)
    }

    /// The phonemes of a sentence, in misaki's alphabet.
    pub(super) fn phonemes(&self, text: &str, unknown: &mut impl Unknown) -> Result<String, Problem> {
        let text = self.normalizer.normalize(text);
        let words = self.tokenizer.tokens(&text);
        let tags = self.tagger.tags(&words.iter().map(|(word, _)| word.as_str()).collect::<Vec<_>>());
        let tokens = words.into_iter().zip(tags).map(|((text, space), tag)| Token {
            text,
            tag,
            space,
            is_head: true,
            ..Token::default()
        });
        let mut words = self.retokenized(tokens.collect());
        let mut context = Context::default();
        for word in words.iter_mut().rev() {
            match word {
                Word::One(token) => {
                    if token.phonemes.is_none() {
                        token.phonemes = self.lexicon.say_token(token, context);
                    }
                    if token.phonemes.is_none() {
                        token.phonemes = self.fallback(&token.text, unknown)?;
                    }
                    context = context.before(token.phonemes.as_deref(), token);
                }
                Word::Many(tokens) => context = self.say_parts(tokens, context, unknown)?,
            }
        }
        let mut out = String::new();
        for word in words {
            let token = match word {
                Word::One(token) => token,
                Word::Many(tokens) => merged(&tokens, true),
            };
            let said = token.phonemes.unwrap_or_default();
            out.push_str(&said.replace('ɾ', "T").replace('ʔ', "t"));
            if token.space {
                out.push(' ');
            }
        }
        Ok(out.trim().to_owned())
    }

    /// Cuts tokens into parts, settles punctuation, and groups what has no space between.
    fn retokenized(&self, tokens: Vec<Token>) -> Vec<Word> {
        let mut words: Vec<Word> = Vec::new();
        let mut currency: Option<String> = None;
        for (index, token) in tokens.iter().enumerate() {
            let found = self.parts.find_iter(&token.text).map_while(Result::ok);
            let mut parts: Vec<Token> = found
                .map(|part| Token { text: part.as_str().to_owned(), space: false, ..token.clone() })
                .collect();
            if let Some(last) = parts.last_mut() {
                last.space = token.space;
            }
            let count = parts.len();
            let texts: Vec<String> = parts.iter().map(|part| part.text.clone()).collect();
            for (at, mut part) in parts.into_iter().enumerate() {
                let is_word = part.text.chars().all(|c| c.to_lowercase().all(|c| c.is_ascii_lowercase()));
                if part.tag == "$" && lexicon::is_money(&part.text) {
                    currency = Some(part.text.clone());
                    part.phonemes = Some(String::new());
                } else if part.tag == ":" && matches!(part.text.as_str(), "-" | "–") {
                    part.phonemes = Some("—".to_owned());
                } else if SIGNS.contains(&part.tag.as_str()) && !is_word {
                    part.phonemes = Some(match part.tag.as_str() {
                        "-LRB-" => "(".to_owned(),
                        "-RRB-" => ")".to_owned(),
                        "``" => "“".to_owned(),
                        "\"\"" | "''" => "”".to_owned(),
                        _ => part.text.chars().filter(|c| PUNCTUATION.contains(*c)).collect(),
                    });
                } else if let Some(sign) = &currency {
                    if part.tag != "CD" {
                        currency = None;
                    } else if at + 1 == count && tokens.get(index + 1).is_none_or(|next| next.tag != "CD") {
                        part.currency = Some(sign.clone());
                    }
                } else if at > 0 && at + 1 < count && part.text == "2" {
                    let before = texts[at - 1].chars().last();
                    let after = texts[at + 1].chars().next();
                    if before.into_iter().chain(after).all(char::is_alphabetic) {
                        part.alias = Some("to");
                    }
                }
                match words.last_mut() {
                    _ if part.is_settled() => words.push(Word::One(part)),
                    Some(Word::Many(group)) if group.last().is_some_and(|last| !last.space) => {
                        part.is_head = false;
                        group.push(part);
                    }
                    _ if part.space => words.push(Word::One(part)),
                    _ => words.push(Word::Many(vec![part])),
                }
            }
        }
        words
            .into_iter()
            .map(|word| match word {
                Word::Many(mut group) if group.len() == 1 => group.pop().map_or(Word::Many(group), Word::One),
                word => word,
            })
            .collect()
    }

    /// Says the parts of a word: the longest stretches that are known, from the end.
    fn say_parts(
        &self,
        tokens: &mut [Token],
        mut context: Context,
        unknown: &mut impl Unknown,
    ) -> Result<Context, Problem> {
        let (mut left, mut right) = (0, tokens.len());
        while left < right {
            let stretch = &tokens[left..right];
            let whole = (!stretch.iter().any(Token::is_settled)).then(|| merged(stretch, false));
            let said = whole.as_ref().and_then(|whole| self.lexicon.say_token(whole, context));
            if let (Some(said), Some(whole)) = (said, whole) {
                context = context.before(Some(&said), &whole);
                for token in &mut tokens[left + 1..right] {
                    token.phonemes = Some(String::new());
                }
                tokens[left].phonemes = Some(said);
                (left, right) = (0, left);
            } else if left + 1 < right {
                left += 1;
            } else {
                right -= 1;
                let token = &mut tokens[right];
                if token.phonemes.is_none() {
                    if token.text.chars().all(|c| JUNK.contains(c)) {
                        token.phonemes = Some(String::new());
                    } else {
                        let said = self.fallback(&token::text(tokens), unknown)?;
                        for token in tokens.iter_mut() {
                            token.phonemes = Some(String::new());
                        }
                        tokens[0].phonemes = said;
                        return Ok(context);
                    }
                }
                left = 0;
            }
        }
        settle(tokens);
        Ok(context)
    }

    /// A word that nothing knows: letters to the network, digits to the reader of numbers, signs by their names.
    fn fallback(&self, text: &str, unknown: &mut impl Unknown) -> Result<Option<String>, Problem> {
        let mut out = Vec::new();
        for piece in self.pieces.find_iter(text).map_while(Result::ok) {
            let piece = piece.as_str();
            let first = piece.chars().next().unwrap_or(' ');
            let said = if first.is_numeric() {
                self.lexicon.number(piece, None, false)
            } else if first.is_alphabetic() {
                unknown.say(piece)?
            } else {
                Some(piece.chars().map(sign).collect())
            };
            out.extend(said.filter(|said| !said.is_empty()));
        }
        Ok(Some(out.join(" ")))
    }
}

fn sign(c: char) -> &'static str {
    match c {
        '/' => "slˈæʃ",
        '=' => "ˈikwᵊlz",
        '+' => "plˈʌs",
        '&' => "ænd",
        '@' => "æt",
        '%' => "pəɹsˈɛnt",
        '#' => "hˈæʃ",
        '*' => "ˈæstəɹˌɪsk",
        '~' => "tˈɪldə",
        '^' => "kˈɛɹət",
        '<' => "lˈɛs ðən",
        '>' => "ɡɹˈATəɹ ðən",
        '—' => "—",
        _ => "",
    }
}

/// Decides which parts of a word are said apart, and weakens stresses where there are too many.
fn settle(tokens: &mut [Token]) {
    let text = token::text(tokens);
    let kind = |c: char| {
        if c.is_alphabetic() {
            0
        } else if is_digits(c.encode_utf8(&mut [0; 4])) {
            1
        } else {
            2
        }
    };
    let mut kinds: Vec<u8> = text.chars().filter(|c| !JUNK.contains(*c)).map(kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let apart = text.contains([' ', '/']) || kinds.len() > 1;
    let last = tokens.len() - 1;
    for (at, token) in tokens.iter_mut().enumerate() {
        if token.phonemes.is_none() {
            if at == last && token.text.chars().count() == 1 && token.text.chars().all(|c| PAUSES.contains(c))
            {
                token.phonemes = Some(token.text.clone());
            } else if token.text.chars().all(|c| JUNK.contains(c)) {
                token.phonemes = Some(String::new());
            }
        } else if at > 0 {
            token.apart = apart;
        }
    }
    if apart {
        return;
    }
    let mut said: Vec<(bool, usize, usize)> = tokens
        .iter()
        .enumerate()
        .filter_map(|(at, token)| {
            let phonemes = token.phonemes.as_deref().filter(|phonemes| !phonemes.is_empty())?;
            Some((lexicon::is_stressed(phonemes), lexicon::weight(phonemes), at))
        })
        .collect();
    let weaken = |token: &mut Token| {
        token.phonemes = token.phonemes.as_deref().map(|phonemes| lexicon::stressed(phonemes, Some(-0.5)));
    };
    if let [(.., first), (.., second)] = said[..]
        && tokens[first].text.chars().count() == 1
    {
        return weaken(&mut tokens[second]);
    }
    if said.len() < 2 || said.iter().filter(|(stressed, ..)| *stressed).count() <= said.len().div_ceil(2) {
        return;
    }
    said.sort_unstable();
    for (.., at) in &said[..said.len() / 2] {
        weaken(&mut tokens[*at]);
    }
}
