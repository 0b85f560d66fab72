//! From words to a capability with its arguments and the person's consent.

use mtor_shared::{
    capability::{CapabilityId, Residency, SideEffect},
    engine::{Backend, JobId},
    problem::{Problem, ProblemCode},
    route::{self, Decision, Ranking},
};
use serde_json::{Map, Value};

use super::{Turn, arguments, forms, joining, runs};
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

/// A language model chose it as a part of an answer.
pub(super) fn joined(model: &mut Model, turn: &mut Turn, id: &EntryId, capability: &CapabilityId) {
    choose(model, turn, id, capability, false);
}

fn choose(model: &mut Model, turn: &mut Turn, id: &EntryId, capability: &CapabilityId, by_person: bool) {
    let Some((entry, catalogue)) = model.entry(id).zip(model.catalogue.as_ref()) else { return };
    let Some(known) = catalogue.find(capability) else {
        let title = format!("This realm no longer offers {capability}.");
        let problem = Problem::new(ProblemCode::NotFound, title, "Ask again to see what answers now.");
        return turn.edit(model, id, |entry| entry.stage = Stage::Ended(problem));
    };
    let choice = Choice::new(known, arguments::found(known, &entry.prompt, turn), by_person);
    let asks_first = known.residency == Residency::Provider;
    // One argument is taken from the sentence; more are shown before they are used.
    let reviewed = known.required().count() <= 1;
    proceed(model, turn, id, choice, Proceed { asks_first, reviewed });
}

/// How a choice was come by.
#[derive(Clone, Copy)]
pub(super) struct Proceed {
    /// Whether words leave the realm.
    pub(super) asks_first: bool,
    /// Whether the person has seen the arguments.
    pub(super) reviewed: bool,
}

/// Goes as far as it can: asks for what is missing, then for consent, then runs.
pub(super) fn proceed(model: &mut Model, turn: &mut Turn, id: &EntryId, choice: Choice, how: Proceed) {
    let missing: Vec<&str> = choice.missing().map(|field| field.title.as_str()).collect();
    if !missing.is_empty() || !how.reviewed {
        let words = if missing.is_empty() {
            format!("{}: check what was understood.", choice.title)
        } else {
            format!("{} needs: {}.", choice.title, missing.join(", "))
        };
        turn.edit(model, id, |entry| entry.stage = Stage::Chosen(choice, Step::Missing));
        forms::open(model, id);
        arguments::ask(model, turn, id);
        return turn.say(model, words);
    }
    let standing = model.settings.standing.get(&choice.destination()).copied();
    let asks_first = how.asks_first && !choice.provider.hosts.is_empty();
    let (step, words) = match standing {
        Some(Standing::Never) if asks_first => {
            (Step::Refused, format!("You said that nothing goes to {}.", choice.provider.name))
        }
        None if asks_first => {
            (Step::Consent, format!("{} would answer this. May your words go there?", choice.provider.name))
        }
        _ if choice.effect != SideEffect::Read => {
            (Step::Confirm, format!("{} changes something. Send it?", choice.title))
        }
        _ => return runs::start(model, turn, id, choice),
    };
    turn.edit(model, id, |entry| entry.stage = Stage::Chosen(choice, step));
    turn.say(model, words);
    joining::part_changed(model, turn, id);
}

/// A person filled the form of a question in.
pub(super) fn filled(model: &mut Model, turn: &mut Turn, id: &EntryId, args: Map<String, Value>) {
    let Some(entry) = model.entry(id) else { return };
    let Stage::Chosen(choice, Step::Missing) = &entry.stage else { return };
    let choice = Choice { args, ..choice.clone() };
    let asks_first = leaves_realm(model, &choice);
    proceed(model, turn, id, choice, Proceed { asks_first, reviewed: true });
    turn.push(Effect::FocusPrompt);
}

/// A person decided about words leaving, at first or after having said never. Whoever agrees has been told, in the same
/// sentence, what the call changes.
pub(super) fn decided(model: &mut Model, turn: &mut Turn, id: &EntryId, decided: Decided) {
    let Some(entry) = model.entry(id) else { return };
    let Stage::Chosen(choice, Step::Consent | Step::Refused) = &entry.stage else { return };
    let choice = choice.clone();
    if let Decided::Standing(standing) = decided {
        model.settings.standing.insert(choice.destination(), standing);
        turn.push(Effect::KeepSettings(model.settings.clone()));
    }
    match decided {
        Decided::Once | Decided::Standing(Standing::Always) => runs::start(model, turn, id, choice),
        Decided::Standing(Standing::Never) => {
            proceed(model, turn, id, choice, Proceed { asks_first: true, reviewed: true });
        }
    }
    turn.push(Effect::FocusPrompt);
}

/// A person said that something may be changed.
pub(super) fn confirmed(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    let Some(entry) = model.entry(id) else { return };
    let Stage::Chosen(choice, Step::Confirm) = &entry.stage else { return };
    let choice = choice.clone();
    runs::start(model, turn, id, choice);
    turn.push(Effect::FocusPrompt);
}

/// A person said that it may not.
pub(super) fn declined(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    let Some(entry) = model.entry(id) else { return };
    let Stage::Chosen(_, Step::Confirm) = &entry.stage else { return };
    let problem = Problem::new(ProblemCode::Stopped, "Not sent.", "Nothing was changed.");
    turn.edit(model, id, |entry| entry.stage = Stage::Ended(problem));
    turn.say(model, "Not sent.");
    turn.push(Effect::FocusPrompt);
    joining::part_changed(model, turn, id);
}

/// Whether the words of a choice go to a provider.
pub(super) fn leaves_realm(model: &Model, choice: &Choice) -> bool {
    let known = model.catalogue.as_ref().and_then(|catalogue| catalogue.find(&choice.capability));
    known.is_none_or(|capability| capability.residency == Residency::Provider)
}
