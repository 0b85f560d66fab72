//! What is drawn of conversations.

use mtor_shared::{
    generation::{End, Role},
    model::ModelId,
    problem::Problem,
};

use super::{
    format::{bytes, seconds},
    listed, models,
};
use crate::shell::{
    chat::{Conversation, ConversationId, NodeId, Reply, ReplyState},
    model::{EngineState, Model, Shared},
    models::Load,
    place::Place,
};

/// The line that a person types into, wherever they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromptView {
    /// What is in it.
    pub text: String,
    /// Why it was not taken, or nothing.
    pub notice: Option<String>,
    /// Whether it goes to a conversation.
    pub in_chat: bool,
    /// Whether the arrows go back to earlier prompts.
    pub recalls: bool,
    /// The conversation whose answer is on its way: it can be stopped instead.
    pub stops: Option<ConversationId>,
}

/// The prompt.
pub fn prompt(model: &Model) -> PromptView {
    let id = match &model.place {
        Place::Chat => &model.chats.next.id,
        Place::Talk { id, .. } => id,
        _ => {
            return PromptView {
                text: model.prompt.text.clone(),
                notice: model.prompt.notice.clone(),
                in_chat: false,
                recalls: model.prompt.text.is_empty() || model.prompt.recalled.is_some(),
                stops: None,
            };
        }
    };
    PromptView {
        text: model.chats.draft(id).to_owned(),
        notice: model.chats.notice.clone(),
        in_chat: true,
        recalls: false,
        stops: model.chats.get(id).filter(|known| known.is_open()).map(|known| known.id.clone()),
    }
}

/// The conversation that is looked at, the one to come included.
pub fn here(model: &Model) -> Option<&Shared<Conversation>> {
    match &model.place {
        Place::Chat => Some(&model.chats.next),
        Place::Talk { id, .. } => model.chats.get(id),
        _ => None,
    }
}

/// A line in the list of conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which.
    pub id: ConversationId,
    /// Where it is; a found message with it.
    pub address: String,
    /// What it is called.
    pub title: String,
    /// When something last happened in it.
    pub changed_at_ms: u64,
    /// What was found in it: before, the words themselves, after.
    pub found: Option<(String, String, String)>,
    /// Whether an answer is on its way.
    pub is_open: bool,
    /// Whether it is looked at.
    pub is_here: bool,
}

/// Conversations, the newest first; only those in which the words that are searched for are found.
pub fn lines(model: &Model) -> Vec<Line> {
    let query = model.chats.query.trim().to_lowercase();
    let here = here(model).map(|known| known.id.clone());
    let mut known: Vec<&Shared<Conversation>> = model.chats.all.iter().collect();
    known.sort_by(|a, b| b.changed_at_ms.cmp(&a.changed_at_ms).then_with(|| b.id.cmp(&a.id)));
    let line = |conversation: &Shared<Conversation>| {
        let title = conversation.name();
        let (at, found) = match query.as_str() {
            "" => (None, None),
            query => match search(conversation, query) {
                Some((at, found)) => (Some(at), Some(found)),
                None if title.to_lowercase().contains(query) => (None, None),
                None => return None,
            },
        };
        Some(Line {
            address: Place::Talk { id: conversation.id.clone(), at }.address(),
            id: conversation.id.clone(),
            title,
            changed_at_ms: conversation.changed_at_ms,
            found,
            is_open: conversation.is_open(),
            is_here: here.as_ref() == Some(&conversation.id),
        })
    };
    known.into_iter().filter_map(line).collect()
}

