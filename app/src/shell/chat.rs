//! Conversations with a model on this device, as trees: an edited question and an answer made again stand beside what
//! was there, and nothing is ever overwritten.

pub mod exchange;
pub mod window;

use mtor_shared::{
    engine::JobId,
    generation::{End, Role, Sampling, Usage},
    model::{CHAT, ModelId},
    problem::Problem,
};
use serde::{Deserialize, Serialize};

use super::model::Shared;

/// Names a conversation; names sort by time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConversationId(pub String);

/// Names a message within its conversation: its place in [`Conversation::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u32);

/// A conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its name.
    pub id: ConversationId,
    /// When something last happened in it, in milliseconds since 1970.
    pub changed_at_ms: u64,
    /// What a person calls it; its first words until then.
    #[serde(default)]
    pub title: String,
    /// How the model answers.
    #[serde(default)]
    pub manner: Manner,
    /// Every message that was ever in it. One answers another that stands before it.
    #[serde(default)]
    pub nodes: Vec<Shared<Node>>,
    /// The first message that is shown, among those that answer nothing.
    #[serde(default)]
    pub first: Option<NodeId>,
}

/// How a model answers in a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manner {
    /// Which model.
    pub model: ModelId,
    /// What it is told before everything else.
    pub system: String,
    /// 0 always takes the best.
    pub temperature: f32,
    /// Only the best ones that make up this share; 1 for all.
    pub top_p: f32,
    /// Only the best this many; 0 for all.
    pub top_k: usize,
    /// Only those at least this share as likely as the best one; 0 for all.
    pub min_p: f32,
    /// 1 for none.
    pub repetition_penalty: f32,
    /// The same seed and the same text give the same answer; none for another one each time.
    pub seed: Option<u64>,
    /// Tokens of an answer, at most.
    pub max_tokens: u32,
}

impl Default for Manner {
    fn default() -> Self {
        // What Qwen publishes for its models, but for the penalty, which code suffers from.
        Self {
            model: ModelId(CHAT.to_owned()),
            system: String::new(),
            temperature: 0.7,
            top_p: 0.8,
            top_k: 20,
            min_p: 0.0,
            repetition_penalty: 1.05,
            seed: None,
            max_tokens: 1024,
        }
    }
}

impl Manner {
    /// As the engine takes it.
    pub fn sampling(&self, seed: u64) -> Sampling {
        Sampling {
            temperature: self.temperature.clamp(0.0, 2.0),
            top_k: self.top_k,
            top_p: self.top_p.clamp(0.0, 1.0),
            min_p: self.min_p.clamp(0.0, 1.0),
            repetition_penalty: self.repetition_penalty.clamp(1.0, 2.0),
            // As many bits as a number of JavaScript holds exactly.
            seed: seed & ((1 << 53) - 1),
            ..Sampling::default()
        }
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// What it answers.
    #[serde(default)]
    pub parent: Option<NodeId>,
    /// Which of the messages that answer it is shown.
    #[serde(default)]
    pub chosen: Option<NodeId>,
    /// When it was said, in milliseconds since 1970.
    pub at_ms: u64,
    /// What was said, so far.
    pub text: String,
    /// How it was made; none for what a person said.
    #[serde(default)]
    pub reply: Option<Reply>,
}

impl Node {
    /// Who said it.
    pub fn role(&self) -> Role {
        if self.reply.is_some() { Role::Assistant } else { Role::User }
    }

    /// Whether it is still to come, or coming.
    pub fn is_open(&self) -> bool {
        self.reply.as_ref().is_some_and(Reply::is_open)
    }
}

/// How an answer is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// By which model.
    pub model: ModelId,
    /// What that is called.
    #[serde(default)]
    pub name: String,
    /// What its dice began with, so that it can be made again.
    pub seed: u64,
    /// Messages of the conversation that the model was not shown, the oldest ones.
    #[serde(default)]
    pub left_out: u32,
    /// How it stands.
    pub state: ReplyState,
}

impl Reply {
    /// Whether it is still to come, or coming.
    pub fn is_open(&self) -> bool {
        matches!(self.state, ReplyState::Waiting | ReplyState::Reading { .. } | ReplyState::Writing)
    }
}

/// How an answer stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum ReplyState {
    /// The model is not there yet, or at something else.
    Waiting,
    /// The model reads the conversation.
    Reading {
        /// Tokens read.
        done: u32,
        /// Tokens altogether.
        total: u32,
    },
    /// The model writes.
    Writing,
    /// It is there.
    Over {
        /// Why it ended.
        end: End,
        /// What it took.
        usage: Usage,
    },
    /// It did not come, or not whole.
    Failed {
        /// Why.
        problem: Problem,
    },
    /// The page was left while it was being written.
    Interrupted,
}

