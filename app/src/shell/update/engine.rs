//! The inference worker: started when the page is at rest, started again when it is lost, given up in the end.

use mtor_shared::{
    engine::{BackendPreference, Command, Event},
    model::{EMBEDDER, ModelId},
    problem::ProblemCode,
};

use super::{Turn, back_off_ms, chats, realm, routing, sentences, shelf, telling};
use crate::shell::{
    effect::Effect,
    event::Timer,
    model::{Device, EngineState, Model, Progress},
    models::Load,
};

/// After that many losses in a row only the CPU is asked for.
const LOSSES_BEFORE_CPU: u32 = 2;
/// After that many losses in a row a person has to ask.
const LOSSES_BEFORE_GIVING_UP: u32 = 4;

/// Starts the first worker.
pub(super) fn wanted(model: &mut Model, turn: &mut Turn) {
    if model.engine.state == EngineState::Resting {
        start(model, turn);
    }
}

fn start(model: &mut Model, turn: &mut Turn) {
    let engine = &mut model.engine;
    engine.generation = engine.generation.wrapping_add(1);
    engine.state = EngineState::Starting;
    let preference =
        if engine.losses >= LOSSES_BEFORE_CPU { BackendPreference::Cpu } else { engine.preference };
    turn.push(Effect::StartEngine { generation: engine.generation, start: Command::Start { preference } });
}

/// A person wants it tried again.
pub(super) fn retry(model: &mut Model, turn: &mut Turn) {
    match &model.engine.state {
        EngineState::NoModel { device, .. } => {
            model.engine.state = EngineState::Loading { device: device.clone(), progress: None };
            load(turn);
        }
        EngineState::Lost { .. } => {
            model.engine.losses = 0;
            start(model, turn);
        }
        EngineState::Resting
        | EngineState::Starting
        | EngineState::Loading { .. }
        | EngineState::Ready { .. } => {}
    }
}

fn load(turn: &mut Turn) {
    turn.push(Effect::TellEngine(Command::Load { model: ModelId(EMBEDDER.to_owned()) }));
}

/// A worker said something.
pub(super) fn event(model: &mut Model, turn: &mut Turn, generation: u32, event: Event) {
    if generation != model.engine.generation {
        return;
    }
    match event {
        Event::Ready { backend, adapter, reason } => {
            let device = Device { backend, adapter, reason };
            model.engine.state = EngineState::Loading { device, progress: None };
            load(turn);
            shelf::engine_came(model, turn);
        }
        Event::Progress { model: id, phase, done_bytes, total_bytes, bytes_per_s, seconds_left } => {
            let now = Progress { phase, done_bytes, total_bytes, bytes_per_s, seconds_left };
            if let EngineState::Loading { progress, .. } = &mut model.engine.state
                && id.0 == EMBEDDER
            {
                *progress = Some(now);
            }
            shelf::progressed(model, id, Load::Going(now));
        }
        Event::Loaded { model: id, times, stored } => {
            shelf::loaded(model, turn, id.clone(), Load::Loaded { times, stored });
            if id.0 == EMBEDDER
                && let Some(device) = model.engine.state.device().cloned()
            {
                model.engine.losses = 0;
                model.engine.state = EngineState::Ready { device, times, stored };
                realm::fetch_vectors(model, turn);
            }
        }
        Event::LoadFailed { model: id, problem } => {
            if id.0 == EMBEDDER
                && let Some(device) = model.engine.state.device().cloned()
            {
                model.engine.state = EngineState::NoModel { device, problem: problem.clone() };
                let is_paused = problem.code == ProblemCode::Stopped;
                model.shelf.loads.insert(id, if is_paused { Load::Paused } else { Load::Failed(problem) });
            } else {
                shelf::load_failed(model, turn, id, problem);
            }
        }
        Event::Waiting { model: id } => shelf::progressed(model, id, Load::Elsewhere),
        Event::Surveyed { models, used_bytes, quota_bytes } => {
            shelf::surveyed(model, turn, models, used_bytes, quota_bytes);
        }
        Event::Importing { job, phase, done_bytes, total_bytes } => {
            let now = Progress { phase, done_bytes, total_bytes, bytes_per_s: None, seconds_left: None };
            shelf::importing(model, job, now);
        }
        Event::Imported { model: listed, stored, .. } => shelf::imported(model, turn, listed, stored),
        Event::Own { models } => model.shelf.own = models,
        Event::Probed { backend, bytes_per_s } => shelf::measured(model, turn, backend, bytes_per_s),
        Event::Reading { job, done, total } => chats::reading(model, job, done, total),
        Event::Token { job, text } => {
            sentences::token(model, job, &text);
            telling::token(model, job, &text);
            chats::token(model, turn, job, &text);
        }
        Event::Generated { job, answer } => {
            sentences::generated(model, turn, job, &answer);
            telling::generated(model, turn, job, &answer);
            chats::generated(model, turn, job, answer);
        }
        Event::Embedded { job, vectors, elapsed_ms, backend } => {
            routing::embedded(model, turn, job, &vectors, elapsed_ms, backend);
        }
        Event::JobFailed { job, problem } => {
            routing::not_embedded(model, turn, job);
            shelf::not_imported(model, turn, job, &problem);
            sentences::failed(model, turn, job);
            telling::failed(model, turn, job, &problem);
            chats::failed(model, turn, job, problem);
        }
        Event::Lost { problem } => {
            turn.push(Effect::EndEngine);
            let losses = model.engine.losses.saturating_add(1);
            model.engine.losses = losses;
            let restart_at_ms = (losses < LOSSES_BEFORE_GIVING_UP).then(|| {
                let after_ms = back_off_ms(losses);
                turn.ring(after_ms, Timer::Engine { generation });
                turn.now_ms() + u64::from(after_ms)
            });
            model.engine.state = EngineState::Lost { problem, restart_at_ms };
            routing::engine_gone(model, turn);
            shelf::engine_gone(model);
            sentences::engine_gone(model);
            telling::engine_gone(model);
            chats::engine_gone(model, turn);
        }
    }
}

/// It is time for another worker.
pub(super) fn rang(model: &mut Model, turn: &mut Turn, generation: u32) {
    if generation == model.engine.generation
        && matches!(model.engine.state, EngineState::Lost { restart_at_ms: Some(_), .. })
    {
        start(model, turn);
    }
}
