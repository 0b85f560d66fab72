//! Arguments that a sentence gives: at once by examples and types, then by the language model of this device, where one
//! is in memory. The form is there meanwhile, and what a person has begun to put into it is not touched.

use mtor_shared::{
    capability::Capability,
    engine::{Command, JobId},
    generation::Answer,
    model::{CHAT, ModelId},
    slots,
};
use serde_json::{Map, Value};

use super::{Turn, forms};
use crate::shell::{
    effect::Effect,
    model::{EntryId, Model, Sentence, Stage, Step},
};

/// What is known without a model.
pub(super) fn found(known: &Capability, prompt: &str, turn: &Turn) -> Map<String, Value> {
    slots::extract(known, prompt, turn.today())
}

/// Asks the language model for what the form of a question still lacks; nobody waits for it.
pub(super) fn ask(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    let by = ModelId(CHAT.to_owned());
    if !model.shelf.is_loaded(&by) {
        return;
    }
    let Some((entry, catalogue)) = model.entry(id).zip(model.catalogue.as_ref()) else { return };
    let Stage::Chosen(choice, Step::Missing) = &entry.stage else { return };
    let Some(known) = catalogue.find(&choice.capability) else { return };
    let Some(request) = slots::ask(known, &entry.prompt, turn.today(), &choice.args) else { return };
    let args = choice.args.clone();
    model.engine.jobs = model.engine.jobs.wrapping_add(1);
    let job = JobId(model.engine.jobs);
    model.sentences.retain(|sentence| &sentence.entry != id);
    model.sentences.push(Sentence { job, entry: id.clone(), args, answer: String::new() });
    turn.push(Effect::TellEngine(Command::Generate { job, model: by, request }));
}

/// The model has written more.
pub(super) fn token(model: &mut Model, job: JobId, piece: &str) {
    if let Some(sentence) = model.sentences.iter_mut().find(|sentence| sentence.job == job) {
        sentence.answer.push_str(piece);
    }
}

/// The model is done: what the sentence bears out goes into the form.
pub(super) fn generated(model: &mut Model, turn: &mut Turn, job: JobId, rest: &Answer) {
    let Some(Sentence { entry: id, args, mut answer, .. }) = take(model, job) else { return };
    answer.push_str(&rest.text);
    let Some((entry, catalogue)) = model.entry(&id).zip(model.catalogue.as_ref()) else { return };
    let Stage::Chosen(choice, Step::Missing) = &entry.stage else { return };
    if choice.args != args {
        return;
    }
    let Some(known) = catalogue.find(&choice.capability) else { return };
    let all = slots::accept(known, &entry.prompt, turn.today(), args.clone(), &answer);
    if all == args {
        return;
    }
    turn.edit(model, &id, |entry| {
        if let Stage::Chosen(choice, Step::Missing) = &mut entry.stage {
            choice.args = all;
        }
    });
    forms::open(model, &id);
    turn.say(model, "The model on this device filled in more. Check it.");
}

/// The model will not answer; the form is as it is.
pub(super) fn failed(model: &mut Model, job: JobId) {
    take(model, job);
}

/// The engine is gone, and every question to it.
pub(super) fn engine_gone(model: &mut Model) {
    model.sentences.clear();
}

fn take(model: &mut Model, job: JobId) -> Option<Sentence> {
    let index = model.sentences.iter().position(|sentence| sentence.job == job)?;
    Some(model.sentences.remove(index))
}
