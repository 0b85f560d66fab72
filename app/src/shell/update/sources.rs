//! Sources: added, watched while they are fetched and compiled, enabled, changed, removed.

use mtor_shared::{
    capability::CapabilityId,
    problem::{Problem, ProblemCode},
    source::{AddSource, ChangeSource, Origin, Source, SourceId, Stage},
};

use super::{Turn, operations, places, realm};
use crate::shell::{
    effect::Effect,
    event::Timer,
    federation::{Answer, Call},
    model::{Model, Shared},
    place::{Place, Room, halves},
    view::federation::{Pasted, pasted},
};

/// How long a removed source can be brought back.
const UNDO_MS: u32 = 12_000;
/// How long until progress is listened to again after its connection broke.
const WATCH_AGAIN_MS: u32 = 2_000;
/// Descriptions longer than this are not kept over a reload: the browser has no room for them.
const KEPT_BYTES: usize = 1 << 20;

pub(super) fn typed(model: &mut Model, turn: &mut Turn, text: String) {
    let draft = &mut model.federation.draft;
    draft.problem = None;
    draft.text = text;
    keep_draft(model, turn);
}

fn keep_draft(model: &Model, turn: &mut Turn) {
    let text = &model.federation.draft.text;
    let kept = if text.len() <= KEPT_BYTES { text.clone() } else { String::new() };
    turn.push(Effect::KeepDescription(kept));
}

/// Adds what was typed or pasted.
pub(super) fn add(model: &mut Model, turn: &mut Turn) {
    let draft = &model.federation.draft;
    let from = match pasted(&draft.text) {
        Pasted::Nothing => {
            let title = "There is nothing to add yet.";
            let advice = "Give an address, paste a description, or drop a file.";
            return refused(model, turn, Problem::new(ProblemCode::BadRequest, title, advice));
        }
        Pasted::Address(url) => Origin::Url { url },
        Pasted::Description(_) => Origin::Text { text: draft.text.clone(), name: None },
    };
    let sent = draft.text.clone();
    model.federation.draft.sent = Some(sent);
    send(model, turn, from);
}

/// Adds a file.
pub(super) fn dropped(model: &mut Model, turn: &mut Turn, name: String, text: String) {
    if text.trim().is_empty() {
        let problem =
            Problem::new(ProblemCode::BadRequest, format!("{name} is empty."), "Choose another file.");
        return refused(model, turn, problem);
    }
    send(model, turn, Origin::Text { text, name: Some(name) });
}

fn send(model: &mut Model, turn: &mut Turn, from: Origin) {
    let draft = &mut model.federation.draft;
    draft.problem = None;
    draft.on_the_way += 1;
    let endpoint = Some(draft.endpoint.trim().to_owned()).filter(|endpoint| !endpoint.is_empty());
    turn.push(Effect::Call(Call::Add(AddSource { id: None, from, endpoint })));
}

/// What was to be added is not.
pub(super) fn refused(model: &mut Model, turn: &mut Turn, problem: Problem) {
    turn.say(model, problem.to_string());
    model.federation.draft.problem = Some(problem);
}

/// The realm took a source, or did not.
pub(super) fn added(model: &mut Model, turn: &mut Turn, result: Result<Answer, Problem>) {
    let draft = &mut model.federation.draft;
    draft.on_the_way = draft.on_the_way.saturating_sub(1);
    let sent = draft.sent.take();
    match result {
        Ok(Answer::Source(source)) => {
            if sent.as_ref() == Some(&draft.text) {
                draft.text.clear();
                draft.endpoint.clear();
                keep_draft(model, turn);
            }
            let id = source.id.clone();
            told(model, turn, *source);
            if model.place.room() == Room::Federation {
                places::go(model, turn, Place::source(&id), true);
                operations::look(model, turn, Some(id), String::new());
            }
        }
        Ok(_) => {}
        Err(problem) => refused(model, turn, problem),
    }
}

