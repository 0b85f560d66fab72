//! Answers put together by a model on this device, and results in words.

use mtor_shared::{
    engine::Command,
    generation::{Answer, End, Prompt, Request},
};

use super::{
    chatting::{chat_model, usage},
    *,
};
use crate::shell::{
    model::{RoutedBy, TellingState, WaitsFor},
    view::words::{WordsView, words},
};

/// What the engine is asked to write, with the job.
fn generated(effects: &[Effect]) -> Option<(JobId, Request)> {
    effects.iter().find_map(|effect| match effect {
        Effect::TellEngine(Command::Generate { job, request, .. }) => Some((*job, request.clone())),
        _ => None,
    })
}

fn prompt_of(request: &Request) -> String {
    match &request.prompt {
        Prompt::Messages { messages } => messages.iter().map(|message| message.content.as_str()).collect(),
        other => panic!("{other:?}"),
    }
}

impl Desk {
    fn writes(&mut self, job: JobId, text: &str) -> Vec<Effect> {
        let (first, rest) = text.split_at(text.len() / 2);
        self.engine(EngineEvent::Token { job, text: first.into() });
        let answer = Answer { text: rest.into(), end: End::Complete, usage: usage() };
        self.engine(EngineEvent::Generated { job, answer })
    }

    /// A question whose result is there.
    fn answered() -> (Self, EntryId) {
        let mut desk = Self::chatting();
        desk.does(Event::Moved(String::new()));
        desk.model.vectors = None;
        desk.asks("what's the weather in Lisbon");
        let id = desk.id();
        desk.finishes(&id);
        (desk, id)
    }

    /// Fills the form of an entry in where there is one, and has its run end well.
    fn finishes(&mut self, id: &EntryId) -> Vec<Effect> {
        if matches!(self.model.entry(id).expect("there").stage, Stage::Chosen(_, Step::Missing)) {
            let of = FormOf::Entry(id.clone());
            self.person(Person::Form(of.clone(), vec![0], Change::Typed("Lisbon".into())));
            self.person(Person::FormDone(of));
        }
        let run = self.model.entry(id).expect("there").run().expect("a run").id.clone();
        let mut effects = vec![];
        for (seq, body) in (0..).zip([started(), output(), finished()]) {
            let news = RunNews::Chunk(Box::new(Chunk { run: run.clone(), seq, body }));
            effects = self.does(Event::Run { run: run.clone(), connection: 0, news });
        }
        effects
    }
}

#[test]
fn a_result_is_put_into_words_from_its_data_and_the_data_stays() {
    let (mut desk, id) = Desk::answered();
    assert!(matches!(words(&desk.model, &id), Some(WordsView::Offer(None))));
    let effects = desk.person(Person::Tell(id.clone()));
    let (job, request) = generated(&effects).expect("the model is asked");
    assert!(prompt_of(&request).contains("<data>"), "{request:?}");
    desk.engine(EngineEvent::Token { job, text: "It is ".into() });
    assert_eq!(words(&desk.model, &id), Some(WordsView::Writing("It is ".into())));
    let answer = Answer { text: "mild.".into(), end: End::Complete, usage: usage() };
    let effects = desk.engine(EngineEvent::Generated { job, answer });
    let entry = desk.model.entry(&id).expect("there").clone();
    assert_eq!(entry.words.as_ref().map(|words| words.text.as_str()), Some("It is mild."));
    assert!(effects.contains(&Effect::KeepEntry(entry.clone())), "it is kept");
    assert!(entry.run().and_then(|run| run.result()).is_some(), "the data is still there");
    assert!(desk.model.tellings.is_empty());
}

#[test]
fn words_can_be_declined_and_a_failure_is_said() {
    let (mut desk, id) = Desk::answered();
    let (job, _) = generated(&desk.person(Person::Tell(id.clone()))).expect("asked");
    let effects = desk.person(Person::StopTelling(id.clone()));
    assert!(effects.contains(&Effect::TellEngine(Command::Cancel { job })));
    desk.writes(job, "Too late.");
    assert!(
        matches!(words(&desk.model, &id), Some(WordsView::Offer(_))),
        "what was declined does not come back"
    );

    let (job, _) = generated(&desk.person(Person::Tell(id.clone()))).expect("asked");
    let problem = Problem::new(ProblemCode::TooLarge, "It is too long.", "");
    desk.engine(EngineEvent::JobFailed { job, problem: problem.clone() });
    assert_eq!(words(&desk.model, &id), Some(WordsView::Failed(problem)));
}

