//! A Web Worker that speaks the engine's messages.

use std::{cell::RefCell, rc::Rc};

use mtor_shared::{
    engine::{Command, Event, IMPORT, JobId},
    problem::{Problem, ProblemCode},
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    File, MessageEvent, Worker, WorkerOptions, WorkerType,
    js_sys::{JSON, Object, Reflect},
};

use super::page;

/// A running worker; ended when it is dropped.
pub(crate) struct Engine {
    worker: Worker,
    // The worker calls them as long as it lives.
    _message: Closure<dyn Fn(MessageEvent)>,
    _error: Closure<dyn Fn(web_sys::Event)>,
}

fn lost(title: &str) -> Event {
    let advice = "Questions are understood by word match until it is back.";
    Event::Lost { problem: Problem::retryable(ProblemCode::DeviceLost, title, advice) }
}

impl Engine {
    /// Starts the script; `read` understands what it says as JSON, `hear` gets all of that, and that it is lost.
    ///
    /// # Errors
    /// Where the browser has no module workers.
    pub(crate) fn start(
        path: &str,
        read: fn(&str) -> Option<Event>,
        hear: impl Fn(Event) + Clone + 'static,
    ) -> Result<Self, Event> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(path, &options)
            .map_err(|_| lost("This browser cannot start the inference worker."))?;
        let tokens = Rc::new(Tokens { waiting: RefCell::default(), hear: hear.clone() });
        let message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            // By way of a text: code that reads it from anything else would weigh as much again.
            let said = JSON::stringify(&event.data()).map(String::from);
            match said.ok().and_then(|text| read(&text)) {
                Some(Event::Token { job, text }) => tokens.add(job, &text),
                Some(event) => {
                    tokens.flush();
                    (tokens.hear)(event);
                }
                None => {}
            }
        });
        let error = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
            event.prevent_default();
            hear(lost("The inference worker stopped."));
        });
        worker.set_onmessage(Some(message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(error.as_ref().unchecked_ref()));
        Ok(Self { worker, _message: message, _error: error })
    }

    /// Hands it a file that a person chose.
    pub(crate) fn bring(&self, job: JobId, file: &File) {
        let message = Object::new();
        let set = |name: &str, value: &JsValue| Reflect::set(&message, &name.into(), value);
        let set = set("type", &IMPORT.into()).and(set("job", &job.0.into())).and(set("file", file));
        if set.is_ok() {
            // A file is always cloneable.
            let _ = self.worker.post_message(&message);
        }
    }

    /// Tells it something.
    pub(crate) fn tell(&self, command: &Command) {
        let text = serde_json::to_string(command).unwrap_or_default();
        if let Ok(message) = JSON::parse(&text) {
            // Plain data is always cloneable.
            let _ = self.worker.post_message(&message);
        }
    }
}

/// Tokens since the last frame, told together: nobody sees more than one change a frame.
struct Tokens<F> {
    waiting: RefCell<Option<(JobId, String)>>,
    hear: F,
}

impl<F: Fn(Event) + 'static> Tokens<F> {
    fn add(self: &Rc<Self>, job: JobId, text: &str) {
        let waits = self.waiting.borrow().as_ref().map(|(waits, _)| *waits);
        if waits.is_some_and(|waits| waits != job) {
            self.flush();
        }
        let mut waiting = self.waiting.borrow_mut();
        match waiting.as_mut() {
            Some((_, before)) => before.push_str(text),
            None => {
                *waiting = Some((job, text.to_owned()));
                let tokens = Rc::clone(self);
                page::soon(move || tokens.flush());
            }
        }
    }

    fn flush(&self) {
        let waiting = self.waiting.borrow_mut().take();
        if let Some((job, text)) = waiting {
            (self.hear)(Event::Token { job, text });
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}
