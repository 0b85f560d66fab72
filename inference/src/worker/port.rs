//! What the worker asks of its surroundings: posting, time, and a turn of the event loop.

use js_sys::Promise;
use mtor_shared::engine::Event;
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue, UnwrapThrowExt};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel};

/// The worker's global object.
pub(super) fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Sends an event to the page.
pub(super) fn post(event: &Event) {
    // Plain objects with numbers as numbers, as `JSON.parse` would give.
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    if let Ok(value) = event.serialize(&serializer) {
        // Fails only for what cannot be cloned; plain data can.
        let _ = scope().post_message(&value);
    }
}

/// Milliseconds on the worker's clock.
pub(super) fn now_ms() -> f64 {
    scope().performance().map_or(0.0, |clock| clock.now())
}

/// One turn of the event loop, so that messages are delivered. A timer would be held back to 4 ms.
pub(super) async fn breathe() {
    let turn = Promise::new(&mut |resolve, _| {
        let channel = MessageChannel::new().unwrap_throw();
        channel.port1().set_onmessage(Some(&resolve));
        let _ = channel.port2().post_message(&JsValue::NULL);
    });
    let _ = JsFuture::from(turn).await;
}

/// A promise that is fulfilled with `undefined` after `ms` milliseconds.
pub(super) fn timer(ms: i32) -> Promise {
    Promise::new(&mut |resolve, _| {
        let _ = scope().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
    })
}

/// Waits.
pub(super) async fn sleep(ms: i32) {
    let _ = JsFuture::from(timer(ms)).await;
}

/// What a JavaScript exception says.
pub(super) fn words(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => format!("{}: {}", String::from(error.name()), String::from(error.message())),
        None => error.as_string().unwrap_or_else(|| "no details".into()),
    }
}

/// The `name` of an exception, which tells its kind: `QuotaExceededError`.
pub(super) fn kind(error: &JsValue) -> String {
    js_sys::Reflect::get(error, &"name".into()).ok().and_then(|name| name.as_string()).unwrap_or_default()
}
