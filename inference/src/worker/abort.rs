//! `AbortController`, reached by name: another feature of web-sys would compile all that is built on it once more.

use js_sys::{Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::RequestInit;

use super::port::scope;

/// Ends something.
#[derive(Clone)]
pub(super) struct Abort {
    controller: JsValue,
    signal: JsValue,
}

impl Abort {
    /// None where the browser has none.
    pub(super) fn new() -> Option<Self> {
        let constructor: Function =
            Reflect::get(&scope(), &"AbortController".into()).ok()?.dyn_into().ok()?;
        let controller = Reflect::construct(&constructor, &js_sys::Array::new()).ok()?;
        let signal = Reflect::get(&controller, &"signal".into()).ok()?;
        Some(Self { controller, signal })
    }

    /// Ends it.
    pub(super) fn abort(&self) {
        let abort =
            Reflect::get(&self.controller, &"abort".into()).and_then(|abort| abort.dyn_into::<Function>());
        if let Ok(abort) = abort {
            let _ = abort.call0(&self.controller);
        }
    }

    /// Whether it was ended.
    pub(super) fn aborted(&self) -> bool {
        Reflect::get(&self.signal, &"aborted".into()).is_ok_and(|aborted| aborted.is_truthy())
    }

    /// The browser ends the request with it.
    pub(super) fn ends_request(&self, request: &RequestInit) {
        let _ = Reflect::set(request, &"signal".into(), &self.signal);
    }

    /// The browser gives up waiting with it.
    pub(super) fn ends_wait(&self, options: &Object) {
        let _ = Reflect::set(options, &"signal".into(), &self.signal);
    }
}