/// The newest message with these words, and the words with what surrounds them.
fn search(conversation: &Conversation, query: &str) -> Option<(NodeId, (String, String, String))> {
    let numbered = (0u32..).zip(&conversation.nodes);
    let (number, node) = numbered.rev_by(|node| node.text.to_lowercase().contains(query))?;
    // Places in the lower-case text are not places in the text itself: count characters.
    let lower: String = node.text.to_lowercase();
    let at = lower[..lower.find(query)?].chars().count();
    let characters: Vec<char> = node.text.chars().map(|c| if c == '\n' { ' ' } else { c }).collect();
    let end = (at + query.chars().count()).min(characters.len());
    let (from, to) = (at.saturating_sub(24), (end + 60).min(characters.len()));
    let piece =
        |range: std::ops::Range<usize>| characters.get(range).unwrap_or_default().iter().collect::<String>();
    let before = if from > 0 { format!("…{}", piece(from..at)) } else { piece(from..at) };
    Some((NodeId(number), (before, piece(at..end), piece(end..to))))
}

/// The last of numbered things for which something holds.
trait LastWhere<T> {
    fn rev_by(self, holds: impl Fn(&T) -> bool) -> Option<(u32, T)>;
}

impl<T, I: Iterator<Item = (u32, T)>> LastWhere<T> for I {
    fn rev_by(self, holds: impl Fn(&T) -> bool) -> Option<(u32, T)> {
        let mut last = None;
        for (number, item) in self {
            if holds(&item) {
                last = Some((number, item));
            }
        }
        last
    }
}

/// Where a message stands among those beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// From 1.
    pub position: usize,
    /// How many there are.
    pub count: usize,
    /// The one before it.
    pub earlier: Option<NodeId>,
    /// The one behind it.
    pub later: Option<NodeId>,
}

/// Where a message stands among those beside it; none where it stands alone.
pub fn beside(conversation: &Conversation, id: NodeId) -> Option<Beside> {
    let siblings = conversation.siblings(id);
    let at = siblings.iter().position(|known| *known == id).filter(|_| siblings.len() > 1)?;
    Some(Beside {
        position: at + 1,
        count: siblings.len(),
        earlier: at.checked_sub(1).and_then(|at| siblings.get(at)).copied(),
        later: siblings.get(at + 1).copied(),
    })
}

/// Which message the model sees first, and the line that says so; none where it sees all.
pub fn forgotten(conversation: &Conversation) -> Option<(NodeId, String)> {
    let path = conversation.path();
    let replies = path.iter().rev().filter_map(|id| conversation.node(*id)?.reply.as_ref());
    let left_out = replies.map(|reply| reply.left_out).next()? as usize;
    let first = *path.get(left_out).filter(|_| left_out > 0)?;
    let words = match left_out {
        1 => "The model no longer sees the first message.".to_owned(),
        count => format!("The model no longer sees the first {count} messages."),
    };
    Some((first, words))
}

/// What an answer that has not come yet waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Waiting {
    /// The model is not on this device: it is offered.
    Offer {
        /// Which.
        model: ModelId,
        /// What it is and how large.
        sentence: String,
        /// The words on the button.
        verb: String,
    },
    /// The model is on its way.
    Coming {
        /// Which.
        model: ModelId,
        /// How far.
        words: String,
        /// From 0 to 1, where it is known.
        share: Option<f64>,
        /// Whether it can be paused.
        can_pause: bool,
    },
    /// The model did not come.
    Trouble {
        /// Which.
        model: ModelId,
        /// Why.
        problem: Problem,
        /// The words on the button.
        verb: &'static str,
        /// When it is tried again by itself, in milliseconds since 1970.
        retry_at_ms: Option<u64>,
    },
    /// It comes without anybody doing something.
    Soon(&'static str),
}

impl Waiting {
    /// The same without what changes while bytes come.
    pub fn shape(self) -> Self {
        match self {
            Self::Coming { model, can_pause, .. } => {
                Self::Coming { model, words: String::new(), share: None, can_pause }
            }
            other => other,
        }
    }
}

