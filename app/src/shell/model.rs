//! Everything the shell knows, as plain data. Cases that exclude each other are enums.

use std::{collections::BTreeMap, ops::Deref, sync::Arc};

use mtor_shared::{
    catalogue::{Catalogue, CatalogueVectors},
    engine::{Backend, BackendPreference, JobId, LoadPhase, LoadTimes},
    identity::DidKey,
    model::ModelId,
    problem::Problem,
};
use serde::{Deserialize, Serialize};

pub use super::entry::*;
use super::{
    chat::Chats,
    federation::Federation,
    form::Form,
    models::{Shelf, Speed},
    place::Place,
};

/// A value that many read and one changes. Equal means "the very same": a change always makes a new one, so
/// comparing costs nothing however large the value is.
#[derive(Debug, Default)]
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T: Clone> Shared<T> {
    /// The value to change; whoever holds the old one keeps it as it was.
    pub fn edit(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// The whole state of the shell.
#[derive(Debug, Default)]
pub struct Model {
    /// Where the person is.
    pub place: Place,
    /// The realm's sources.
    pub federation: Federation,
    /// Conversations.
    pub chats: Chats,
    /// Models on this device.
    pub shelf: Shelf,
    /// Forms of questions that miss something.
    pub forms: Vec<(EntryId, Shared<Form>)>,
    /// The line that a person types into.
    pub prompt: Prompt,
    /// Sentences that the language model reads something out of.
    pub sentences: Vec<Sentence>,
    /// Results that the language model puts into words.
    pub tellings: Vec<Telling>,
    /// Questions and answers, oldest first.
    pub entries: Vec<Shared<Entry>>,
    /// How many of the newest entries are drawn; [`SHOWN_AT_FIRST`] more each time a person asks.
    pub shown: usize,
    /// What was removed last, while it can still be brought back.
    pub removed: Option<Removed>,
    /// How the realm stands.
    pub realm: Realm,
    /// What the realm offers; kept while it is unreachable.
    pub catalogue: Option<Shared<Catalogue>>,
    /// What intents are compared with once the model is there.
    pub vectors: Option<Shared<CatalogueVectors>>,
    /// The inference worker.
    pub engine: Engine,
    /// Where history is kept.
    pub storage: Storage,
    /// Who the person is.
    pub identity: Identity,
    /// What a person decided once.
    pub settings: Settings,
    /// The last thing that a screen reader is told; the number makes equal words news.
    pub announcement: (u32, String),
    /// Counts removals, so that an old timer does not end a newer undo.
    pub removals: u32,
}

/// Entries drawn at first.
pub const SHOWN_AT_FIRST: usize = 40;

/// The line that a person types into.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What is in it.
    pub text: String,
    /// Why it was not taken, or nothing.
    pub notice: Option<String>,
    /// How many prompts back a person has gone with the arrow keys.
    pub recalled: Option<usize>,
}

/// A question that the language model reads something out of.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentence {
    /// The worker's answer carries this.
    pub job: JobId,
    /// The question.
    pub entry: EntryId,
    /// What is read out of it.
    pub sought: Sought,
    /// What it has written.
    pub answer: String,
}

/// What a language model is asked about a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Sought {
    /// Arguments besides those that were known when it was asked.
    Arguments(serde_json::Map<String, serde_json::Value>),
    /// Capabilities to join.
    Parts,
}

/// Results on their way into words.
#[derive(Debug, Clone, PartialEq)]
pub struct Telling {
    /// The question.
    pub entry: EntryId,
    /// Which model.
    pub by: ModelId,
    /// How far it is.
    pub state: TellingState,
    /// What there is of it.
    pub text: String,
}

/// How far results are on their way into words.
#[derive(Debug, Clone, PartialEq)]
pub enum TellingState {
    /// The model is not there yet.
    Waiting,
    /// The model is at it; the worker's answer carries this.
    Asked(JobId),
    /// It did not come.
    Failed(Problem),
}

/// Entries that were removed and can be brought back for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Removed {
    /// Which removal this is.
    pub token: u32,
    /// What was removed.
    pub entries: Vec<Shared<Entry>>,
}

/// The realm as the shell knows it.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Realm {
    /// Counts questions to it; an answer to an earlier one is dropped.
    pub asks: u32,
    /// How it stands.
    pub state: RealmState,
}

