//! Everything that can happen to the shell.

use mtor_shared::{
    capability::CapabilityId,
    catalogue::{Catalogue, CatalogueVectors},
    credential::{AddCredential, CredentialId},
    engine::{self, BackendPreference},
    identity::DidKey,
    model::ModelId,
    problem::Problem,
    run::RunId,
    source::{Source, SourceId},
    stream::Chunk,
};

use super::{
    chat::{Conversation, ConversationId, Manner, NodeId},
    federation::{About, Answer},
    form::{Change, Path},
    model::{Entry, EntryId, Settings, Standing},
};

/// When an event happened, and randomness for what it starts: the core has neither clock nor dice.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Minutes by which the person's clock is ahead of UTC.
    pub ahead_min: i32,
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
        /// The part of the address behind `#`.
        fragment: String,
        /// The description that was about to be added.
        description: String,
    },
    /// The part of the address behind `#` is another one.
    Moved(String),
    /// A screen that was still on its way when a person came to it is here.
    Came,
    /// Storage was read, once.
    StorageRead {
        /// History, oldest first.
        entries: Vec<Entry>,
        /// Decisions.
        settings: Settings,
        /// Entries that this version cannot read.
        unreadable: usize,
    },
    /// What was typed in conversations and not sent was read, once.
    DraftsRead(String),
    /// Conversations were read, once.
    ConversationsRead {
        /// In the order in which they began.
        conversations: Vec<Conversation>,
        /// Those that this version cannot read.
        unreadable: usize,
    },
    /// The browser says whether it keeps what is stored when it runs out of room.
    Persisted(bool),
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
    /// The realm answered something about its sources.
    Answered {
        /// What.
        about: About,
        /// The answer.
        result: Result<Answer, Problem>,
    },
    /// A source's progress.
    Progress(Box<Source>),
    /// A source's progress is no longer told: it has settled, or the connection broke.
    ProgressEnded(SourceId),
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
    /// Did something to a form.
    Form(FormOf, Path, Change),
    /// Is done with a form.
    FormDone(FormOf),
    /// Decided about the words leaving.
    Decided(EntryId, Decided),
    /// Said that something may be changed.
    Confirmed(EntryId),
    /// Said that it may not.
    Declined(EntryId),
    /// Wants to type.
    WantsPrompt,
    /// Did something about sources.
    Clerk(Clerk),
    /// Did something in a conversation.
    Chat(ChatAct),
    /// Did something about models.
    Models(ModelAct),
    /// Wants an answer put together of several capabilities.
    Join(EntryId),
    /// Wants the result in words.
    Tell(EntryId),
    /// Does not want the words.
    StopTelling(EntryId),
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

/// Whose a form is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormOf {
    /// The operation's that is looked at.
    Bench,
    /// A question's.
    Entry(EntryId),
}

/// What a person did in conversations.
#[derive(Clone, Debug)]
pub enum ChatAct {
    /// Has a question of the stream answered by the model.
    AskModel(EntryId),
    /// Wants to change a message.
    Edit(ConversationId, NodeId),
    /// Typed into it.
    Edited(ConversationId, NodeId, String),
    /// Leaves it as it was.
    EditDropped(ConversationId, NodeId),
    /// Sends the changed message.
    Resend(ConversationId, NodeId),
    /// Wants another answer beside that one.
    Regenerate(ConversationId, NodeId),
    /// Wants to see that message instead of the one beside it.
    Choose(ConversationId, NodeId),
    /// Stop the answer.
    Stop(ConversationId),
    /// Call it that.
    Rename(ConversationId, String),
    /// Answer like that from now on.
    Manner(ConversationId, Box<Manner>),
    /// Remove it.
    Remove(ConversationId),
    /// Bring back what was removed last.
    Undo,
    /// Search all conversations.
    Search(String),
    /// Have one as a file, or all of them.
    Export(Option<ConversationId>),
    /// Take the conversations of a file in.
    Import {
        /// Its name.
        name: String,
        /// What is in it.
        text: String,
    },
    /// Wanted to take a file in that cannot be read.
    Unreadable(Problem),
}

/// What a person did about models.
#[derive(Clone, Debug)]
pub enum ModelAct {
    /// Have it here: download what is missing, and load it.
    Load(ModelId),
    /// Stop that; what was downloaded stays.
    Pause(ModelId),
    /// Take it out of memory.
    Unload(ModelId),
    /// Delete it from this device.
    Remove(ModelId),
    /// Keep what is about to be deleted.
    Undo,
    /// Measure the machine.
    Measure,
    /// Have the browser keep what is stored.
    Persist,
    /// Brings a file of weights in; the platform has the file itself.
    Bring(String),
    /// Stops that.
    DropFile,
}

/// What a person did about sources.
#[derive(Clone, Debug)]
pub enum Clerk {
    /// Typed an address or a description.
    Typed(String),
    /// Said where the API is.
    EndpointTyped(String),
    /// Adds what was typed.
    Add,
    /// Adds a file.
    Dropped {
        /// Its name.
        name: String,
        /// What is in it.
        text: String,
    },
    /// Wanted to add something that cannot be read.
    Unreadable(Problem),
    /// Wants to hear the truth about all sources.
    Refresh,
    /// Puts a source in or takes it out.
    Enable(SourceId, bool),
    /// Agrees to a changed description.
    Accept(SourceId, String),
    /// Has a source looked at again.
    Scan(SourceId),
    /// Has a source looked at again every so many seconds; 0 is never.
    Schedule(SourceId, u32),
    /// Removes a source.
    Remove(SourceId),
    /// Brings back what was removed last.
    Undo,
    /// Puts one operation in or takes it out.
    Single(CapabilityId, bool),
    /// Keeps an overlay.
    Overlay(SourceId, String),
    /// Keeps where the API is.
    Endpoint(SourceId, String),
    /// Searches operations.
    Searched(String),
    /// Wants more of the list.
    More,
    /// Gives a credential.
    Give(AddCredential),
    /// Takes a credential back.
    Revoke(CredentialId),
    /// Has the request made again, and hears what is still missing.
    DryRun,
    /// Fills the arguments with the example.
    FillExample,
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
    /// A removed source goes.
    SourceGoes {
        /// The removal.
        token: u32,
    },
    /// A source's progress is listened to again.
    Watch(SourceId),
    /// A removed conversation is gone.
    ConversationGoes {
        /// The removal.
        token: u32,
    },
    /// A removed model goes.
    ModelGoes {
        /// The removal.
        token: u32,
    },
    /// What was removed is gone.
    Undo {
        /// The removal.
        token: u32,
    },
}
