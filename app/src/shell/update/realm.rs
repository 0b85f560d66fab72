//! Whether the realm is there, and what it offers.

use super::{Turn, back_off_ms, forms, places, routing, runs};
use crate::shell::{
    effect::Effect,
    event::{RealmEvent, Timer},
    model::{EngineState, Model, RealmState, Shared},
};

/// How often a realm that is there is asked whether it still is; an unchanged catalogue costs a 304.
const HEARTBEAT_MS: u32 = 30_000;
/// How long until vectors that the realm did not have yet are asked for again.
const VECTORS_AGAIN_MS: u32 = 3_000;

/// Asks the realm what it offers; that is also how the shell finds out whether it is there.
pub(super) fn ask(model: &mut Model, turn: &mut Turn) {
    model.realm.asks = model.realm.asks.wrapping_add(1);
    turn.push(Effect::FetchCatalogue { ask: model.realm.asks });
}

pub(super) fn event(model: &mut Model, turn: &mut Turn, event: RealmEvent) {
    match event {
        RealmEvent::Catalogue { ask, .. } if ask != model.realm.asks => {}
        RealmEvent::Catalogue { ask, result: Err(problem) } => {
            let failures = match &model.realm.state {
                RealmState::Unreachable { failures, .. } => failures.saturating_add(1),
                RealmState::Connecting | RealmState::Online => 1,
            };
            let after_ms = back_off_ms(failures);
            let retry_at_ms = turn.now_ms() + u64::from(after_ms);
            model.realm.state = RealmState::Unreachable { failures, retry_at_ms, problem };
            turn.ring(after_ms, Timer::Realm { ask });
            if failures == 1 {
                turn.say(model, "The realm is not reachable. Trying again by itself.");
            }
        }
        RealmEvent::Catalogue { ask, result: Ok(catalogue) } => {
            turn.ring(HEARTBEAT_MS, Timer::Realm { ask });
            if matches!(model.realm.state, RealmState::Unreachable { .. }) {
                turn.say(model, "The realm is back.");
            }
            model.realm.state = RealmState::Online;
            if model.catalogue.as_deref() != Some(&catalogue) {
                model.catalogue = Some(Shared::new(catalogue));
                model.vectors = None;
            }
            fetch_vectors(model, turn);
            routing::catalogue_came(model, turn);
            forms::open_all(model);
            places::look_again(model, turn);
            runs::reconnect_all(model, turn);
        }
        RealmEvent::Vectors(Ok(vectors)) => model.vectors = Some(Shared::new(vectors)),
        // The realm is still computing them. Words decide meanwhile.
        RealmEvent::Vectors(Err(problem)) if problem.retryable => turn.ring(VECTORS_AGAIN_MS, Timer::Vectors),
        // It has none; they are asked for again with the next catalogue.
        RealmEvent::Vectors(Err(_)) => {}
    }
}

/// Fetches the vectors when there is a model to use them with.
pub(super) fn fetch_vectors(model: &Model, turn: &mut Turn) {
    let ready = matches!(model.engine.state, EngineState::Ready { .. });
    if ready && model.vectors.is_none() && model.catalogue.is_some() {
        turn.push(Effect::FetchVectors);
    }
}
