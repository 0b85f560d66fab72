//! Models on this device: fetched when a person asks, loaded again when the engine was lost, deleted with a way back.

use mtor_shared::{
    engine::{Backend, Command, JobId, Presence},
    model::{CHAT, EMBEDDER, Model as Listed, ModelId},
    problem::{Problem, ProblemCode},
};

use super::{Turn, chats, engine, joining, telling};
use crate::shell::{
    effect::Effect,
    event::{ModelAct, Timer},
    model::{EngineState, Model, Progress},
    models::{Brought, Load, Measuring, Persistence, Speed, Survey},
};

/// How long a removed model can be kept.
const UNDO_MS: u32 = 12_000;

pub(super) fn act(model: &mut Model, turn: &mut Turn, act: ModelAct) {
    match act {
        ModelAct::Load(id) => {
            if model.shelf.removed.as_ref().is_some_and(|(_, removed)| *removed == id) {
                model.shelf.removed = None;
            }
            load(model, turn, &id);
        }
        ModelAct::Pause(id) => pause(model, turn, &id),
        ModelAct::Unload(id) => {
            model.shelf.loads.remove(&id);
            model.shelf.wanted.retain(|wanted| *wanted != id);
            turn.push(Effect::TellEngine(Command::Unload { model: id }));
        }
        ModelAct::Remove(id) => remove(model, turn, id),
        ModelAct::Undo => {
            model.shelf.removed = None;
            turn.say(model, "Kept.");
        }
        ModelAct::Measure => measure(model, turn),
        ModelAct::Persist => turn.push(Effect::Persist { asks: true }),
        ModelAct::Bring(name) => bring(model, turn, name),
        ModelAct::DropFile => {
            if let Some(Brought::Reading { job, .. }) = &model.shelf.brought {
                turn.push(Effect::TellEngine(Command::Cancel { job: *job }));
            }
        }
    }
}

/// Has a model loaded, downloaded first as far as it is not stored.
pub(super) fn load(model: &mut Model, turn: &mut Turn, id: &ModelId) {
    if id.0 == EMBEDDER {
        return engine::retry(model, turn);
    }
    let is_lost = matches!(model.engine.state, EngineState::Lost { .. });
    let known = model.shelf.loads.get(id);
    if !is_lost && known.is_some_and(|load| load.is_going() || matches!(load, Load::Loaded { .. })) {
        return;
    }
    model.shelf.loads.insert(id.clone(), Load::Asked);
    if !model.shelf.wanted.contains(id) {
        model.shelf.wanted.push(id.clone());
    }
    match &model.engine.state {
        state if state.device().is_some() => {
            turn.push(Effect::TellEngine(Command::Load { model: id.clone() }));
        }
        EngineState::Lost { .. } => engine::retry(model, turn),
        // It is told as soon as it is there.
        _ => engine::wanted(model, turn),
    }
}

/// Has a model loaded that takes no download, unless it is known not to work.
pub(super) fn load_if_stored(model: &mut Model, turn: &mut Turn, id: &ModelId) {
    let tried = model.shelf.loads.contains_key(id);
    if model.shelf.is_stored(id) && !tried && model.engine.state.device().is_some() {
        load(model, turn, id);
    }
}

fn pause(model: &mut Model, turn: &mut Turn, id: &ModelId) {
    if model.shelf.loads.get(id).is_some_and(Load::is_going) || id.0 == EMBEDDER {
        model.shelf.wanted.retain(|wanted| wanted != id);
        turn.push(Effect::TellEngine(Command::Pause { model: id.clone() }));
    }
}

/// Removes a model: at once for the eye, in fact when it can no longer be kept.
fn remove(model: &mut Model, turn: &mut Turn, id: ModelId) {
    if let Some((_, before)) = model.shelf.removed.take() {
        evict(model, turn, before);
    }
    pause(model, turn, &id);
    model.removals = model.removals.wrapping_add(1);
    model.shelf.removed = Some((model.removals, id));
    turn.ring(UNDO_MS, Timer::ModelGoes { token: model.removals });
    turn.say(model, "Removed. It can be undone.");
}

