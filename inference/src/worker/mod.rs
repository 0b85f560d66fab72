//! The dedicated Web Worker: serves [`Command`]s and reports [`Event`]s.
//!
//! Commands are served in the order in which they arrive; `Cancel` and `Pause` act at once. Loads go on beside jobs, and
//! jobs share the device one step at a time ([`crate::schedule`]).
//!
//! The memory of wasm only grows: what a model leaves behind is used by the next one and is not given back to the
//! system. Whoever wants it back ends the worker; it holds nothing that a new one cannot read from storage.

mod abort;
mod download;
mod engine;
mod jobs;
mod load;
mod meter;
mod own;
mod port;
mod store;
mod turn;

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use js_sys::Reflect;
use mtor_shared::{
    engine::{Command, Event, IMPORT, JobId},
    problem::{Problem, ProblemCode},
};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{File, MessageEvent};

use engine::Engine;
use jobs::Job;

/// What the message handler and the loop over commands share.
struct Desk {
    engine: Rc<Engine>,
    waiting: RefCell<VecDeque<Command>>,
    /// Whether the loop is at work, or has to be started again.
    awake: Cell<bool>,
}

/// Installs the message handler; the worker then lives until it is terminated.
pub fn start() {
    std::panic::set_hook(Box::new(|info| {
        // The last words: after a panic wasm does not go on.
        port::post(&Event::Lost {
            problem: Problem::retryable(
                ProblemCode::Internal,
                format!("The engine stopped because of a defect ({info})."),
                "It starts again by itself; report this if it happens again.",
            ),
        });
    }));
    let desk = Rc::new(Desk { engine: Engine::new(), waiting: RefCell::default(), awake: Cell::new(false) });
    let handler = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let data = event.data();
        if let Some((job, file)) = import(&data) {
            return desk.engine.import(job, file);
        }
        match serde_wasm_bindgen::from_value::<Command>(data) {
            Ok(Command::Cancel { job }) => desk.cancel(job),
            Ok(Command::Pause { model }) => desk.engine.pause(&model),
            Ok(command) => desk.take(command),
            // Only a shell of another version sends what does not parse.
            Err(error) => port::post(&Event::Lost {
                problem: Problem::new(
                    ProblemCode::Internal,
                    format!("The engine does not understand a message ({error})."),
                    "Reload the page, so that shell and engine are of the same version.",
                ),
            }),
        }
    });
    let added = port::scope().add_event_listener_with_callback("message", handler.as_ref().unchecked_ref());
    debug_assert!(added.is_ok());
    handler.forget();
}

/// The message that is no command: a person's own file.
fn import(data: &JsValue) -> Option<(JobId, File)> {
    let part = |name: &str| Reflect::get(data, &name.into()).ok();
    if !data.is_object() || part("type")?.as_string()? != IMPORT {
        return None;
    }
    Some((JobId(part("job")?.as_f64()? as u32), part("file")?.dyn_into().ok()?))
}

fn stopped() -> Problem {
    Problem::new(ProblemCode::Stopped, "The job was stopped.", "")
}

impl Desk {
    fn take(self: &Rc<Self>, command: Command) {
        self.waiting.borrow_mut().push_back(command);
        if !self.awake.replace(true) {
            wasm_bindgen_futures::spawn_local(self.clone().serve());
        }
    }

    fn cancel(&self, job: JobId) {
        let mut waiting = self.waiting.borrow_mut();
        let before = waiting.len();
        waiting.retain(|command| match command {
            Command::Embed { job: other, .. } | Command::Generate { job: other, .. } => *other != job,
            _ => true,
        });
        if waiting.len() < before {
            port::post(&Event::JobFailed { job, problem: stopped() });
        } else {
            self.engine.cancel(job);
        }
    }

    async fn serve(self: Rc<Self>) {
        let engine = &self.engine;
        loop {
            let Some(command) = self.waiting.borrow_mut().pop_front() else { break };
            match command {
                Command::Start { preference } => engine.start(preference).await,
                Command::Load { model } => {
                    engine.know_own().await;
                    engine.load(model);
                }
                Command::Embed { job, texts } => engine.add(job, Job::Embed { texts, begun: None }),
                Command::Generate { job, model, request } => {
                    engine.add(job, Job::Generate { model, request, begun: None });
                }
                Command::Unload { model } => engine.unload(&model).await,
                Command::Evict { model } => engine.evict(&model).await,
                Command::Survey => engine.survey().await,
                Command::Probe => engine.probe(),
                // Served by the handler.
                Command::Cancel { .. } | Command::Pause { .. } => {}
            }
        }
        self.awake.set(false);
    }
}
