//! One question with everything that became of it; what history keeps.

use mtor_shared::{
    capability::{Capability, CapabilityId, Provider, SideEffect},
    engine::{Backend, JobId},
    generation::{End, Usage},
    model::ModelId,
    plan::Plan,
    problem::Problem,
    run::{RunId, RunRequest},
    stream::RunView,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::chat::ConversationId;

/// Names an entry; names sort by time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(pub String);

impl EntryId {
    /// The name of a question asked at that time; `salt` keeps two in one millisecond apart.
    pub fn new(at_ms: u64, salt: u32) -> Self {
        Self(format!("{at_ms:013}-{salt:08x}"))
    }
}

/// One question with everything that became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub id: EntryId,
    /// When it was asked, in milliseconds since 1970.
    pub asked_at_ms: u64,
    /// The words.
    pub prompt: String,
    /// How the words were understood, once they were.
    pub routing: Option<Routing>,
    /// How it stands.
    pub stage: Stage,
    /// The question that this is a part of the answer to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<EntryId>,
    /// What a model on this device made of the results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Words>,
}

/// Results put into words by a model on this device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Words {
    /// Which model.
    pub by: ModelId,
    /// The words.
    pub text: String,
    /// Why they end there.
    pub end: End,
    /// What they took.
    pub usage: Usage,
}

/// How words were understood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Routing {
    /// What compared them.
    pub by: RoutedBy,
    /// Every capability that was considered, best first.
    pub candidates: Vec<Considered>,
    /// How sure, from 0 to 1; none where a person had to choose.
    pub confidence: Option<f32>,
}

/// What compared the words with the examples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum RoutedBy {
    /// The words themselves.
    WordMatch,
    /// The embedding model in this tab.
    Model {
        /// Where it computed.
        backend: Backend,
        /// How long.
        elapsed_ms: f64,
    },
    /// A language model on this device, which joins several into one answer.
    LanguageModel,
}

/// A capability that was considered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Considered {
    /// Its name in the realm.
    pub capability: CapabilityId,
    /// Its name for a person.
    pub title: String,
    /// How well it fits, from 0 to 1; comparable within one question.
    pub score: f32,
    /// The example that comes nearest, as a sentence.
    pub nearest: String,
}

/// How a question stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "stage", content = "of", rename_all = "kebab-case")]
#[expect(
    clippy::large_enum_variant,
    reason = "an entry is shared, never moved about, and most are of the large kind"
)]
pub enum Stage {
    /// It is not known yet what answers.
    Routing(WaitsFor),
    /// The person chooses between the first candidates.
    Asking,
    /// Nothing here answers it.
    Unknown,
    /// It is known what answers.
    Chosen(Choice, Step),
    /// A model on this device answers, in a conversation.
    Told(ConversationId),
    /// Entries of their own answer it together, chosen by a model on this device.
    Joined(Vec<EntryId>),
    /// It ended before anything ran.
    Ended(Problem),
}

/// What routing waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "waits-for", rename_all = "kebab-case")]
pub enum WaitsFor {
    /// What the realm offers; `chosen` is taken when it comes, instead of routing.
    Catalogue {
        /// What a person chose already.
        chosen: Option<CapabilityId>,
    },
    /// A vector from the worker.
    Embedding {
        /// The worker's answer carries this.
        job: JobId,
    },
    /// A language model on this device, which chooses what to join; it may have to come first.
    Parts,
}

/// What answers, with what it needs to know about it: an entry stays readable when the catalogue changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Its name in the realm.
    pub capability: CapabilityId,
    /// Its name for a person.
    pub title: String,
    /// Who answers.
    pub provider: Provider,
    /// What it can be told.
    pub fields: Vec<Field>,
    /// What it is told.
    pub args: Map<String, Value>,
    /// Whether a person chose it, rather than routing.
    pub by_person: bool,
    /// What the call changes.
    #[serde(default = "reads")]
    pub effect: SideEffect,
}

/// Entries of the time before it was kept only ever read.
fn reads() -> SideEffect {
    SideEffect::Read
}

