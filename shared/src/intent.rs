//! What a person asked for.

use serde::{Deserialize, Serialize};

/// The longest text that is taken as one intent, in bytes; longer ones are refused before anything runs.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;

/// An intent, cleaned of what has no meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Intent {
    /// Typed words.
    Text {
        /// Trimmed, not empty, at most [`MAX_TEXT_BYTES`].
        text: String,
    },
}

/// Why words are no intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntentError {
    /// Nothing but white space and control characters.
    #[error("There is nothing to ask yet.")]
    Empty,
    /// More than [`MAX_TEXT_BYTES`].
    #[error("This is {} KB of text; one question holds at most {} KB.", .bytes.div_ceil(1024), MAX_TEXT_BYTES / 1024)]
    TooLong {
        /// Its size.
        bytes: usize,
    },
}

impl Intent {
    /// Takes typed or pasted words. Control characters other than line breaks and tabs are dropped.
    ///
    /// # Errors
    /// [`IntentError`] when nothing is left or it is too long.
    pub fn text(raw: &str) -> Result<Self, IntentError> {
        if raw.len() > MAX_TEXT_BYTES {
            return Err(IntentError::TooLong { bytes: raw.len() });
        }
        let kept: String = raw.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
        match kept.trim() {
            "" => Err(IntentError::Empty),
            text => Ok(Self::Text { text: text.to_owned() }),
        }
    }

    /// The words to route by.
    pub fn words(&self) -> &str {
        match self {
            Self::Text { text } => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_control_characters_are_no_intent() {
        assert_eq!(Intent::text(" \n\t\u{0}\u{7f} "), Err(IntentError::Empty));
    }

    #[test]
    fn a_megabyte_is_refused_with_its_size() {
        let error = Intent::text(&"a".repeat(1 << 20)).expect_err("too long");
        assert_eq!(error.to_string(), "This is 1024 KB of text; one question holds at most 16 KB.");
    }

    #[test]
    fn line_breaks_inside_are_kept() {
        assert_eq!(Intent::text(" a\nb\u{8} ").expect("valid").words(), "a\nb");
    }
}
