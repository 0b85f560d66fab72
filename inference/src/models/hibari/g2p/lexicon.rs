//! Words to phonemes: two dictionaries, rules for endings, numbers and money, and words whose sound depends on what
//! follows. The rules are those of misaki (hexgrad, Apache-2.0) as hibari ported them, for American English.

use std::collections::HashMap;

use fancy_regex::Regex;
use mtor_shared::problem::Problem;
use serde::Deserialize;

use super::{
    numbers, pattern,
    token::{Token, is_digits},
};

const CONSONANTS: &str = "bdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθ";
const VOWELS: &str = "AIOQWYaiuæɑɒɔəɛɜɪʊʌᵻ";
const DIPHTHONGS: &str = "AIOQWYʤʧ";
/// After these a t is flapped.
const FLAPPING: &str = "AIOWYiuæɑəɛɪɹʊʌ";
const PRIMARY: char = 'ˈ';
const SECONDARY: char = 'ˌ';
const ORDINALS: [&str; 4] = ["st", "nd", "rd", "th"];
const MONEY: [(&str, &str, &str); 3] =
    [("$", "dollar", "cent"), ("£", "pound", "pence"), ("€", "euro", "cent")];

/// What follows the word that is being looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Context {
    /// Whether a vowel comes next; none where a pause does.
    pub(super) vowel: Option<bool>,
    /// Whether the next word is "to".
    pub(super) to: bool,
}

impl Context {
    /// What the word before sees, when this word with these phonemes follows it.
    pub(super) fn before(self, phonemes: Option<&str>, token: &Token) -> Self {
        let told = phonemes.and_then(|phonemes| {
            phonemes.chars().find(|c| is_vowel(*c) || CONSONANTS.contains(*c) || super::PAUSES.contains(*c))
        });
        let vowel = match told {
            Some(c) if super::PAUSES.contains(c) => None,
            Some(c) => Some(is_vowel(c)),
            None => self.vowel,
        };
        let to = matches!(token.text.as_str(), "to" | "To")
            || (token.text == "TO" && matches!(token.tag.as_str(), "TO" | "IN"));
        Self { vowel, to }
    }
}

fn is_vowel(c: char) -> bool {
    VOWELS.contains(c)
}

/// How long phonemes take, roughly.
pub(super) fn weight(phonemes: &str) -> usize {
    phonemes.chars().map(|c| if DIPHTHONGS.contains(c) { 2 } else { 1 }).sum()
}

pub(super) fn is_stressed(phonemes: &str) -> bool {
    phonemes.contains(PRIMARY)
}

pub(super) fn is_money(sign: &str) -> bool {
    MONEY.iter().any(|(known, ..)| *known == sign)
}

/// Makes the stress stronger or weaker.
pub(super) fn stressed(phonemes: &str, stress: Option<f32>) -> String {
    let Some(stress) = stress else { return phonemes.to_owned() };
    let has = |mark: char| phonemes.contains(mark);
    let none = !has(PRIMARY) && !has(SECONDARY);
    // A mark stands before its vowel.
    let with = |mark: char| match phonemes.find(is_vowel) {
        Some(at) => format!("{}{mark}{}", &phonemes[..at], &phonemes[at..]),
        None => phonemes.to_owned(),
    };
    if stress < -1.0 {
        phonemes.replace([PRIMARY, SECONDARY], "")
    } else if stress == -1.0 || ((stress == 0.0 || stress == -0.5) && has(PRIMARY)) {
        phonemes.replace(SECONDARY, "").replace(PRIMARY, &SECONDARY.to_string())
    } else if [0.0, 0.5, 1.0].contains(&stress) && none {
        with(SECONDARY)
    } else if stress >= 1.0 && !has(PRIMARY) && has(SECONDARY) {
        phonemes.replace(SECONDARY, &PRIMARY.to_string())
    } else if stress > 1.0 && none {
        with(PRIMARY)
    } else {
        phonemes.to_owned()
    }
}

/// One way to say a word, or one for each part of speech.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    One(String),
    ByTag(HashMap<String, Option<String>>),
}

