use super::*;

fn running() -> Desk {
    let mut desk = Desk::trusting();
    asked_for(&desk.asks("what's the weather in Lisbon"));
    desk.chunk(0, started());
    desk
}

#[test]
fn a_run_ends_with_its_receipt_and_is_kept() {
    let mut desk = running();
    desk.chunk(1, output());
    let run = desk.run();
    let effects = desk.chunk(2, finished());
    assert!(desk.is_over());
    assert!(effects.contains(&Effect::CloseRun(run)));
    assert_eq!(
        effects.iter().rev().find(|effect| matches!(effect, Effect::KeepEntry(_))),
        Some(&Effect::KeepEntry(desk.model.entries[0].clone()))
    );
    assert!(desk.model.announcement.1.contains("212 ms"));
}

#[test]
fn a_broken_connection_resumes_once_behind_the_last_chunk() {
    let mut desk = running();
    let run = desk.run();
    let effects = desk.news(RunNews::Lost);
    assert_eq!(desk.link(), &Link::Lost { attempt: 1, retry_at_ms: desk.at_ms + 1000 });
    let timer = Timer::Run { run: run.clone(), connection: 0 };
    assert!(effects.contains(&Effect::Ring { after_ms: 1000, timer: timer.clone() }));

    let effects = desk.does(Event::Rang(timer.clone()));
    assert_eq!(opened(&effects), [(1, OpenRun::Resume { run, after: 0 })]);
    assert!(
        opened(&desk.does(Event::Rang(timer))).is_empty(),
        "the timer of the broken connection is stale now"
    );
    desk.chunk(1, output());
    desk.chunk(2, finished());
    assert!(desk.is_over());
}

#[test]
fn a_run_that_never_answered_is_asked_for_again_under_the_same_id() {
    let mut desk = Desk::trusting();
    let request = asked_for(&desk.asks("what's the weather in Lisbon"));
    desk.news(RunNews::Lost);
    let effects = desk.person(Person::Reconnect(desk.id()));
    assert_eq!(opened(&effects), [(1, OpenRun::Ask(request))]);
}

#[test]
fn back_off_grows_to_half_a_minute_and_starts_over_with_the_first_news() {
    let mut desk = running();
    let mut waits = Vec::new();
    for _ in 0..7 {
        desk.news(RunNews::Lost);
        let Link::Lost { retry_at_ms, .. } = desk.link() else { panic!("lost") };
        waits.push(retry_at_ms - desk.at_ms);
        desk.person(Person::Reconnect(desk.id()));
    }
    assert_eq!(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    desk.chunk(1, output());
    desk.news(RunNews::Lost);
    assert_eq!(desk.link(), &Link::Lost { attempt: 1, retry_at_ms: desk.at_ms + 1000 });
}

#[test]
fn an_old_connection_is_not_listened_to() {
    let mut desk = running();
    let (run, chunk) = (desk.run(), Chunk { run: desk.run(), seq: 1, body: output() });
    desk.news(RunNews::Lost);
    desk.person(Person::Reconnect(desk.id()));
    let before = desk.last().clone();
    desk.does(Event::Run { run: run.clone(), connection: 0, news: RunNews::Chunk(Box::new(chunk)) });
    desk.does(Event::Run { run, connection: 0, news: RunNews::Lost });
    assert_eq!(desk.last(), &before);
}

#[test]
fn repeated_chunks_count_once_and_a_gap_is_asked_for_again() {
    let mut desk = running();
    desk.chunk(0, started());
    assert_eq!(desk.last().run().expect("a run").next_seq, 1);
    let run = desk.run();
    let effects = desk.chunk(2, finished());
    assert_eq!(opened(&effects), [(1, OpenRun::Resume { run, after: 0 })]);
    assert!(!desk.is_over());
}

#[test]
fn the_network_coming_back_reconnects_at_once() {
    let mut desk = running();
    desk.news(RunNews::Lost);
    assert_eq!(opened(&desk.does(Event::Woke)).len(), 1);
    assert_eq!(opened(&desk.does(Event::Woke)).len(), 0, "it is being opened already");
}

#[test]
fn losing_a_run_asks_whether_the_realm_is_there_and_its_return_reconnects() {
    let mut desk = running();
    let effects = desk.news(RunNews::Lost);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::FetchCatalogue { .. })));
    desk.realm_fails();
    assert!(matches!(desk.model.realm.state, RealmState::Unreachable { failures: 1, .. }));
    let ask = desk.model.realm.asks;
    desk.does(Event::Rang(Timer::Realm { ask }));
    assert_eq!(opened(&desk.realm_answers()).len(), 1);
}

