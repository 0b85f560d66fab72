//! The tokenizer of a language model, from what its GGUF file says.

use mtor_shared::problem::{Problem, ProblemCode};

use super::{
    byte_pairs::{BytePairs, bytes_of},
    pieces::{Pieces, SPACE, byte_of},
};
use crate::weights::{Metadata, Strings, Value, unreadable};

/// Words, the way to find them in a text, and tokens with a meaning of their own.
pub struct TextTokenizer {
    words: Strings,
    kinds: Vec<Kind>,
    method: Method,
    /// Tokens that are found as they are written, the longest first.
    special: Vec<u32>,
    first: Option<u32>,
    last: Option<u32>,
    ends: Vec<u32>,
}

enum Method {
    BytePairs(Box<BytePairs>),
    Pieces(Pieces),
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Normal,
    /// Has a meaning of its own and no text.
    Control,
    /// Found in a text as it is written.
    Defined,
    Byte,
}

/// Where answers end, in the files that do not say so.
const ENDS: [&str; 6] =
    ["<|im_end|>", "<|eot_id|>", "<|end_of_turn|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>"];

/// Part of a text: what is still to be tokenized, or a token that was found as it is written.
enum Part<'a> {
    Text(&'a str),
    Token(u32),
}

impl TextTokenizer {
    /// Takes vocabulary and merges out of `metadata`.
    ///
    /// # Errors
    ///
    /// `unsupported` for another kind of tokenizer; otherwise when something is missing.
    pub fn new(metadata: &mut Metadata) -> Result<Self, Problem> {
        let missing = |key: &str| unreadable(format_args!("the header has no {key}"));
        let key = |name: &str| format!("tokenizer.ggml.{name}");
        let Some(Value::Texts(words)) = metadata.take(&key("tokens")) else {
            return Err(missing("tokenizer.ggml.tokens"));
        };
        let kinds: Vec<Kind> = match metadata.take(&key("token_type")) {
            Some(Value::Integers(kinds)) => kinds
                .iter()
                .map(|kind| match kind {
                    2 | 3 => Kind::Control,
                    4 => Kind::Defined,
                    6 => Kind::Byte,
                    _ => Kind::Normal,
                })
                .collect(),
            _ => Vec::new(),
        };
        let id = |name: &str| metadata.count(&key(name)).map(|id| id as u32);
        let (first, last, unknown) = (id("bos_token_id"), id("eos_token_id"), id("unknown_token_id"));
        let mut ends: Vec<u32> =
            [last, id("eot_token_id"), id("eom_token_id")].into_iter().flatten().collect();
        let model = metadata.text(&key("model")).unwrap_or("nothing").to_owned();
        let flag =
            |metadata: &Metadata, name: &str, otherwise: bool| metadata.flag(&key(name)).unwrap_or(otherwise);
        let mut add_first = flag(metadata, "add_bos_token", model == "llama");
        let mut add_last = flag(metadata, "add_eos_token", false);
        let method = match model.as_str() {
            "gpt2" => {
                let family = metadata.text(&key("pre")).unwrap_or("default").to_owned();
                if matches!(family.as_str(), "llama-bpe" | "llama3" | "llama-v3") {
                    add_first = flag(metadata, "add_bos_token", true);
                }
                let Some(Value::Texts(merges)) = metadata.take(&key("merges")) else {
                    return Err(missing("tokenizer.ggml.merges"));
                };
                Method::BytePairs(Box::new(BytePairs::new(&family, &words, &merges)?))
            }
            "llama" => {
                let Some(Value::Floats(scores)) = metadata.take(&key("scores")) else {
                    return Err(missing("tokenizer.ggml.scores"));
                };
                let space_first = flag(metadata, "add_space_prefix", true);
                Method::Pieces(Pieces::new(&words, scores, unknown.unwrap_or(0), space_first))
            }
            other => {
                return Err(Problem::new(
                    ProblemCode::Unsupported,
                    format!("The model's tokenizer is of the kind {other}, and MTOR knows gpt2 and llama."),
                    "Choose another model.",
                ));
            }
        };
        add_first &= first.is_some();
        add_last &= last.is_some();
        let kind = |id: usize| kinds.get(id).copied().unwrap_or(Kind::Normal);
        let mut special: Vec<u32> = Vec::new();
        for (id, word) in words.iter().enumerate() {
            if !word.is_empty() && matches!(kind(id), Kind::Control | Kind::Defined) {
                special.push(id as u32);
            }
            if ENDS.contains(&word) && matches!(kind(id), Kind::Control | Kind::Defined) {
                ends.push(id as u32);
            }
        }
        special.sort_by_key(|id| std::cmp::Reverse(words.get(*id as usize).map_or(0, str::len)));
        ends.sort_unstable();
        ends.dedup();
        Ok(Self {
            kinds,
            method,
            special,
            first: first.filter(|_| add_first),
            last: last.filter(|_| add_last),
            ends,
            words,
        })
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether an answer ends with this token.
    pub fn is_end(&self, id: u32) -> bool {
        self.ends.binary_search(&id).is_ok()
    }

    /// The text that a token is written as, as the file has it.
    pub fn word(&self, id: u32) -> Option<&str> {
        self.words.get(id as usize)
    }

    /// The token that every text begins with, if there is one.
    pub fn first(&self) -> Option<u32> {
        self.first
    }

    fn kind(&self, id: u32) -> Kind {
        self.kinds.get(id as usize).copied().unwrap_or(Kind::Normal)
    }

    /// The ids of a text. With `control`, tokens that steer the model are found as they are written: for a rendered
    /// chat template, never for text that comes from elsewhere. With `ends`, the tokens that the model expects at the
    /// text's beginning and end are added.
    ///
    /// # Errors
    ///
    /// When the tokenizer is damaged.
    pub fn encode(&self, text: &str, control: bool, ends: bool) -> Result<Vec<u32>, Problem> {
        let mut ids: Vec<u32> = self.first.filter(|_| ends).into_iter().collect();
        let mut first = true;
        for part in self.parts(text, control) {
            match (part, &self.method) {
                (Part::Token(id), _) => {
                    ids.push(id);
                    first = true;
                    continue;
                }
                (Part::Text(text), Method::BytePairs(method)) => method.encode(text, &mut ids)?,
                (Part::Text(text), Method::Pieces(method)) => {
                    method.encode(&self.words, text, first, &mut ids);
                }
            }
            first = false;
        }
        ids.extend(self.last.filter(|_| ends));
        Ok(ids)
    }

    fn parts<'a>(&self, text: &'a str, control: bool) -> Vec<Part<'a>> {
        // Thousands of tokens may be special, and most of them are nowhere near this text.
        let mut pairs = vec![false; 1 << 16];
        text.as_bytes()
            .windows(2)
            .for_each(|pair| pairs[usize::from(pair[0]) << 8 | usize::from(pair[1])] = true);
        let mut parts = vec![Part::Text(text)];
        for id in &self.special {
            if self.kind(*id) == Kind::Control && !control {
                continue;
            }
            let Some(word) = self.words.get(*id as usize) else { continue };
            if word.as_bytes().windows(2).any(|pair| !pairs[usize::from(pair[0]) << 8 | usize::from(pair[1])])
            {
                continue;
            }
            if !parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains(word))) {
                continue;
            }
            let mut split = Vec::new();
            for part in parts {
                let Part::Text(text) = part else {
                    split.push(part);
                    continue;
                };
                for (index, piece) in text.split(word).enumerate() {
                    if index > 0 {
                        split.push(Part::Token(*id));
                    }
                    if !piece.is_empty() {
                        split.push(Part::Text(piece));
                    }
                }
            }
            parts = split;
        }
        parts.retain(|part| !matches!(part, Part::Text("")));
        parts
    }

    /// Adds the bytes that a token stands for; none for tokens that only steer the model.
    pub fn bytes(&self, id: u32, into: &mut Vec<u8>) {
        let Some(word) = self.words.get(id as usize) else { return };
        match (self.kind(id), &self.method) {
            (Kind::Control, _) => {}
            (Kind::Byte, _) => into.extend(byte_of(word)),
            (Kind::Defined, Method::BytePairs(_)) => into.extend(word.bytes()),
            (_, Method::BytePairs(_)) => into.extend(bytes_of(word)),
            (_, Method::Pieces(_)) => {
                let mut buffer = [0; 4];
                for c in word.chars() {
                    let c = if c == SPACE { ' ' } else { c };
                    into.extend(c.encode_utf8(&mut buffer).bytes());
                }
            }
        }
    }

    /// The text of ids; what is no text becomes U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut bytes = Vec::new();
        ids.iter().for_each(|id| self.bytes(*id, &mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