/// What an answer by that model waits for.
pub fn waiting(model: &Model, by: &ModelId) -> Waiting {
    let shelf = &model.shelf;
    let name = shelf.name(by);
    if let EngineState::Lost { problem, restart_at_ms } = &model.engine.state {
        return Waiting::Trouble {
            model: by.clone(),
            problem: problem.clone(),
            verb: "Start again",
            retry_at_ms: *restart_at_ms,
        };
    }
    let total = shelf.find(by).map_or(0, |listed| listed.bytes());
    match shelf.loads.get(by) {
        Some(Load::Loaded { .. }) => Waiting::Soon("Waiting for its turn."),
        Some(Load::Failed(problem)) => Waiting::Trouble {
            model: by.clone(),
            problem: problem.clone(),
            verb: "Try again",
            retry_at_ms: None,
        },
        Some(load @ (Load::Asked | Load::Going(_) | Load::Elsewhere)) => {
            let (words, share) = models::going(load);
            Waiting::Coming {
                model: by.clone(),
                words: format!("{name}: {words}"),
                share,
                can_pause: matches!(load, Load::Going(_)) && !shelf.is_stored(by),
            }
        }
        Some(Load::Paused) | None => match shelf.presence(by) {
            Some(known) if known.is_complete => Waiting::Soon("Loading the model."),
            _ if shelf.survey.is_none() => Waiting::Soon("The engine starts."),
            Some(known) if known.stored_bytes > 0 => Waiting::Offer {
                model: by.clone(),
                sentence: format!(
                    "{name} is not whole yet: {} of {} are here. The answer follows by itself.",
                    bytes(known.stored_bytes),
                    bytes(total)
                ),
                verb: format!("Download the other {}", bytes(total.saturating_sub(known.stored_bytes))),
            },
            _ => Waiting::Offer {
                model: by.clone(),
                sentence: format!(
                    "{name} answers here, on this device, and nothing you write leaves it. It is downloaded once, {}; \
                     the answer follows by itself.",
                    bytes(total)
                ),
                verb: format!("Download {}", bytes(total)),
            },
        },
    }
}

/// What stands under an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplyReceipt {
    /// The one line, piece by piece.
    pub line: Vec<String>,
    /// Names and values.
    pub facts: Vec<(&'static str, String)>,
    /// What should be known about how it ended.
    pub note: Option<&'static str>,
}

/// The receipt of an answer that is there.
pub fn receipt(reply: &Reply) -> Option<ReplyReceipt> {
    let ReplyState::Over { end, usage } = &reply.state else { return None };
    let took = (usage.first_token_ms + usage.rest_ms) / 1000.0;
    let line = vec![reply.name.clone(), "on this device".to_owned(), seconds(took), "free".to_owned()];
    let rate = |per_s: Option<f64>| per_s.map(|per_s| format!("{per_s:.1} tokens a second"));
    let mut facts = vec![
        ("Time to the first token", seconds(usage.first_token_ms / 1000.0)),
        ("Answer", with(format!("{} tokens", usage.answer_tokens), rate(usage.tokens_per_s()))),
    ];
    let read = usage.prompt_tokens.saturating_sub(usage.remembered_tokens);
    let mut reading = vec![format!("{} tokens", usage.prompt_tokens)];
    if usage.remembered_tokens > 0 {
        reading.push(format!("{read} of them new"));
    }
    facts.push(("Question", with(listed(&reading).replace(" and ", ", "), rate(usage.reading_per_s()))));
    facts.push(("Computed on", format!("the {}", super::backend(usage.backend))));
    facts.push(("Seed", reply.seed.to_string()));
    if reply.left_out > 0 {
        facts.push(("Left out", format!("{} older messages", reply.left_out)));
    }
    let note = match end {
        End::Complete | End::StopString => None,
        End::Stopped => Some("Stopped."),
        End::MaxTokens => {
            Some("It ends here because an answer may have no more tokens in this conversation.")
        }
        End::Context => Some("It ends here because there is no room for more."),
    };
    Some(ReplyReceipt { line, facts, note })
}

fn with(first: String, second: Option<String>) -> String {
    match second {
        Some(second) => format!("{first}, {second}"),
        None => first,
    }
}

