//! Asks one upstream after the other until one answers.
//!
//! The next one is asked when the one before fails, or when it is late: then both go on, and whoever answers first is
//! it. So an upstream that hangs or drips costs its patience and no more, and a slow one is not given up. Those that
//! were down get a copy on the side, which nobody waits for.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use mtor_shared::gateway::{Attempt, Outcome, Ranked, Role};

use super::{
    Inner, describe,
    health::{Operation, Under},
    ms,
    registry::{Member, Route},
};
use crate::providers::{Fault, ProviderError};

/// How an upstream is asked: the same for each.
pub(super) type Call<T> =
    Arc<dyn Fn(Arc<Member>) -> BoxFuture<'static, Result<T, ProviderError>> + Send + Sync>;

/// An answer, with who gave it.
pub(super) struct Won<T> {
    pub(super) value: T,
    pub(super) place: usize,
    pub(super) member: Arc<Member>,
    /// Held as long as the upstream is at work.
    pub(super) under: Under,
}

/// Everybody failed: the last one, and how.
pub(super) struct Lost {
    pub(super) member: Arc<Member>,
    pub(super) error: ProviderError,
}

/// A late one that has just answered somebody else is slow and not down: it gets this many times its patience.
const SLOW: u32 = 4;
/// How long a trial may take before another may try.
const TRIAL: Duration = Duration::from_secs(120);

/// An attempt under way, in the order of beginning.
struct Tried {
    member: Arc<Member>,
    began: Instant,
    outcome: Option<Outcome>,
}

/// Runs one race. What was tried is added to `attempts`, with times since `since`.
pub(super) async fn race<T: Send + 'static>(
    inner: &Inner,
    route: &Route,
    order: &[Ranked],
    operation: Operation,
    call: &Call<T>,
    since: Instant,
    attempts: &mut Vec<Attempt>,
) -> Option<Result<Won<T>, Lost>> {
    let mut waiting: VecDeque<usize> = VecDeque::new();
    for ranked in order {
        match ranked.role {
            Role::Live => waiting.push_back(ranked.index),
            Role::Trial => try_out(inner, &route.members[ranked.index], operation, call),
        }
    }
    let mut tried: Vec<Tried> = Vec::new();
    let mut running = FuturesUnordered::new();
    let mut last = None;
    let begin = |place: usize, tried: &mut Vec<Tried>| {
        let member = Arc::clone(&route.members[place]);
        // With nobody else to ask, what was down is tried in earnest.
        member.health.begin_trial(inner.now_ms(), TRIAL);
        let (under, answer) = (member.health.begin(), call(Arc::clone(&member)));
        let number = tried.len();
        tried.push(Tried { member, began: Instant::now(), outcome: None });
        async move { (number, place, under, answer.await) }
    };
    running.push(begin(waiting.pop_front()?, &mut tried));
    let mut late = inner.patience(route, &tried[0].member, operation);
    let mut slow = false;
    let result = loop {
        let newest = tried.last().map_or_else(Instant::now, |tried| tried.began);
        let timer = tokio::time::sleep_until((newest + late).into());
        tokio::select! {
            biased;
            Some((number, place, under, answer)) = running.next() => {
                let took = tried[number].began.elapsed();
                let member = Arc::clone(&tried[number].member);
                match answer {
                    Ok(value) => {
                        member.health.good(operation, inner.now_ms(), took);
                        tried[number].outcome = Some(Outcome::Answered { took_ms: ms(took) });
                        break Ok(Won { value, place, member, under });
                    }
                    Err(error) => {
                        count(inner, &member, operation, &error, matches!(tried[number].outcome, Some(Outcome::Failed { .. })));
                        tried[number].outcome = Some(Outcome::Failed { took_ms: ms(took), why: describe(&error) });
                        let fatal = error.fault() == Fault::Request;
                        // That somebody does not do such a thing says less than that another one is down.
                        if last.is_none() || error.fault() != Fault::Unfit {
                            last = Some(Lost { member, error });
                        }
                        if fatal {
                            break Err(());
                        }
                        match waiting.pop_front() {
                            Some(next) => {
                                running.push(begin(next, &mut tried));
                                late = inner.patience(route, &route.members[next], operation);
                                slow = false;
                            }
                            None if running.is_empty() => break Err(()),
                            None => {}
                        }
                    }
                }
            }
            () = timer, if !waiting.is_empty() => {
                let number = tried.len() - 1;
                let (member, patience) = (Arc::clone(&tried[number].member), late);
                if !slow && member.health.lives(inner.now_ms(), patience / 2) {
                    slow = true;
                    late = patience * SLOW;
                    continue;
                }
                if !slow {
                    // It still may answer, which takes this back.
                    failed(inner, &member, operation, "it is late");
                    let why = "it is late".to_owned();
                    tried[number].outcome = Some(Outcome::Failed { took_ms: ms(tried[number].began.elapsed()), why });
                }
                if let Some(next) = waiting.pop_front() {
                    running.push(begin(next, &mut tried));
                    late = inner.patience(route, &route.members[next], operation);
                    slow = false;
                }
            }
        }
    };
    attempts.extend(tried.into_iter().map(|tried| Attempt {
        target: tried.member.target.id.clone(),
        began_ms: ms(tried.began.saturating_duration_since(since)),
        outcome: tried.outcome.unwrap_or(Outcome::Overtaken),
    }));
    match (result, last) {
        (Ok(won), _) => Some(Ok(won)),
        (Err(()), last) => last.map(Err),
    }
}

/// Takes a failure into account.
fn count(inner: &Inner, member: &Member, operation: Operation, error: &ProviderError, already: bool) {
    match error.fault() {
        Fault::Upstream if !already => failed(inner, member, operation, &describe(error)),
        Fault::Resting(rest) => member.health.rest(inner.now_ms(), rest),
        // It did answer; what was asked was wrong.
        Fault::Request => member.health.answered(),
        Fault::Upstream | Fault::Unfit => {}
    }
}

/// Counts against an upstream.
pub(super) fn failed(inner: &Inner, member: &Member, operation: Operation, why: &str) {
    let target = member.target.id.as_str();
    if member.health.failed(operation, inner.now_ms()) {
        tracing::warn!(target_id = target, why, "an upstream is down and is left alone for a while");
    }
    metrics::counter!("mtor_gateway_failures_total", "target" => target.to_owned()).increment(1);
}

/// Sends a copy of a request to an upstream that was down, on the side.
fn try_out<T: Send + 'static>(inner: &Inner, member: &Arc<Member>, operation: Operation, call: &Call<T>) {
    if !member.health.begin_trial(inner.now_ms(), TRIAL) {
        return;
    }
    let (answer, member, clock) = (call(Arc::clone(member)), Arc::clone(member), inner.began);
    let under = member.health.begin();
    tokio::spawn(async move {
        let began = Instant::now();
        let answer = tokio::time::timeout(TRIAL, answer).await;
        let now_ms = u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX);
        match answer {
            Ok(Ok(_)) => {
                member.health.good(operation, now_ms, began.elapsed());
                member.health.answered();
                tracing::info!(target_id = member.target.id, "an upstream is back");
            }
            Ok(Err(error)) if matches!(error.fault(), Fault::Request) => member.health.answered(),
            Ok(Err(_)) | Err(_) => {
                member.health.failed(operation, now_ms);
            }
        }
        drop(under);
    });
}
