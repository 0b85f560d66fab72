//! From words to a capability with its arguments and the person's consent.

use mtor_shared::{
    capability::{CapabilityId, Residency},
    engine::{Backend, JobId},
    problem::{Problem, ProblemCode},
    route::{self, Decision, Ranking},
    slots,
};
use serde_json::Value;

use super::{Turn, runs};
use crate::shell::{
    effect::{self, Effect},
    event::{Decided, Timer},
    model::{
        Choice, Considered, EngineState, EntryId, Model, RoutedBy, Routing, Stage, Standing, Step, WaitsFor,
    },
};

/// A confident word match does not wait longer than this for the model.
const PATIENCE_MS: u32 = 1_500;
/// Nothing waits longer than this for the model.
const LAST_PATIENCE_MS: u32 = 8_000;

/// Starts to find out what answers; waits for the catalogue or the model where needed.
pub(super) fn route(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    let Some(entry) = model.entry(id).cloned() else { return };
    if model.catalogue.is_none() {
        turn.edit(model, id, |entry| entry.stage = Stage::Routing(WaitsFor::Catalogue { chosen: None }));
        return;
    }
    if matches!(model.engine.state, EngineState::Ready { .. }) && model.vectors.is_some() {
        model.engine.jobs = model.engine.jobs.wrapping_add(1);
        let job = JobId(model.engine.jobs);
        turn.edit(model, id, |entry| entry.stage = Stage::Routing(WaitsFor::Embedding { job }));
        turn.push(effect::embed(job, entry.prompt.clone()));
        turn.ring(PATIENCE_MS, Timer::Embedding { entry: id.clone(), job, last: false });
        turn.ring(LAST_PATIENCE_MS, Timer::Embedding { entry: id.clone(), job, last: true });
    } else {
        by_words(model, turn, id);
    }
}

/// The catalogue came: every question that waited for it goes on.
pub(super) fn catalogue_came(model: &mut Model, turn: &mut Turn) {
    let waits = |stage: &Stage| matches!(stage, Stage::Routing(WaitsFor::Catalogue { .. }));
    for id in super::entries_where(model, |entry| waits(&entry.stage)) {
        let Some(entry) = model.entry(&id) else { continue };
        match &entry.stage {
            Stage::Routing(WaitsFor::Catalogue { chosen: Some(capability) }) => {
                let capability = capability.clone();
                choose(model, turn, &id, &capability, true);
            }
            _ => route(model, turn, &id),
        }
    }
}

/// The worker answered a job.
pub(super) fn embedded(
    model: &mut Model,
    turn: &mut Turn,
    job: JobId,
    vectors: &[Vec<f32>],
    elapsed_ms: f64,
    backend: Backend,
) {
    let Some(id) = model.waiting_for(job) else { return };
    let (Some(entry), Some(catalogue), Some(known), Some(vector)) =
        (model.entry(&id), &model.catalogue, &model.vectors, vectors.first())
    else {
        return by_words(model, turn, &id);
    };
    let ranking = route::rank_by_meaning(&entry.prompt, vector, catalogue, known);
    let by = match ranking.method {
        route::Method::Meaning => RoutedBy::Model { backend, elapsed_ms },
        route::Method::Lexical | route::Method::Chosen => RoutedBy::WordMatch,
    };
    conclude(model, turn, &id, &ranking, by);
}

/// The worker will not answer a job: words alone decide.
pub(super) fn not_embedded(model: &mut Model, turn: &mut Turn, job: JobId) {
    if let Some(id) = model.waiting_for(job) {
        by_words(model, turn, &id);
    }
}

/// The worker is gone: words alone decide whatever waits for it.
pub(super) fn engine_gone(model: &mut Model, turn: &mut Turn) {
    let waits = |stage: &Stage| matches!(stage, Stage::Routing(WaitsFor::Embedding { .. }));
    for id in super::entries_where(model, |entry| waits(&entry.stage)) {
        by_words(model, turn, &id);
    }
}

/// A question has waited for its vector.
pub(super) fn waited(model: &mut Model, turn: &mut Turn, id: &EntryId, job: JobId, last: bool) {
    if model.waiting_for(job).as_ref() != Some(id) {
        return;
    }
    let Some((entry, catalogue)) = model.entry(id).zip(model.catalogue.as_ref()) else { return };
    let ranking = route::rank_lexical(&entry.prompt, catalogue);
    if last || matches!(route::decide(&ranking), Decision::Run { .. }) {
        conclude(model, turn, id, &ranking, RoutedBy::WordMatch);
    }
}

fn by_words(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    let Some((entry, catalogue)) = model.entry(id).zip(model.catalogue.as_ref()) else { return };
    let ranking = route::rank_lexical(&entry.prompt, catalogue);
    conclude(model, turn, id, &ranking, RoutedBy::WordMatch);
}

fn conclude(model: &mut Model, turn: &mut Turn, id: &EntryId, ranking: &Ranking, by: RoutedBy) {
    let Some(catalogue) = model.catalogue.clone() else { return };
    let considered = |candidate: &route::Candidate| {
        let title =
            catalogue.find(&candidate.capability).map_or(&candidate.capability.0, |known| &known.title);
        Considered {
            capability: candidate.capability.clone(),
            title: title.clone(),
            score: candidate.score,
            nearest: candidate.nearest.clone(),
        }
    };
    let candidates = ranking.candidates.iter().map(considered).collect();
    let decision = route::decide(ranking);
    let confidence = match decision {
        Decision::Run { confidence, .. } => Some(confidence),
        Decision::Ask { .. } | Decision::Unknown => None,
    };
    turn.edit(model, id, |entry| entry.routing = Some(Routing { by, candidates, confidence }));
    match decision {
        Decision::Run { capability, .. } => choose(model, turn, id, &capability, false),
        Decision::Ask { .. } => {
            turn.edit(model, id, |entry| entry.stage = Stage::Asking);
            turn.say(model, "This could mean more than one thing. Choose one.");
        }
        Decision::Unknown => {
            turn.edit(model, id, |entry| entry.stage = Stage::Unknown);
            turn.say(model, "Nothing in this realm answers that yet.");
        }
    }
}

