//! Everything that the shell wants done outside itself. Executors and the platform do it.

use mtor_shared::{
    engine::{Command, JobId},
    run::{RunId, RunRequest},
};

use super::{
    event::Timer,
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
    /// Put the keyboard into the prompt, behind its last character.
    FocusPrompt,
    /// Scroll to the newest entry.
    ShowNewest,
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