impl Conversation {
    /// An empty one.
    pub fn new(id: ConversationId, at_ms: u64) -> Self {
        Self { id, changed_at_ms: at_ms, ..Self::default() }
    }

    /// The message of that name.
    pub fn node(&self, id: NodeId) -> Option<&Shared<Node>> {
        self.nodes.get(id.0 as usize)
    }

    /// The message of that name, to change.
    pub fn edit(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id.0 as usize).map(Shared::edit)
    }

    /// What is shown: from the first message to the last one.
    pub fn path(&self) -> Vec<NodeId> {
        let mut path = Vec::new();
        let mut next = self.first;
        while let Some(id) = next {
            // A message stands behind what it answers, so this ends.
            if path.last().is_some_and(|last| *last >= id) {
                break;
            }
            let Some(node) = self.node(id) else { break };
            path.push(id);
            next = node.chosen;
        }
        path
    }

    /// The last message that is shown.
    pub fn last(&self) -> Option<NodeId> {
        self.path().pop()
    }

    /// From the first message to that one, whatever is shown.
    pub fn lineage(&self, of: NodeId) -> Vec<NodeId> {
        let mut line = Vec::new();
        let mut next = Some(of);
        while let Some(id) = next.filter(|id| line.last().is_none_or(|last| id < last)) {
            let Some(node) = self.node(id) else { break };
            line.push(id);
            next = node.parent;
        }
        line.reverse();
        line
    }

    /// Messages that answer the same one, in the order in which they came; that one is among them.
    pub fn siblings(&self, of: NodeId) -> Vec<NodeId> {
        let Some(parent) = self.node(of).map(|node| node.parent) else { return Vec::new() };
        let ids = (0u32..).zip(&self.nodes);
        ids.filter(|(_, node)| node.parent == parent).map(|(id, _)| NodeId(id)).collect()
    }

    /// Adds a message and shows it.
    pub fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        let parent = node.parent;
        self.changed_at_ms = self.changed_at_ms.max(node.at_ms);
        self.nodes.push(Shared::new(node));
        self.show(parent, id);
        id
    }

    /// Shows the way to a message; what follows it stays as it was.
    pub fn choose(&mut self, id: NodeId) {
        for id in self.lineage(id) {
            let parent = self.node(id).and_then(|node| node.parent);
            self.show(parent, id);
        }
    }

    fn show(&mut self, parent: Option<NodeId>, id: NodeId) {
        match parent {
            None => self.first = Some(id),
            Some(parent) => {
                if let Some(node) = self.edit(parent).filter(|node| node.chosen != Some(id)) {
                    node.chosen = Some(id);
                }
            }
        }
    }

    /// What it is called.
    pub fn name(&self) -> String {
        if !self.title.is_empty() {
            return self.title.clone();
        }
        let first = self.nodes.first().map(|node| node.text.trim()).unwrap_or_default();
        let line = first.lines().next().unwrap_or_default();
        match line.char_indices().nth(64) {
            Some((at, _)) => format!("{}…", line[..at].trim_end()),
            None if line.is_empty() => "New conversation".to_owned(),
            None => line.to_owned(),
        }
    }

    /// Whether an answer is on its way.
    pub fn is_open(&self) -> bool {
        self.nodes.iter().any(|node| node.is_open())
    }

    /// As it is after the page was left: what was being written stays as far as it got.
    pub fn reopened(mut self) -> Self {
        for node in &mut self.nodes {
            let was_at_work = node
                .reply
                .as_ref()
                .is_some_and(|reply| matches!(reply.state, ReplyState::Reading { .. } | ReplyState::Writing));
            if was_at_work && let Some(reply) = &mut node.edit().reply {
                reply.state = ReplyState::Interrupted;
            }
        }
        self
    }
}

/// An answer that the engine is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The engine's name for it.
    pub job: JobId,
    /// In which conversation.
    pub conversation: ConversationId,
    /// Which message.
    pub node: NodeId,
    /// When what there is of it was last kept, in milliseconds since 1970.
    pub kept_at_ms: u64,
    /// Whether it was told to stop.
    pub stopping: bool,
}

/// All conversations, and what goes on in them.
#[derive(Debug, Default)]
pub struct Chats {
    /// The one that begins with the next message at `#/chat`.
    pub next: Shared<Conversation>,
    /// Those with a message in them, in the order in which they began.
    pub all: Vec<Shared<Conversation>>,
    /// Answers that the engine is asked for.
    pub asked: Vec<Asked>,
    /// What is typed and not sent: a conversation's next message by its name, an edited message by its name, `#` and
    /// its number.
    pub drafts: std::collections::BTreeMap<String, String>,
    /// What conversations are searched for.
    pub query: String,
    /// What was removed last, while it can still be brought back.
    pub removed: Option<(u32, Shared<Conversation>)>,
    /// What became of the last file that was brought in.
    pub brought: Option<Result<String, Problem>>,
    /// Why the last message was not taken.
    pub notice: Option<String>,
}

