//! Everything that the shell wants done outside itself. Executors and the platform do it.

use mtor_shared::{
    engine::{Command, JobId},
    run::{RunId, RunRequest},
    source::SourceId,
};

use super::{
    chat::{Conversation, ConversationId},
    event::Timer,
    federation::Call,
    model::{Entry, EntryId, Settings, Shared},
};

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask the realm what it offers.
    FetchCatalogue {
        /// Comes back with the answer.
        ask: u32,
    },
    /// Ask the realm for the catalogue's vectors.
    FetchVectors,
    /// Open a connection to a run; an older one of the same run is closed.
    OpenRun {
        /// The connection's number.
        connection: u32,
        /// How to reach the run.
        open: OpenRun,
    },
    /// Tell the realm to stop a run.
    StopRun(RunId),
    /// Stop listening to a run.
    CloseRun(RunId),
    /// Start a worker; an older one is ended.
    StartEngine {
        /// The worker's number.
        generation: u32,
        /// The first thing it is told.
        start: Command,
    },
    /// Tell the worker something.
    TellEngine(Command),
    /// End the worker.
    EndEngine,
    /// Ring after a while.
    Ring {
        /// Milliseconds from now.
        after_ms: u32,
        /// What comes back.
        timer: Timer,
    },
    /// Keep an entry as it is now.
    KeepEntry(Shared<Entry>),
    /// Delete entries from storage.
    ForgetEntries(Vec<EntryId>),
    /// Keep decisions.
    KeepSettings(Settings),
    /// Keep what is in the prompt.
    KeepDraft(String),
    /// Keep a conversation as it is now.
    KeepConversation(Shared<Conversation>),
    /// Delete a conversation from storage.
    ForgetConversation(ConversationId),
    /// Keep what is typed in conversations and not sent.
    KeepDrafts(String),
    /// Hand a file to the person.
    Save {
        /// Its name.
        name: String,
        /// What is in it.
        text: String,
    },
    /// Hand the file that a person chose to the engine.
    BringFile(JobId),
    /// Find out whether the browser keeps what is stored; `asks` has it do so.
    Persist {
        /// Whether it is asked to.
        asks: bool,
    },
    /// Scroll to the end of the conversation that is looked at.
    ShowLast,
    /// Put the keyboard into the prompt, behind its last character.
    FocusPrompt,
    /// Scroll to the newest entry.
    ShowNewest,
    /// Ask the realm something about its sources.
    Call(Call),
    /// Listen to a source's progress.
    WatchSource(SourceId),
    /// Stop listening to it.
    UnwatchSource(SourceId),
    /// Keep what is about to be added.
    KeepDescription(String),
    /// Go to another place: as a step of its own that can be taken back, or in the stead of this one.
    Go {
        /// With its `#`.
        address: String,
        /// Whether it can be taken back.
        is_step: bool,
    },
    /// Remember how far the stream is scrolled.
    KeepScroll,
    /// Scroll the stream to where it was.
    RestoreScroll,
    /// Scroll to the top.
    ShowTop,
    /// Put the keyboard into an element.
    Focus(String),
}

/// How to reach a run.
#[derive(Clone, Debug, PartialEq)]
pub enum OpenRun {
    /// Ask for it. The same request attaches to a run that has begun, so it may be repeated.
    Ask(RunRequest),
    /// Listen to what follows a chunk.
    Resume {
        /// The run.
        run: RunId,
        /// The number of the last chunk that is known.
        after: u32,
    },
}

impl OpenRun {
    /// The run.
    pub fn run(&self) -> &RunId {
        match self {
            Self::Ask(request) => &request.id,
            Self::Resume { run, .. } => run,
        }
    }
}

/// A job that embeds one text.
pub fn embed(job: JobId, text: String) -> Effect {
    Effect::TellEngine(Command::Embed { job, texts: vec![text] })
}
