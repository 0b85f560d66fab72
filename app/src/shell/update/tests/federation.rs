use std::collections::BTreeSet;

use mtor_shared::{
    credential::{AddCredential, Secret},
    source::{
        Change as Difference, OperationDetail, OperationLine, OperationPage, Origin, ShownRequest, Source,
        SourceId, Stage as SourceStage,
    },
};

use super::*;
use crate::shell::{
    federation::Call,
    place::Tab,
    view::federation::{self as shown, RequestView},
};

fn id() -> SourceId {
    SourceId("pets".into())
}

fn source(stage: SourceStage) -> Source {
    let enabled =
        matches!(stage, SourceStage::Enabled | SourceStage::Changed { .. } | SourceStage::Failed { .. });
    Source {
        enabled,
        id: id(),
        title: "Pets".into(),
        origin: Origin::Url { url: "https://pets.example/openapi.json".into() },
        format: "OpenAPI 3.1".into(),
        stage,
        sha256: "a".repeat(64),
        bytes: 1200,
        operations: 3,
        capabilities: 2,
        skipped: 1,
        hosts: vec!["pets.example".into()],
        schemes: vec![],
        endpoint: None,
        overlay: None,
        disabled: BTreeSet::new(),
        rescan_s: None,
        scanned_at_ms: 1,
        compile_ms: 3,
        warnings: vec![],
    }
}

fn fetching(done_bytes: u64) -> Source {
    Source { sha256: String::new(), ..source(SourceStage::Fetching { done_bytes, total_bytes: None }) }
}

fn detail() -> OperationDetail {
    let mut capability = capability("pets/add", "Add a pet", "pets.example", "name", &[]);
    capability.input = json!({"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string", "title": "Name"}, "age": {"type": "integer"}}});
    capability.side_effect = SideEffect::Write;
    let line = OperationLine {
        id: "pets/add".into(),
        title: "Add a pet".into(),
        summary: String::new(),
        method: "POST".into(),
        path: "/pets".into(),
        side_effect: SideEffect::Write,
        enabled: true,
        needs_credential: false,
        score: None,
    };
    OperationDetail {
        capability,
        line,
        source: id(),
        server: "https://pets.example".into(),
        security: vec![],
        example: json!({"name": "Rex", "age": 3}),
    }
}

fn calls(effects: &[Effect]) -> Vec<Call> {
    let call = |effect: &Effect| match effect {
        Effect::Call(call) => Some(call.clone()),
        _ => None,
    };
    effects.iter().filter_map(call).collect()
}

impl Desk {
    /// Online, at a place of the federation, with these sources.
    fn at(fragment: &str, sources: Vec<Source>) -> Self {
        let mut desk = Self::trusting();
        desk.does(Event::Moved(fragment.into()));
        desk.hears(About::Sources, Ok(Answer::Sources(sources)));
        desk
    }

    fn hears(&mut self, about: About, result: Result<Answer, Problem>) -> Vec<Effect> {
        self.does(Event::Answered { about, result })
    }

    fn clerk(&mut self, clerk: Clerk) -> Vec<Effect> {
        self.person(Person::Clerk(clerk))
    }

    fn told(&mut self, source: Source) -> Vec<Effect> {
        self.does(Event::Progress(Box::new(source)))
    }

    /// The operation is open and known.
    fn at_bench() -> Self {
        let mut desk = Self::at("/federation/pets/add", vec![source(SourceStage::Enabled)]);
        desk.hears(About::Detail("pets/add".into()), Ok(Answer::Detail(Box::new(detail()))));
        desk
    }

    fn types_name(&mut self, name: &str) -> Vec<Effect> {
        self.person(Person::Form(FormOf::Bench, vec![0], Change::Typed(name.into())))
    }
}

fn dry_runs(effects: &[Effect]) -> Vec<(serde_json::Map<String, serde_json::Value>, u32)> {
    let dry = |call| match call {
        Call::DryRun { args, version, .. } => Some((args, version)),
        _ => None,
    };
    calls(effects).into_iter().filter_map(dry).collect()
}