/// What a screen reader calls a message.
pub fn speaker(role: Role) -> &'static str {
    match role {
        Role::User => "You",
        Role::Assistant | Role::System => "The model",
    }
}

/// Models that can answer here: those that are whole on this device, and the one that is chosen.
pub fn choices(model: &Model, chosen: &ModelId) -> Vec<(ModelId, String)> {
    let listed = mtor_shared::model::manifest().iter().chain(&model.shelf.own);
    let answers = |known: &&mtor_shared::model::Model| {
        known.task == mtor_shared::model::Task::Generate
            && (&known.id == chosen || model.shelf.is_stored(&known.id))
    };
    listed.filter(answers).map(|known| (known.id.clone(), known.title.clone())).collect()
}

#[cfg(test)]
mod tests {
    use mtor_shared::{engine::Backend, generation::Usage};

    use super::*;
    use crate::shell::chat::Node;

    fn conversation(texts: &[&str]) -> Conversation {
        let mut known = Conversation::new(ConversationId("1".into()), 5);
        let mut parent = None;
        for text in texts {
            let node = Node { parent, chosen: None, at_ms: 5, text: (*text).into(), reply: None };
            parent = Some(known.add(node));
        }
        known
    }

    #[test]
    fn words_are_found_whatever_their_case_and_shown_with_what_surrounds_them() {
        let known = conversation(&["Grüße aus İstanbul", "Then: the ANSWER\nis here"]);
        let (at, (before, words, after)) = search(&known, "answer").expect("found");
        assert_eq!(
            (at, before.as_str(), words.as_str(), after.as_str()),
            (NodeId(1), "Then: the ", "ANSWER", " is here")
        );
        assert_eq!(search(&known, "grüße").expect("found").1.1, "Grüße");
        assert!(search(&known, "istanbul").is_none() || search(&known, "stanbul").is_some());
        assert_eq!(search(&known, "nothing"), None);
    }

    #[test]
    fn a_receipt_says_how_fast_and_why_it_ended() {
        let usage = Usage {
            prompt_tokens: 40,
            remembered_tokens: 30,
            answer_tokens: 11,
            first_token_ms: 500.0,
            rest_ms: 2000.0,
            backend: Backend::Cpu,
            dispatches: None,
        };
        let reply = |end| Reply {
            model: ModelId(mtor_shared::model::CHAT.into()),
            name: "Qwen2.5 Coder 0.5B".into(),
            seed: 7,
            left_out: 6,
            state: ReplyState::Over { end, usage },
        };
        let receipt = receipt(&reply(End::MaxTokens)).expect("a receipt");
        assert_eq!(receipt.line, ["Qwen2.5 Coder 0.5B", "on this device", "2.5 s", "free"]);
        let fact = |name: &str| receipt.facts.iter().find(|(known, _)| *known == name).expect(name).1.clone();
        assert_eq!(fact("Answer"), "11 tokens, 5.0 tokens a second");
        assert_eq!(fact("Question"), "40 tokens, 10 of them new, 20.0 tokens a second");
        assert_eq!(fact("Left out"), "6 older messages");
        assert!(receipt.note.is_some());
    }

    #[test]
    fn what_the_model_no_longer_sees_is_said_where_it_begins_to_see() {
        let mut known = conversation(&["a", "b", "c", "d"]);
        assert_eq!(forgotten(&known), None);
        let reply = Reply {
            model: ModelId("m".into()),
            name: String::new(),
            seed: 0,
            left_out: 2,
            state: ReplyState::Waiting,
        };
        let last = NodeId(3);
        known.add(Node {
            parent: Some(last),
            chosen: None,
            at_ms: 6,
            text: String::new(),
            reply: Some(reply),
        });
        let words = "The model no longer sees the first 2 messages.".to_owned();
        assert_eq!(forgotten(&known), Some((NodeId(2), words)));
    }
}
