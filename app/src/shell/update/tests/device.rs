use mtor_shared::engine::{BackendPreference, Command};

use super::*;
use crate::shell::model::{EngineState, RoutedBy, WaitsFor};

fn by(desk: &Desk) -> RoutedBy {
    desk.last().routing.as_ref().expect("routed").by
}

fn embedded(job: JobId, vector: [f32; 3]) -> EngineEvent {
    EngineEvent::Embedded { job, vectors: vec![vector.to_vec()], elapsed_ms: 20.0, backend: Backend::Cpu }
}

#[test]
fn words_alone_answer_while_the_model_is_on_its_way() {
    let mut desk = Desk::trusting();
    desk.does(Event::Idle);
    desk.engine(EngineEvent::Ready { backend: Backend::Gpu, adapter: None, reason: String::new() });
    asked_for(&desk.asks("what's the weather in Lisbon"));
    assert_eq!(by(&desk), RoutedBy::WordMatch);
}

#[test]
fn the_model_understands_once_it_is_there() {
    let mut desk = Desk::with_model();
    let effects = desk.asks("will I need an umbrella in Lisbon");
    let job = embedding(&effects).expect("a job");
    assert_eq!(desk.last().stage, Stage::Routing(WaitsFor::Embedding { job }));
    desk.engine(embedded(job, [0.98, 0.1, 0.1]));
    assert_eq!(by(&desk), RoutedBy::Model { backend: Backend::Cpu, elapsed_ms: 20.0 });
    assert!(
        matches!(&desk.last().stage, Stage::Chosen(choice, _) if choice.capability.0 == "meteo/forecast")
    );
}

#[test]
fn a_slow_model_does_not_hold_up_what_words_are_sure_of() {
    let mut desk = Desk::with_model();
    let effects = desk.asks("what's the weather in Lisbon");
    let job = embedding(&effects).expect("a job");
    let timer = Timer::Embedding { entry: desk.id(), job, last: false };
    assert!(effects.contains(&Effect::Ring { after_ms: 1500, timer: timer.clone() }));
    asked_for(&desk.does(Event::Rang(timer)));
    assert_eq!(by(&desk), RoutedBy::WordMatch);
    let before = desk.last().clone();
    desk.engine(embedded(job, [0.0, 1.0, 0.0]));
    assert_eq!(desk.last(), &before, "the late vector changes nothing");
}

#[test]
fn words_that_are_not_sure_wait_longer_and_not_for_ever() {
    let mut desk = Desk::with_model();
    let job = embedding(&desk.asks("umbrella or not")).expect("a job");
    let timer = |desk: &Desk, last| Event::Rang(Timer::Embedding { entry: desk.id(), job, last });
    desk.does(timer(&desk, false));
    assert!(desk.last().is_busy());
    desk.does(timer(&desk, true));
    assert!(!desk.last().is_busy());
}

#[test]
fn a_failed_job_and_a_lost_worker_leave_it_to_the_words() {
    let problem = Problem::new(ProblemCode::DeviceLost, "Gone.", "");
    let mut desk = Desk::with_model();
    let job = embedding(&desk.asks("what's the weather in Lisbon")).expect("a job");
    asked_for(&desk.engine(EngineEvent::JobFailed { job, problem: problem.clone() }));

    let mut desk = Desk::with_model();
    desk.asks("what's the weather in Lisbon");
    asked_for(&desk.engine(EngineEvent::Lost { problem }));
}

#[test]
fn a_lost_worker_is_started_again_then_on_the_cpu_then_given_up() {
    let mut desk = Desk::online();
    desk.does(Event::Idle);
    let mut preferences = Vec::new();
    loop {
        let generation = desk.model.engine.generation;
        desk.engine(EngineEvent::Lost { problem: Problem::new(ProblemCode::DeviceLost, "Gone.", "") });
        let effects = desk.does(Event::Rang(Timer::Engine { generation }));
        let started = effects.iter().find_map(|effect| match effect {
            Effect::StartEngine { start: Command::Start { preference }, .. } => Some(*preference),
            _ => None,
        });
        match (started, &desk.model.engine.state) {
            (Some(preference), _) if preferences.len() < 3 => preferences.push(preference),
            (_, EngineState::Lost { restart_at_ms: None, .. }) => break,
            other => panic!("ends after three more workers, not with {other:?}"),
        }
    }
    assert_eq!(preferences, [BackendPreference::Auto, BackendPreference::Cpu, BackendPreference::Cpu]);
    desk.person(Person::RetryEngine);
    assert_eq!(desk.model.engine.state, EngineState::Starting);
}

#[test]
fn an_earlier_worker_is_not_listened_to() {
    let mut desk = Desk::online();
    desk.does(Event::Idle);
    desk.engine(EngineEvent::Lost { problem: Problem::new(ProblemCode::DeviceLost, "Gone.", "") });
    desk.does(Event::Rang(Timer::Engine { generation: 1 }));
    desk.does(Event::Engine {
        generation: 1,
        event: EngineEvent::Ready { backend: Backend::Gpu, adapter: None, reason: String::new() },
    });
    assert_eq!(desk.model.engine.state, EngineState::Starting);
}

#[test]
fn vectors_are_fetched_when_model_and_catalogue_are_both_there() {
    let mut desk = Desk::opened();
    desk.does(Event::Idle);
    desk.engine(EngineEvent::Ready { backend: Backend::Cpu, adapter: None, reason: String::new() });
    let loaded = EngineEvent::Loaded { model: embedder(), times: LoadTimes::default(), stored: true };
    assert!(!desk.engine(loaded).contains(&Effect::FetchVectors));
    assert!(desk.realm_answers().contains(&Effect::FetchVectors));
}

#[test]
fn vectors_that_are_still_computed_are_asked_for_again() {
    let mut desk = Desk::with_model();
    desk.model.vectors = None;
    let problem = |retryable| Problem { retryable, ..Problem::new(ProblemCode::Unsupported, "Not yet.", "") };
    let effects = desk.does(Event::Realm(RealmEvent::Vectors(Err(problem(true)))));
    assert!(effects.contains(&Effect::Ring { after_ms: 3000, timer: Timer::Vectors }));
    assert!(desk.does(Event::Rang(Timer::Vectors)).contains(&Effect::FetchVectors));
    assert_eq!(desk.does(Event::Realm(RealmEvent::Vectors(Err(problem(false))))), []);
}
