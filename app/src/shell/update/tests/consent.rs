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

/// A catalogue in which the weather needs a number of days too.
fn with_days(required: bool) -> Catalogue {
    let mut offered = catalogue();
    let needs: &[&str] = if required { &["place", "days"] } else { &["place"] };
    offered.capabilities[0].input = json!({"type": "object", "required": needs, "properties": {
        "place": {"type": "string"}, "days": {"type": "integer", "title": "Days"}}});
    offered
}

fn offering(offered: Catalogue) -> Desk {
    let mut desk = Desk::trusting();
    let ask = desk.model.realm.asks;
    desk.does(Event::Realm(RealmEvent::Catalogue { ask, result: Ok(offered) }));
    desk
}

#[test]
fn what_was_not_said_is_asked_for_with_what_is_known() {
    let mut desk = offering(with_days(true));
    desk.asks("what's the weather in Lisbon");
    assert!(matches!(desk.last().stage, Stage::Chosen(_, Step::Missing)));
    let id = desk.id();
    let of = FormOf::Entry(id.clone());
    let at = |desk: &Desk, name: &str| {
        desk.model
            .form(&id)
            .expect("a form")
            .fields
            .iter()
            .position(|field| field.name == name)
            .expect("a field")
    };

    for (typed, expected) in [("", "still empty"), ("many", "a whole number")] {
        let path = vec![at(&desk, "days")];
        desk.person(Person::Form(of.clone(), path, Change::Typed(typed.into())));
        let effects = desk.person(Person::FormDone(of.clone()));
        assert!(opened(&effects).is_empty());
        let complaints = desk.model.form(&id).expect("a form").complaints();
        assert!(complaints[0].1.contains(expected), "{complaints:?}");
        assert!(desk.model.announcement.1.contains(expected));
    }
    let path = vec![at(&desk, "days")];
    let effects = desk.person(Person::Form(of.clone(), path, Change::Typed("3".into())));
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::KeepEntry(_))),
        "what is filled in survives a reload"
    );
    let request = asked_for(&desk.person(Person::FormDone(of)));
    let args = &serde_json::to_value(&request.plan).expect("json")[0]["args"];
    assert_eq!(args["days"], json!({"literal": 3}));
    assert_eq!(args["place"], json!({"literal": "Lisbon"}), "what was understood is filled in");
    assert!(desk.model.forms.is_empty());
}

#[test]
fn one_argument_is_taken_from_the_sentence_and_an_optional_one_does_not_ask() {
    let mut desk = offering(with_days(false));
    asked_for(&desk.asks("what's the weather in Lisbon"));
}

#[test]
fn a_form_is_there_again_after_a_reload() {
    let mut desk = offering(with_days(true));
    desk.asks("what's the weather in Lisbon");
    let entry = desk.last().clone();
    let mut again = Desk { model: Model::default(), at_ms: 2_000_000, turns: 0 };
    again.does(Event::StorageRead { entries: vec![entry], settings: Default::default(), unreadable: 0 });
    assert!(again.model.forms.is_empty(), "the realm has not said yet what it takes");
    let ask = again.model.realm.asks;
    again.does(Event::Realm(RealmEvent::Catalogue { ask, result: Ok(with_days(true)) }));
    assert_eq!(again.model.form(&again.id()).expect("a form").read().args["place"], json!("Lisbon"));
}

/// A catalogue in which the weather can be changed.
fn that_writes() -> Catalogue {
    let mut offered = catalogue();
    offered.capabilities[0].side_effect = SideEffect::Irreversible;
    offered
}

#[test]
fn what_changes_something_asks_each_time_even_at_a_trusted_host() {
    let mut desk = offering(that_writes());
    let effects = desk.asks("what's the weather in Lisbon");
    assert!(opened(&effects).is_empty());
    assert!(matches!(desk.last().stage, Stage::Chosen(_, Step::Confirm)));
    let Some(view::Body::Confirm { sentence, .. }) = view::body(&desk.model, &desk.id()) else {
        panic!("confirms")
    };
    assert!(sentence.contains("cannot be undone"), "{sentence}");
    let id = desk.id();
    asked_for(&desk.person(Person::Confirmed(id.clone())));
    assert!(opened(&desk.person(Person::Confirmed(id))).is_empty(), "twice is once");
    desk.chunk(0, started());
    desk.news(RunNews::Refused(Problem::new(ProblemCode::UpstreamError, "No.", "")));
    assert!(opened(&desk.person(Person::Retry(desk.id()))).is_empty(), "again is asked again");
    desk.person(Person::Declined(desk.id()));
    assert!(matches!(&desk.last().stage, Stage::Ended(problem) if problem.title == "Not sent."));
}

#[test]
fn a_new_host_and_a_change_are_asked_in_one_sentence() {
    let mut desk = offering(that_writes());
    desk.model.settings.standing.clear();
    desk.asks("what's the weather in Lisbon");
    let Some(view::Body::Consent { sentence }) = view::body(&desk.model, &desk.id()) else { panic!("asks") };
    assert!(sentence.contains("meteo.example") && sentence.contains("cannot be undone"), "{sentence}");
    asked_for(&desk.person(Person::Decided(desk.id(), Decided::Once)));
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
