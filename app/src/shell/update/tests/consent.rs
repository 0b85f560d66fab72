use super::*;

#[test]
fn the_first_call_to_a_host_asks_and_sends_nothing() {
    let mut desk = Desk::online();
    let effects = desk.asks("what's the weather in Lisbon");
    assert!(opened(&effects).is_empty());
    let Stage::Chosen(choice, Step::Consent) = &desk.last().stage else {
        panic!("asks, not {:?}", desk.last().stage)
    };
    assert_eq!(choice.args.get("place"), Some(&json!("Lisbon")));
}

#[test]
fn this_time_runs_and_asks_again_the_next_time() {
    let mut desk = Desk::online();
    desk.asks("what's the weather in Lisbon");
    let effects = desk.person(Person::Decided(desk.id(), Decided::Once));
    let request = asked_for(&effects);
    assert_eq!(request.id, desk.run());
    assert_eq!(
        serde_json::to_value(&request.plan).expect("json")[0]["args"]["place"],
        json!({"literal": "Lisbon"})
    );
    desk.asks("what's the weather in Porto");
    assert!(matches!(desk.last().stage, Stage::Chosen(_, Step::Consent)));
}

#[test]
fn always_is_kept_and_never_asks_again() {
    let mut desk = Desk::online();
    desk.asks("what's the weather in Lisbon");
    let effects = desk.person(Person::Decided(desk.id(), Decided::Standing(Standing::Always)));
    asked_for(&effects);
    assert!(effects.contains(&Effect::KeepSettings(desk.model.settings.clone())));
    asked_for(&desk.asks("what's the weather in Porto"));
}

#[test]
fn never_sends_nothing_and_has_a_way_out() {
    let mut desk = Desk::online();
    desk.asks("what's the weather in Lisbon");
    let effects = desk.person(Person::Decided(desk.id(), Decided::Standing(Standing::Never)));
    assert!(opened(&effects).is_empty());
    assert!(opened(&desk.asks("what's the weather in Porto")).is_empty());
    assert!(matches!(desk.last().stage, Stage::Chosen(_, Step::Refused)));
    asked_for(&desk.person(Person::Decided(desk.id(), Decided::Once)));
}

#[test]
fn a_decision_about_one_host_says_nothing_about_another() {
    let mut desk = Desk::online();
    desk.asks("what's the weather in Lisbon");
    desk.person(Person::Decided(desk.id(), Decided::Standing(Standing::Always)));
    desk.asks("who was Ada Lovelace");
    assert!(matches!(desk.last().stage, Stage::Chosen(_, Step::Consent)));
    desk.person(Person::ForgetDecisions);
    desk.asks("what's the weather in Porto");
    assert!(matches!(desk.last().stage, Stage::Chosen(_, Step::Consent)));
}

#[test]
fn deciding_twice_runs_once() {
    let mut desk = Desk::online();
    desk.asks("what's the weather in Lisbon");
    let id = desk.id();
    asked_for(&desk.person(Person::Decided(id.clone(), Decided::Once)));
    assert!(opened(&desk.person(Person::Decided(id, Decided::Once))).is_empty());
}

#[test]
fn what_was_not_said_is_asked_for_with_what_is_known() {
    let mut desk = Desk::trusting();
    let mut offered = catalogue();
    offered.capabilities[0].input = json!({"type": "object", "required": ["place", "days"], "properties": {
        "place": {"type": "string"}, "days": {"type": "integer", "title": "Days"}}});
    let ask = desk.model.realm.asks;
    desk.does(Event::Realm(RealmEvent::Catalogue { ask, result: Ok(offered) }));
    desk.asks("what's the weather in Lisbon");
    assert!(matches!(desk.last().stage, Stage::Chosen(_, Step::Missing { complaint: None })));

    let fill =
        |days: &str| vec![("place".to_owned(), "Lisbon".to_owned()), ("days".to_owned(), days.to_owned())];
    for (typed, expected) in [("", "still empty"), ("many", "a whole number")] {
        let effects = desk.person(Person::Filled(desk.id(), fill(typed)));
        assert!(opened(&effects).is_empty());
        let Stage::Chosen(_, Step::Missing { complaint: Some(words) }) = &desk.last().stage else {
            panic!("complains")
        };
        assert!(words.contains(expected), "{words}");
    }
    let request = asked_for(&desk.person(Person::Filled(desk.id(), fill("3"))));
    assert_eq!(serde_json::to_value(&request.plan).expect("json")[0]["args"]["days"], json!({"literal": 3}));
}

#[test]
fn what_nobody_offers_is_said_to_be_unknown() {
    let mut desk = Desk::trusting();
    let effects = desk.asks("tell me a joke");
    assert!(opened(&effects).is_empty());
    assert_eq!(desk.last().stage, Stage::Unknown);
}

#[test]
fn a_chosen_candidate_goes_on_and_none_of_these_ends_the_question() {
    let mut desk = Desk::trusting();
    desk.asks("tell me a joke");
    let id = desk.id();
    desk.model.entries[0].edit().stage = Stage::Asking;
    desk.person(Person::NoneFits(id.clone()));
    assert_eq!(desk.last().stage, Stage::Unknown);

    desk.model.entries[0].edit().stage = Stage::Asking;
    desk.person(Person::Picked(id.clone(), "wiki/summary".into()));
    let Stage::Chosen(choice, _) = &desk.last().stage else { panic!("chosen") };
    assert!(choice.by_person);

    desk.model.entries[0].edit().stage = Stage::Asking;
    desk.person(Person::Picked(id, "gone/away".into()));
    assert!(matches!(&desk.last().stage, Stage::Ended(problem) if problem.title.contains("gone/away")));
}
