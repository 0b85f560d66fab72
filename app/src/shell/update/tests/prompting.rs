use super::*;

#[test]
fn an_empty_prompt_says_so_and_asks_nothing() {
    let mut desk = Desk::online();
    desk.asks(" \n ");
    assert!(desk.model.entries.is_empty());
    assert_eq!(desk.model.prompt.notice.as_deref(), Some("There is nothing to ask yet."));
}

#[test]
fn a_megabyte_is_refused_and_stays_in_the_prompt() {
    let mut desk = Desk::online();
    let paste = "a".repeat(1 << 20);
    desk.asks(&paste);
    assert!(desk.model.entries.is_empty());
    assert_eq!(desk.model.prompt.text, paste);
    assert!(desk.model.prompt.notice.as_deref().is_some_and(|words| words.contains("1024 KB")));
    desk.person(Person::Typed("a".into()));
    assert_eq!(desk.model.prompt.notice, None, "typing on takes the words away");
}

#[test]
fn every_change_of_the_prompt_is_kept() {
    let mut desk = Desk::online();
    assert!(desk.person(Person::Typed("wea".into())).contains(&Effect::KeepDraft("wea".into())));
    assert!(desk.asks("what's the weather in Lisbon").contains(&Effect::KeepDraft(String::new())));
}

#[test]
fn a_suggestion_is_asked_and_leaves_the_prompt_alone() {
    let mut desk = Desk::trusting();
    desk.person(Person::Typed("half a thought".into()));
    desk.person(Person::Suggested("What's the weather in Lisbon?".into()));
    assert_eq!(desk.last().prompt, "What's the weather in Lisbon?");
    assert_eq!(desk.model.prompt.text, "half a thought");
}

#[test]
fn the_arrows_walk_through_earlier_prompts_and_back() {
    let mut desk = Desk::online();
    desk.asks("first words");
    desk.asks("second words");
    let text = |desk: &Desk| desk.model.prompt.text.clone();
    desk.person(Person::RecalledOlder);
    assert_eq!(text(&desk), "second words");
    desk.person(Person::RecalledOlder);
    desk.person(Person::RecalledOlder);
    assert_eq!(text(&desk), "first words", "there is nothing before the first");
    desk.person(Person::RecalledNewer);
    assert_eq!(text(&desk), "second words");
    desk.person(Person::RecalledNewer);
    assert_eq!(text(&desk), "");
    desk.person(Person::RecalledNewer);
    assert_eq!(text(&desk), "");
}

#[test]
fn escape_stops_what_goes_on_and_otherwise_clears() {
    let mut desk = Desk::trusting();
    desk.asks("what's the weather in Lisbon");
    desk.person(Person::Typed("next".into()));
    let run = desk.run();
    assert!(desk.person(Person::Escaped).contains(&Effect::StopRun(run)));
    assert_eq!(desk.model.prompt.text, "next");
    let problem = Problem::new(ProblemCode::Stopped, "Stopped.", "");
    desk.chunk(0, ChunkBody::Failed { problem, exchanges: vec![] });
    desk.person(Person::Escaped);
    assert_eq!(desk.model.prompt.text, "");
}

#[test]
fn two_questions_in_one_millisecond_are_two_entries() {
    let mut desk = Desk::online();
    desk.person(Person::Suggested("one thing".into()));
    desk.person(Person::Suggested("another thing".into()));
    assert_eq!(desk.model.entries.len(), 2);
    assert_ne!(desk.model.entries[0].id, desk.model.entries[1].id);
}
