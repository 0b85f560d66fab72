//! The AI gateway: one address for every model. It finds out who can answer, asks, asks somebody else when that fails
//! or takes too long, and keeps the reasons.
//!
//! `registry` holds who there is, `health` how they do, [`mtor_shared::gateway`] decides in which order they are asked,
//! `race` asks them, `stream` goes on when a stream breaks, `cache` keeps exact answers, `decisions` the reasons, and
//! `meter` is where requests are admitted and paid for.

mod ask;
mod cache;
pub mod credits;
mod decisions;
mod error;
mod health;
pub mod meter;
mod race;
mod registry;
mod stream;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use mtor_shared::{
    capability::Residency,
    gateway::{Choice, Needs, Policy, choose},
};

pub use ask::{Answered, Ask};
pub use decisions::Decisions;
pub use error::{GatewayError, Unanswered};
pub use registry::{Extra, ModelCard, TargetView};
pub use stream::AnswerStream;

use self::{
    cache::Answers,
    health::Operation,
    meter::Meter,
    registry::{Member, Registry, Route},
};
use crate::{clock::Clock, config, providers::ProviderError, random::Random};

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

/// What the gateway is made of.
pub(crate) struct Inner {
    settings: config::Gateway,
    registry: Registry,
    meter: Arc<dyn Meter>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    decisions: Decisions,
    answers: Answers,
    /// Which member answered a conversation: places in its route, by conversation.
    conversations: moka::future::Cache<[u8; 32], usize>,
    /// Hundredths of a repetition that may be made now.
    budget: AtomicI64,
    began: Instant,
}

/// How long a conversation stays with who answered it.
const CONVERSATION: Duration = Duration::from_secs(30 * 60);
/// Conversations that are remembered.
const CONVERSATIONS: u64 = 100_000;
/// Repetitions that may be made in a burst, in hundredths.
const BURST: i64 = 1_000;

impl Gateway {
    /// With the providers of the configuration, and those of the realm itself.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(
        settings: config::Gateway,
        extra: Vec<Extra>,
        meter: Arc<dyn Meter>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, String> {
        let registry = Registry::new(&settings, extra)?;
        let inner = Inner {
            registry,
            meter,
            clock,
            random,
            decisions: Decisions::new(settings.decisions),
            answers: Answers::new(settings.cache_bytes),
            conversations: moka::future::Cache::builder()
                .max_capacity(CONVERSATIONS)
                .time_to_idle(CONVERSATION)
                .build(),
            budget: AtomicI64::new(BURST),
            began: Instant::now(),
            settings,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Every model that can be asked for.
    pub fn models(&self) -> Vec<ModelCard> {
        self.inner.registry.cards()
    }

    /// Every upstream with what was measured.
    pub fn targets(&self) -> Vec<TargetView> {
        let now_ms = self.inner.now_ms();
        self.inner.registry.members().map(|member| member.view(now_ms)).collect()
    }

    /// The reasons of earlier requests.
    pub fn decisions(&self) -> &Decisions {
        &self.inner.decisions
    }

    /// Largest request.
    pub fn body_bytes(&self) -> usize {
        self.inner.settings.body_bytes
    }

    /// Seconds since 1970.
    pub fn now_s(&self) -> u64 {
        self.inner.clock.now_ms() / 1000
    }
}

impl Inner {
    /// Milliseconds since the gateway began: they do not go back.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// 128 random bits: the name of a decision, and the chance in it.
    fn draw(&self) -> Result<[u8; 16], GatewayError> {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes).map_err(|_| GatewayError::NoRandomness)?;
        Ok(bytes)
    }

    /// Orders the members of a route for a request.
    fn choose(
        &self,
        route: &Route,
        operation: Operation,
        needs: &Needs,
        sticky: Option<usize>,
        seed: u64,
    ) -> Choice {
        let now_ms = self.now_ms();
        let seen: Vec<_> =
            route.members.iter().map(|member| (&member.target, member.seen(operation, now_ms))).collect();
        choose(route.policy, &seen, needs, sticky, seed, now_ms)
    }

    /// How long a member is waited for before the next one is asked too: longer than it usually takes, and never less
    /// than what is set.
    fn patience(&self, route: &Route, member: &Member, operation: Operation) -> Duration {
        const ENOUGH: u32 = 20;
        if let Some(hedge) = route.hedge {
            return hedge;
        }
        let measured = member.measured(operation, self.now_ms());
        let usual = match measured.p99_ms {
            Some(p99_ms) if measured.count >= ENOUGH => Duration::from_secs_f32(p99_ms.max(0.0) * 1.5e-3),
            _ => Duration::ZERO,
        };
        usual.max(self.settings.patience)
    }

    /// Every request earns a share of a repetition.
    fn earn(&self) {
        let share = i64::from(self.settings.retry_percent);
        let earn = |have: i64| Some((have + share).min(BURST));
        let _ = self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, earn);
    }

    /// Takes a repetition, if there is one to be had.
    fn may_repeat(&self) -> bool {
        let spend = |have: i64| (have >= 100).then_some(have - 100);
        self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
    }
}

/// How far the words of a request may travel: no farther than the model's route and the request say.
fn nearer(a: Residency, b: Residency) -> Residency {
    match (a, b) {
        (Residency::Device, _) | (_, Residency::Device) => Residency::Device,
        (Residency::Realm, _) | (_, Residency::Realm) => Residency::Realm,
        (Residency::Provider, Residency::Provider) => Residency::Provider,
    }
}

/// In milliseconds.
fn ms(duration: Duration) -> f32 {
    duration.as_secs_f32() * 1e3
}

/// What a failure is called in a decision and a log: never the upstream's words, which may repeat what was asked.
fn describe(error: &ProviderError) -> String {
    error.to_string()
}

/// Whether chance is in a policy, so that a conversation is kept with one upstream.
fn wanders(policy: Policy) -> bool {
    !matches!(policy, Policy::Priority)
}