fn request(url: &str) -> Result<Answer, Problem> {
    Ok(Answer::Request(ShownRequest {
        method: "POST".into(),
        url: url.into(),
        headers: vec![],
        body: None,
        missing: vec![],
    }))
}

#[test]
fn an_address_and_a_description_are_sent_as_what_they_are() {
    let mut desk = Desk::at("/federation", vec![]);
    desk.clerk(Clerk::Typed("pets.example/openapi.json".into()));
    let added = |effects: &[Effect]| match calls(effects).as_slice() {
        [Call::Add(add)] => add.clone(),
        other => panic!("one source is added, not {other:?}"),
    };
    let add = added(&desk.clerk(Clerk::Add));
    assert_eq!(add.from, Origin::Url { url: "https://pets.example/openapi.json".into() });

    let text = "openapi: 3.1.0\ninfo: {}".to_owned();
    desk.clerk(Clerk::Typed(text.clone()));
    desk.clerk(Clerk::EndpointTyped(" https://pets.example ".into()));
    let add = added(&desk.clerk(Clerk::Add));
    assert_eq!(
        (add.from, add.endpoint.as_deref()),
        (Origin::Text { text, name: None }, Some("https://pets.example"))
    );

    let add = added(&desk.clerk(Clerk::Dropped { name: "pets.yaml".into(), text: "a: 1".into() }));
    assert_eq!(add.from, Origin::Text { text: "a: 1".into(), name: Some("pets.yaml".into()) });
}

#[test]
fn what_was_typed_is_cleared_when_the_realm_took_it_and_not_before() {
    let mut desk = Desk::at("/federation", vec![]);
    let effects = desk.clerk(Clerk::Typed("https://pets.example/a".into()));
    assert!(effects.contains(&Effect::KeepDescription("https://pets.example/a".into())), "a reload keeps it");
    desk.clerk(Clerk::Add);
    desk.hears(About::Added, Err(Problem::new(ProblemCode::Conflict, "It is here.", "Look at it.")));
    let draft = &desk.model.federation.draft;
    assert_eq!((draft.text.as_str(), draft.problem.is_some()), ("https://pets.example/a", true));

    desk.clerk(Clerk::Add);
    let effects = desk.hears(About::Added, Ok(Answer::Source(Box::new(fetching(0)))));
    assert_eq!(desk.model.federation.draft.text, "");
    assert!(effects.contains(&Effect::WatchSource(id())), "its progress is listened to");
    assert_eq!(desk.model.place, crate::shell::place::Place::source(&id()));
}

#[test]
fn nothing_is_not_sent() {
    let mut desk = Desk::at("/federation", vec![]);
    desk.clerk(Clerk::Typed("  ".into()));
    assert!(calls(&desk.clerk(Clerk::Add)).is_empty());
    assert!(desk.model.federation.draft.problem.is_some());
}

#[test]
fn progress_is_followed_until_it_settles_and_taken_up_after_a_break() {
    let mut desk = Desk::at("/federation/pets", vec![fetching(0)]);
    assert!(desk.model.federation.watched.contains(&id()));
    desk.told(fetching(500));
    assert_eq!(shown::sources(&desk.model).expect("sources")[0].state, "Fetching, 500 B");
    let effects = desk.does(Event::ProgressEnded(id()));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Ring { timer: Timer::Watch(of), .. } if of == &id()))
    );
    assert!(desk.does(Event::Rang(Timer::Watch(id()))).contains(&Effect::WatchSource(id())));
    desk.told(source(SourceStage::Preview));
    desk.does(Event::ProgressEnded(id()));
    assert!(
        !desk.does(Event::Rang(Timer::Watch(id()))).contains(&Effect::WatchSource(id())),
        "it has settled"
    );
    assert!(desk.model.announcement.1.contains("2 operations can be called"));
}

#[test]
fn enabling_makes_it_usable_at_once() {
    let mut desk = Desk::at("/federation/pets", vec![source(SourceStage::Preview)]);
    let effects = desk.clerk(Clerk::Enable(id(), true));
    assert!(matches!(calls(&effects).as_slice(), [Call::Change(_, change)] if change.enabled == Some(true)));
    assert!(shown::source(&desk.model, &id()).expect("a source").is_busy);
    let effects = desk.hears(About::Source(id()), Ok(Answer::Source(Box::new(source(SourceStage::Enabled)))));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::FetchCatalogue { .. })));
    let effects = desk.hears(About::Source(id()), Ok(Answer::Source(Box::new(source(SourceStage::Enabled)))));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::FetchCatalogue { .. })), "nothing changed");
}