/// A dictionary whose words may begin with a capital or not.
struct Dictionary(HashMap<String, Entry>);

impl Dictionary {
    fn get(&self, word: &str) -> Option<&Entry> {
        let found = self.0.get(word);
        if found.is_some() || word.chars().count() < 2 {
            return found;
        }
        let lower = word.to_lowercase();
        let capital = capitalised(&lower);
        if word == lower {
            if capital == word { None } else { self.0.get(&capital) }
        } else if word == capital {
            self.0.get(&lower)
        } else {
            None
        }
    }

    fn has(&self, word: &str) -> bool {
        self.get(word).is_some()
    }

    fn one(&self, word: &str) -> Option<&str> {
        match self.get(word)? {
            Entry::One(phonemes) => Some(phonemes),
            Entry::ByTag(by_tag) => by_tag.get("DEFAULT")?.as_deref(),
        }
    }
}

fn capitalised(lower: &str) -> String {
    let mut chars = lower.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn parent(tag: &str) -> &str {
    match tag {
        tag if tag.starts_with("VB") => "VERB",
        tag if tag.starts_with("NN") => "NOUN",
        tag if tag.starts_with("ADV") || tag.starts_with("RB") => "ADV",
        tag if tag.starts_with("ADJ") || tag.starts_with("JJ") => "ADJ",
        tag => tag,
    }
}

fn symbol(word: &str) -> Option<&'static str> {
    Some(match word {
        "%" => "percent",
        "&" => "and",
        "+" => "plus",
        "@" => "at",
        _ => return None,
    })
}

fn inside(tag: &str, context: Context) -> &'static str {
    if context.vowel.is_none() || tag != "IN" { "ˈɪn" } else { "ɪn" }
}

fn is_letters(word: &str) -> bool {
    !word.is_empty() && word.chars().all(char::is_alphabetic)
}

fn is_upper(word: &str) -> bool {
    word == word.to_uppercase()
}

pub(super) struct Lexicon {
    gold: Dictionary,
    silver: Dictionary,
    doubled: Regex,
}

impl Lexicon {
    pub(super) fn new(gold: &[u8], silver: &[u8]) -> Result<Self, Problem> {
        Ok(Self {
            gold: Dictionary(super::json(gold, "the first dictionary")?),
            silver: Dictionary(super::json(silver, "the second dictionary")?),
            doubled: pattern(r"([bcdgklmnprstvxz])\1ing$|cking$")?,
        })
    }

    /// Letter by letter, the last one stressed.
    fn spelled(&self, word: &str) -> Option<String> {
        let letters = word.chars().filter(|c| c.is_alphabetic());
        let letters: Option<String> = letters.map(|c| self.gold.one(&c.to_uppercase().to_string())).collect();
        let phonemes = stressed(&letters?, Some(0.0));
        Some(match phonemes.rfind(SECONDARY) {
            Some(at) => {
                let after = &phonemes[at + SECONDARY.len_utf8()..];
                format!("{}{PRIMARY}{after}", &phonemes[..at])
            }
            None => phonemes,
        })
    }

