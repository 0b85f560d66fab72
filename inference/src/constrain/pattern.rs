//! Regular expressions over the contents of a string, as a table: which character may come, and how many are missing.

use std::collections::HashMap;

use regex_automata::{
    Anchored,
    dfa::{Automaton, StartError, dense},
    nfa::thompson,
    util::{primitives::StateID, start, syntax},
};

/// Characters that a patterned string consists of: printable ASCII but quote and backslash, which JSON escapes. That is
/// where ECMA's expressions and Rust's agree.
pub(super) const CHARACTERS: usize = 0x7f - 0x20;
/// States of a table at most.
const STATES: usize = 4_000;
/// Marks what cannot become a match.
const NEVER: u16 = u16::MAX;

/// A deterministic automaton whose every state can still become a match.
#[derive(Debug)]
pub(super) struct Pattern {
    /// [states, characters]; [`NEVER`] where no match can follow.
    next: Vec<u16>,
    /// Characters of the shortest way to a match.
    missing: Vec<u16>,
}

impl Pattern {
    /// Compiles an expression that is found anywhere in the string, as JSON Schema means it.
    pub(super) fn found(expression: &str) -> Option<Self> {
        let (open, closed) = anchors(expression)?;
        let any = "[\\x20-\\x7e]*";
        let before = if open { any } else { "" };
        let after = if closed { any } else { "" };
        Self::whole(&format!("{before}(?:{expression}){after}"))
    }

    /// Compiles an expression for the whole string.
    pub(super) fn whole(expression: &str) -> Option<Self> {
        let dfa = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .start_kind(regex_automata::dfa::StartKind::Anchored)
                    .dfa_size_limit(Some(8 << 20))
                    .determinize_size_limit(Some(16 << 20)),
            )
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(1 << 20)))
            .build(expression)
            .ok()?;
        let start: Result<StateID, StartError> =
            dfa.start_state(&start::Config::new().anchored(Anchored::Yes));
        let mut ids = vec![start.ok()?];
        let mut known = HashMap::from([(ids[0], 0u16)]);
        let mut next: Vec<u16> = Vec::new();
        let mut at = 0;
        while at < ids.len() {
            for character in 0..CHARACTERS {
                let byte = 0x20 + character as u8;
                let target = dfa.next_state(ids[at], byte);
                if matches!(byte, b'"' | b'\\') || dfa.is_dead_state(target) || dfa.is_quit_state(target) {
                    next.push(NEVER);
                    continue;
                }
                let count = ids.len();
                let index = *known.entry(target).or_insert(count as u16);
                if usize::from(index) == count {
                    if count == STATES {
                        return None;
                    }
                    ids.push(target);
                }
                next.push(index);
            }
            at += 1;
        }
        // How far a match is, found from the matches backwards.
        let mut missing: Vec<u16> = ids
            .iter()
            .map(|id| if dfa.is_match_state(dfa.next_eoi_state(*id)) { 0 } else { NEVER })
            .collect();
        loop {
            let mut changed = false;
            for (state, targets) in next.chunks_exact(CHARACTERS).enumerate() {
                let least = targets.iter().filter(|target| **target != NEVER);
                let least = least.map(|target| missing[usize::from(*target)]).min().unwrap_or(NEVER);
                if least < NEVER - 1 && least + 1 < missing[state] {
                    missing[state] = least + 1;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        for target in &mut next {
            if *target != NEVER && missing[usize::from(*target)] == NEVER {
                *target = NEVER;
            }
        }
        (missing[0] != NEVER).then_some(Self { next, missing })
    }

    /// The state after a character; none where no match can follow.
    pub(super) fn after(&self, state: u16, byte: u8) -> Option<u16> {
        let character = usize::from(byte.checked_sub(0x20)?);
        if character >= CHARACTERS {
            return None;
        }
        let next = *self.next.get(usize::from(state) * CHARACTERS + character)?;
        (next != NEVER).then_some(next)
    }

    /// Characters of the shortest way to a match.
    pub(super) fn missing(&self, state: u16) -> usize {
        self.missing.get(usize::from(state)).map_or(usize::MAX, |missing| usize::from(*missing))
    }
}

/// Whether anything may come before and after what the expression matches.
fn anchors(expression: &str) -> Option<(bool, bool)> {
    use regex_syntax::{ParserBuilder, hir::Look};
    let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(expression).ok()?;
    let properties = hir.properties();
    Some((
        !properties.look_set_prefix().contains(Look::Start),
        !properties.look_set_suffix().contains(Look::End),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(pattern: &Pattern, text: &str) -> Option<usize> {
        let state = text.bytes().try_fold(0, |state, byte| pattern.after(state, byte))?;
        Some(pattern.missing(state))
    }

    #[test]
    fn an_expression_is_found_anywhere_unless_it_says_where() {
        let pattern = Pattern::found("b+c").unwrap();
        assert_eq!(end(&pattern, ""), Some(2));
        assert_eq!(end(&pattern, "xxb"), Some(1));
        assert_eq!(end(&pattern, "xxbbcyy"), Some(0));
        let pattern = Pattern::found("^[A-Z]{3}$").unwrap();
        assert_eq!(end(&pattern, "EU"), Some(1));
        assert_eq!(end(&pattern, "EUR"), Some(0));
        assert_eq!(end(&pattern, "EURO"), None);
        assert_eq!(end(&pattern, "x"), None, "no match can follow");
    }

    #[test]
    fn what_has_no_match_in_plain_characters_is_refused() {
        for expression in ["^\"$", "(", "^\\x{00e9}$", "a^"] {
            assert!(Pattern::found(expression).is_none(), "{expression}");
        }
    }
}