#[test]
fn a_list_that_is_as_it_was_asks_for_nothing() {
    let mut desk = Desk::at("/federation", vec![source(SourceStage::Enabled)]);
    let before = desk.model.federation.sources.clone();
    let effects = desk.hears(About::Sources, Ok(Answer::Sources(vec![source(SourceStage::Enabled)])));
    assert!(effects.is_empty(), "{effects:?}");
    assert!(before == desk.model.federation.sources, "the very same, so that nothing is drawn anew");
}

#[test]
fn a_refused_change_is_said_and_the_source_stays_as_it_is() {
    let mut desk = Desk::at("/federation/pets", vec![source(SourceStage::Preview)]);
    desk.clerk(Clerk::Overlay(id(), "nonsense".into()));
    desk.hears(
        About::Source(id()),
        Err(Problem::new(ProblemCode::BadRequest, "It is no overlay.", "Look at line 1.")),
    );
    let seen = shown::source(&desk.model, &id()).expect("a source");
    assert_eq!((seen.refusal.expect("said").title.as_str(), seen.is_busy), ("It is no overlay.", false));
}

#[test]
fn a_changed_description_is_agreed_to_by_its_hash() {
    let change = Difference {
        sha256: "b".repeat(64),
        new_hosts: vec!["other.example".into()],
        ..Difference::default()
    };
    let mut desk =
        Desk::at("/federation/pets", vec![source(SourceStage::Changed { change: change.clone() })]);
    assert_eq!(shown::source(&desk.model, &id()).expect("a source").change, Some(change.clone()));
    let effects = desk.clerk(Clerk::Accept(id(), change.sha256.clone()));
    assert!(
        matches!(calls(&effects).as_slice(), [Call::Change(_, sent)] if sent.accept == Some(change.sha256))
    );
}

#[test]
fn what_changed_or_failed_says_whether_what_was_agreed_to_goes_on() {
    let change = Difference { sha256: "b".repeat(64), ..Difference::default() };
    let problem = Problem::new(ProblemCode::BadRequest, "It is a web page.", "");
    for stage in [SourceStage::Changed { change }, SourceStage::Failed { problem }] {
        for enabled in [true, false] {
            let desk = Desk::at("/federation/pets", vec![Source { enabled, ..source(stage.clone()) }]);
            let seen = shown::source(&desk.model, &id()).expect("a source");
            assert_eq!(seen.sentence.contains("goes on working"), enabled, "{}", seen.sentence);
            assert_eq!(seen.sentence.contains("Nothing of it is offered"), !enabled, "{}", seen.sentence);
            assert_eq!(seen.state.contains("enabled"), enabled, "{}", seen.state);
            assert_eq!(seen.enables, Some(!enabled));
        }
    }
}

#[test]
fn a_removed_source_can_be_brought_back_until_the_realm_is_told() {
    let mut desk = Desk::at("/federation/pets", vec![source(SourceStage::Enabled)]);
    let effects = desk.clerk(Clerk::Remove(id()));
    assert!(calls(&effects).is_empty(), "not yet");
    assert_eq!(shown::sources(&desk.model), Some(vec![]));
    assert_eq!(desk.model.place, crate::shell::place::Place::federation());
    let (token, _) = desk.model.federation.removed.clone().expect("removed");
    desk.clerk(Clerk::Undo);
    assert!(calls(&desk.does(Event::Rang(Timer::SourceGoes { token }))).is_empty());
    assert_eq!(shown::sources(&desk.model).expect("sources").len(), 1);

    desk.clerk(Clerk::Remove(id()));
    assert!(calls(&desk.does(Event::Rang(Timer::SourceGoes { token }))).is_empty(), "an old timer");
    assert_eq!(calls(&desk.does(Event::Rang(Timer::SourceGoes { token: token + 1 }))), [Call::Delete(id())]);
}