    /// Words that are said in a way of their own.
    fn special(&self, word: &str, tag: &str, stress: Option<f32>, context: Context) -> Option<String> {
        let noun = tag.starts_with("NN");
        let told = |phonemes: &str| Some(phonemes.to_owned());
        if tag == "ADD" && matches!(word, "." | "/") {
            return self.lookup(if word == "." { "dot" } else { "slash" }, None, Some(-0.5), Some(context));
        }
        if let Some(name) = symbol(word) {
            return self.lookup(name, None, None, Some(context));
        }
        if word.trim_matches('.').contains('.')
            && is_letters(&word.replace('.', ""))
            && word.split('.').all(|part| part.chars().count() < 3)
        {
            return self.spelled(word);
        }
        match word {
            "a" | "A" => told(if tag == "DT" { "ɐ" } else { "ˈA" }),
            "am" | "Am" | "AM" if noun => self.spelled(word),
            "am" | "Am" | "AM" => {
                let strong =
                    context.vowel.is_none() || word != "am" || stress.is_some_and(|stress| stress > 0.0);
                if strong { self.gold.one("am").map(str::to_owned) } else { told("ɐm") }
            }
            "AN" if noun => self.spelled(word),
            "an" | "An" | "AN" => told("ɐn"),
            "I" if tag == "PRP" => told("ˌI"),
            "by" | "By" | "BY" if parent(tag) == "ADV" => told("bˈI"),
            "to" | "To" => self.before_to(context),
            "TO" if matches!(tag, "TO" | "IN") => self.before_to(context),
            "in" | "In" => told(inside(tag, context)),
            "IN" if tag != "NNP" => told(inside(tag, context)),
            "the" | "The" => told(if context.vowel == Some(true) { "ði" } else { "ðə" }),
            "THE" if tag == "DT" => told(if context.vowel == Some(true) { "ði" } else { "ðə" }),
            _ if tag == "IN" && word.to_lowercase().trim_end_matches('.') == "vs" => {
                self.lookup("versus", None, None, Some(context))
            }
            "used" | "Used" | "USED" => match self.gold.get("used") {
                Some(Entry::ByTag(ways)) => {
                    let way = if matches!(tag, "VBD" | "JJ") && context.to { "VBD" } else { "DEFAULT" };
                    ways.get(way).cloned().flatten()
                }
                Some(Entry::One(phonemes)) => told(phonemes),
                None => None,
            },
            _ => None,
        }
    }

    fn before_to(&self, context: Context) -> Option<String> {
        match context.vowel {
            None => self.gold.one("to").map(str::to_owned),
            Some(false) => Some("tə".to_owned()),
            Some(true) => Some("tʊ".to_owned()),
        }
    }

    fn is_known(&self, word: &str) -> bool {
        if self.gold.has(word) || symbol(word).is_some() || self.silver.has(word) {
            return true;
        }
        if !is_letters(word) || !word.is_ascii() {
            return false;
        }
        let count = word.len();
        if count == 1 || (is_upper(word) && self.gold.has(&word.to_lowercase())) {
            return true;
        }
        is_upper(&word[1..])
    }

    /// `context` is none where only the word itself counts.
    fn lookup(
        &self,
        word: &str,
        tag: Option<&str>,
        stress: Option<f32>,
        context: Option<Context>,
    ) -> Option<String> {
        let mut word = word.to_owned();
        let mut is_name = false;
        if is_upper(&word) && !self.gold.has(&word) {
            word = word.to_lowercase();
            is_name = tag == Some("NNP");
        }
        let mut entry = self.gold.get(&word);
        if entry.is_none() && !is_name {
            entry = self.silver.get(&word);
        }
        let phonemes = match entry {
            Some(Entry::One(phonemes)) => Some(phonemes.as_str()),
            Some(Entry::ByTag(ways)) => {
                let paused =
                    context.is_some_and(|context| context.vowel.is_none()) && ways.contains_key("None");
                let tag = match tag {
                    _ if paused => Some("None"),
                    Some(tag) if ways.contains_key(tag) => Some(tag),
                    tag => tag.map(parent),
                };
                let way = tag.and_then(|tag| ways.get(tag)).or_else(|| ways.get("DEFAULT"));
                way.and_then(Option::as_deref)
            }
            None => None,
        };
        match phonemes {
            Some(phonemes) if !is_name || is_stressed(phonemes) => Some(stressed(phonemes, stress)),
            _ => self.spelled(&word),
        }
    }

    /// With an s at its end.
    fn plural(stem: &str) -> Option<String> {
        let last = stem.chars().last()?;
        Some(if "ptkfθ".contains(last) {
            format!("{stem}s")
        } else if "szʃʒʧʤ".contains(last) {
            format!("{stem}ᵻz")
        } else {
            format!("{stem}z")
        })
    }

    fn past(stem: &str) -> Option<String> {
        let mut letters = stem.chars().rev();
        let last = letters.next()?;
        Some(if "pkfθʃsʧ".contains(last) {
            format!("{stem}t")
        } else if last == 'd' {
            format!("{stem}ᵻd")
        } else if last != 't' {
            format!("{stem}d")
        } else {
            match letters.next() {
                None => format!("{stem}ɪd"),
                Some(before) if FLAPPING.contains(before) => format!("{}ɾᵻd", &stem[..stem.len() - 1]),
                Some(_) => format!("{stem}ᵻd"),
            }
        })
    }

