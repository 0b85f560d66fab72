//! A text that a regular expression finds.

use regex_syntax::hir::{Class, Hir, HirKind};

/// The most characters that are made.
const MAX_CHARS: usize = 2000;

/// A text of `least` to `most` characters in which the pattern is found; none when there is no easy one. Anchors
/// within the pattern are taken to hold.
pub(super) fn matching(pattern: &str, least: usize, most: usize) -> Option<String> {
    let hir = regex_syntax::ParserBuilder::new().nest_limit(50).build().parse(pattern).ok()?;
    let fits = |text: &String| (least..=most).contains(&text.chars().count());
    // Repetitions that may go on are made longer until the text is long enough.
    (0..=least.max(1)).find_map(|more| {
        let mut text = String::new();
        write(&hir, more, &mut text)?;
        Some(text).filter(fits).filter(|text| !text.is_empty())
    })
}

fn write(hir: &Hir, more: usize, text: &mut String) -> Option<()> {
    if text.len() > MAX_CHARS {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(Class::Unicode(class)) => {
            text.push(pick(class.ranges().iter().map(|r| (r.start(), r.end())))?)
        }
        HirKind::Class(Class::Bytes(class)) => {
            text.push(pick(class.ranges().iter().map(|r| (char::from(r.start()), char::from(r.end()))))?);
        }
        HirKind::Repetition(repetition) => {
            let most = repetition.max.map_or(usize::MAX, |max| max as usize);
            for _ in 0..(repetition.min as usize).max(more).min(most) {
                write(&repetition.sub, more, text)?;
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, more, text)?,
        HirKind::Concat(parts) => {
            for part in parts {
                write(part, more, text)?;
            }
        }
        HirKind::Alternation(branches) => write(branches.first()?, more, text)?,
    }
    Some(())
}

/// A letter or a digit where there is one, else the first that can be seen.
fn pick(ranges: impl Iterator<Item = (char, char)> + Clone) -> Option<char> {
    let inside = |c: char| ranges.clone().any(|(from, to)| (from..=to).contains(&c));
    let plain = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain("-_. ".chars()).find(|c| inside(*c));
    plain.or_else(|| ranges.clone().map(|(from, _)| from).find(|c| !c.is_control()))
}
