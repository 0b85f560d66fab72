//! Aligning a sentence with the examples of a capability.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

use super::{Example, Part};
use crate::{
    capability::Capability,
    words::{Word, folded, words},
};

/// Ends of sentences that say when or how politely, and are no part of a value.
const TRAILING: [&str; 31] = [
    "at the moment",
    "right now",
    "for me",
    "this week",
    "this weekend",
    "this morning",
    "this afternoon",
    "this evening",
    "next week",
    "on the weekend",
    "on monday",
    "on tuesday",
    "on wednesday",
    "on thursday",
    "on friday",
    "on saturday",
    "on sunday",
    "tomorrow morning",
    "tomorrow night",
    "over the weekend",
    "like",
    "today",
    "tonight",
    "tomorrow",
    "now",
    "currently",
    "later",
    "outside",
    "please",
    "thanks",
    "again",
];

/// Words that point at something said elsewhere; alone they are no value.
const POINTING: [&str; 10] = ["it", "this", "that", "these", "those", "he", "she", "they", "you", "me"];

/// Small words inside names: `Battle of Hastings`.
const JOINING: [&str; 8] = ["of", "the", "de", "la", "del", "von", "van", "and"];

/// Arguments that the sentence gives, by the examples of the capability. What is not found, or does not fit the type
/// that the input schema gives it, is left out.
pub(super) fn fill(capability: &Capability, text: &str) -> Map<String, Value> {
    let sentence = words(text);
    let carriers: BTreeSet<String> =
        capability.examples.iter().flat_map(Example::carrier).flat_map(folded).collect();
    let best = capability
        .examples
        .iter()
        .filter_map(|example| align(example, &sentence, &carriers))
        .max_by_key(|alignment| alignment.rank());
    let mut found: Vec<(String, String)> = best.map(|alignment| alignment.values).unwrap_or_default();

    if let Some(slot) = only_slot(capability) {
        if let Some(quoted) = quoted(text) {
            found = vec![(slot.to_owned(), quoted.to_owned())];
        } else if found.is_empty()
            && let Some(name) = proper_name(&sentence, &carriers)
        {
            found = vec![(slot.to_owned(), name)];
        }
    }
    found
        .into_iter()
        .filter_map(|(name, value)| {
            let typed = typed(&capability.input["properties"][&name], &value)?;
            Some((name, typed))
        })
        .collect()
}