impl Chats {
    /// Puts the conversations into their order again. No two have one name.
    pub fn sort(&mut self) {
        self.all.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    }

    /// The conversation of that name, the one to come included.
    pub fn get(&self, id: &ConversationId) -> Option<&Shared<Conversation>> {
        self.all.iter().rev().find(|known| &known.id == id).or((self.next.id == *id).then_some(&self.next))
    }

    /// The same, to change.
    pub fn get_mut(&mut self, id: &ConversationId) -> Option<&mut Shared<Conversation>> {
        if self.next.id == *id {
            return Some(&mut self.next);
        }
        self.all.iter_mut().rev().find(|known| &known.id == id)
    }

    /// What is typed there and not sent.
    pub fn draft(&self, id: &ConversationId) -> &str {
        self.drafts.get(&id.0).map_or("", String::as_str)
    }

    /// How a message is about to be changed, while it is.
    pub fn edited(&self, id: &ConversationId, node: NodeId) -> Option<&String> {
        self.drafts.get(&edit_key(id, node))
    }
}

/// Under what name a changed message is kept until it is sent.
pub fn edit_key(id: &ConversationId, node: NodeId) -> String {
    format!("{}#{}", id.0, node.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(parent: Option<NodeId>, text: &str) -> Node {
        Node { parent, chosen: None, at_ms: 1, text: text.into(), reply: None }
    }

    /// a - b - c, and beside b: d - e.
    fn tree() -> (Conversation, [NodeId; 5]) {
        let mut tree = Conversation::new(ConversationId("1".into()), 0);
        let a = tree.add(said(None, "a"));
        let b = tree.add(said(Some(a), "b"));
        let c = tree.add(said(Some(b), "c"));
        let d = tree.add(said(Some(a), "d"));
        let e = tree.add(said(Some(d), "e"));
        (tree, [a, b, c, d, e])
    }

    #[test]
    fn a_message_beside_another_leaves_that_one_as_it_was() {
        let (mut tree, [a, b, c, d, e]) = tree();
        assert_eq!(tree.path(), [a, d, e]);
        assert_eq!(tree.siblings(d), [b, d]);
        tree.choose(b);
        assert_eq!(tree.path(), [a, b, c], "what followed it is shown again");
        assert_eq!(tree.lineage(e), [a, d, e], "the other branch is still there");
    }

    #[test]
    fn choosing_a_message_deep_in_another_branch_shows_the_whole_way() {
        let (mut tree, [a, b, c, d, e]) = tree();
        tree.choose(c);
        tree.choose(e);
        assert_eq!(tree.path(), [a, d, e]);
        tree.choose(b);
        assert_eq!(tree.path(), [a, b, c]);
        assert_eq!(tree.siblings(b), [b, d]);
    }

    #[test]
    fn the_first_message_can_be_said_differently() {
        let (mut tree, [a, ..]) = tree();
        let other = tree.add(said(None, "other"));
        assert_eq!(tree.path(), [other]);
        assert_eq!(tree.siblings(a), [a, other]);
    }

    #[test]
    fn a_conversation_is_called_by_its_first_words_until_somebody_names_it() {
        let (mut tree, _) = tree();
        assert_eq!(tree.name(), "a");
        tree.nodes[0].edit().text = format!("\n{}\nsecond line", "word ".repeat(40));
        assert_eq!(tree.name().chars().last(), Some('…'));
        assert!(tree.name().chars().count() <= 65);
        tree.title = "Named".into();
        assert_eq!(tree.name(), "Named");
    }

    #[test]
    fn what_was_being_written_when_the_page_was_left_stays_as_far_as_it_got() {
        let (mut tree, [.., e]) = tree();
        let reply =
            |state| Reply { model: ModelId(CHAT.into()), name: String::new(), seed: 1, left_out: 0, state };
        let writing = Node { reply: Some(reply(ReplyState::Writing)), ..said(Some(e), "half an") };
        let writing = tree.add(writing);
        let waiting = Node { reply: Some(reply(ReplyState::Waiting)), ..said(Some(e), "") };
        let waiting = tree.add(waiting);
        let tree = tree.reopened();
        let state = |id| tree.node(id).and_then(|node| node.reply.clone()).expect("a reply").state;
        assert_eq!(tree.node(writing).expect("it").text, "half an");
        assert_eq!(state(writing), ReplyState::Interrupted);
        assert_eq!(state(waiting), ReplyState::Waiting, "it has not begun, so it can go on");
    }
}