#[test]
fn what_is_being_fetched_is_stopped_at_once() {
    let mut desk = Desk::at("/federation/pets", vec![fetching(0)]);
    let effects = desk.clerk(Clerk::Remove(id()));
    assert_eq!(calls(&effects), [Call::Delete(id())]);
    assert!(effects.contains(&Effect::UnwatchSource(id())));
}

#[test]
fn a_search_asks_the_newest_question_next_and_drops_older_answers() {
    let mut desk = Desk::at("/federation/pets", vec![source(SourceStage::Enabled)]);
    let version = |call: &Call| match call {
        Call::Operations { version, query, .. } => Some((*version, query.clone())),
        _ => None,
    };
    let first = desk.model.federation.listing.flying.expect("asked on arrival");
    assert!(calls(&desk.clerk(Clerk::Searched("d".into()))).is_empty(), "one question at a time");
    desk.clerk(Clerk::Searched("dogs".into()));
    let page = OperationPage { operations: vec![detail().line], total: 1, ..OperationPage::default() };
    let effects =
        desk.hears(About::Operations { version: first, more: false }, Ok(Answer::Operations(page.clone())));
    assert!(desk.model.federation.listing.lines.is_empty(), "the answer is stale");
    let asked: Vec<_> = calls(&effects).iter().filter_map(version).collect();
    let [(newest, query)] = asked.as_slice() else { panic!("one question, not {asked:?}") };
    assert_eq!(query, "dogs");
    desk.hears(About::Operations { version: *newest, more: false }, Ok(Answer::Operations(page)));
    assert_eq!(desk.model.federation.listing.lines.len(), 1);
    let address = desk.model.place.address();
    assert_eq!(address, "#/federation/pets?q=dogs", "a reload searches again");
}

#[test]
fn more_is_added_to_what_is_there() {
    let mut desk = Desk::at("/federation/pets", vec![source(SourceStage::Enabled)]);
    let version = desk.model.federation.listing.version;
    let page = OperationPage { operations: vec![detail().line; 50], total: 120, ..OperationPage::default() };
    desk.hears(About::Operations { version, more: false }, Ok(Answer::Operations(page.clone())));
    assert_eq!(shown::listing(&desk.model).more, 70);
    let effects = desk.clerk(Clerk::More);
    assert!(matches!(calls(&effects).as_slice(), [Call::Operations { offset: 50, limit: 50, .. }]));
    desk.hears(About::Operations { version, more: true }, Ok(Answer::Operations(page)));
    assert_eq!(shown::listing(&desk.model).more, 20);
}

#[test]
fn the_form_begins_with_what_is_required_of_the_example() {
    let desk = Desk::at_bench();
    let bench = desk.model.federation.bench.as_ref().expect("a bench");
    assert_eq!(serde_json::Value::Object(bench.form.read().args), json!({"name": "Rex"}));
    assert!(bench.flying.is_some(), "its request is asked for at once");
}

#[test]
fn the_request_follows_what_is_typed_one_question_at_a_time() {
    let mut desk = Desk::at_bench();
    let first = desk.model.federation.bench.as_ref().expect("a bench").flying.expect("asked");
    assert!(dry_runs(&desk.types_name("A")).is_empty());
    assert!(dry_runs(&desk.types_name("Ada")).is_empty());
    let about = |version| About::DryRun { id: "pets/add".into(), version };
    let effects = desk.hears(about(first), request("https://pets.example/pets?old"));
    let asked = dry_runs(&effects);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].0["name"], json!("Ada"));
    assert!(
        desk.model.federation.bench.as_ref().expect("a bench").shown.is_none(),
        "the old request is not shown"
    );
    desk.hears(about(asked[0].1), request("https://pets.example/pets"));
    let bench = desk.model.federation.bench.as_ref().expect("a bench");
    let RequestView::Shown { line, is_old, .. } = shown::request(bench) else { panic!("shown") };
    assert_eq!((line.as_str(), is_old), ("POST https://pets.example/pets", false));
}