/// A removed model goes.
pub(super) fn goes(model: &mut Model, turn: &mut Turn, token: u32) {
    if let Some((_, id)) = model.shelf.removed.take_if(|(removal, _)| *removal == token) {
        evict(model, turn, id);
    }
}

fn evict(model: &mut Model, turn: &mut Turn, id: ModelId) {
    model.shelf.loads.remove(&id);
    model.shelf.wanted.retain(|wanted| *wanted != id);
    model.shelf.own.retain(|own| own.id != id);
    if id.0 == EMBEDDER
        && let EngineState::Ready { device, .. } = &model.engine.state
    {
        let title = "The language model was deleted from this device.";
        let advice = "Questions are understood by word match until it is back.";
        let problem = Problem::retryable(ProblemCode::NotFound, title, advice);
        model.engine.state = EngineState::NoModel { device: device.clone(), problem };
    }
    turn.push(Effect::TellEngine(Command::Evict { model: id }));
}

fn bring(model: &mut Model, turn: &mut Turn, name: String) {
    if model.engine.state.device().is_none() {
        let title = format!("{name} is not read, because the engine does not run yet.");
        let problem = Problem::retryable(ProblemCode::DeviceLost, title, "Bring it in again in a moment.");
        model.shelf.brought = Some(Brought::Refused(problem));
        return;
    }
    model.engine.jobs = model.engine.jobs.wrapping_add(1);
    let job = JobId(model.engine.jobs);
    model.shelf.brought = Some(Brought::Reading { name, job, progress: None });
    turn.push(Effect::BringFile(job));
}

/// The engine reads a file.
pub(super) fn importing(model: &mut Model, job: JobId, now: Progress) {
    if let Some(Brought::Reading { job: current, progress, .. }) = &mut model.shelf.brought
        && *current == job
    {
        *progress = Some(now);
    }
}

/// A file is a model from now on.
pub(super) fn imported(model: &mut Model, turn: &mut Turn, listed: Listed, stored: bool) {
    let mut words = format!("{} is on this device now.", listed.title);
    if !stored {
        words = format!("{} is here until this page is left: the browser did not keep it.", listed.title);
    }
    turn.say(model, words.clone());
    model.shelf.brought = Some(Brought::Taken(words));
    model.shelf.own.retain(|own| own.id != listed.id);
    model.shelf.own.push(listed);
}

/// A file is no model.
pub(super) fn not_imported(model: &mut Model, turn: &mut Turn, job: JobId, problem: &Problem) {
    if matches!(&model.shelf.brought, Some(Brought::Reading { job: current, .. }) if *current == job) {
        turn.say(model, problem.to_string());
        model.shelf.brought =
            (problem.code != ProblemCode::Stopped).then(|| Brought::Refused(problem.clone()));
    }
}

fn measure(model: &mut Model, turn: &mut Turn) {
    if model.engine.state.device().is_some() && model.shelf.measuring == Measuring::Resting {
        model.shelf.measuring = Measuring::Running;
        turn.push(Effect::TellEngine(Command::Probe));
    }
}

/// An engine is there: it is asked what it has, and told what was asked for.
pub(super) fn engine_came(model: &mut Model, turn: &mut Turn) {
    turn.push(Effect::TellEngine(Command::Survey));
    for id in model.shelf.wanted.clone() {
        model.shelf.loads.insert(id.clone(), Load::Asked);
        turn.push(Effect::TellEngine(Command::Load { model: id }));
    }
}

