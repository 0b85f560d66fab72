//! Several capabilities joined into one answer: a language model says which of them help, and nothing else.
//!
//! It chooses from a list and fills nothing in; what only reads is on that list, each call is agreed to like any other,
//! and the results are put into words by [`crate::telling`].

use serde::Deserialize;
use serde_json::json;

use crate::{
    capability::{Capability, CapabilityId, SideEffect},
    generation::{Message, Prompt, Request, Role, Sampling},
};

/// Capabilities that are joined at most.
pub const PARTS: usize = 3;
/// Capabilities that a model chooses from.
const CANDIDATES: usize = 6;
/// Tokens of an answer: three names.
const MAX_TOKENS: u32 = 120;
/// Characters of a summary that the model gets.
const SUMMARY: usize = 100;

/// Those of the capabilities, best first, that a model may join: they change nothing.
pub fn candidates<'a>(ranked: impl Iterator<Item = &'a Capability>) -> Vec<&'a Capability> {
    ranked.filter(|known| known.side_effect == SideEffect::Read).take(CANDIDATES).collect()
}

/// What to ask a model about the [`candidates`]; none where there are none.
pub fn ask(question: &str, candidates: &[&Capability]) -> Option<Request> {
    let ids: Vec<&str> = candidates.iter().map(|known| known.id.0.as_str()).collect();
    if ids.is_empty() {
        return None;
    }
    let schema = json!({
        "type": "object",
        "properties": { "use": { "type": "array", "items": { "enum": ids }, "maxItems": PARTS } },
        "required": ["use"],
        "additionalProperties": false,
    });
    let list: String = candidates.iter().map(|known| line(known)).collect();
    let say = |role, content: String| Message { role, content };
    let messages = vec![
        say(
            Role::System,
            "You pick the functions whose results help to answer a question: one to three, each of them once, and none \
             that does not help. Answer in JSON."
                .to_owned(),
        ),
        say(
            Role::User,
            "Functions:\n- flights/search: Find flights\n- films/now: Films in the cinemas\n- money/convert: Convert money\n\
             Question: What would a weekend in Rome cost me in pounds?"
                .to_owned(),
        ),
        say(Role::Assistant, r#"{"use": ["flights/search", "money/convert"]}"#.to_owned()),
        say(Role::User, format!("Functions:\n{list}Question: {question}")),
    ];
    Some(Request {
        prompt: Prompt::Messages { messages },
        max_tokens: MAX_TOKENS,
        sampling: Sampling::default(),
        stop: Vec::new(),
        schema: Some(schema),
    })
}

/// What a model chose, each once and in its order; empty where it chose nothing that there is.
pub fn chosen(answer: &str, candidates: &[&Capability]) -> Vec<CapabilityId> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "use")]
        parts: Vec<CapabilityId>,
    }
    let Ok(Answer { parts }) = crate::wire::read(answer) else { return Vec::new() };
    let mut chosen: Vec<CapabilityId> = Vec::new();
    for part in parts {
        if candidates.iter().any(|known| known.id == part) && !chosen.contains(&part) {
            chosen.push(part);
        }
    }
    chosen.truncate(PARTS);
    chosen
}

fn line(known: &Capability) -> String {
    let summary: String = known.summary.lines().next().unwrap_or_default().chars().take(SUMMARY).collect();
    if summary.is_empty() || summary == known.title {
        format!("- {}: {}\n", known.id, known.title)
    } else {
        format!("- {}: {}. {summary}\n", known.id, known.title)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::capability;

    #[test]
    fn what_changes_something_is_never_joined() {
        let reads = capability("weather/now", "place", &[]);
        let mut writes = capability("shop/order", "what", &[]);
        writes.side_effect = SideEffect::Write;
        let list = candidates([&writes, &reads].into_iter());
        assert_eq!(list.iter().map(|known| known.id.0.as_str()).collect::<Vec<_>>(), ["weather/now"]);
        assert!(chosen(r#"{"use": ["shop/order", "weather/now"]}"#, &list) == [reads.id.clone()]);
    }

    #[test]
    fn a_choice_is_made_of_what_there_is_each_once() {
        let all: Vec<_> = (0..9).map(|number| capability(&format!("a/{number}"), "x", &[])).collect();
        let list = candidates(all.iter());
        assert_eq!(list.len(), CANDIDATES);
        let names =
            |answer: &str| -> Vec<String> { chosen(answer, &list).into_iter().map(|id| id.0).collect() };
        assert_eq!(names(r#"{"use": ["a/3", "a/1", "a/3", "a/8", "a/0", "a/2"]}"#), ["a/3", "a/1", "a/0"]);
        assert!(names(r#"{"use": []}"#).is_empty() && names("weather").is_empty());
        let request = ask("What now?", &list).expect("there are some");
        let schema = request.schema.expect("it is held to names");
        assert_eq!(schema["properties"]["use"]["items"]["enum"][5], "a/5");
        assert!(ask("What now?", &[]).is_none());
    }
}