    fn going(stem: &str) -> Option<String> {
        let mut letters = stem.chars().rev();
        let last = letters.next()?;
        Some(match letters.next() {
            Some(before) if last == 't' && FLAPPING.contains(before) => {
                format!("{}ɾɪŋ", &stem[..stem.len() - 1])
            }
            _ => format!("{stem}ɪŋ"),
        })
    }

    fn stem_s(
        &self,
        word: &str,
        tag: Option<&str>,
        stress: Option<f32>,
        context: Option<Context>,
    ) -> Option<String> {
        let count = word.chars().count();
        if count < 3 {
            return None;
        }
        let without = word.strip_suffix('s')?;
        let two = word
            .strip_suffix("'s")
            .or_else(|| word.strip_suffix("es").filter(|_| count > 4 && !word.ends_with("ies")));
        let stem = if !word.ends_with("ss") && self.is_known(without) {
            without.to_owned()
        } else if let Some(stem) = two.filter(|stem| self.is_known(stem)) {
            stem.to_owned()
        } else {
            let stem = word.strip_suffix("ies").filter(|_| count > 4).map(|stem| format!("{stem}y"));
            stem.filter(|stem| self.is_known(stem))?
        };
        Self::plural(&self.lookup(&stem, tag, stress, context)?)
    }

    fn stem_ed(
        &self,
        word: &str,
        tag: Option<&str>,
        stress: Option<f32>,
        context: Option<Context>,
    ) -> Option<String> {
        let count = word.chars().count();
        if count < 4 {
            return None;
        }
        let without = word.strip_suffix('d')?;
        let stem = if !word.ends_with("dd") && self.is_known(without) {
            without
        } else {
            let stem = word.strip_suffix("ed").filter(|_| count > 4 && !word.ends_with("eed"));
            stem.filter(|stem| self.is_known(stem))?
        };
        Self::past(&self.lookup(stem, tag, stress, context)?)
    }

    fn stem_ing(
        &self,
        word: &str,
        tag: Option<&str>,
        stress: Option<f32>,
        context: Option<Context>,
    ) -> Option<String> {
        let count = word.chars().count();
        if count < 5 {
            return None;
        }
        let without = word.strip_suffix("ing")?;
        let with_e = format!("{without}e");
        let stem = if count > 5 && self.is_known(without) {
            without.to_owned()
        } else if self.is_known(&with_e) {
            with_e
        } else {
            let shorter = without.char_indices().next_back().map(|(at, _)| &without[..at])?;
            let doubled = count > 5 && self.doubled.is_match(word).unwrap_or(false);
            Some(shorter).filter(|stem| doubled && self.is_known(stem))?.to_owned()
        };
        Self::going(&self.lookup(&stem, tag, stress, context)?)
    }

    fn word(&self, word: &str, tag: &str, stress: Option<f32>, context: Context) -> Option<String> {
        if let Some(phonemes) = self.special(word, tag, stress, context) {
            return Some(phonemes);
        }
        let (tag_name, told) = (Some(tag), Some(context));
        let lower = word.to_lowercase();
        let count = word.chars().count();
        let rest: String = word.chars().skip(1).collect();
        let mut word = word;
        if count > 1
            && is_letters(&word.replace('\'', ""))
            && word != lower
            && (tag != "NNP" || count > 7)
            && !self.gold.has(word)
            && !self.silver.has(word)
            && (is_upper(word) || rest == rest.to_lowercase())
            && (self.gold.has(&lower)
                || self.silver.has(&lower)
                || self.stem_s(&lower, tag_name, stress, told).is_some()
                || self.stem_ed(&lower, tag_name, stress, told).is_some()
                || self.stem_ing(&lower, tag_name, stress, told).is_some())
        {
            word = &lower;
        }
        if self.is_known(word) {
            return self.lookup(word, tag_name, stress, told);
        }
        if let Some(stem) = word.strip_suffix("s'").map(|stem| format!("{stem}'s"))
            && self.is_known(&stem)
        {
            return self.lookup(&stem, tag_name, stress, told);
        }
        if let Some(stem) = word.strip_suffix('\'').filter(|stem| self.is_known(stem)) {
            return self.lookup(stem, tag_name, stress, told);
        }
        self.stem_s(word, tag_name, stress, told)
            .or_else(|| self.stem_ed(word, tag_name, stress, told))
            .or_else(|| self.stem_ing(word, tag_name, Some(stress.unwrap_or(0.5)), told))
    }

