//! Conversations as a file, out and in.

use mtor_shared::{
    problem::{Problem, ProblemCode},
    wire,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Conversation, Node};
use crate::shell::model::Shared;

/// What the file calls itself.
const FORMAT: &str = "mtor-conversations";
/// The newest form that is known here.
const VERSION: u64 = 1;
/// No message of a file may be longer, in bytes.
const LONGEST_TEXT: usize = 1 << 20;
/// No conversation of a file may have more messages.
const MOST_NODES: usize = 20_000;

#[derive(Serialize)]
struct Written<'a> {
    format: &'static str,
    version: u64,
    exported_at_ms: u64,
    conversations: Vec<&'a Conversation>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    format: String,
    #[serde(default)]
    version: u64,
    #[serde(default)]
    conversations: Vec<Value>,
}

/// The file that holds these conversations.
pub fn write<'a>(conversations: impl Iterator<Item = &'a Shared<Conversation>>, at_ms: u64) -> String {
    let conversations = conversations.map(|known| &**known).collect();
    let written = Written { format: FORMAT, version: VERSION, exported_at_ms: at_ms, conversations };
    // Strings, numbers and lists of them always serialise.
    serde_json::to_string_pretty(&written).unwrap_or_default()
}

/// Reads a file: every conversation in it, or what is wrong with it. Nothing is taken from a file that is not whole.
///
/// # Errors
/// One sentence that says where.
pub fn read(name: &str, text: &str) -> Result<Vec<Conversation>, Problem> {
    let wrong = |what: String| {
        let advice = "Nothing was imported. Choose a file that MTOR has exported.";
        Problem::new(ProblemCode::BadRequest, what, advice)
    };
    wire::read::<Value>(text).map_err(|_| wrong(format!("{name} is not JSON, or it is not whole.")))?;
    let head: Head =
        wire::read(text).map_err(|_| wrong(format!("{name} is JSON, and holds no conversations.")))?;
    if head.format != FORMAT {
        return Err(wrong(format!("{name} is JSON, and not an export of conversations.")));
    }
    if head.version == 0 || head.version > VERSION {
        return Err(Problem::new(
            ProblemCode::BadRequest,
            format!("{name} is of version {}; this MTOR reads versions up to {VERSION}.", head.version),
            "Nothing was imported. Reload MTOR to get its newest version.",
        ));
    }
    let mut conversations = Vec::with_capacity(head.conversations.len());
    for (index, value) in (1..).zip(head.conversations) {
        let at = |what: &str| wrong(format!("{name}: conversation {index} {what}"));
        let conversation: Conversation =
            wire::read(&value.to_string()).map_err(|error| at(&format!("cannot be read ({error}).")))?;
        check(&conversation).map_err(|what| at(&what))?;
        conversations.push(conversation.reopened());
    }
    Ok(conversations)
}

