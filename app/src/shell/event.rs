//! Everything that can happen to the shell.

use mtor_shared::{
    capability::CapabilityId,
    catalogue::{Catalogue, CatalogueVectors},
    engine::{self, BackendPreference},
    identity::DidKey,
    problem::Problem,
    run::RunId,
    stream::Chunk,
};

use super::model::{Entry, EntryId, Settings, Standing};

/// When an event happened, and randomness for what it starts: the core has neither clock nor dice.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// From a strong source, never used twice.
    pub random: [u8; 16],
}

/// Something happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The page was opened.
    Opened {
        /// What was in the prompt when it was left.
        draft: String,
        /// The backend that the address asks for.
        preference: BackendPreference,
    },
    /// Storage was read, once.
    StorageRead {
        /// History, oldest first.
        entries: Vec<Entry>,
        /// Decisions.
        settings: Settings,
        /// Entries that this version cannot read.
        unreadable: usize,
    },
    /// Storage does not work, or no more.
    StorageFailed(Problem),
    /// The identity was read or made.
    IdentityRead(Result<DidKey, Problem>),
    /// A person typed, pointed or pressed.
    Person(Person),
    /// The realm said something.
    Realm(RealmEvent),
    /// A run's connection said something.
    Run {
        /// The run.
        run: RunId,
        /// The connection.
        connection: u32,
        /// What.
        news: RunNews,
    },
    /// A stop reached the realm, or did not.
    StopAnswered {
        /// The run.
        run: RunId,
        /// Whether the realm took it.
        taken: bool,
    },
    /// The page is drawn and nothing is pressing: the time to start the engine.
    Idle,
    /// A worker said something.
    Engine {
        /// The worker.
        generation: u32,
        /// What.
        event: engine::Event,
    },
    /// A timer that was asked for rang.
    Rang(Timer),
    /// The browser says that there is a network again, or the page is looked at again.
    Woke,
    /// The browser says that there is no network.
    WentOffline,
}

/// What a person did.
#[derive(Clone, Debug)]
pub enum Person {
    /// Changed the prompt.
    Typed(String),
    /// Sent what is in the prompt.
    Submitted,
    /// Pressed a suggestion: it is asked at once.
    Suggested(String),
    /// Pressed Escape in the prompt.
    Escaped,
    /// Went back to an earlier prompt.
    RecalledOlder,
    /// Went forward again.
    RecalledNewer,
    /// Chose what answers.
    Picked(EntryId, CapabilityId),
    /// Said that no candidate fits.
    NoneFits(EntryId),
    /// Filled in what was missing: names and typed values.
    Filled(EntryId, Vec<(String, String)>),
    /// Decided about the words leaving.
    Decided(EntryId, Decided),
    /// Stop it.
    Stop(EntryId),
    /// Do it again.
    Retry(EntryId),
    /// Do not wait for the next try of its connection.
    Reconnect(EntryId),
    /// Ask the realm now.
    RetryRealm,
    /// Start the engine or load the model again.
    RetryEngine,
    /// Remove one from history.
    Remove(EntryId),
    /// Remove all that has ended.
    RemoveAll,
    /// Bring back what was removed last.
    Undo,
    /// Draw older entries too.
    ShowEarlier,
    /// Wants to be called that.
    Named(String),
    /// Forget every standing decision about hosts.
    ForgetDecisions,
}

/// What a person says about words leaving for a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// This time.
    Once,
    /// And every time, or never.
    Standing(Standing),
}

/// What the realm said.
#[derive(Clone, Debug)]
pub enum RealmEvent {
    /// What it offers, or why it did not say.
    Catalogue {
        /// Which question this answers.
        ask: u32,
        /// The answer.
        result: Result<Catalogue, Problem>,
    },
    /// What intents are compared with.
    Vectors(Result<CatalogueVectors, Problem>),
}

/// What a run's connection said.
#[derive(Clone, Debug)]
pub enum RunNews {
    /// The next piece, as far as the connection knows.
    Chunk(Box<Chunk>),
    /// The connection broke or ended; the run may go on.
    Lost,
    /// The realm does not do this, and asking again does not help.
    Refused(Problem),
}

/// What a timer was set for. Everything in it is compared before it acts: timers are never taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The realm is asked again.
    Realm {
        /// The question that failed.
        ask: u32,
    },
    /// The catalogue's vectors are asked for again.
    Vectors,
    /// A run's connection is opened again.
    Run {
        /// The run.
        run: RunId,
        /// The connection that broke.
        connection: u32,
    },
    /// A run that was told to stop has had time to say so.
    Stop {
        /// The run.
        run: RunId,
    },
    /// A question has waited for its vector.
    Embedding {
        /// The question.
        entry: EntryId,
        /// The job.
        job: engine::JobId,
        /// Whether it has waited as long as it ever will.
        last: bool,
    },
    /// A worker is started again.
    Engine {
        /// The worker that was lost.
        generation: u32,
    },
    /// What was removed is gone.
    Undo {
        /// The removal.
        token: u32,
    },
}
