//! What a model is shown of a conversation: as much as there is room for, the newest first, and always what holds for
//! the whole of it.

use mtor_shared::generation::{Message, Role};

use super::{Conversation, NodeId};

/// Tokens that a model reads and writes at once. The engine may have room for fewer and says so; then less is shown.
pub const CONTEXT_TOKENS: u32 = 4096;
/// Bytes of a token, on the low side: English has 4, source code and most other scripts 3.
const BYTES_PER_TOKEN: f32 = 3.0;
/// What a message costs beside its words.
const MESSAGE_TOKENS: u32 = 6;

/// What a model is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// In order; the last one is the person's.
    pub messages: Vec<Message>,
    /// Messages before them that are left out.
    pub left_out: u32,
}

fn tokens(text: &str) -> u32 {
    (text.len() as f32 / BYTES_PER_TOKEN).ceil() as u32 + MESSAGE_TOKENS
}

/// What is shown for an answer to `question`, with room for that answer; `at_least` messages are left out in any case.
///
/// The question itself is always shown: where even that is too long, the engine says so.
pub fn window(conversation: &Conversation, question: NodeId, at_least: u32) -> Window {
    let manner = &conversation.manner;
    let line = conversation.lineage(question);
    let mut room = CONTEXT_TOKENS.saturating_sub(manner.max_tokens.min(CONTEXT_TOKENS / 2));
    let system = manner.system.trim();
    if !system.is_empty() {
        room = room.saturating_sub(tokens(system));
    }
    let mut shown: Vec<Message> = Vec::new();
    let mut left_out = 0;
    for (index, id) in line.iter().enumerate().rev() {
        let Some(node) = conversation.node(*id) else { continue };
        let needs = tokens(&node.text);
        if !shown.is_empty() && (needs > room || index < at_least as usize) {
            left_out = index + 1;
            break;
        }
        room = room.saturating_sub(needs);
        shown.push(Message { role: node.role(), content: node.text.clone() });
    }
    // A conversation begins with the person: an answer without its question is left out with it.
    while shown.len() > 1 && shown.last().is_some_and(|message| message.role == Role::Assistant) {
        shown.pop();
        left_out = line.len() - shown.len();
    }
    if !system.is_empty() {
        shown.push(Message { role: Role::System, content: system.to_owned() });
    }
    shown.reverse();
    Window { messages: shown, left_out: u32::try_from(left_out).unwrap_or(u32::MAX) }
}

#[cfg(test)]
mod tests {
    use mtor_shared::model::ModelId;

    use super::super::{ConversationId, Node, Reply, ReplyState};
    use super::*;

    /// Questions and answers by turns, each of so many bytes; the last one is a question.
    fn talk(sizes: &[usize]) -> (Conversation, NodeId) {
        let mut talk = Conversation::new(ConversationId("1".into()), 0);
        let mut last = None;
        for (index, size) in sizes.iter().enumerate() {
            let reply = (index % 2 == 1).then(|| Reply {
                model: ModelId("m".into()),
                name: String::new(),
                seed: 0,
                left_out: 0,
                state: ReplyState::Interrupted,
            });
            let text = index.to_string().repeat(*size);
            last = Some(talk.add(Node { parent: last, chosen: None, at_ms: 0, text, reply }));
        }
        (talk, last.expect("a message"))
    }

    fn roles(window: &Window) -> Vec<Role> {
        window.messages.iter().map(|message| message.role).collect()
    }

    #[test]
    fn what_fits_is_shown_whole_with_the_instructions_first() {
        let (mut talk, last) = talk(&[10, 10, 10]);
        talk.manner.system = " Be brief. ".into();
        let window = window(&talk, last, 0);
        assert_eq!(roles(&window), [Role::System, Role::User, Role::Assistant, Role::User]);
        assert_eq!(window.messages[0].content, "Be brief.");
        assert_eq!(window.left_out, 0);
    }

    #[test]
    fn the_oldest_turns_are_left_out_and_counted() {
        let (mut talk, last) = talk(&[3000, 3000, 3000, 3000, 3000]);
        talk.manner.system = "Be brief.".into();
        let window = window(&talk, last, 0);
        assert_eq!(roles(&window), [Role::System, Role::User, Role::Assistant, Role::User]);
        assert_eq!(window.left_out, 2);
        assert_eq!(window.messages[1].content.len(), 3000);
        assert!(window.messages[1].content.starts_with('2'));
    }

    #[test]
    fn an_answer_is_never_shown_without_its_question() {
        let (talk, last) = talk(&[9500, 10, 10]);
        let window = window(&talk, last, 0);
        assert_eq!(roles(&window), [Role::User], "the question did not fit, so its answer goes too");
        assert_eq!(window.left_out, 2);
    }

    #[test]
    fn the_question_itself_is_shown_however_long_it_is() {
        let (talk, last) = talk(&[10, 10, 100_000]);
        let window = window(&talk, last, 0);
        assert_eq!(roles(&window), [Role::User]);
        assert_eq!(window.left_out, 2);
    }

    #[test]
    fn more_is_left_out_when_the_engine_had_no_room() {
        let (talk, last) = talk(&[10, 10, 10, 10, 10]);
        assert_eq!(window(&talk, last, 2).left_out, 2);
        assert_eq!(window(&talk, last, 3).left_out, 4, "by whole turns");
        assert_eq!(window(&talk, last, 99).left_out, 4, "never the question");
    }
}
