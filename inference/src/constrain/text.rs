//! Strings, from after the opening quote on.

use std::rc::Rc;

use super::pattern::Pattern;

/// Which strings are allowed.
#[derive(Clone, Debug, Default)]
pub(super) struct TextRule {
    /// Characters at least.
    pub(super) least: usize,
    /// Characters at most.
    pub(super) most: Option<usize>,
    /// What they are like; then only plain ASCII comes.
    pub(super) pattern: Option<Rc<Pattern>>,
}

/// How far a string has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TextState {
    characters: usize,
    /// The state of the pattern.
    pattern: u16,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    /// Between two characters.
    Between,
    /// After a backslash.
    Escape,
    /// Within a character of several bytes: so many are missing, and the next one is in this range.
    Within { missing: u8, low: u8, high: u8 },
}

/// What a byte makes of a string.
#[derive(Debug, PartialEq)]
pub(super) enum TextStep {
    /// It goes on.
    On(TextState),
    /// That was the closing quote.
    Closed,
    /// The byte cannot come here.
    No,
}

impl TextState {
    pub(super) const START: Self = Self { characters: 0, pattern: 0, part: Part::Between };

    pub(super) fn step(self, rule: &TextRule, byte: u8) -> TextStep {
        let Self { characters, pattern, part } = self;
        let on = |part, characters, pattern| TextStep::On(Self { characters, pattern, part });
        match part {
            Part::Escape => match byte {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                    on(Part::Between, characters + 1, pattern)
                }
                _ => TextStep::No,
            },
            Part::Within { missing, low, high } if (low..=high).contains(&byte) => match missing {
                1 => on(Part::Between, characters + 1, pattern),
                _ => on(Part::Within { missing: missing - 1, low: 0x80, high: 0xbf }, characters, pattern),
            },
            Part::Within { .. } => TextStep::No,
            Part::Between if byte == b'"' => {
                if self.missing(rule) == 1 {
                    TextStep::Closed
                } else {
                    TextStep::No
                }
            }
            Part::Between if rule.most.is_some_and(|most| characters >= most) => TextStep::No,
            Part::Between => match &rule.pattern {
                Some(table) => match table.after(pattern, byte) {
                    // A match must be possible within the length.
                    Some(next)
                        if rule.most.is_none_or(|most| characters + 1 + table.missing(next) <= most) =>
                    {
                        on(Part::Between, characters + 1, next)
                    }
                    _ => TextStep::No,
                },
                None => {
                    let within = |missing, low, high| on(Part::Within { missing, low, high }, characters, 0);
                    match byte {
                        b'\\' => on(Part::Escape, characters, 0),
                        0x20..=0x7e => on(Part::Between, characters + 1, 0),
                        0xc2..=0xdf => within(1, 0x80, 0xbf),
                        0xe0 => within(2, 0xa0, 0xbf),
                        0xed => within(2, 0x80, 0x9f),
                        0xe1..=0xef => within(2, 0x80, 0xbf),
                        0xf0 => within(3, 0x90, 0xbf),
                        0xf1..=0xf3 => within(3, 0x80, 0xbf),
                        0xf4 => within(3, 0x80, 0x8f),
                        _ => TextStep::No,
                    }
                }
            },
        }
    }

    /// Bytes of the shortest way out, the closing quote included.
    pub(super) fn missing(self, rule: &TextRule) -> usize {
        let (open, characters) = match self.part {
            Part::Between => (0, self.characters),
            Part::Escape => (1, self.characters + 1),
            Part::Within { missing, .. } => (usize::from(missing), self.characters + 1),
        };
        let short = rule.least.saturating_sub(characters);
        let pattern = rule.pattern.as_ref().map_or(0, |pattern| pattern.missing(self.pattern));
        open + short.max(pattern) + 1
    }
}