/// How the realm stands.
#[derive(Debug, Default, Clone, PartialEq)]
pub enum RealmState {
    /// Asked, never answered yet.
    #[default]
    Connecting,
    /// It answered.
    Online,
    /// It did not answer; it is asked again by itself.
    Unreachable {
        /// Tries in a row that failed.
        failures: u32,
        /// When it is asked next, in milliseconds since 1970.
        retry_at_ms: u64,
        /// Why.
        problem: Problem,
    },
}

/// The inference worker as the shell knows it.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Engine {
    /// Counts workers; what an earlier one still says is dropped.
    pub generation: u32,
    /// How often a worker was lost since one last loaded a model.
    pub losses: u32,
    /// The backend asked for.
    pub preference: BackendPreference,
    /// Counts jobs.
    pub jobs: u32,
    /// How it stands.
    pub state: EngineState,
}

/// How the inference worker stands.
#[derive(Debug, Default, Clone, PartialEq)]
pub enum EngineState {
    /// Not started: the page is drawn first.
    #[default]
    Resting,
    /// A backend is being chosen.
    Starting,
    /// The model comes.
    Loading {
        /// Where it will compute.
        device: Device,
        /// How far it is.
        progress: Option<Progress>,
    },
    /// The model answers.
    Ready {
        /// Where it computes.
        device: Device,
        /// What loading took.
        times: LoadTimes,
        /// Whether the next visit finds it on this device.
        stored: bool,
    },
    /// The worker is well, the model is not there.
    NoModel {
        /// Where it would compute.
        device: Device,
        /// Why.
        problem: Problem,
    },
    /// The worker is gone.
    Lost {
        /// Why.
        problem: Problem,
        /// When another is started, in milliseconds since 1970; none when it is given up.
        restart_at_ms: Option<u64>,
    },
}

impl EngineState {
    /// Where the worker computes, once it has said so.
    pub fn device(&self) -> Option<&Device> {
        match self {
            Self::Loading { device, .. } | Self::Ready { device, .. } | Self::NoModel { device, .. } => {
                Some(device)
            }
            Self::Resting | Self::Starting | Self::Lost { .. } => None,
        }
    }
}

/// Where the worker computes, and why there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The backend.
    pub backend: Backend,
    /// The adapter's name.
    pub adapter: Option<String>,
    /// Why, in one sentence.
    pub reason: String,
}

/// How far a load is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What it is busy with.
    pub phase: LoadPhase,
    /// Bytes done.
    pub done_bytes: u64,
    /// Bytes altogether.
    pub total_bytes: u64,
    /// Recent speed.
    pub bytes_per_s: Option<f64>,
    /// Time left.
    pub seconds_left: Option<f64>,
}

/// Where history is kept.
#[derive(Debug, Default, Clone, PartialEq)]
pub enum Storage {
    /// Being opened.
    #[default]
    Opening,
    /// It works.
    Ready {
        /// Stored entries of a form that this version cannot read; they are left as they are.
        unreadable: usize,
    },
    /// It does not; everything goes on in memory.
    Failed(Problem),
}

/// Who the person is.
#[derive(Debug, Default, Clone, PartialEq)]
pub enum Identity {
    /// Being read or made.
    #[default]
    Opening,
    /// A key pair is on this device.
    Ready(DidKey),
    /// The browser cannot hold one.
    Unavailable(Problem),
}

/// What a person decided once; kept on this device.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What the person likes to be called.
    #[serde(default)]
    pub nickname: String,
    /// Which hosts may get words without asking, by [`Choice::destination`].
    #[serde(default)]
    pub standing: BTreeMap<String, Standing>,
    /// How fast this machine was when it was measured.
    #[serde(default)]
    pub speed: Option<Speed>,
}

/// A decision that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Do not ask again, it is fine.
    Always,
    /// Do not ask again, it is not.
    Never,
}

impl Model {
    /// Puts the entries into their order again. No two have one name.
    pub fn sort_entries(&mut self) {
        self.entries.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    }

    /// The entry of that name.
    pub fn entry(&self, id: &EntryId) -> Option<&Shared<Entry>> {
        self.entries.iter().rev().find(|entry| &entry.id == id)
    }

    /// The form of a question.
    pub fn form(&self, id: &EntryId) -> Option<&Shared<Form>> {
        self.forms.iter().find(|(of, _)| of == id).map(|(_, form)| form)
    }

    /// The entry whose question waits for that job.
    pub fn waiting_for(&self, job: JobId) -> Option<EntryId> {
        let waits = |entry: &&Shared<Entry>| matches!(&entry.stage, Stage::Routing(WaitsFor::Embedding { job: waits }) if *waits == job);
        self.entries.iter().rev().find(waits).map(|entry| entry.id.clone())
    }
}