/// Something that a capability can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name in the interface.
    pub name: String,
    /// Its name for a person.
    pub title: String,
    /// Whether nothing works without it.
    pub required: bool,
}

/// How far a chosen capability is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Something that it needs was not said, or there is too much of it to be sure: the form is shown.
    Missing,
    /// The person has not said whether words may go there.
    Consent,
    /// The person has not said whether something may be changed.
    Confirm,
    /// The person said that they may not.
    Refused,
    /// The realm is at it.
    Running {
        /// What is known.
        run: RunView,
        /// When it was asked for.
        since_ms: u64,
        /// Counts connections; what an earlier one still says is dropped.
        connection: u32,
        /// How the connection stands.
        link: Link,
        /// Whether it was told to stop.
        stopping: bool,
    },
    /// It ended.
    Over {
        /// What is known.
        run: RunView,
    },
}

/// How a run's connection stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "link", rename_all = "kebab-case")]
pub enum Link {
    /// Open, or being opened for the first time.
    Open,
    /// Broken; it is opened again by itself.
    Lost {
        /// Tries since the last news.
        attempt: u32,
        /// When the next one is, in milliseconds since 1970.
        retry_at_ms: u64,
    },
    /// Being opened again.
    Reopening {
        /// Tries since the last news, this one included.
        attempt: u32,
    },
}

impl Choice {
    /// What `capability` needs for an answer to `args`.
    pub fn new(capability: &Capability, args: Map<String, Value>, by_person: bool) -> Self {
        let required: Vec<&str> = capability.required().collect();
        let properties = capability.input.get("properties").and_then(Value::as_object);
        let field = |name: &String| Field {
            name: name.clone(),
            title: capability.argument_title(name).to_owned(),
            required: required.contains(&name.as_str()),
        };
        Self {
            capability: capability.id.clone(),
            title: capability.title.clone(),
            provider: capability.provider.clone(),
            fields: properties.into_iter().flatten().map(|(name, _)| field(name)).collect(),
            args,
            by_person,
            effect: capability.side_effect,
        }
    }

    /// Required fields that have no value yet.
    pub fn missing(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.required && !self.args.contains_key(&field.name))
    }

    /// The hosts that the words go to, as one key: a decision about them holds for exactly this set.
    pub fn destination(&self) -> String {
        let mut hosts = self.provider.hosts.clone();
        hosts.sort();
        hosts.dedup();
        hosts.join(",")
    }

    /// What the realm is asked to do.
    pub fn request(&self, id: RunId) -> RunRequest {
        RunRequest { id, plan: Plan::call(self.capability.clone(), self.args.clone()) }
    }
}

impl Entry {
    /// A question that was just asked.
    pub fn new(id: EntryId, asked_at_ms: u64, prompt: String, stage: Stage) -> Self {
        Self { id, asked_at_ms, prompt, routing: None, stage, part_of: None, words: None }
    }

    /// The run, from its first moment on.
    pub fn run(&self) -> Option<&RunView> {
        match &self.stage {
            Stage::Chosen(_, Step::Running { run, .. } | Step::Over { run }) => Some(run),
            _ => None,
        }
    }

    /// Whether it has ended, well or not, and goes on only when a person says so.
    pub fn is_settled(&self) -> bool {
        match &self.stage {
            Stage::Chosen(_, Step::Over { .. } | Step::Refused) | Stage::Ended(_) | Stage::Unknown => true,
            Stage::Routing(_) | Stage::Asking | Stage::Chosen(_, _) | Stage::Told(_) | Stage::Joined(_) => {
                false
            }
        }
    }

    /// Whether something goes on that can be stopped.
    pub fn is_busy(&self) -> bool {
        matches!(self.stage, Stage::Routing(_) | Stage::Chosen(_, Step::Running { .. }))
    }

    /// Whether the person is asked for something.
    pub fn needs_person(&self) -> bool {
        matches!(self.stage, Stage::Asking | Stage::Chosen(_, Step::Missing | Step::Consent | Step::Confirm))
    }
}