/// The one argument that the examples speak of, when there is one.
fn only_slot(capability: &Capability) -> Option<&str> {
    let mut names: Vec<&str> = capability
        .examples
        .iter()
        .flat_map(Example::parts)
        .filter_map(|part| match part {
            Part::Slot { name, .. } => Some(name.as_str()),
            Part::Words(_) => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    match names[..] {
        [name] => Some(name),
        _ => None,
    }
}

struct Alignment {
    values: Vec<(String, String)>,
    /// Words of the example that were found next to a slot.
    matched: usize,
    /// Words that should follow a slot and do not.
    unmatched: usize,
    /// Words in the values.
    length: usize,
}

impl Alignment {
    /// More words of the example found is better, then values without words to spare.
    fn rank(&self) -> (isize, isize) {
        (2 * self.matched.cast_signed() - self.unmatched.cast_signed(), -self.length.cast_signed())
    }
}

/// Lays an example over a sentence: each slot begins after the words that stand before it in the example (or their
/// end, such as a lone `in`) and ends before those that stand after it, or with the sentence.
fn align(example: &Example, sentence: &[Word<'_>], carriers: &BTreeSet<String>) -> Option<Alignment> {
    let parts = example.parts();
    let mut alignment = Alignment { values: Vec::new(), matched: 0, unmatched: 0, length: 0 };
    let mut from = 0;
    for (index, part) in parts.iter().enumerate() {
        let Part::Slot { name, .. } = part else { continue };
        let before = words_of(index.checked_sub(1).and_then(|index| parts.get(index)));
        let after = words_of(parts.get(index + 1));
        let (start, matched_before) = find_end(&before, sentence, from)?;
        let (end, matched_after) = match find_start(&after, sentence, start + 1) {
            Some(found) => found,
            // A slot at the very beginning is held by what follows it alone.
            None if before.is_empty() => return None,
            None => (sentence.len(), 0),
        };
        let end = without_trailing(sentence, start, end);
        let value = sentence.get(start..end).filter(|value| !value.is_empty())?;
        if value
            .iter()
            .all(|word| carriers.contains(&word.folded) || POINTING.contains(&word.folded.as_str()))
        {
            return None;
        }
        alignment.matched += matched_before + matched_after;
        alignment.unmatched += usize::from(!after.is_empty() && matched_after == 0);
        alignment.length += value.len();
        alignment.values.push((name.clone(), joined(value)));
        from = end;
    }
    (!alignment.values.is_empty()).then_some(alignment)
}

fn words_of(part: Option<&Part>) -> Vec<String> {
    match part {
        Some(Part::Words(text)) => folded(text),
        _ => Vec::new(),
    }
}

/// Where the longest end of `before` is found in the sentence, from `from` on: the index after it, and its length.
fn find_end(before: &[String], sentence: &[Word<'_>], from: usize) -> Option<(usize, usize)> {
    if before.is_empty() {
        return Some((from, 0));
    }
    (0..before.len()).find_map(|skip| {
        let needle = &before[skip..];
        // A lone `of` belongs to the word before it, not to the slot.
        if needle == ["of"] {
            return None;
        }
        position(needle, sentence, from).map(|at| (at + needle.len(), needle.len()))
    })
}

/// Where the longest beginning of `after`, else its longest end, is found from `from` on: the index of the first word
/// found, and how many were.
fn find_start(after: &[String], sentence: &[Word<'_>], from: usize) -> Option<(usize, usize)> {
    let beginnings = (1..=after.len()).rev().map(|keep| &after[..keep]);
    let ends = (1..after.len()).map(|skip| &after[skip..]);
    beginnings.chain(ends).find_map(|needle| position(needle, sentence, from).map(|at| (at, needle.len())))
}

fn position(needle: &[String], sentence: &[Word<'_>], from: usize) -> Option<usize> {
    sentence
        .get(from..)?
        .windows(needle.len())
        .position(|window| window.iter().zip(needle).all(|(word, wanted)| &word.folded == wanted))
        .map(|at| from + at)
}

/// The end of a value without words about when and how; a value made of nothing else stays whole.
fn without_trailing(sentence: &[Word<'_>], start: usize, end: usize) -> usize {
    let mut kept = end;
    while let Some(shorter) = TRAILING.iter().find_map(|phrase| {
        let phrase = folded(phrase);
        let cut = kept.checked_sub(phrase.len())?;
        (cut >= start && position(&phrase, &sentence[..kept], cut) == Some(cut)).then_some(cut)
    }) {
        kept = shorter;
    }
    if kept > start { kept } else { end }
}

/// The words as one value, without a possessive at the end.
fn joined(value: &[Word<'_>]) -> String {
    let joined = value.iter().map(|word| word.text).collect::<Vec<_>>().join(" ");
    ["'s", "’s"].iter().find_map(|suffix| joined.strip_suffix(suffix)).unwrap_or(&joined).to_owned()
}

fn quoted(text: &str) -> Option<&str> {
    [('“', '”'), ('"', '"'), ('«', '»')].iter().find_map(|(open, close)| {
        let start = text.find(*open)? + open.len_utf8();
        let length = text[start..].find(*close)?;
        Some(text[start..start + length].trim()).filter(|inside| !inside.is_empty())
    })
}

/// The longest run of words that begin with a capital and that no example uses around its slots, small words between
/// them included. The first word of a sentence has a capital anyway, so it does not count.
fn proper_name(sentence: &[Word<'_>], carriers: &BTreeSet<String>) -> Option<String> {
    let is_name = |word: &Word<'_>| {
        word.text.chars().next().is_some_and(char::is_uppercase)
            && word.text != "I"
            && !carriers.contains(&word.folded)
    };
    let mut best: &[Word<'_>] = &[];
    let mut start = 1;
    while start < sentence.len() {
        let rest = &sentence[start..];
        let goes_on = |word: &Word<'_>| is_name(word) || JOINING.contains(&word.folded.as_str());
        let run = if is_name(&rest[0]) { rest.iter().take_while(|word| goes_on(word)).count() } else { 0 };
        let length = rest[..run].iter().rposition(is_name).map_or(0, |last| last + 1);
        if length > best.len() {
            best = &rest[..length];
        }
        start += length.max(1);
    }
    (!best.is_empty()).then(|| joined(best))
}

/// The value in the type that the schema gives it.
fn typed(schema: &Value, value: &str) -> Option<Value> {
    if let Some(options) = schema["enum"].as_array() {
        return options
            .iter()
            .find(|option| option.as_str().is_some_and(|option| option.eq_ignore_ascii_case(value)))
            .cloned();
    }
    match schema["type"].as_str() {
        Some("integer") => value.parse::<i64>().ok().map(Value::from),
        Some("number") => value.parse().ok().and_then(Number::from_f64).map(Value::Number),
        Some("string") | None => Some(Value::String(value.to_owned())),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::capability;

    fn place(text: &str) -> Option<String> {
        let examples = [
            "what's the weather in {place=Lisbon}",
            "{place=Tokyo} weather forecast",
            "weather {place=Oslo}",
            "weather forecast for {place=Rome} this week",
            "will it rain in {place=Paris} tomorrow",
            "how cold is it",
        ];
        let weather = capability("meteo/weather", "place", &examples);
        fill(&weather, text).get("place").and_then(Value::as_str).map(str::to_owned)
    }

    #[test]
    fn a_place_is_found_in_sentences_that_were_never_seen() {
        for (text, expected) in [
            ("What’s the weather in Lisbon?", "Lisbon"),
            ("what is the weather going to be like in new york right now", "new york"),
            ("Should I take an umbrella in Berlin tonight, please", "Berlin"),
            ("Lisbon weather", "Lisbon"),
            ("weather lisbon", "lisbon"),
            ("Lisbon's weather", "Lisbon"),
            ("Weather forecast for São Paulo this week", "São Paulo"),
            ("Will Oslo be cold", "Oslo"),
            ("Nairobi forecast", "Nairobi"),
            ("how hot will it get in Seville on Saturday", "Seville"),
            ("Did the Isle of Man get any", "Isle of Man"),
            ("weather in \"Halle an der Saale\" today", "Halle an der Saale"),
        ] {
            assert_eq!(place(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_the_sentence_does_not_give_is_left_out() {
        for text in
            ["what's the weather", "weather forecast", "Will it rain", "how cold is it", "weather in it", ""]
        {
            assert_eq!(place(text), None, "{text}");
        }
    }

    #[test]
    fn several_slots_are_found_in_order_and_typed() {
        let mut convert = capability(
            "money/convert",
            "amount",
            &["convert {amount=20} euros to {to=USD}", "{amount=5} euros in {to=GBP}"],
        );
        convert.input["properties"] =
            json!({"amount": {"type": "number"}, "to": {"type": "string", "enum": ["USD", "GBP", "CHF"]}});
        let filled = |text| Value::Object(fill(&convert, text));
        assert_eq!(filled("please convert 12.5 euros to chf"), json!({"amount": 12.5, "to": "CHF"}));
        assert_eq!(filled("convert many euros to usd"), json!({"to": "USD"}));
    }

    #[test]
    fn a_word_between_carriers_is_taken_alone() {
        let define = capability(
            "dictionary/define",
            "word",
            &["what does {word=serendipity} mean", "define {word=ubiquitous}"],
        );
        assert_eq!(Value::Object(fill(&define, "What does “entropy” mean?")), json!({"word": "entropy"}));
        assert_eq!(
            Value::Object(fill(&define, "what does lugubrious mean please")),
            json!({"word": "lugubrious"})
        );
    }

    proptest::proptest! {
        #[test]
        fn no_sentence_makes_it_panic(text in "\\PC{0,80}") {
            place(&text);
        }
    }
}