/// Every source, or why the realm does not say.
pub(super) fn listed(model: &mut Model, turn: &mut Turn, result: Result<Answer, Problem>) {
    match result {
        Ok(Answer::Sources(sources)) => {
            model.federation.trouble = None;
            let before = model.federation.sources.take();
            let offered = |sources: &[Source]| -> Vec<_> { sources.iter().filter_map(offer).collect() };
            if before.as_ref().is_some_and(|before| offered(before) != offered(&sources)) {
                realm::ask(model, turn);
            }
            model.federation.sources =
                Some(before.filter(|before| **before == sources).unwrap_or_else(|| Shared::new(sources)));
            watch_all(model, turn);
        }
        Ok(_) => {}
        Err(problem) => model.federation.trouble = Some(problem),
    }
}

/// What a source adds to the catalogue, as far as a list of sources shows it.
fn offer(source: &Source) -> Option<String> {
    source.enabled.then(|| {
        let Source { id, sha256, disabled, overlay, endpoint, capabilities, .. } = source;
        format!("{id} {sha256} {disabled:?} {overlay:?} {endpoint:?} {capabilities}")
    })
}

/// A source as it is now.
pub(super) fn told(model: &mut Model, turn: &mut Turn, source: Source) {
    let sources = model.federation.sources.get_or_insert_default();
    let at = sources.iter().position(|known| known.id == source.id);
    let before = at.map(|at| sources[at].clone());
    if before.as_ref() == Some(&source) {
        return;
    }
    match at {
        Some(at) => sources.edit()[at] = source.clone(),
        None => sources.edit().push(source.clone()),
    }
    if before.as_ref().and_then(offer) != offer(&source) {
        realm::ask(model, turn);
    }
    let was_at_work = before.as_ref().is_none_or(is_at_work);
    if is_at_work(&source) {
        watch(model, turn, &source.id);
    } else {
        if was_at_work {
            turn.say(model, settled_words(&source));
        }
        // What can be called may be something else now.
        if model.place.of_source().as_ref() == Some(&source.id) {
            operations::source_changed(model, turn, &source.id);
        }
    }
}

fn settled_words(source: &Source) -> String {
    let title = &source.title;
    match &source.stage {
        Stage::Failed { problem } => format!("{title}: {problem}"),
        Stage::Changed { .. } => format!("{title} has changed. Look at the difference and agree to it."),
        Stage::Preview => {
            format!("{title}: {} operations can be called. Enable it to use them.", source.capabilities)
        }
        Stage::Enabled => format!("{title} is enabled."),
        _ => format!("{title} is disabled."),
    }
}

/// Whether it is being fetched or compiled.
fn is_at_work(source: &Source) -> bool {
    matches!(source.stage, Stage::Fetching { .. } | Stage::Compiling { .. })
}

/// Listens to every source that something goes on with.
pub(super) fn watch_all(model: &mut Model, turn: &mut Turn) {
    let sources = model.federation.sources.iter().flat_map(|sources| sources.iter());
    let ids: Vec<_> = sources.filter(|source| is_at_work(source)).map(|source| source.id.clone()).collect();
    for id in ids {
        watch(model, turn, &id);
    }
}

/// Listens to a source, if something goes on with it.
pub(super) fn watch(model: &mut Model, turn: &mut Turn, id: &SourceId) {
    let works = model.federation.source(id).is_some_and(is_at_work);
    if works && !model.federation.watched.contains(id) {
        model.federation.watched.push(id.clone());
        turn.push(Effect::WatchSource(id.clone()));
    }
}

/// Its progress is told no more: hear how it stands, and listen again where it is not settled.
pub(super) fn progress_ended(model: &mut Model, turn: &mut Turn, id: &SourceId) {
    model.federation.watched.retain(|watched| watched != id);
    turn.push(Effect::Call(Call::Source(id.clone())));
    if model.federation.source(id).is_some_and(is_at_work) {
        turn.ring(WATCH_AGAIN_MS, Timer::Watch(id.clone()));
    }
}

/// The realm answered to a change of a source, or to a question about it.
pub(super) fn changed(model: &mut Model, turn: &mut Turn, id: &SourceId, result: Result<Answer, Problem>) {
    model.federation.busy.retain(|busy| busy != id);
    match result {
        Ok(Answer::Source(source)) => {
            model.federation.refuse(id, None);
            told(model, turn, *source);
        }
        Ok(_) => turn.push(Effect::Call(Call::Source(id.clone()))),
        Err(problem) if problem.code == ProblemCode::NotFound && problem_is_about(model, id) => {
            forget(model, id)
        }
        Err(problem) => {
            turn.say(model, problem.to_string());
            model.federation.refuse(id, Some(problem));
        }
    }
}