    /// Adds the words of a number.
    fn say(&self, words: &str, out: &mut Vec<String>) -> Option<()> {
        for word in words.split(|c: char| !c.is_ascii_lowercase()).filter(|word| !word.is_empty()) {
            if word != "and" {
                let stress = if word == "point" { Some(-2.0) } else { None };
                out.push(self.lookup(word, None, stress, None)?);
            }
        }
        Some(())
    }

    fn say_digits(&self, digits: &str, out: &mut Vec<String>) -> Option<()> {
        digits.chars().try_for_each(|c| self.say(&numbers::cardinal(c.to_digit(10)?.into()), out))
    }

    fn say_number(&self, digits: &str, out: &mut Vec<String>) -> Option<()> {
        match numbers::parse(digits) {
            Some(n) => self.say(&numbers::cardinal(n), out),
            None => self.say_digits(digits, out),
        }
    }

    /// A number, perhaps with an ending.
    pub(super) fn number(&self, word: &str, currency: Option<&str>, is_head: bool) -> Option<String> {
        let at = word.trim_end_matches(|c: char| c.is_ascii_lowercase() || c == '\'').len();
        let (mut word, suffix) = word.split_at(at);
        let mut out = Vec::new();
        if let Some(rest) = word.strip_prefix('-') {
            out.push(self.lookup("minus", None, None, None)?);
            word = rest;
        }
        let money = currency.and_then(|sign| MONEY.iter().find(|(known, ..)| *known == sign));
        let plain = word.replace(',', "");
        let dots = word.matches('.').count();
        let is_ordinal = ORDINALS.contains(&suffix);
        if is_digits(word) && is_ordinal {
            self.say(&numbers::ordinal(numbers::parse(word)?), &mut out)?;
        } else if out.is_empty() && word.len() == 4 && money.is_none() && is_digits(word) {
            self.say(&numbers::year(numbers::parse(word)?), &mut out)?;
        } else if !is_head && dots == 0 {
            if plain.starts_with('0') || plain.len() > 3 {
                self.say_digits(&plain, &mut out)?;
            } else if plain.len() == 3 && !plain.ends_with("00") {
                self.say_number(&plain[..1], &mut out)?;
                if plain.as_bytes().get(1) == Some(&b'0') {
                    out.push(self.lookup("O", None, Some(-2.0), None)?);
                    self.say_number(&plain[2..], &mut out)?;
                } else {
                    self.say_number(&plain[1..], &mut out)?;
                }
            } else {
                self.say_number(&plain, &mut out)?;
            }
        } else if dots > 1 || !is_head {
            for part in plain.split('.').filter(|part| !part.is_empty()) {
                let odd = part.len() != 2 && part.chars().skip(1).any(|c| c != '0');
                if part.starts_with('0') || odd {
                    self.say_digits(part, &mut out)?;
                } else {
                    self.say_number(part, &mut out)?;
                }
            }
        } else if let Some((_, whole, hundredth)) =
            money.filter(|_| word.split_once('.').is_none_or(|(_, cents)| cents.len() < 3))
        {
            let mut amounts: Vec<(u128, &str)> = Vec::new();
            for (digits, unit) in plain.split('.').zip([*whole, *hundredth]) {
                amounts.push((if digits.is_empty() { 0 } else { numbers::parse(digits)? }, unit));
            }
            match amounts[..] {
                [first, (0, _)] => amounts = vec![first],
                [(0, _), second] => amounts = vec![second],
                _ => {}
            }
            for (index, (amount, unit)) in amounts.into_iter().enumerate() {
                if index > 0 {
                    out.push(self.lookup("and", None, None, None)?);
                }
                self.say(&numbers::cardinal(amount), &mut out)?;
                out.push(if amount != 1 && unit != "pence" {
                    self.stem_s(&format!("{unit}s"), None, None, None)?
                } else {
                    self.lookup(unit, None, None, None)?
                });
            }
        } else if dots == 0 {
            match numbers::parse(&plain) {
                Some(n) if is_ordinal => self.say(&numbers::ordinal(n), &mut out)?,
                Some(n) => self.say(&numbers::cardinal(n), &mut out)?,
                None => self.say_digits(&plain, &mut out)?,
            }
        } else if let Some(fraction) = plain.strip_prefix('.') {
            self.say("point", &mut out)?;
            self.say_digits(fraction, &mut out)?;
        } else {
            self.say(&numbers::decimal(&plain)?, &mut out)?;
        }
        let phonemes = Some(out.join(" ")).filter(|_| !out.is_empty())?;
        match suffix {
            "s" | "'s" => Self::plural(&phonemes),
            "ed" | "'d" => Self::past(&phonemes),
            "ing" => Self::going(&phonemes),
            _ => Some(phonemes),
        }
    }

