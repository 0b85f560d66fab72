//! Arguments that the language model reads out of a sentence.

use mtor_shared::{
    engine::Command,
    generation::{Answer, End},
};

use super::{chatting::usage, *};

/// A question that no example fills, with the form that it is answered by; the job that reads it.
fn asked() -> (Desk, JobId) {
    let mut desk = Desk::chatting();
    desk.does(Event::Moved("/".into()));
    desk.asks("something about tartu");
    let vector = EngineEvent::Embedded {
        job: desk
            .model
            .entries
            .last()
            .and_then(|entry| match &entry.stage {
                Stage::Routing(crate::shell::model::WaitsFor::Embedding { job }) => Some(*job),
                _ => None,
            })
            .expect("an embedding"),
        vectors: vec![vec![0.0, 0.0, 1.0]],
        elapsed_ms: 1.0,
        backend: Backend::Cpu,
    };
    desk.engine(vector);
    let effects = desk.person(Person::Picked(desk.id(), "meteo/forecast".into()));
    let job = effects.iter().find_map(|effect| match effect {
        Effect::TellEngine(Command::Generate { job, request, .. }) => {
            assert_eq!(request.schema.as_ref().expect("a schema")["required"], json!(["place"]));
            Some(*job)
        }
        _ => None,
    });
    (desk, job.expect("a question to the model"))
}

fn answers(desk: &mut Desk, job: JobId, text: &str) {
    let (first, rest) = text.split_at(text.len() / 2);
    desk.engine(EngineEvent::Token { job, text: first.into() });
    let answer = Answer { text: rest.into(), end: End::Complete, usage: usage() };
    desk.engine(EngineEvent::Generated { job, answer });
}

fn place(desk: &Desk) -> Option<String> {
    match &desk.last().stage {
        Stage::Chosen(choice, Step::Missing) => {
            choice.args.get("place").and_then(|place| place.as_str()).map(str::to_owned)
        }
        other => panic!("a form, not {other:?}"),
    }
}

#[test]
fn what_the_sentence_bears_out_goes_into_the_form() {
    let (mut desk, job) = asked();
    assert_eq!(place(&desk), None);
    answers(&mut desk, job, r#"{"place": "tartu"}"#);
    assert_eq!(place(&desk).as_deref(), Some("tartu"));
    assert!(desk.model.form(&desk.id()).is_some());
}

#[test]
fn what_the_model_makes_up_stays_out() {
    let (mut desk, job) = asked();
    answers(&mut desk, job, r#"{"place": "Lisbon"}"#);
    assert_eq!(place(&desk), None);
}

#[test]
fn what_a_person_has_put_in_meanwhile_stays() {
    let (mut desk, job) = asked();
    let change = Change::Typed("Riga".into());
    desk.person(Person::Form(FormOf::Entry(desk.id()), vec![0], change));
    assert_eq!(place(&desk).as_deref(), Some("Riga"));
    answers(&mut desk, job, r#"{"place": "tartu"}"#);
    assert_eq!(place(&desk).as_deref(), Some("Riga"));
}
