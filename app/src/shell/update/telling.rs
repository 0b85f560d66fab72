//! Results put into words by the language model of this device, from the data alone.

use mtor_shared::{
    engine::{Command, JobId},
    generation::Answer,
    model::{CHAT, ModelId},
    problem::{Problem, ProblemCode},
    telling,
};
use serde_json::Value;

use super::{Turn, shelf};
use crate::shell::{
    effect::Effect,
    model::{Entry, EntryId, Model, Stage, Telling, TellingState, Words},
};

/// The results of a question: the name of each capability with what it came to.
pub(crate) fn data<'a>(model: &'a Model, entry: &'a Entry) -> Vec<(&'a str, &'a Value)> {
    match &entry.stage {
        Stage::Joined(parts) => parts.iter().filter_map(|part| result(model.entry(part)?)).collect(),
        _ => result(entry).into_iter().collect(),
    }
}

fn result(entry: &Entry) -> Option<(&str, &Value)> {
    let Stage::Chosen(choice, _) = &entry.stage else { return None };
    let (value, _) = entry.run()?.result()?;
    Some((choice.title.as_str(), value))
}

/// Has the results of a question put into words, in the stead of earlier ones; the model is loaded where it has to be.
pub(super) fn begin(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    if model.entry(id).is_none_or(|entry| data(model, entry).is_empty()) {
        return;
    }
    forget(model, turn, |telling| telling.entry == *id);
    if model.entry(id).is_some_and(|entry| entry.words.is_some()) {
        turn.edit(model, id, |entry| entry.words = None);
    }
    let by = ModelId(CHAT.to_owned());
    let state = TellingState::Waiting;
    model.tellings.push(Telling { entry: id.clone(), by: by.clone(), state, text: String::new() });
    shelf::load(model, turn, &by);
    go_on(model, turn);
}

/// Asks the model for everything that waits for it.
pub(super) fn go_on(model: &mut Model, turn: &mut Turn) {
    for index in 0..model.tellings.len() {
        let Some(Telling { entry, by, state: TellingState::Waiting, .. }) = model.tellings.get(index) else {
            continue;
        };
        let Some(entry) = model.entry(entry) else { continue };
        if !model.shelf.is_loaded(by) {
            continue;
        }
        let request = telling::tell(&entry.prompt, &data(model, entry));
        model.engine.jobs = model.engine.jobs.wrapping_add(1);
        let job = JobId(model.engine.jobs);
        if let Some(telling) = model.tellings.get_mut(index) {
            telling.state = TellingState::Asked(job);
            telling.text.clear();
            turn.push(Effect::TellEngine(Command::Generate { job, model: telling.by.clone(), request }));
        }
    }
}

fn find(model: &mut Model, job: JobId) -> Option<&mut Telling> {
    model.tellings.iter_mut().find(|telling| telling.state == TellingState::Asked(job))
}

/// The model has written more.
pub(super) fn token(model: &mut Model, job: JobId, piece: &str) {
    if let Some(telling) = find(model, job) {
        telling.text.push_str(piece);
    }
}

/// The model is done.
pub(super) fn generated(model: &mut Model, turn: &mut Turn, job: JobId, rest: &Answer) {
    let Some(Telling { entry: id, by, text, .. }) = find(model, job).cloned() else { return };
    model.tellings.retain(|telling| telling.entry != id);
    let text = format!("{text}{}", rest.text).trim().to_owned();
    // A screen reader says it once, whole.
    turn.say(model, text.chars().take(2000).collect::<String>());
    let words = Words { by, text, end: rest.end, usage: rest.usage };
    turn.edit(model, &id, |entry| entry.words = Some(words));
}

/// The model does not answer: once more where it was only taken out of memory.
pub(super) fn failed(model: &mut Model, turn: &mut Turn, job: JobId, problem: &Problem) {
    let Some(telling) = find(model, job) else { return };
    let (id, by) = (telling.entry.clone(), telling.by.clone());
    if problem.code == ProblemCode::NotFound && model.shelf.loads.remove(&by).is_some() {
        telling_of(model, &id, TellingState::Waiting);
        return shelf::load(model, turn, &by);
    }
    turn.say(model, problem.to_string());
    telling_of(model, &id, TellingState::Failed(problem.clone()));
}

fn telling_of(model: &mut Model, id: &EntryId, state: TellingState) {
    if let Some(telling) = model.tellings.iter_mut().find(|telling| telling.entry == *id) {
        telling.state = state;
    }
}

/// A model does not come: what waits for it says why.
pub(super) fn load_failed(model: &mut Model, id: &ModelId, problem: &Problem) {
    for telling in &mut model.tellings {
        if telling.by == *id && telling.state == TellingState::Waiting {
            telling.state = TellingState::Failed(problem.clone());
        }
    }
}

/// The engine is gone: what it was at is asked again when there is another.
pub(super) fn engine_gone(model: &mut Model) {
    for telling in &mut model.tellings {
        if matches!(telling.state, TellingState::Asked(_)) {
            telling.state = TellingState::Waiting;
        }
    }
}

/// A person does not want the words, or their question is gone.
pub(super) fn stop(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    forget(model, turn, |telling| telling.entry == *id);
}

fn forget(model: &mut Model, turn: &mut Turn, goes: impl Fn(&Telling) -> bool) {
    for telling in model.tellings.extract_if(.., |telling| goes(telling)) {
        if let TellingState::Asked(job) = telling.state {
            turn.push(Effect::TellEngine(Command::Cancel { job }));
        }
    }
}