#[test]
fn a_stop_reaches_the_realm_and_its_answer_ends_the_run() {
    let mut desk = running();
    let run = desk.run();
    assert!(desk.person(Person::Stop(desk.id())).contains(&Effect::StopRun(run.clone())));
    assert!(!desk.person(Person::Stop(desk.id())).contains(&Effect::StopRun(run.clone())), "once is enough");
    desk.does(Event::StopAnswered { run, taken: true });
    assert!(!desk.is_over(), "the realm says how it ended");
    let problem = Problem::new(ProblemCode::Stopped, "Stopped.", "");
    desk.chunk(1, ChunkBody::Failed { problem, exchanges: vec![] });
    assert!(desk.is_over());
}

#[test]
fn a_stop_that_nobody_answers_ends_here() {
    let mut desk = running();
    let run = desk.run();
    desk.person(Person::Stop(desk.id()));
    desk.does(Event::Rang(Timer::Stop { run }));
    assert!(desk.is_over());

    let mut desk = running();
    let run = desk.run();
    desk.person(Person::Stop(desk.id()));
    desk.does(Event::StopAnswered { run, taken: false });
    assert!(desk.is_over());
}

#[test]
fn a_retry_is_a_new_run_of_the_same() {
    let mut desk = running();
    let first = desk.run();
    let problem = Problem::retryable(ProblemCode::UpstreamTimeout, "No answer.", "");
    desk.chunk(1, ChunkBody::Failed { problem, exchanges: vec![] });
    let request = asked_for(&desk.person(Person::Retry(desk.id())));
    assert_ne!(request.id, first);
    assert_eq!(desk.model.entries.len(), 1);
    assert!(opened(&desk.person(Person::Retry(desk.id()))).is_empty(), "it runs already");
    desk.does(Event::Rang(Timer::Stop { run: first }));
    assert!(!desk.is_over(), "a timer of the first run does nothing to the second");
}

#[test]
fn what_the_realm_refuses_ends_with_its_words() {
    let mut desk = running();
    let problem = Problem::new(ProblemCode::NotFound, "This run is not here.", "Ask again.");
    desk.news(RunNews::Refused(problem));
    let words = crate::shell::view::receipt(desk.last());
    assert!(desk.is_over() && words.is_some());
    assert!(desk.model.announcement.1.contains("This run is not here."));
}

#[test]
fn a_question_without_a_realm_waits_and_goes_on_by_itself() {
    let mut desk = Desk::opened();
    desk.realm_fails();
    desk.asks("what's the weather in Lisbon");
    desk.asks("who was Ada Lovelace");
    assert!(desk.last().is_busy());
    desk.realm_fails();
    desk.model.settings.standing.insert("meteo.example".into(), Standing::Always);
    desk.model.settings.standing.insert("wiki.example".into(), Standing::Always);
    let opened = opened(&desk.realm_answers());
    let ids: Vec<_> = opened.iter().map(|(_, open)| open.run()).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1], "two runs of one moment have names of their own");
}

#[test]
fn an_answer_to_an_earlier_question_to_the_realm_is_dropped() {
    let mut desk = Desk::opened();
    let early = desk.model.realm.asks;
    desk.person(Person::RetryRealm);
    desk.does(Event::Realm(RealmEvent::Catalogue { ask: early, result: Ok(catalogue()) }));
    assert_eq!(desk.model.catalogue, None);
    desk.realm_fails();
    let failures = |desk: &Desk| match desk.model.realm.state {
        RealmState::Unreachable { failures, .. } => failures,
        _ => 0,
    };
    desk.does(Event::Rang(Timer::Realm { ask: early }));
    assert_eq!((failures(&desk), desk.model.realm.asks), (1, early + 1), "a timer of then does nothing now");
}
