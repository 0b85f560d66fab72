//! Byte-level byte pair encoding, as GPT-2 began it: text is cut into words by a pattern, every byte becomes a letter,
//! letters are merged by rank.

use mtor_shared::problem::{Problem, ProblemCode};
use tokenizers::{
    Model,
    models::bpe::{BPE, Merges, Vocab},
    utils::SysRegex,
};

use crate::weights::{Strings, unreadable};

/// How each family cuts text into words, after llama.cpp's `llm_tokenizer_bpe`.
const QWEN2: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
/// GPT-2's, with every digit a word of its own.
const SMOLLM: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

pub(crate) struct BytePairs {
    model: BPE,
    pattern: SysRegex,
}

impl BytePairs {
    /// `family` is the file's `tokenizer.ggml.pre`.
    pub(crate) fn new(family: &str, words: &Strings, merges: &Strings) -> Result<Self, Problem> {
        let pattern = match family {
            "qwen2" => QWEN2,
            "llama-bpe" | "llama3" | "llama-v3" => LLAMA3,
            "gpt-2" => GPT2,
            "smollm" => SMOLLM,
            other => {
                return Err(Problem::new(
                    ProblemCode::Unsupported,
                    format!("The model cuts text into words in the way {other}, which MTOR does not know."),
                    "Choose another model.",
                ));
            }
        };
        let vocabulary: Vocab = words.iter().map(str::to_owned).zip(0..).collect();
        let merges = merges
            .iter()
            .map(|merge| {
                let (left, right) =
                    merge.split_once(' ').ok_or_else(|| unreadable(format_args!("{merge:?} is no merge")))?;
                Ok((left.to_owned(), right.to_owned()))
            })
            .collect::<Result<Merges, Problem>>()?;
        let model = BPE::builder()
            .vocab_and_merges(vocabulary, merges)
            .ignore_merges(pattern == LLAMA3)
            .build()
            .map_err(|error| unreadable(format_args!("the tokenizer is damaged ({error})")))?;
        let pattern = SysRegex::new(pattern).map_err(unreadable)?;
        Ok(Self { model, pattern })
    }

    /// Adds the ids of a text without special tokens.
    pub(crate) fn encode(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), Problem> {
        let mut done = 0;
        for (start, end) in self.pattern.find_iter(text) {
            self.word(&text[start..end], ids)?;
            done = end;
        }
        // The pattern matches every character; its search ends early only where it gives up on a monstrous word.
        self.word(&text[done..], ids)
    }

    fn word(&self, word: &str, ids: &mut Vec<u32>) -> Result<(), Problem> {
        if word.is_empty() {
            return Ok(());
        }
        let letters: String = word.bytes().map(letter).collect();
        let tokens = self
            .model
            .tokenize(&letters)
            .map_err(|error| unreadable(format_args!("the tokenizer failed ({error})")))?;
        ids.extend(tokens.iter().map(|token| token.id));
        Ok(())
    }
}

/// The printable letter that stands for a byte.
fn letter(byte: u8) -> char {
    match byte {
        b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => byte.into(),
        // The others follow from U+0100 on, in order: 0..=32, 127..=160, 173.
        0..=32 => offset(byte.into()),
        127..=160 => offset(u32::from(byte) - 127 + 33),
        173 => offset(67),
    }
}

fn offset(index: u32) -> char {
    char::from_u32(0x100 + index).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The bytes that a token's letters stand for.
pub(crate) fn bytes_of(letters: &str) -> impl Iterator<Item = u8> {
    letters.chars().filter_map(|letter| match u32::from(letter) {
        code @ 0x100..=0x120 => Some((code - 0x100) as u8),
        code @ 0x121..=0x142 => Some((code - 0x121 + 127) as u8),
        0x143 => Some(173),
        code => u8::try_from(code).ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_letter_and_comes_back() {
        let letters: std::collections::HashSet<char> = (0..=255).map(letter).collect();
        assert_eq!(letters.len(), 256);
        for byte in 0..=255 {
            assert_eq!(bytes_of(&letter(byte).to_string()).collect::<Vec<_>>(), [byte]);
        }
        assert_eq!((letter(b' '), letter(b'\n'), letter(0xad)), ('Ġ', 'Ċ', 'Ń'));
    }

    #[test]
    fn an_unknown_way_to_cut_words_is_named() {
        let problem = BytePairs::new("chameleon", &Strings::default(), &Strings::default()).err().unwrap();
        assert!(problem.title.contains("chameleon") && problem.code == ProblemCode::Unsupported);
    }
}
