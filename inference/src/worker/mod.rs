//! The dedicated Web Worker: serves [`Command`]s one after the other and reports [`Event`]s.
//!
//! Messages are queued as they arrive; `Cancel` acts at once on what waits, and between two batches on what runs.

mod download;
mod embedder;
mod port;
mod store;

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use mtor_shared::{
    engine::{Command, Event, JobId},
    problem::{Problem, ProblemCode},
};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::MessageEvent;

use embedder::Service;

/// What the message handler and the loop share.
#[derive(Default)]
struct Inbox {
    waiting: RefCell<VecDeque<Command>>,
    running: Cell<Option<JobId>>,
    /// Set when the running job was cancelled.
    stop: Cell<bool>,
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
    let inbox = Rc::new(Inbox::default());
    let service = Rc::new(RefCell::new(Service::default()));
    let handler = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        match serde_wasm_bindgen::from_value::<Command>(event.data()) {
            Ok(Command::Cancel { job }) => cancel(&inbox, job),
            Ok(command) => {
                inbox.waiting.borrow_mut().push_back(command);
                if !inbox.awake.replace(true) {
                    wasm_bindgen_futures::spawn_local(serve(inbox.clone(), service.clone()));
                }
            }
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

fn cancel(inbox: &Inbox, job: JobId) {
    if inbox.running.get() == Some(job) {
        inbox.stop.set(true);
        return;
    }
    let mut waiting = inbox.waiting.borrow_mut();
    let before = waiting.len();
    waiting.retain(|command| !matches!(command, Command::Embed { job: other, .. } if *other == job));
    // A job that was answered already is not answered again.
    if waiting.len() < before {
        port::post(&Event::JobFailed { job, problem: stopped() });
    }
}

fn stopped() -> Problem {
    Problem::new(ProblemCode::Stopped, "The job was stopped.", "")
}

#[expect(
    clippy::await_holding_refcell_ref,
    reason = "only this loop borrows the service, and there is one loop"
)]
async fn serve(inbox: Rc<Inbox>, service: Rc<RefCell<Service>>) {
    let mut service = service.borrow_mut();
    loop {
        let Some(command) = inbox.waiting.borrow_mut().pop_front() else { break };
        match command {
            Command::Start { preference } => service.start(preference).await,
            Command::Load { model } => service.load(model).await,
            Command::Embed { job, texts } => {
                inbox.stop.set(false);
                inbox.running.set(Some(job));
                service.embed(job, &texts, &inbox.stop).await;
                inbox.running.set(None);
            }
            Command::Evict { model } => service.evict(&model).await,
            // Served by the handler.
            Command::Cancel { .. } => {}
        }
        // Lets the handler see what has arrived, above all cancellations.
        port::breathe().await;
    }
    inbox.awake.set(false);
}
