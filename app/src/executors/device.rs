//! What is computed in this tab: messages to the inference worker, one worker at a time.

use mtor_shared::engine::{Command, Event, JobId};

use crate::platform::{files::File, page, worker::Engine};

/// The worker, when there is one.
#[derive(Default)]
pub(crate) struct Device(Option<Engine>);

impl Device {
    /// Ends the worker that is there and starts another, whose messages `read` understands.
    pub(crate) fn start(
        &mut self,
        first: &Command,
        read: fn(&str) -> Option<Event>,
        hear: impl Fn(Event) + Clone + 'static,
    ) {
        self.end();
        match Engine::start(&page::engine_path(), read, hear.clone()) {
            Ok(engine) => {
                engine.tell(first);
                self.0 = Some(engine);
            }
            Err(event) => hear(event),
        }
    }

    /// Tells the worker something.
    pub(crate) fn tell(&self, command: &Command) {
        if let Some(engine) = &self.0 {
            engine.tell(command);
        }
    }

    /// Hands the worker a file that a person chose.
    pub(crate) fn bring(&self, job: JobId, file: &File) {
        if let Some(engine) = &self.0 {
            engine.bring(job, file);
        }
    }

    /// Ends the worker.
    pub(crate) fn end(&mut self) {
        self.0 = None;
    }
}