fn problem_is_about(model: &Model, id: &SourceId) -> bool {
    model.federation.source(id).is_some()
}

fn change(model: &mut Model, turn: &mut Turn, id: SourceId, change: ChangeSource) {
    model.federation.refuse(&id, None);
    model.federation.busy.push(id.clone());
    turn.push(Effect::Call(Call::Change(id, change)));
}

pub(super) fn enable(model: &mut Model, turn: &mut Turn, id: SourceId, enabled: bool) {
    change(model, turn, id, ChangeSource { enabled: Some(enabled), ..ChangeSource::default() });
}

pub(super) fn accept(model: &mut Model, turn: &mut Turn, id: SourceId, sha256: String) {
    change(model, turn, id, ChangeSource { accept: Some(sha256), ..ChangeSource::default() });
}

pub(super) fn schedule(model: &mut Model, turn: &mut Turn, id: SourceId, rescan_s: u32) {
    change(model, turn, id, ChangeSource { rescan_s: Some(rescan_s), ..ChangeSource::default() });
}

pub(super) fn overlay(model: &mut Model, turn: &mut Turn, id: SourceId, text: String) {
    change(model, turn, id, ChangeSource { overlay: Some(text), ..ChangeSource::default() });
}

pub(super) fn endpoint(model: &mut Model, turn: &mut Turn, id: SourceId, text: String) {
    change(
        model,
        turn,
        id,
        ChangeSource { endpoint: Some(text.trim().to_owned()), ..ChangeSource::default() },
    );
}

pub(super) fn single(model: &mut Model, turn: &mut Turn, id: CapabilityId, enabled: bool) {
    let source = SourceId(halves(&id).0.to_owned());
    let operations = [(id, enabled)].into_iter().collect();
    change(model, turn, source, ChangeSource { operations, ..ChangeSource::default() });
}

/// Removes a source: one that something goes on with at once, any other after a while in which it can be brought back.
pub(super) fn remove(model: &mut Model, turn: &mut Turn, id: SourceId) {
    let Some(source) = model.federation.source(&id) else { return };
    let (title, at_work) = (source.title.clone(), is_at_work(source));
    if model.place.of_source().as_ref() == Some(&id) {
        places::go(model, turn, Place::federation(), false);
    }
    if at_work {
        forget(model, &id);
        turn.push(Effect::UnwatchSource(id.clone()));
        turn.push(Effect::Call(Call::Delete(id)));
        return turn.say(model, "Stopped and removed.");
    }
    if let Some((_, earlier)) = model.federation.removed.take() {
        delete(model, turn, earlier);
    }
    model.removals = model.removals.wrapping_add(1);
    model.federation.removed = Some((model.removals, id));
    turn.ring(UNDO_MS, Timer::SourceGoes { token: model.removals });
    turn.say(model, format!("{title} removed. It can be undone."));
}

/// It can no longer be brought back.
pub(super) fn goes(model: &mut Model, turn: &mut Turn, token: u32) {
    if let Some((_, id)) = model.federation.removed.take_if(|(current, _)| *current == token) {
        delete(model, turn, id);
    }
}

fn delete(model: &mut Model, turn: &mut Turn, id: SourceId) {
    forget(model, &id);
    turn.push(Effect::Call(Call::Delete(id)));
}

fn forget(model: &mut Model, id: &SourceId) {
    model.federation.watched.retain(|watched| watched != id);
    if let Some(sources) = &mut model.federation.sources {
        sources.edit().retain(|source| &source.id != id);
    }
}

/// Brings back what was removed last.
pub(super) fn undo(model: &mut Model, turn: &mut Turn) {
    if model.federation.removed.take().is_some() {
        turn.say(model, "Brought back.");
    }
}

/// The realm removed it, or did not.
pub(super) fn deleted(model: &mut Model, turn: &mut Turn, id: &SourceId, result: Result<Answer, Problem>) {
    if let Err(problem) = result
        && problem.code != ProblemCode::NotFound
    {
        turn.say(model, problem.to_string());
        model.federation.refuse(id, Some(problem));
    }
    turn.push(Effect::Call(Call::Sources));
    realm::ask(model, turn);
}
