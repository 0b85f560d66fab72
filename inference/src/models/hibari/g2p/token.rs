//! A word on the way to its phonemes.

#[derive(Clone, Debug, Default)]
pub(super) struct Token {
    pub(super) text: String,
    /// Part of speech.
    pub(super) tag: String,
    /// Whether a space follows.
    pub(super) space: bool,
    pub(super) phonemes: Option<String>,
    /// Whether it begins a word rather than being a later part of one.
    pub(super) is_head: bool,
    /// What is read in its place.
    pub(super) alias: Option<&'static str>,
    /// The sign of the money that it counts.
    pub(super) currency: Option<String>,
    /// Whether its phonemes are apart from those before.
    pub(super) apart: bool,
}

impl Token {
    pub(super) fn is_settled(&self) -> bool {
        self.alias.is_some() || self.phonemes.is_some()
    }
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The text of tokens with the spaces between them.
pub(super) fn text(tokens: &[Token]) -> String {
    let last = tokens.len().saturating_sub(1);
    let parts = tokens.iter().enumerate().map(|(at, token)| {
        if token.space && at < last { format!("{} ", token.text) } else { token.text.clone() }
    });
    parts.collect()
}

/// Several tokens as one; their phonemes too where `sounds`.
pub(super) fn merged(tokens: &[Token], sounds: bool) -> Token {
    let weight = |token: &Token| {
        token.text.chars().map(|c| if c.to_lowercase().eq([c]) { 1 } else { 2 }).sum::<usize>()
    };
    let heaviest =
        tokens.iter().reduce(|best, other| if weight(other) > weight(best) { other } else { best });
    let mut phonemes = String::new();
    for token in tokens {
        let said = token.phonemes.as_deref().unwrap_or_default();
        if token.apart && !phonemes.is_empty() && !phonemes.ends_with(char::is_whitespace) && !said.is_empty()
        {
            phonemes.push(' ');
        }
        phonemes.push_str(said);
    }
    Token {
        text: text(tokens),
        tag: heaviest.map(|token| token.tag.clone()).unwrap_or_default(),
        space: tokens.last().is_some_and(|token| token.space),
        phonemes: sounds.then_some(phonemes),
        is_head: tokens.first().is_some_and(|token| token.is_head),
        alias: None,
        currency: tokens.iter().filter_map(|token| token.currency.clone()).max(),
        apart: tokens.first().is_some_and(|token| token.apart),
    }
}
