//! The line that a person types into.

use mtor_shared::intent::Intent;

use super::{Turn, chats, places, routing, runs, telling};
use crate::shell::{
    effect::Effect,
    model::{Entry, EntryId, Model, Shared, Stage, WaitsFor},
};

pub(super) fn typed(model: &mut Model, turn: &mut Turn, text: String) {
    if let Some(id) = chats::here(model) {
        return chats::typed(model, turn, id, text);
    }
    model.prompt.notice = None;
    model.prompt.recalled = None;
    set(model, turn, text);
}

pub(super) fn submitted(model: &mut Model, turn: &mut Turn) {
    if let Some(id) = chats::here(model) {
        return chats::submitted(model, turn, &id);
    }
    match Intent::text(&model.prompt.text) {
        Ok(intent) => {
            set(model, turn, String::new());
            ask(model, turn, intent.words().to_owned());
        }
        Err(error) => {
            let words = error.to_string();
            turn.say(model, words.clone());
            model.prompt.notice = Some(words);
        }
    }
    turn.push(Effect::FocusPrompt);
}

/// What is in the prompt stays there.
pub(super) fn suggested(model: &mut Model, turn: &mut Turn, text: &str) {
    if let Ok(intent) = Intent::text(text) {
        ask(model, turn, intent.words().to_owned());
        turn.push(Effect::FocusPrompt);
    }
}

pub(super) fn escaped(model: &mut Model, turn: &mut Turn) {
    if let Some(id) = chats::here(model) {
        return chats::stop(model, turn, &id);
    }
    let told = model.entries.iter().rev().find_map(|entry| match &entry.stage {
        Stage::Told(id) if model.chats.get(id).is_some_and(|known| known.is_open()) => Some(id.clone()),
        _ => None,
    });
    if let Some(id) = told {
        return chats::stop(model, turn, &id);
    }
    if let Some(id) = model.tellings.last().map(|telling| telling.entry.clone()) {
        return telling::stop(model, turn, &id);
    }
    match model.entries.iter().rev().find(|entry| entry.is_busy()).map(|entry| entry.id.clone()) {
        Some(id) => runs::stop(model, turn, &id),
        None => {
            model.prompt.notice = None;
            model.prompt.recalled = None;
            set(model, turn, String::new());
        }
    }
}

/// Steps back (`1`) or forward (`-1`) through earlier prompts; beyond the newest the prompt is empty.
pub(super) fn recalled(model: &mut Model, turn: &mut Turn, step: isize) {
    if chats::here(model).is_some() {
        return;
    }
    let mut earlier: Vec<&str> = model
        .entries
        .iter()
        .rev()
        .filter(|entry| entry.part_of.is_none())
        .map(|entry| entry.prompt.as_str())
        .collect();
    earlier.dedup();
    let at = match (model.prompt.recalled, step) {
        (None, 1) => Some(0),
        (Some(at), step) => at.checked_add_signed(step),
        (None, _) => return,
    };
    match at {
        Some(at) => {
            let Some(text) = earlier.get(at).map(|text| (*text).to_owned()) else { return };
            set(model, turn, text);
            model.prompt.recalled = Some(at);
        }
        None => {
            set(model, turn, String::new());
            model.prompt.recalled = None;
        }
    }
    turn.push(Effect::FocusPrompt);
}

fn set(model: &mut Model, turn: &mut Turn, text: String) {
    model.prompt.text = text;
    turn.push(Effect::KeepDraft(model.prompt.text.clone()));
}

fn ask(model: &mut Model, turn: &mut Turn, words: String) {
    model.prompt.notice = None;
    model.prompt.recalled = None;
    let [a, b, c, d, ..] = turn.stamp.random;
    let id = EntryId::new(turn.now_ms(), u32::from_be_bytes([a, b, c, d]));
    let stage = Stage::Routing(WaitsFor::Catalogue { chosen: None });
    model.entries.push(Shared::new(Entry::new(id.clone(), turn.now_ms(), words, stage)));
    routing::route(model, turn, &id);
    places::to_stream(model, turn);
    turn.push(Effect::ShowNewest);
}
