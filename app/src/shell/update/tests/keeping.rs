use super::*;
use crate::shell::{
    model::{Storage, WaitsFor},
    view,
};

fn reloaded(desk: &Desk) -> (Desk, Vec<Effect>) {
    let stored: Vec<Entry> = desk
        .model
        .entries
        .iter()
        .map(|entry| serde_json::from_str(&serde_json::to_string(&**entry).expect("writes")).expect("reads"))
        .collect();
    for (stored, entry) in stored.iter().zip(&desk.model.entries) {
        assert_eq!(stored, &**entry, "storage takes nothing away");
    }
    let mut next = Desk { model: Model::default(), at_ms: desk.at_ms + 5000, turns: 100 };
    next.does(Event::Opened {
        draft: "draft".into(),
        preference: Default::default(),
        fragment: String::new(),
        description: String::new(),
    });
    let settings = desk.model.settings.clone();
    let effects = next.does(Event::StorageRead { entries: stored, settings, unreadable: 0 });
    (next, effects)
}

#[test]
fn a_reload_in_the_middle_of_a_run_resumes_it() {
    let mut desk = Desk::trusting();
    desk.asks("what's the weather in Lisbon");
    desk.chunk(0, started());
    let run = desk.run();
    let (mut next, effects) = reloaded(&desk);
    assert_eq!(next.model.prompt.text, "draft");
    assert_eq!(opened(&effects), [(1, OpenRun::Resume { run, after: 0 })]);
    next.chunk(1, output());
    next.chunk(2, finished());
    assert!(next.is_over());
}

#[test]
fn a_reload_before_the_first_chunk_asks_for_the_same_run() {
    let mut desk = Desk::trusting();
    let request = asked_for(&desk.asks("what's the weather in Lisbon"));
    let (_, effects) = reloaded(&desk);
    assert_eq!(opened(&effects), [(1, OpenRun::Ask(request))]);
}

#[test]
fn a_reload_shows_what_was_there_in_order_and_runs_nothing_again() {
    let mut desk = Desk::trusting();
    for words in ["what's the weather in Lisbon", "who was Ada Lovelace"] {
        desk.asks(words);
        desk.chunk(0, started());
        desk.chunk(1, output());
        desk.chunk(2, finished());
    }
    desk.asks("tell me a joke");
    let (next, effects) = reloaded(&desk);
    assert!(opened(&effects).is_empty());
    let prompts: Vec<_> = next.model.entries.iter().map(|entry| entry.prompt.as_str()).collect();
    assert_eq!(prompts, ["what's the weather in Lisbon", "who was Ada Lovelace", "tell me a joke"]);
    let line = view::receipt(&next.model.entries[0]).expect("a receipt").line;
    assert_eq!(&line[..4], ["P", "through the realm", "212 ms", "free"]);
}

#[test]
fn a_reload_while_routing_routes_again() {
    let mut desk = Desk::with_model();
    desk.asks("what's the weather in Lisbon");
    let (mut next, _) = reloaded(&desk);
    assert_eq!(
        next.last().stage,
        Stage::Routing(WaitsFor::Catalogue { chosen: None }),
        "the worker is another one"
    );
    asked_for(&next.realm_answers());
}

#[test]
fn a_question_asked_before_storage_was_read_stays() {
    let mut desk = Desk { model: Model::default(), at_ms: 9_000_000, turns: 0 };
    desk.asks("new question");
    let mut old = Desk::trusting();
    old.asks("old question");
    let entries = old.model.entries.iter().map(|entry| Entry::clone(entry)).collect();
    desk.does(Event::StorageRead { entries, settings: Default::default(), unreadable: 1 });
    let prompts: Vec<_> = desk.model.entries.iter().map(|entry| entry.prompt.as_str()).collect();
    assert_eq!(prompts, ["old question", "new question"]);
    assert!(view::storage_notice(&desk.model).is_some_and(|words| words.contains("cannot read")));
}

#[test]
fn removing_is_undone_in_place() {
    let mut desk = Desk::online();
    for words in ["one", "two", "three"] {
        desk.asks(words);
    }
    let id = desk.model.entries[1].id.clone();
    assert!(desk.person(Person::Remove(id.clone())).contains(&Effect::ForgetEntries(vec![id.clone()])));
    assert_eq!(desk.model.entries.len(), 2);
    let effects = desk.person(Person::Undo);
    assert_eq!(desk.model.entries[1].id, id);
    assert!(effects.contains(&Effect::KeepEntry(desk.model.entries[1].clone())));
}

#[test]
fn an_old_timer_does_not_end_a_newer_undo() {
    let mut desk = Desk::online();
    desk.asks("one");
    desk.asks("two");
    desk.person(Person::Remove(desk.id()));
    desk.person(Person::Remove(desk.id()));
    desk.does(Event::Rang(Timer::Undo { token: 1 }));
    assert!(desk.model.removed.is_some());
    desk.does(Event::Rang(Timer::Undo { token: 2 }));
    assert_eq!(desk.model.removed, None);
}

#[test]
fn removing_what_goes_on_stops_it() {
    let mut desk = Desk::trusting();
    desk.asks("what's the weather in Lisbon");
    let run = desk.run();
    let effects = desk.person(Person::Remove(desk.id()));
    assert!(effects.contains(&Effect::CloseRun(run.clone())) && effects.contains(&Effect::StopRun(run)));
}

#[test]
fn clearing_leaves_what_goes_on() {
    let mut desk = Desk::trusting();
    desk.asks("tell me a joke");
    desk.asks("what's the weather in Lisbon");
    desk.person(Person::RemoveAll);
    assert_eq!(desk.model.entries.len(), 1);
    assert!(desk.last().is_busy());
}

#[test]
fn failing_storage_is_said_and_stops_nothing() {
    let mut desk = Desk::trusting();
    let problem = Problem::new(ProblemCode::StorageFull, "There is no room.", "It goes on.");
    desk.does(Event::StorageFailed(problem.clone()));
    assert_eq!(desk.model.storage, Storage::Failed(problem));
    assert_eq!(view::storage_notice(&desk.model).as_deref(), Some("There is no room. It goes on."));
    asked_for(&desk.asks("what's the weather in Lisbon"));
}
