//! How an upstream does: its breaker, what was measured, how many requests are under way.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use mtor_shared::gateway::{Breaker, BreakerSettings, Measured, Standing, Window};

/// What is measured apart from each other: the first piece of a stream comes much earlier than a whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A whole answer of a chat.
    Chat,
    /// The first piece of one.
    ChatStream,
    /// Vectors.
    Embed,
    /// Images.
    Image,
    /// The words of a recording.
    Transcribe,
    /// A recording.
    Speak,
}

impl Operation {
    /// For decisions, logs and numbers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::ChatStream => "chat-stream",
            Self::Embed => "embed",
            Self::Image => "image",
            Self::Transcribe => "transcribe",
            Self::Speak => "speak",
        }
    }
}

/// Results that are kept of each kind.
const RESULTS: usize = 128;
/// For how long, in milliseconds.
const HORIZON_MS: u64 = 300_000;

/// See the module.
pub(super) struct Health {
    state: Mutex<State>,
    /// Of all models of a provider together.
    in_flight: Arc<AtomicU32>,
}

struct State {
    breaker: Breaker,
    resting_until_ms: u64,
    last_good_ms: Option<u64>,
    streams: Window,
    wholes: Window,
}

impl State {
    fn window(&mut self, operation: Operation) -> &mut Window {
        match operation {
            Operation::ChatStream => &mut self.streams,
            Operation::Chat
            | Operation::Embed
            | Operation::Image
            | Operation::Transcribe
            | Operation::Speak => &mut self.wholes,
        }
    }
}

/// A request that is under way.
pub(super) struct Under(Arc<AtomicU32>);

impl Drop for Under {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Health {
    pub(super) fn new(settings: BreakerSettings, in_flight: Arc<AtomicU32>) -> Self {
        let state = State {
            breaker: Breaker::new(settings),
            resting_until_ms: 0,
            last_good_ms: None,
            streams: Window::new(RESULTS, HORIZON_MS),
            wholes: Window::new(RESULTS, HORIZON_MS),
        };
        Self { state: Mutex::new(state), in_flight }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // It is never left half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self) -> Under {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Under(Arc::clone(&self.in_flight))
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn measured(&self, operation: Operation, now_ms: u64) -> Measured {
        self.lock().window(operation).measured(now_ms)
    }

    /// What the policy wants to know: standing, resting until, measured.
    pub(super) fn seen(&self, operation: Operation, now_ms: u64) -> (Standing, u64, Measured) {
        let mut state = self.lock();
        let measured = state.window(operation).measured(now_ms);
        (state.breaker.standing(now_ms), state.resting_until_ms, measured)
    }

    pub(super) fn begin_trial(&self, now_ms: u64, patience: Duration) -> bool {
        let patience_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        self.lock().breaker.begin_trial(now_ms, patience_ms)
    }

    /// It answered. A stream has only begun to: it counts as good for the breaker when it has come to its end
    /// ([`Health::answered`]), so that one that always breaks in the middle is found out.
    pub(super) fn good(&self, operation: Operation, now_ms: u64, took: Duration) {
        let mut state = self.lock();
        match operation {
            Operation::ChatStream => state.breaker.began_well(),
            Operation::Chat
            | Operation::Embed
            | Operation::Image
            | Operation::Transcribe
            | Operation::Speak => state.breaker.succeeded(),
        }
        state.last_good_ms = Some(now_ms);
        state.window(operation).good(now_ms, super::ms(took));
    }

    /// It is there: it came to the end of a stream, or answered that the request is wrong. Nothing is measured.
    pub(super) fn answered(&self) {
        self.lock().breaker.succeeded();
    }

    /// True when this opened the breaker.
    pub(super) fn failed(&self, operation: Operation, now_ms: u64) -> bool {
        let mut state = self.lock();
        state.window(operation).failed(now_ms);
        state.breaker.failed(now_ms)
    }

    /// It asked to be left alone.
    pub(super) fn rest(&self, now_ms: u64, rest: Duration) {
        let until = now_ms.saturating_add(u64::try_from(rest.as_millis()).unwrap_or(u64::MAX));
        let mut state = self.lock();
        state.resting_until_ms = state.resting_until_ms.max(until);
    }

    /// Whether it has answered somebody within a time that is just over: then it is slow, and not down.
    pub(super) fn lives(&self, now_ms: u64, within: Duration) -> bool {
        let within = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        self.lock().last_good_ms.is_some_and(|at| now_ms.saturating_sub(at) <= within)
    }
}
