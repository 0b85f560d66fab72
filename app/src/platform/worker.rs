//! A Web Worker that speaks the engine's messages.

use mtor_shared::{
    engine::{Command, Event},
    problem::{Problem, ProblemCode},
};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};

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
    /// Starts the script; `hear` gets everything that it says, and that it is lost.
    ///
    /// # Errors
    /// Where the browser has no module workers.
    pub(crate) fn start(path: &str, hear: impl Fn(Event) + Clone + 'static) -> Result<Self, Event> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(path, &options)
            .map_err(|_| lost("This browser cannot start the inference worker."))?;
        let heard = hear.clone();
        let message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            // What this version does not know is none of its business.
            if let Ok(event) = serde_wasm_bindgen::from_value(event.data()) {
                heard(event);
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

    /// Tells it something.
    pub(crate) fn tell(&self, command: &Command) {
        if let Ok(message) = command.serialize(&Serializer::json_compatible()) {
            // Plain data is always cloneable.
            let _ = self.worker.post_message(&message);
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
