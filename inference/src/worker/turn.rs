//! One tab at a time holds large models in memory: two would fill a small machine, and neither would be fast.
//!
//! The lock is the browser's (Web Locks), so a tab that ends or crashes gives it back. Who waits asks for it over a
//! broadcast; who holds it gives it up when idle. Where the browser has no such locks there is no turn to wait for.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::{Array, Function, Object, Promise, Reflect};
use mtor_shared::problem::Problem;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

use super::{
    abort::Abort,
    port::{scope, sleep},
    stopped,
};

const LOCK: &str = "mtor-engine-memory";
const CHANNEL: &str = "mtor-engine-memory";
/// Milliseconds between two questions to whoever holds the lock.
const ASK_MS: i32 = 2_000;

/// This tab's hold on the lock.
pub(super) struct Turn {
    /// Gives the lock back; there while it is held.
    release: RefCell<Option<Function>>,
    asked: Cell<bool>,
    channel: Option<JsValue>,
}

impl Turn {
    /// `asked` is called when another tab wants the turn.
    pub(super) fn new(asked: impl Fn() + 'static) -> Self {
        let channel = channel();
        if let Some(channel) = &channel {
            let heard = Closure::<dyn Fn()>::new(asked);
            let _ = Reflect::set(channel, &"onmessage".into(), heard.as_ref());
            heard.forget();
        }
        Self { release: RefCell::new(None), asked: Cell::new(false), channel }
    }

    /// Takes the turn; `waiting` is called first where another tab has it.
    pub(super) async fn take(&self, signal: &Abort, waiting: impl FnOnce()) -> Result<(), Problem> {
        let Some(locks) = locks() else { return Ok(()) };
        if self.is_held() {
            return Ok(());
        }
        let options = Object::new();
        let _ = Reflect::set(&options, &"ifAvailable".into(), &JsValue::TRUE);
        let mut release = request(&locks, &options).await.unwrap_or(JsValue::NULL);
        if !release.is_function() {
            waiting();
            let waits = Rc::new(Cell::new(true));
            self.ask_until(waits.clone());
            let options = Object::new();
            signal.ends_wait(&options);
            let granted = request(&locks, &options).await;
            waits.set(false);
            release = granted.map_err(|_| stopped())?;
        }
        self.asked.set(false);
        // A second load may have waited beside this one; each lock that is held is given back.
        if let Some(other) = self.release.replace(release.dyn_into().ok()) {
            let _ = other.call0(&JsValue::NULL);
        }
        Ok(())
    }

    /// Asks again and again: who holds the lock now may not have held it when it was asked first.
    fn ask_until(&self, waits: Rc<Cell<bool>>) {
        let Some(channel) = self.channel.clone() else { return };
        let post = Reflect::get(&channel, &"postMessage".into()).and_then(|post| post.dyn_into::<Function>());
        let Ok(post) = post else { return };
        wasm_bindgen_futures::spawn_local(async move {
            while waits.get() {
                let _ = post.call1(&channel, &JsValue::NULL);
                sleep(ASK_MS).await;
            }
        });
    }

    pub(super) fn is_held(&self) -> bool {
        self.release.borrow().is_some()
    }

    /// Another tab wants it.
    pub(super) fn ask(&self) {
        if self.is_held() {
            self.asked.set(true);
        }
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.get()
    }

    /// Lets the next tab have it.
    pub(super) fn give_up(&self) {
        self.asked.set(false);
        if let Some(release) = self.release.take() {
            let _ = release.call0(&JsValue::NULL);
        }
    }
}

/// A `BroadcastChannel`, where the browser has one.
fn channel() -> Option<JsValue> {
    let constructor: Function = Reflect::get(&scope(), &"BroadcastChannel".into()).ok()?.dyn_into().ok()?;
    Reflect::construct(&constructor, &Array::of1(&CHANNEL.into())).ok()
}

/// `navigator.locks`, which web-sys has only behind an unstable flag.
fn locks() -> Option<JsValue> {
    let locks = Reflect::get(&scope().navigator(), &"locks".into()).ok()?;
    locks.is_object().then_some(locks)
}

/// What releases the lock once it is granted; null where it is not available.
async fn request(locks: &JsValue, options: &Object) -> Result<JsValue, JsValue> {
    let request: Function = Reflect::get(locks, &"request".into())?.dyn_into()?;
    let granted = Promise::new(&mut |resolve, reject| {
        let callback = Closure::once_into_js(move |lock: JsValue| -> JsValue {
            if lock.is_null() {
                let _ = resolve.call1(&JsValue::NULL, &JsValue::NULL);
                return JsValue::UNDEFINED;
            }
            // The lock is held until this promise is fulfilled.
            Promise::new(&mut |release, _| {
                let _ = resolve.call1(&JsValue::NULL, &release);
            })
            .into()
        });
        match request.call3(locks, &LOCK.into(), options, &callback) {
            Ok(outcome) => {
                // Without this, an aborted request would also be reported as a rejection that nobody handles.
                let failed = Closure::once_into_js(move |error: JsValue| {
                    let _ = reject.call1(&JsValue::NULL, &error);
                });
                if let (Ok(outcome), Ok(failed)) =
                    (outcome.dyn_into::<Promise>(), failed.dyn_into::<Function>())
                {
                    let catch = Reflect::get(&outcome, &"catch".into())
                        .and_then(|catch| catch.dyn_into::<Function>());
                    if let Ok(catch) = catch {
                        let _ = catch.call1(&outcome, &failed);
                    }
                }
            }
            Err(error) => {
                let _ = reject.call1(&JsValue::NULL, &error);
            }
        }
    });
    JsFuture::from(granted).await
}