/// The engine is gone, and with it everything that was in memory.
pub(super) fn engine_gone(model: &mut Model) {
    model.shelf.measuring = Measuring::Resting;
    model.shelf.loads.retain(|_, load| matches!(load, Load::Paused));
    for id in model.shelf.wanted.clone() {
        model.shelf.loads.insert(id, Load::Asked);
    }
    if matches!(model.shelf.brought, Some(Brought::Reading { .. })) {
        let problem = Problem::retryable(
            ProblemCode::DeviceLost,
            "The engine stopped while the file was being read.",
            "Bring it in again.",
        );
        model.shelf.brought = Some(Brought::Refused(problem));
    }
}

/// A load goes on.
pub(super) fn progressed(model: &mut Model, id: ModelId, load: Load) {
    // What a person paused meanwhile stays paused.
    if !matches!(model.shelf.loads.get(&id), Some(Load::Paused)) {
        model.shelf.loads.insert(id, load);
    }
}

/// A model answers from now on.
pub(super) fn loaded(model: &mut Model, turn: &mut Turn, id: ModelId, load: Load) {
    let downloaded = matches!(&load, Load::Loaded { times, stored: true } if times.download_ms > 0.0);
    model.shelf.loads.insert(id.clone(), load);
    // What took a download is worth keeping.
    if downloaded && id.0 != EMBEDDER && model.shelf.persistence != Persistence::Granted {
        turn.push(Effect::Persist { asks: true });
    }
    if id.0 != EMBEDDER {
        let name = model.shelf.name(&id);
        turn.say(model, format!("{name} is ready."));
    }
    go_on(model, turn);
}

/// Whatever waits for a model that is there goes on.
fn go_on(model: &mut Model, turn: &mut Turn) {
    chats::go_on(model, turn);
    joining::go_on(model, turn);
    telling::go_on(model, turn);
}

/// A load ended without a model.
pub(super) fn load_failed(model: &mut Model, turn: &mut Turn, id: ModelId, problem: Problem) {
    model.shelf.wanted.retain(|wanted| *wanted != id);
    telling::load_failed(model, &id, &problem);
    if id.0 == CHAT {
        joining::load_failed(model, turn);
    }
    let load = if problem.code == ProblemCode::Stopped {
        Load::Paused
    } else {
        turn.say(model, problem.to_string());
        Load::Failed(problem)
    };
    model.shelf.loads.insert(id, load);
}

/// The engine told what it has.
pub(super) fn surveyed(
    model: &mut Model,
    turn: &mut Turn,
    models: Vec<Presence>,
    used_bytes: Option<u64>,
    quota_bytes: Option<u64>,
) {
    let is_first = model.shelf.survey.is_none();
    // What is no longer in memory was taken out for something else.
    model.shelf.loads.retain(|id, load| {
        let in_memory = |presence: &Presence| &presence.model == id && presence.loaded_bytes.is_some();
        !matches!(load, Load::Loaded { .. }) || models.iter().any(in_memory)
    });
    // What was deleted elsewhere is not paused any more.
    let stored =
        |id: &ModelId| models.iter().any(|presence| &presence.model == id && presence.stored_bytes > 0);
    model.shelf.loads.retain(|id, load| *load != Load::Paused || stored(id));
    model.shelf.survey = Some(Survey { models, used_bytes, quota_bytes });
    if is_first {
        turn.push(Effect::Persist { asks: false });
        if let Some(here) = chats::here(model).and_then(|id| model.chats.get(&id)) {
            let wanted = here.manner.model.clone();
            load_if_stored(model, turn, &wanted);
        }
    }
    go_on(model, turn);
}

/// The machine was measured.
pub(super) fn measured(model: &mut Model, turn: &mut Turn, backend: Backend, bytes_per_s: f64) {
    model.shelf.measuring = Measuring::Resting;
    model.settings.speed = Some(Speed { backend, bytes_per_s });
    turn.push(Effect::KeepSettings(model.settings.clone()));
    turn.say(model, "This machine is measured.");
}

/// The browser said whether it keeps what is stored.
pub(super) fn persisted(model: &mut Model, granted: bool) {
    model.shelf.persistence = if granted { Persistence::Granted } else { Persistence::Refused };
}
