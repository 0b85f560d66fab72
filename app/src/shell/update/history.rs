//! What is kept on the device, and taking it away again.

use mtor_shared::{identity::DidKey, problem::Problem};

use super::{Turn, entries_where, forms, routing, runs, sentences, telling};
use crate::shell::{
    effect::Effect,
    event::Timer,
    model::{
        Entry, Identity, Model, Removed, SHOWN_AT_FIRST, Settings, Shared, Stage, Step, Storage, WaitsFor,
    },
    place::Place,
};

/// How long something removed can be brought back.
const UNDO_MS: u32 = 12_000;

/// Storage was read: what it held comes before what was asked meanwhile, and what was going on goes on.
pub(super) fn read(
    model: &mut Model,
    turn: &mut Turn,
    entries: Vec<Entry>,
    settings: Settings,
    unreadable: usize,
) {
    model.storage = Storage::Ready { unreadable };
    model.settings = settings;
    model.shown = model.shown.max(SHOWN_AT_FIRST);
    let stored: Vec<_> = entries.into_iter().filter(|entry| model.entry(&entry.id).is_none()).collect();
    let busy: Vec<_> = stored.iter().filter(|entry| entry.is_busy()).map(|entry| entry.id.clone()).collect();
    model.entries.splice(0..0, stored.into_iter().map(Shared::new));
    model.sort_entries();
    for id in busy {
        let Some(entry) = model.entry(&id) else { continue };
        match &entry.stage {
            Stage::Routing(WaitsFor::Catalogue { chosen: Some(_) }) if model.catalogue.is_none() => {}
            Stage::Routing(_) => routing::route(model, turn, &id),
            Stage::Chosen(_, Step::Running { stopping: true, .. }) => {
                turn.edit(model, &id, |entry| {
                    if let Stage::Chosen(_, Step::Running { stopping, .. }) = &mut entry.stage {
                        *stopping = false;
                    }
                });
                runs::stop(model, turn, &id);
            }
            _ => runs::resume(model, turn, &id),
        }
    }
    forms::open_all(model);
    if !model.entries.is_empty() && model.place == Place::Stream {
        turn.push(Effect::ShowNewest);
    }
}

/// Storage does not work: say so once and go on.
pub(super) fn failed(model: &mut Model, turn: &mut Turn, problem: Problem) {
    model.shown = model.shown.max(SHOWN_AT_FIRST);
    if !matches!(model.storage, Storage::Failed(_)) {
        turn.say(model, problem.to_string());
    }
    model.storage = Storage::Failed(problem);
}

pub(super) fn identity(model: &mut Model, result: Result<DidKey, Problem>) {
    model.identity = match result {
        Ok(did) => Identity::Ready(did),
        Err(problem) => Identity::Unavailable(problem),
    };
}

/// Removes entries at once; they can be brought back for a while. What is going on is stopped first.
pub(super) fn remove(model: &mut Model, turn: &mut Turn, goes: impl Fn(&Entry) -> bool) {
    let mut ids = entries_where(model, goes);
    if ids.is_empty() {
        return;
    }
    let count = ids.len();
    // What is a part of one goes with it.
    let parts = entries_where(model, |entry| {
        entry.part_of.as_ref().is_some_and(|whole| ids.contains(whole)) && !ids.contains(&entry.id)
    });
    ids.extend(parts);
    for id in &ids {
        telling::stop(model, turn, id);
        sentences::drop(model, turn, id);
    }
    for id in &ids {
        if let Some(run) = model.entry(id).filter(|entry| entry.is_busy()).and_then(|entry| entry.run()) {
            let run = run.id.clone();
            turn.push(Effect::CloseRun(run.clone()));
            turn.push(Effect::StopRun(run));
        }
    }
    let (gone, kept) =
        std::mem::take(&mut model.entries).into_iter().partition(|entry| ids.contains(&entry.id));
    model.entries = kept;
    model.removals = model.removals.wrapping_add(1);
    model.removed = Some(Removed { token: model.removals, entries: gone });
    turn.ring(UNDO_MS, Timer::Undo { token: model.removals });
    turn.say(
        model,
        if count == 1 { "Removed. It can be undone." } else { "History removed. It can be undone." },
    );
    turn.push(Effect::ForgetEntries(ids));
    turn.push(Effect::FocusPrompt);
}

/// Brings back what was removed last; what was going on then is asked again from where it was.
pub(super) fn undo(model: &mut Model, turn: &mut Turn) {
    let Some(removed) = model.removed.take() else { return };
    for entry in removed.entries {
        turn.push(Effect::KeepEntry(entry.clone()));
        let id = entry.id.clone();
        let (running, routing) = (
            matches!(entry.stage, Stage::Chosen(_, Step::Running { .. })),
            matches!(entry.stage, Stage::Routing(_)),
        );
        model.entries.push(entry);
        if running {
            runs::resume(model, turn, &id);
        } else if routing {
            routing::route(model, turn, &id);
        }
    }
    model.sort_entries();
    turn.say(model, "Brought back.");
    turn.push(Effect::FocusPrompt);
}
