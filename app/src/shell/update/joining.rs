//! An answer put together of several capabilities, which the language model of this device chooses. Each is an entry of
//! its own: what it needs, where words go and what it came to are shown and agreed to as always.

use mtor_shared::{
    capability::{Capability, CapabilityId},
    joining,
    model::{CHAT, ModelId},
};

use super::{Turn, entries_where, routing, sentences, shelf, telling};
use crate::shell::model::{Entry, EntryId, Model, RoutedBy, Shared, Sought, Stage, WaitsFor};

/// A person wants it: the model is loaded first where it has to be.
pub(super) fn begin(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    let Some(entry) = model.entry(id) else { return };
    if entry.part_of.is_some() || !matches!(entry.stage, Stage::Asking | Stage::Unknown) {
        return;
    }
    turn.edit(model, id, |entry| entry.stage = Stage::Routing(WaitsFor::Parts));
    shelf::load(model, turn, &ModelId(CHAT.to_owned()));
    go_on(model, turn);
}

/// Questions that waited for the model go on.
pub(super) fn go_on(model: &mut Model, turn: &mut Turn) {
    let by = ModelId(CHAT.to_owned());
    if !model.shelf.is_loaded(&by) {
        return;
    }
    for id in entries_where(model, |entry| entry.stage == Stage::Routing(WaitsFor::Parts)) {
        if sentences::is_asked(model, &id) {
            continue;
        }
        let Some(entry) = model.entry(&id) else { continue };
        let request = joining::ask(&entry.prompt, &candidates(model, entry));
        match request {
            Some(request) => sentences::ask(model, turn, &id, by.clone(), request, Sought::Parts),
            None => none(model, turn, &id),
        }
    }
}

/// The model does not come: nothing is joined.
pub(super) fn load_failed(model: &mut Model, turn: &mut Turn) {
    for id in entries_where(model, |entry| entry.stage == Stage::Routing(WaitsFor::Parts)) {
        none(model, turn, &id);
    }
}

/// The model has answered.
pub(super) fn read(model: &mut Model, turn: &mut Turn, id: &EntryId, answer: &str) {
    let Some(entry) = model.entry(id).cloned() else { return };
    if entry.stage != Stage::Routing(WaitsFor::Parts) {
        return;
    }
    let chosen = joining::chosen(answer, &candidates(model, &entry));
    if chosen.is_empty() {
        return none(model, turn, id);
    }
    let parts: Vec<(EntryId, CapabilityId)> =
        chosen.into_iter().map(|capability| (fresh(turn), capability)).collect();
    for (part, _) in &parts {
        let mut routing = entry.routing.clone();
        if let Some(routing) = &mut routing {
            routing.by = RoutedBy::LanguageModel;
            routing.confidence = None;
        }
        model.entries.push(Shared::new(Entry {
            routing,
            part_of: Some(id.clone()),
            ..Entry::new(part.clone(), turn.now_ms(), entry.prompt.clone(), Stage::Asking)
        }));
    }
    model.sort_entries();
    turn.edit(model, id, |entry| {
        entry.stage = Stage::Joined(parts.iter().map(|(part, _)| part.clone()).collect());
    });
    for (part, capability) in &parts {
        routing::joined(model, turn, part, capability);
    }
    if let Some((part, _)) = parts.first() {
        // All of them may have been refused already.
        part_changed(model, turn, part);
    }
}

/// A part has changed: when all of them have ended, what they came to is put into words.
pub(super) fn part_changed(model: &mut Model, turn: &mut Turn, part: &EntryId) {
    let Some(whole) = model.entry(part).and_then(|entry| entry.part_of.clone()) else { return };
    let Some(Stage::Joined(parts)) = model.entry(&whole).map(|entry| &entry.stage) else { return };
    if parts.iter().all(|part| model.entry(part).is_none_or(|entry| entry.is_settled())) {
        telling::begin(model, turn, &whole);
    }
}

/// What came nearest to the words first, then what they have nothing in common with: plans before bare calls, of which
/// many are steps of those plans.
fn candidates<'a>(model: &'a Model, entry: &'a Entry) -> Vec<&'a Capability> {
    let Some(catalogue) = &model.catalogue else { return Vec::new() };
    let considered = || entry.routing.iter().flat_map(|routing| &routing.candidates);
    let ranked = considered().filter_map(|known| catalogue.find(&known.capability));
    let is_ranked = |known: &&Capability| considered().any(|ranked| ranked.capability == known.id);
    let rest = |plans: bool| {
        let rest = catalogue.capabilities.iter().filter(move |known| known.plan.is_some() == plans);
        rest.filter(|known| !is_ranked(known))
    };
    joining::candidates(ranked.chain(rest(true)).chain(rest(false)))
}

fn none(model: &mut Model, turn: &mut Turn, id: &EntryId) {
    turn.edit(model, id, |entry| entry.stage = Stage::Unknown);
    turn.say(model, "The model found nothing here to put an answer together from.");
}

/// A name that no other entry has.
fn fresh(turn: &mut Turn) -> EntryId {
    let [a, b, c, d, ..] = turn.stamp.random;
    let salt = u32::from_be_bytes([a, b, c, d]).wrapping_add(turn.drawn.into());
    turn.drawn = turn.drawn.wrapping_add(1);
    EntryId::new(turn.now_ms(), salt)
}