#[test]
fn a_dry_run_of_too_little_says_what_is_missing_and_asks_nobody() {
    let mut desk = Desk::at_bench();
    let version = desk.model.federation.bench.as_ref().expect("a bench").flying.expect("asked");
    desk.hears(About::DryRun { id: "pets/add".into(), version }, request("https://pets.example/pets"));
    desk.types_name("");
    let effects = desk.clerk(Clerk::DryRun);
    assert!(calls(&effects).is_empty());
    assert!(effects.contains(&Effect::Focus("arg-bench-0".into())));
    let bench = desk.model.federation.bench.as_ref().expect("a bench");
    assert_eq!(bench.form.complaints(), [(vec![0], "“Name” is still empty.".to_owned())]);
}

#[test]
fn what_the_realm_says_of_an_argument_is_shown_at_it() {
    let mut desk = Desk::at_bench();
    let version = desk.model.federation.bench.as_ref().expect("a bench").flying.expect("asked");
    let problem =
        Problem::new(ProblemCode::BadArgument, "Name: it is too short.", "Give at least 4 characters.");
    desk.hears(About::DryRun { id: "pets/add".into(), version }, Err(problem));
    let bench = desk.model.federation.bench.as_ref().expect("a bench");
    assert_eq!(bench.form.complaints()[0].0, [0]);
}

#[test]
fn sending_is_a_question_like_any_other_with_consent_and_history() {
    let mut desk = Desk::at_bench();
    let effects = desk.person(Person::FormDone(FormOf::Bench));
    assert!(opened(&effects).is_empty(), "it changes something, and the host is new: asked first");
    assert!(matches!(&desk.last().stage, Stage::Chosen(_, Step::Consent)));
    assert_eq!(desk.model.federation.bench.as_ref().expect("a bench").sent, Some(desk.id()));
    let effects = desk.person(Person::Decided(desk.id(), Decided::Once));
    let sent = asked_for(&effects);
    assert_eq!(serde_json::to_value(&sent.plan).expect("json")[0]["args"]["name"], json!({"literal": "Rex"}));
    assert!(!effects.contains(&Effect::FocusPrompt), "the keyboard stays at the bench");
}

#[test]
fn an_answer_about_another_operation_is_dropped() {
    let mut desk = Desk::at_bench();
    desk.does(Event::Moved("/federation/pets/list".into()));
    desk.hears(About::Detail("pets/add".into()), Ok(Answer::Detail(Box::new(detail()))));
    assert!(desk.model.federation.bench.as_ref().expect("a bench").detail.is_none());
}

#[test]
fn a_secret_goes_to_the_realm_and_is_kept_nowhere() {
    let mut desk = Desk::at("/federation/pets?show=credentials", vec![source(SourceStage::Enabled)]);
    let secret = Secret::ApiKey { key: "hunter2-hunter2".into() };
    let effects = desk.clerk(Clerk::Give(AddCredential { source: id(), scheme: "key".into(), secret }));
    assert!(matches!(calls(&effects).as_slice(), [Call::AddCredential(_)]));
    assert!(!format!("{:?} {effects:?}", desk.model).contains("hunter2"));
    let effects = desk.hears(About::CredentialAdded, Ok(Answer::Done));
    assert!(calls(&effects).contains(&Call::Credentials));
    assert_eq!(desk.model.federation.credentials_taken, 1);
}

#[test]
fn a_place_is_kept_by_the_address_and_the_prompt_leads_back_to_the_stream() {
    let mut desk = Desk::trusting();
    let effects = desk.does(Event::Moved("/federation/pets?show=skipped".into()));
    assert!(effects.contains(&Effect::KeepScroll));
    assert!(calls(&effects).contains(&Call::Skipped(id())));
    assert_eq!(desk.model.place, crate::shell::place::Place::side(&id(), Tab::Skipped));
    assert!(desk.does(Event::Moved("prompt".into())).is_empty(), "an anchor is no place");
    let effects = desk.asks("what's the weather in Lisbon");
    assert!(effects.contains(&Effect::Go { address: "#/".into(), is_step: true }));
    assert!(effects.contains(&Effect::FocusPrompt) && effects.contains(&Effect::ShowNewest));
}