    fn is_number(word: &str, is_head: bool) -> bool {
        if !word.contains(|c: char| c.is_ascii_digit()) {
            return false;
        }
        let endings = ["ing", "'d", "ed", "'s", "st", "nd", "rd", "th", "s"];
        let word = endings.iter().find_map(|ending| word.strip_suffix(ending)).unwrap_or(word);
        word.chars()
            .enumerate()
            .all(|(i, c)| c.is_ascii_digit() || c == ',' || c == '.' || (is_head && i == 0 && c == '-'))
    }

    /// How a token is said; none where nothing here knows.
    pub(super) fn say_token(&self, token: &Token, context: Context) -> Option<String> {
        let word = token.alias.unwrap_or(&token.text).replace(['‘', '’'], "'");
        let word = tokenizers::NormalizedString::from(word).nfkc().get().to_owned();
        let stress =
            if word == word.to_lowercase() { None } else { Some(if is_upper(&word) { 2.0 } else { 0.5 }) };
        if let Some(phonemes) = self.word(&word, &token.tag, stress, context) {
            let unit =
                token.currency.as_deref().and_then(|sign| MONEY.iter().find(|(known, ..)| *known == sign));
            let unit = unit.and_then(|(_, whole, _)| self.stem_s(&format!("{whole}s"), None, None, None));
            return Some(unit.map_or(phonemes.clone(), |unit| format!("{phonemes} {unit}")));
        }
        if Self::is_number(&word, token.is_head) {
            return self.number(&word, token.currency.as_deref(), token.is_head);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stress_moves_to_the_vowel_and_back() {
        assert_eq!(stressed("wˈɜɹd", Some(-2.0)), "wɜɹd");
        assert_eq!(stressed("wˈɜɹd", Some(-0.5)), "wˌɜɹd");
        assert_eq!(stressed("ðə", Some(0.5)), "ðˌə");
        assert_eq!(stressed("ðə", Some(2.0)), "ðˈə");
        assert_eq!(stressed("s", Some(2.0)), "s");
        assert_eq!(stressed("ðˌə", Some(2.0)), "ðˈə");
    }

    #[test]
    fn endings_follow_the_last_sound() {
        let said =
            |list: [&str; 3], ending: fn(&str) -> Option<String>| list.map(|stem| ending(stem).unwrap());
        assert_eq!(said(["kˈæt", "bˈʌs", "dˈɔɡ"], Lexicon::plural), ["kˈæts", "bˈʌsᵻz", "dˈɔɡz"]);
        assert_eq!(said(["wˈɔk", "nˈid", "wˈAt"], Lexicon::past), ["wˈɔkt", "nˈidᵻd", "wˈAɾᵻd"]);
        assert_eq!(said(["ɡˈO", "wˈAt", "ˈækt"], Lexicon::going), ["ɡˈOɪŋ", "wˈAɾɪŋ", "ˈæktɪŋ"]);
    }
}