/// A person chose between candidates, or chose another one afterwards.
pub(super) fn picked(model: &mut Model, turn: &mut Turn, id: &EntryId, capability: CapabilityId) {
    if model.entry(id).is_none_or(|entry| entry.is_busy()) {
        return;
    }
    if model.catalogue.is_some() {
        choose(model, turn, id, &capability, true);
    } else {
        let waits = WaitsFor::Catalogue { chosen: Some(capability) };
        turn.edit(model, id, |entry| entry.stage = Stage::Routing(waits));
    }
}

fn choose(model: &mut Model, turn: &mut Turn, id: &EntryId, capability: &CapabilityId, by_person: bool) {
    let Some((entry, catalogue)) = model.entry(id).zip(model.catalogue.as_ref()) else { return };
    let Some(known) = catalogue.find(capability) else {
        let title = format!("This realm no longer offers {capability}.");
        let problem = Problem::new(ProblemCode::NotFound, title, "Ask again to see what answers now.");
        return turn.edit(model, id, |entry| entry.stage = Stage::Ended(problem));
    };
    let choice = Choice::new(known, slots::fill(known, &entry.prompt), by_person);
    let asks_first = known.residency == Residency::Provider;
    proceed(model, turn, id, choice, asks_first);
}

/// Goes as far as it can: asks for what is missing, then for consent, then runs.
fn proceed(model: &mut Model, turn: &mut Turn, id: &EntryId, choice: Choice, asks_first: bool) {
    let titles: Vec<&str> = choice.missing().map(|field| field.title.as_str()).collect();
    if !titles.is_empty() {
        let words = format!("{} needs: {}.", choice.title, titles.join(", "));
        turn.edit(model, id, |entry| entry.stage = Stage::Chosen(choice, Step::Missing { complaint: None }));
        return turn.say(model, words);
    }
    let standing = model.settings.standing.get(&choice.destination());
    match standing {
        _ if !asks_first || choice.provider.hosts.is_empty() => runs::start(model, turn, id, choice),
        Some(Standing::Always) => runs::start(model, turn, id, choice),
        Some(Standing::Never) => {
            let words = format!("You said that nothing goes to {}.", choice.provider.name);
            turn.edit(model, id, |entry| entry.stage = Stage::Chosen(choice, Step::Refused));
            turn.say(model, words);
        }
        None => {
            let words = format!("{} would answer this. May your words go there?", choice.provider.name);
            turn.edit(model, id, |entry| entry.stage = Stage::Chosen(choice, Step::Consent));
            turn.say(model, words);
        }
    }
}

/// A person filled in what was missing.
pub(super) fn filled(model: &mut Model, turn: &mut Turn, id: &EntryId, values: Vec<(String, String)>) {
    let Some(entry) = model.entry(id) else { return };
    let Stage::Chosen(choice, Step::Missing { .. }) = &entry.stage else { return };
    let mut choice = choice.clone();
    let mut complaint = None;
    for (name, typed) in values {
        let Some(field) = choice.fields.iter().find(|field| field.name == name) else { continue };
        match typed.trim() {
            "" => {
                choice.args.remove(&name);
            }
            typed => match field.kind.read(typed) {
                Ok(value) => {
                    choice.args.insert(name, value);
                }
                Err(expected) => {
                    complaint = Some(format!("“{}” takes {expected}.", field.title));
                    choice.args.insert(name, Value::String(typed.to_owned()));
                }
            },
        }
    }
    let empty = choice.missing().next().map(|field| format!("“{}” is still empty.", field.title));
    match complaint.or(empty) {
        Some(words) => {
            let step = Step::Missing { complaint: Some(words.clone()) };
            turn.edit(model, id, |entry| entry.stage = Stage::Chosen(choice, step));
            turn.say(model, words);
        }
        None => {
            let asks_first = leaves_realm(model, &choice);
            proceed(model, turn, id, choice, asks_first);
            turn.push(Effect::FocusPrompt);
        }
    }
}

/// A person decided about words leaving, at first or after having said never.
pub(super) fn decided(model: &mut Model, turn: &mut Turn, id: &EntryId, decided: Decided) {
    let Some(entry) = model.entry(id) else { return };
    let Stage::Chosen(choice, Step::Consent | Step::Refused) = &entry.stage else { return };
    let choice = choice.clone();
    if let Decided::Standing(standing) = decided {
        model.settings.standing.insert(choice.destination(), standing);
        turn.push(Effect::KeepSettings(model.settings.clone()));
    }
    match decided {
        Decided::Once => runs::start(model, turn, id, choice),
        Decided::Standing(_) => proceed(model, turn, id, choice, true),
    }
    turn.push(Effect::FocusPrompt);
}

fn leaves_realm(model: &Model, choice: &Choice) -> bool {
    let known = model.catalogue.as_ref().and_then(|catalogue| catalogue.find(&choice.capability));
    known.is_none_or(|capability| capability.residency == Residency::Provider)
}
