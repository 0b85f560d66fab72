//! Questions that the language model of this device reads something out of: what it writes is gathered, then read.

use mtor_shared::{
    engine::{Command, JobId},
    generation::{Answer, Request},
    model::ModelId,
};

use super::{Turn, arguments, joining};
use crate::shell::{
    effect::Effect,
    model::{EntryId, Model, Sentence, Sought},
};

/// Asks the model; what it was asked about the same question before no longer counts.
pub(super) fn ask(
    model: &mut Model,
    turn: &mut Turn,
    id: &EntryId,
    by: ModelId,
    request: Request,
    sought: Sought,
) {
    drop(model, turn, id);
    model.engine.jobs = model.engine.jobs.wrapping_add(1);
    let job = JobId(model.engine.jobs);
    model.sentences.push(Sentence { job, entry: id.clone(), sought, answer: String::new() });
    turn.push(Effect::TellEngine(Command::Generate { job, model: by, request }));
}

/// The model has written more.
pub(super) fn token(model: &mut Model, job: JobId, piece: &str) {
    if let Some(sentence) = model.sentences.iter_mut().find(|sentence| sentence.job == job) {
        sentence.answer.push_str(piece);
    }
}

/// The model is done.
pub(super) fn generated(model: &mut Model, turn: &mut Turn, job: JobId, rest: &Answer) {
    let Some(Sentence { entry, sought, mut answer, .. }) = take(model, job) else { return };
    answer.push_str(&rest.text);
    match sought {
        Sought::Arguments(known) => arguments::read(model, turn, &entry, &known, &answer),
        Sought::Parts => joining::read(model, turn, &entry, &answer),
    }
}

/// The model will not answer: a form is as it is, and nothing is joined.
pub(super) fn failed(model: &mut Model, turn: &mut Turn, job: JobId) {
    if let Some(Sentence { entry, sought: Sought::Parts, .. }) = take(model, job) {
        joining::read(model, turn, &entry, "");
    }
}

/// The engine is gone, and every question to it.
pub(super) fn engine_gone(model: &mut Model) {
    model.sentences.clear();
}

/// Nothing more is read out of a question.
pub(super) fn drop(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    for sentence in model.sentences.extract_if(.., |sentence| sentence.entry == *id) {
        turn.push(Effect::TellEngine(Command::Cancel { job: sentence.job }));
    }
}

/// Whether the model is asked about a question.
pub(super) fn is_asked(model: &Model, id: &EntryId) -> bool {
    model.sentences.iter().any(|sentence| sentence.entry == *id)
}

fn take(model: &mut Model, job: JobId) -> Option<Sentence> {
    let index = model.sentences.iter().position(|sentence| sentence.job == job)?;
    Some(model.sentences.remove(index))
}