#[test]
fn a_lost_engine_is_asked_for_the_words_again() {
    let (mut desk, id) = Desk::answered();
    generated(&desk.person(Person::Tell(id.clone()))).expect("asked");
    desk.engine(EngineEvent::Lost { problem: Problem::new(ProblemCode::DeviceLost, "Gone.", "") });
    assert_eq!(desk.model.tellings[0].state, TellingState::Waiting);
    let generation = desk.model.engine.generation;
    desk.does(Event::Rang(Timer::Engine { generation }));
    desk.engine(EngineEvent::Ready { backend: Backend::Cpu, adapter: None, reason: "No GPU.".into() });
    let times = LoadTimes::default();
    let effects = desk.engine(EngineEvent::Loaded { model: chat_model(), times, stored: true });
    assert!(generated(&effects).is_some());
}

/// A question that nothing alone answers, with the model's choice of what to join.
fn joined(choice: &str) -> (Desk, EntryId, Vec<Effect>) {
    let mut desk = Desk::chatting();
    desk.does(Event::Moved(String::new()));
    desk.model.vectors = None;
    desk.asks("what is best for us two");
    let id = desk.model.entries.last().expect("asked").id.clone();
    let stage = desk.model.entry(&id).expect("asked").stage.clone();
    assert!(matches!(stage, Stage::Unknown | Stage::Asking), "{stage:?}");
    let (job, request) = generated(&desk.person(Person::Join(id.clone()))).expect("the model is asked");
    assert!(request.schema.is_some(), "it is held to names");
    assert_eq!(desk.model.entry(&id).expect("asked").stage, Stage::Routing(WaitsFor::Parts));
    let effects = desk.writes(job, choice);
    (desk, id, effects)
}

#[test]
fn parts_are_entries_of_their_own_and_their_results_become_words() {
    let names: Vec<String> =
        catalogue().capabilities.iter().take(2).map(|known| known.id.0.clone()).collect();
    let choice = json!({ "use": names }).to_string();
    let (mut desk, id, _) = joined(&choice);
    let Stage::Joined(parts) = desk.model.entry(&id).expect("there").stage.clone() else {
        panic!("{:?}", desk.model.entry(&id));
    };
    assert_eq!(parts.len(), 2);
    let mut effects = vec![];
    for part in &parts {
        let entry = desk.model.entry(part).expect("a part");
        assert_eq!(entry.part_of.as_ref(), Some(&id));
        assert_eq!(entry.routing.as_ref().map(|routing| routing.by), Some(RoutedBy::LanguageModel));
        effects = desk.finishes(part);
    }
    let (job, request) = generated(&effects).expect("told when the last has ended");
    let prompt = prompt_of(&request);
    assert!(
        prompt.contains(r#"{"Weather":{"a":1}}"#) && prompt.contains(r#"{"Encyclopedia":{"a":1}}"#),
        "{prompt}"
    );
    desk.writes(job, "Take a coat.");
    assert!(matches!(words(&desk.model, &id), Some(WordsView::Over(text, _)) if text == "Take a coat."));

    desk.person(Person::Remove(id.clone()));
    assert!(desk.model.entries.is_empty(), "parts go with what they are a part of");
    desk.person(Person::Undo);
    assert_eq!(desk.model.entries.len(), 3);
}

#[test]
fn a_choice_of_nothing_joins_nothing() {
    for choice in ["{\"use\": []}", "no JSON", "{\"use\": [\"not/there\"]}"] {
        let (desk, id, _) = joined(choice);
        assert_eq!(desk.model.entry(&id).expect("there").stage, Stage::Unknown, "{choice}");
        assert_eq!(desk.model.entries.len(), 1);
    }
}

#[test]
fn looking_for_parts_can_be_stopped() {
    let mut desk = Desk::chatting();
    desk.does(Event::Moved(String::new()));
    desk.model.vectors = None;
    desk.asks("what is best for us two");
    let id = desk.model.entries.last().expect("asked").id.clone();
    let (job, _) = generated(&desk.person(Person::Join(id.clone()))).expect("asked");
    let effects = desk.person(Person::Stop(id.clone()));
    assert!(effects.contains(&Effect::TellEngine(Command::Cancel { job })));
    desk.writes(job, "{\"use\": []}");
    assert!(matches!(desk.model.entry(&id).expect("there").stage, Stage::Ended(_)));
}