/// What is wrong with a conversation from outside, as the end of a sentence.
fn check(conversation: &Conversation) -> Result<(), String> {
    let Conversation { id, nodes, first, title, .. } = conversation;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if id.0.is_empty() || id.0.len() > 64 || !id.0.chars().all(plain) {
        return Err("has no name that MTOR gives.".to_owned());
    }
    if nodes.is_empty() {
        return Err("has no message.".to_owned());
    }
    if nodes.len() > MOST_NODES {
        return Err(format!("has {} messages; {MOST_NODES} are the most.", nodes.len()));
    }
    if title.len() > 1000 || conversation.manner.system.len() > LONGEST_TEXT {
        return Err("has a title or instructions that are too long.".to_owned());
    }
    let exists = |id: &super::NodeId| (id.0 as usize) < nodes.len();
    if !first.as_ref().is_some_and(|first| exists(first) && nodes[first.0 as usize].parent.is_none()) {
        return Err("does not say where it begins.".to_owned());
    }
    for (index, node) in (0u32..).zip(nodes) {
        let Node { parent, text, reply, .. } = &**node;
        let number = index + 1;
        if text.len() > LONGEST_TEXT {
            return Err(format!("has a message {number} of more than 1 MB."));
        }
        if parent.is_some_and(|parent| parent.0 >= index) {
            return Err(format!("has a message {number} that answers one behind it."));
        }
        let answers_person = parent.is_some_and(|parent| nodes[parent.0 as usize].reply.is_none());
        if reply.is_some() != answers_person {
            return Err(format!("has a message {number} that is not said by turns."));
        }
    }
    for (index, node) in (0u32..).zip(nodes) {
        let (chosen, number) = (&node.chosen, index + 1);
        let is_its_own = |chosen: &super::NodeId| {
            exists(chosen) && nodes[chosen.0 as usize].parent.is_some_and(|of| of.0 == index)
        };
        if chosen.as_ref().is_some_and(|chosen| !is_its_own(chosen)) {
            return Err(format!("shows a message behind message {number} that does not answer it."));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use mtor_shared::model::ModelId;
    use serde_json::json;

    use super::super::{ConversationId, NodeId, Reply, ReplyState};
    use super::*;

    fn talk() -> Conversation {
        let mut talk = Conversation::new(ConversationId("0000000000001-0000000a".into()), 7);
        let question = talk.add(Node {
            parent: None,
            chosen: None,
            at_ms: 8,
            text: "Why is the sky blue? <b>&".into(),
            reply: None,
        });
        let reply = Reply {
            model: ModelId("m".into()),
            name: "M".into(),
            seed: u64::MAX,
            left_out: 0,
            state: ReplyState::Interrupted,
        };
        talk.add(Node {
            parent: Some(question),
            chosen: None,
            at_ms: 9,
            text: "Because\n".into(),
            reply: Some(reply),
        });
        talk.manner.system = "Be brief.".into();
        talk
    }

    fn file(change: impl Fn(&mut Value)) -> String {
        let mut value: Value =
            serde_json::from_str(&write([Shared::new(talk())].iter(), 5)).expect("the export is JSON");
        change(&mut value);
        value.to_string()
    }

    fn refusal(change: impl Fn(&mut Value)) -> String {
        read("a.json", &file(change)).expect_err("refused").title
    }

    #[test]
    fn what_goes_out_comes_back_the_same() {
        let back = read("a.json", &file(|_| {})).expect("reads");
        let same = |conversation: &Conversation| serde_json::to_value(conversation).expect("writes");
        assert_eq!(back.iter().map(same).collect::<Vec<_>>(), [same(&talk())]);
        assert_eq!(back[0].path(), [NodeId(0), NodeId(1)]);
    }

    #[test]
    fn a_file_that_is_something_else_is_named_for_what_it_is() {
        let title = |text: &str| read("a.json", text).expect_err("refused").title;
        assert_eq!(title("hello"), "a.json is not JSON, or it is not whole.");
        assert_eq!(title("{\"format\": \"mtor-conv"), "a.json is not JSON, or it is not whole.");
        assert_eq!(title("[1, 2]"), "a.json is JSON, and holds no conversations.");
        assert_eq!(title("{\"a\": 1}"), "a.json is JSON, and not an export of conversations.");
        assert_eq!(
            refusal(|file| file["version"] = json!(9)),
            "a.json is of version 9; this MTOR reads versions up to 1."
        );
    }

    #[test]
    fn a_tree_that_is_none_is_refused_with_its_place() {
        let node = |index: usize, field: &'static str, value: Value| {
            refusal(move |file| file["conversations"][0]["nodes"][index][field] = value.clone())
        };
        assert_eq!(
            node(1, "parent", json!(1)),
            "a.json: conversation 1 has a message 2 that answers one behind it."
        );
        assert_eq!(
            node(1, "parent", json!(null)),
            "a.json: conversation 1 has a message 2 that is not said by turns."
        );
        assert_eq!(
            node(0, "chosen", json!(0)),
            "a.json: conversation 1 shows a message behind message 1 that does not answer it."
        );
        assert!(node(0, "text", json!(5)).starts_with("a.json: conversation 1 cannot be read ("));
        assert_eq!(
            refusal(|file| file["conversations"][0]["first"] = json!(1)),
            "a.json: conversation 1 does not say where it begins."
        );
        assert_eq!(
            refusal(|file| file["conversations"][0]["id"] = json!("../x")),
            "a.json: conversation 1 has no name that MTOR gives."
        );
    }
}
