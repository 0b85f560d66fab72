//! Arguments that a sentence gives: at once by examples and types, then by the language model of this device, where one
//! is in memory. The form is there meanwhile, and what a person has begun to put into it is not touched.

use mtor_shared::{
    capability::Capability,
    model::{CHAT, ModelId},
    slots,
};
use serde_json::{Map, Value};

use super::{Turn, forms, sentences};
use crate::shell::model::{EntryId, Model, Sought, Stage, Step};

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
    let sought = Sought::Arguments(choice.args.clone());
    sentences::ask(model, turn, id, by, request, sought);
}

/// The model has answered: what the sentence bears out goes into the form, unless a person has changed it meanwhile.
pub(super) fn read(
    model: &mut Model,
    turn: &mut Turn,
    id: &EntryId,
    args: &Map<String, Value>,
    answer: &str,
) {
    let Some((entry, catalogue)) = model.entry(id).zip(model.catalogue.as_ref()) else { return };
    let Stage::Chosen(choice, Step::Missing) = &entry.stage else { return };
    if choice.args != *args {
        return;
    }
    let Some(known) = catalogue.find(&choice.capability) else { return };
    let all = slots::accept(known, &entry.prompt, turn.today(), args.clone(), answer);
    if all == *args {
        return;
    }
    turn.edit(model, id, |entry| {
        if let Stage::Chosen(choice, Step::Missing) = &mut entry.stage {
            choice.args = all;
        }
    });
    forms::open(model, id);
    turn.say(model, "The model on this device filled in more. Check it.");
}
