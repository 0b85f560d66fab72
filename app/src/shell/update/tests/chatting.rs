//! Conversations and the models that answer in them.

use mtor_shared::{
    engine::{Command, Presence},
    generation::{Answer, End, Message, Prompt, Request, Role, Usage},
    model::CHAT,
};

use super::*;
use crate::shell::{
    chat::{Conversation, ConversationId, NodeId, ReplyState},
    event::{ChatAct, ModelAct},
    models::{Load, Persistence},
    place::Place,
    view::chat as chat_view,
};

pub(super) fn chat_model() -> ModelId {
    ModelId(CHAT.into())
}

fn presence(is_complete: bool, loaded: bool) -> Presence {
    Presence {
        model: chat_model(),
        stored_bytes: if is_complete { 491_400_064 } else { 1000 },
        is_complete,
        loaded_bytes: loaded.then_some(500_000_000),
    }
}

pub(super) fn usage() -> Usage {
    Usage {
        prompt_tokens: 10,
        remembered_tokens: 0,
        answer_tokens: 2,
        first_token_ms: 100.0,
        rest_ms: 50.0,
        backend: Backend::Cpu,
        dispatches: None,
    }
}

impl Desk {
    /// The engine runs and has told what is stored.
    fn surveyed(models: Vec<Presence>) -> Self {
        let mut desk = Self::with_model();
        desk.does(Event::ConversationsRead { conversations: vec![], unreadable: 0 });
        desk.tells(models);
        desk
    }

    fn tells(&mut self, models: Vec<Presence>) -> Vec<Effect> {
        self.engine(EngineEvent::Surveyed { models, used_bytes: Some(1), quota_bytes: Some(10_000_000_000) })
    }

    /// And the chat model is in memory.
    pub(super) fn chatting() -> Self {
        let mut desk = Self::surveyed(vec![presence(true, false)]);
        desk.does(Event::Moved("/chat".into()));
        desk.chat_model_loads(0.0);
        desk
    }

    fn chat_model_loads(&mut self, download_ms: f64) -> Vec<Effect> {
        let times = LoadTimes { download_ms, ..LoadTimes::default() };
        self.engine(EngineEvent::Loaded { model: chat_model(), times, stored: true })
    }

    fn chat(&mut self, act: ChatAct) -> Vec<Effect> {
        self.at_ms += 1;
        self.person(Person::Chat(act))
    }

    /// The conversation that was changed last.
    fn talk(&self) -> &Conversation {
        let newest = self.model.chats.all.iter().max_by_key(|known| known.changed_at_ms);
        newest.expect("a conversation")
    }

    fn talk_id(&self) -> ConversationId {
        self.talk().id.clone()
    }

    fn state(&self, node: NodeId) -> ReplyState {
        self.talk().node(node).and_then(|node| node.reply.clone()).expect("an answer").state
    }

    /// What is shown: who, and which words.
    fn shown(&self) -> Vec<(Role, String)> {
        let talk = self.talk();
        let node = |id: NodeId| talk.node(id).expect("a message");
        talk.path().into_iter().map(|id| (node(id).role(), node(id).text.clone())).collect()
    }

    fn answers(&mut self, job: JobId, words: &str) -> Vec<Effect> {
        self.engine(EngineEvent::Reading { job, done: 10, total: 10 });
        self.engine(EngineEvent::Token { job, text: words.into() });
        self.ends(job, End::Complete)
    }

    fn ends(&mut self, job: JobId, end: End) -> Vec<Effect> {
        let answer = Answer { text: String::new(), end, usage: usage() };
        self.engine(EngineEvent::Generated { job, answer })
    }
}

/// What the engine is told of a kind.
fn told(effects: &[Effect]) -> Vec<&Command> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::TellEngine(command) => Some(command),
            _ => None,
        })
        .collect()
}

fn generate(effects: &[Effect]) -> Option<(JobId, Request)> {
    told(effects).into_iter().find_map(|command| match command {
        Command::Generate { job, request, .. } => Some((*job, request.clone())),
        _ => None,
    })
}

fn messages(request: &Request) -> Vec<Message> {
    match &request.prompt {
        Prompt::Messages { messages } => messages.clone(),
        other => panic!("messages, not {other:?}"),
    }
}

fn loads(effects: &[Effect]) -> bool {
    told(effects).contains(&&Command::Load { model: chat_model() })
}

fn keeps(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::KeepConversation(_)))
}

#[test]
fn a_first_message_waits_for_the_download_and_is_answered_by_itself() {
    let mut desk = Desk::surveyed(vec![]);
    desk.does(Event::Moved("/chat".into()));
    let effects = desk.asks("Why is the sky blue?");
    assert!(!loads(&effects), "nobody has agreed to a download of that size");
    assert!(keeps(&effects), "it is kept before there is an answer");
    assert_eq!(desk.model.place, Place::talk(&desk.talk_id()), "it has an address of its own");
    assert_eq!(desk.model.prompt.text, "", "the stream's prompt is another one");
    let by = chat_model();
    let chat_view::Waiting::Offer { sentence, verb, .. } = chat_view::waiting(&desk.model, &by) else {
        panic!("an offer");
    };
    assert!(sentence.contains("491.4 MB") && sentence.contains("on this device"), "{sentence}");
    assert_eq!(verb, "Download 491.4 MB");

    assert!(loads(&desk.person(Person::Models(ModelAct::Load(by)))));
    let effects = desk.chat_model_loads(60_000.0);
    assert!(effects.contains(&Effect::Persist { asks: true }), "what took a download is worth keeping");
    let (job, request) = generate(&effects).expect("the question goes on by itself");
    assert_eq!(messages(&request).last().expect("a message").content, "Why is the sky blue?");
    desk.answers(job, "Because.");
    assert_eq!(
        desk.shown(),
        [(Role::User, "Why is the sky blue?".into()), (Role::Assistant, "Because.".into())]
    );
}

#[test]
fn a_stored_model_is_loaded_on_arrival_and_without_asking() {
    let mut desk = Desk::surveyed(vec![presence(true, false)]);
    assert!(loads(&desk.does(Event::Moved("/chat".into()))));
    assert!(generate(&desk.asks("Hi")).is_none());
    assert!(generate(&desk.chat_model_loads(0.0)).is_some());
}

#[test]
fn tokens_are_appended_and_kept_now_and_then() {
    let mut desk = Desk::chatting();
    let (job, _) = generate(&desk.asks("Hi")).expect("a job");
    let last = desk.talk().last().expect("a message");
    desk.engine(EngineEvent::Reading { job, done: 5, total: 10 });
    assert_eq!(desk.state(last), ReplyState::Reading { done: 5, total: 10 });
    let token = |text: &str| EngineEvent::Token { job, text: text.into() };
    assert!(keeps(&desk.engine(token("Hel"))), "from the first token on");
    assert!(!keeps(&desk.engine(token("lo"))), "not each of them");
    desk.at_ms += 1600;
    assert!(keeps(&desk.engine(token(" there"))));
    assert_eq!(desk.talk().node(last).expect("it").text, "Hello there");
    assert!(keeps(&desk.ends(job, End::Complete)));
    assert_eq!(desk.state(last), ReplyState::Over { end: End::Complete, usage: usage() });
    assert!(desk.engine(token("late")).is_empty(), "what comes afterwards changes nothing");
}

#[test]
fn the_whole_conversation_is_remembered_and_instructions_come_first() {
    let mut desk = Desk::chatting();
    let id = desk.model.chats.next.id.clone();
    let manner = crate::shell::chat::Manner {
        system: "Be brief.".into(),
        temperature: 9.0,
        seed: Some(7),
        ..Default::default()
    };
    desk.chat(ChatAct::Manner(id, Box::new(manner)));
    let (job, request) = generate(&desk.asks("one")).expect("a job");
    assert_eq!(request.sampling.seed, 7);
    assert!((request.sampling.temperature - 2.0).abs() < 1e-6, "within what makes sense");
    desk.answers(job, "two");
    let (_, request) = generate(&desk.asks("three")).expect("a job");
    let said: Vec<_> =
        messages(&request).into_iter().map(|message| (message.role, message.content)).collect();
    assert_eq!(
        said,
        [
            (Role::System, "Be brief.".into()),
            (Role::User, "one".into()),
            (Role::Assistant, "two".into()),
            (Role::User, "three".into())
        ]
    );
}

#[test]
fn while_an_answer_comes_typing_goes_on_and_sending_waits() {
    let mut desk = Desk::chatting();
    generate(&desk.asks("one")).expect("a job");
    assert!(generate(&desk.asks("two")).is_none());
    let prompt = chat_view::prompt(&desk.model);
    assert_eq!(prompt.text, "two", "nothing that was typed is lost");
    assert!(prompt.notice.is_some() && prompt.stops.is_some());
    desk.person(Person::Typed("two more".into()));
    assert_eq!(chat_view::prompt(&desk.model).notice, None);
}

#[test]
fn a_stopped_answer_stays_as_far_as_it_got() {
    let mut desk = Desk::chatting();
    let (job, _) = generate(&desk.asks("one")).expect("a job");
    desk.engine(EngineEvent::Token { job, text: "Half an".into() });
    let effects = desk.person(Person::Escaped);
    assert!(told(&effects).contains(&&Command::Cancel { job }));
    assert!(told(&desk.person(Person::Escaped)).is_empty(), "it is told once");
    desk.ends(job, End::Stopped);
    assert_eq!(desk.shown()[1].1, "Half an");
    assert_eq!(chat_view::prompt(&desk.model).stops, None);
}

#[test]
fn another_answer_stands_beside_the_first() {
    let mut desk = Desk::chatting();
    let (job, request) = generate(&desk.asks("one")).expect("a job");
    desk.answers(job, "first");
    let (id, first) = (desk.talk_id(), desk.talk().last().expect("an answer"));
    let (job, again) = generate(&desk.chat(ChatAct::Regenerate(id.clone(), first))).expect("a job");
    assert_eq!(messages(&request), messages(&again), "it answers the same");
    assert_ne!(request.sampling.seed, again.sampling.seed, "with other dice");
    desk.answers(job, "second");
    let second = desk.talk().last().expect("an answer");
    let beside = chat_view::beside(desk.talk(), second).expect("two");
    assert_eq!((beside.position, beside.count, beside.earlier), (2, 2, Some(first)));
    assert!(keeps(&desk.chat(ChatAct::Choose(id, first))));
    assert_eq!(desk.shown()[1].1, "first");
}

#[test]
fn an_edited_question_begins_a_branch_and_the_old_one_stays() {
    let mut desk = Desk::chatting();
    for words in ["one", "two"] {
        let (job, _) = generate(&desk.asks(words)).expect("a job");
        desk.answers(job, "answer");
    }
    let (id, first) = (desk.talk_id(), desk.talk().path()[0]);
    assert!(desk.chat(ChatAct::Edit(id.clone(), first)).contains(&Effect::Focus("edit-0".into())));
    desk.chat(ChatAct::Edited(id.clone(), first, "  ".into()));
    assert!(generate(&desk.chat(ChatAct::Resend(id.clone(), first))).is_none(), "there is nothing to send");
    let effects = desk.chat(ChatAct::Edited(id.clone(), first, "uno".into()));
    let kept = effects.iter().find_map(|effect| match effect {
        Effect::KeepDrafts(text) => Some(text.clone()),
        _ => None,
    });
    assert!(kept.expect("kept").contains("uno"), "a half-made change survives a reload");
    let (_, request) = generate(&desk.chat(ChatAct::Resend(id.clone(), first))).expect("a job");
    assert_eq!(messages(&request).len(), 1, "what followed the old question is not part of it");
    assert_eq!(desk.shown()[0].1, "uno");
    desk.chat(ChatAct::Choose(id, first));
    assert_eq!(desk.shown().len(), 4, "the old branch is whole");
}

#[test]
fn a_lost_engine_is_started_again_and_the_answer_begins_again_with_the_same_dice() {
    let mut desk = Desk::chatting();
    let (job, request) = generate(&desk.asks("one")).expect("a job");
    desk.engine(EngineEvent::Token { job, text: "Half".into() });
    desk.engine(EngineEvent::Lost { problem: Problem::new(ProblemCode::DeviceLost, "Gone.", "") });
    assert_eq!(desk.shown()[1].1, "Half", "what is there stays to be read meanwhile");
    let generation = desk.model.engine.generation;
    desk.does(Event::Rang(Timer::Engine { generation }));
    let ready = EngineEvent::Ready { backend: Backend::Cpu, adapter: None, reason: String::new() };
    assert!(loads(&desk.engine(ready)), "what was in memory is wanted again");
    let (job, again) = generate(&desk.chat_model_loads(0.0)).expect("the conversation is replayed");
    assert_eq!(request, again);
    desk.answers(job, "Whole");
    assert_eq!(desk.shown()[1].1, "Whole");
}

#[test]
fn less_is_shown_when_the_engine_has_no_room() {
    let mut desk = Desk::chatting();
    for words in ["one", "two"] {
        let (job, _) = generate(&desk.asks(words)).expect("a job");
        desk.answers(job, "answer");
    }
    let (job, request) = generate(&desk.asks("three")).expect("a job");
    assert_eq!(messages(&request).len(), 5);
    let full = || Problem::new(ProblemCode::TooLarge, "Too long.", "");
    let effects = desk.engine(EngineEvent::JobFailed { job, problem: full() });
    let (job, request) = generate(&effects).expect("once more, with less");
    assert_eq!(messages(&request).len(), 3);
    let (_, words) = chat_view::forgotten(desk.talk()).expect("it is said");
    assert_eq!(words, "The model no longer sees the first 2 messages.");
    let effects = desk.engine(EngineEvent::JobFailed { job, problem: full() });
    let (job, _) = generate(&effects).expect("and with the question alone");
    assert!(generate(&desk.engine(EngineEvent::JobFailed { job, problem: full() })).is_none());
    assert_eq!(desk.state(desk.talk().last().expect("it")), ReplyState::Failed { problem: full() });
}

#[test]
fn a_model_that_was_taken_out_of_memory_comes_back_for_the_question() {
    let mut desk = Desk::chatting();
    let (job, _) = generate(&desk.asks("one")).expect("a job");
    let problem = Problem::new(ProblemCode::NotFound, "Not in memory.", "");
    assert!(loads(&desk.engine(EngineEvent::JobFailed { job, problem })));
    assert!(generate(&desk.chat_model_loads(0.0)).is_some());

    let mut desk = Desk::chatting();
    desk.tells(vec![presence(true, false)]);
    assert!(loads(&desk.asks("two")), "the engine told that it is gone");
}

#[test]
fn a_pause_keeps_what_is_there_and_the_question_goes_on_waiting() {
    let mut desk = Desk::surveyed(vec![]);
    desk.does(Event::Moved("/chat".into()));
    desk.asks("one");
    desk.person(Person::Models(ModelAct::Load(chat_model())));
    desk.engine(EngineEvent::Progress {
        model: chat_model(),
        phase: mtor_shared::engine::LoadPhase::Download,
        done_bytes: 100_000_000,
        total_bytes: 491_400_064,
        bytes_per_s: Some(1e6),
        seconds_left: Some(391.0),
    });
    let chat_view::Waiting::Coming { words, share, can_pause, .. } =
        chat_view::waiting(&desk.model, &chat_model())
    else {
        panic!("on its way");
    };
    assert_eq!(words, "Qwen2.5 Coder 0.5B: 100.0 MB of 491.4 MB · 1.0 MB/s · 7 min left");
    assert!(can_pause && share.is_some_and(|share| (share - 0.2035).abs() < 0.001));
    let effects = desk.person(Person::Models(ModelAct::Pause(chat_model())));
    assert!(told(&effects).contains(&&Command::Pause { model: chat_model() }));
    let problem = Problem::retryable(ProblemCode::Stopped, "Stopped.", "");
    desk.engine(EngineEvent::LoadFailed { model: chat_model(), problem });
    let part = Presence { stored_bytes: 100_000_000, ..presence(false, false) };
    desk.tells(vec![part]);
    assert_eq!(desk.model.shelf.loads.get(&chat_model()), Some(&Load::Paused));
    let chat_view::Waiting::Offer { verb, .. } = chat_view::waiting(&desk.model, &chat_model()) else {
        panic!("an offer");
    };
    assert_eq!(verb, "Download the other 391.4 MB");
    assert!(loads(&desk.person(Person::Models(ModelAct::Load(chat_model())))));
}

#[test]
fn a_removed_model_goes_when_it_can_no_longer_be_kept() {
    let mut desk = Desk::chatting();
    let evict = Command::Evict { model: chat_model() };
    desk.person(Person::Models(ModelAct::Remove(chat_model())));
    desk.person(Person::Models(ModelAct::Undo));
    let token = desk.model.removals;
    assert!(told(&desk.does(Event::Rang(Timer::ModelGoes { token }))).is_empty());
    assert!(!told(&desk.person(Person::Models(ModelAct::Remove(chat_model())))).contains(&&evict));
    let token = desk.model.removals;
    assert!(told(&desk.does(Event::Rang(Timer::ModelGoes { token }))).contains(&&evict));
}

#[test]
fn the_browser_is_not_asked_again_for_what_it_granted() {
    let mut desk = Desk::surveyed(vec![]);
    desk.does(Event::Persisted(true));
    assert_eq!(desk.model.shelf.persistence, Persistence::Granted);
    assert!(!desk.chat_model_loads(60_000.0).contains(&Effect::Persist { asks: true }));
}

#[test]
fn a_measurement_is_kept_and_becomes_a_verdict() {
    let mut desk = Desk::surveyed(vec![]);
    assert!(told(&desk.person(Person::Models(ModelAct::Measure))).contains(&&Command::Probe));
    assert!(told(&desk.person(Person::Models(ModelAct::Measure))).is_empty(), "one at a time");
    let effects = desk.engine(EngineEvent::Probed { backend: Backend::Cpu, bytes_per_s: 2.5e9 });
    assert!(effects.iter().any(|effect| matches!(effect, Effect::KeepSettings(_))));
    let cards = view::models::cards(&desk.model);
    let card = cards.iter().find(|card| card.id == chat_model()).expect("a card");
    assert!(card.verdict.starts_with("Expect about 5.1 tokens a second on the CPU"), "{}", card.verdict);
}

#[test]
fn what_no_capability_fits_may_be_answered_by_the_model_in_the_stream() {
    let mut desk = Desk::chatting();
    desk.does(Event::Moved("/".into()));
    desk.asks("tell me a joke");
    if embedding_waits(&desk) {
        desk.does(Event::Rang(last_patience(&desk)));
    }
    assert_eq!(desk.last().stage, Stage::Unknown);
    let entry = desk.id();
    let (job, request) = generate(&desk.chat(ChatAct::AskModel(entry))).expect("a job");
    assert_eq!(messages(&request)[0].content, "tell me a joke");
    assert_eq!(desk.model.place, Place::Stream, "the answer is read where it was asked");
    assert!(matches!(&desk.last().stage, Stage::Told(id) if *id == desk.talk_id()));
    desk.engine(EngineEvent::Token { job, text: "Knock".into() });
    assert!(told(&desk.person(Person::Escaped)).contains(&&Command::Cancel { job }));
}

fn embedding_waits(desk: &Desk) -> bool {
    matches!(desk.last().stage, Stage::Routing(_))
}

fn last_patience(desk: &Desk) -> Timer {
    let Stage::Routing(crate::shell::model::WaitsFor::Embedding { job }) = desk.last().stage else {
        panic!("it waits for a vector");
    };
    Timer::Embedding { entry: desk.id(), job, last: true }
}

#[test]
fn drafts_survive_a_reload_each_in_its_place() {
    let mut desk = Desk::chatting();
    let (job, _) = generate(&desk.asks("one")).expect("a job");
    desk.answers(job, "two");
    let id = desk.talk_id();
    desk.person(Person::Typed("half a".into()));
    desk.does(Event::Moved("/chat".into()));
    assert_eq!(chat_view::prompt(&desk.model).text, "");
    let effects = desk.person(Person::Typed("something new".into()));
    let Some(Effect::KeepDrafts(kept)) = effects.last() else { panic!("kept: {effects:?}") };

    let mut next = Desk { model: Model::default(), at_ms: desk.at_ms, turns: 100 };
    next.does(Event::DraftsRead(kept.clone()));
    next.does(Event::Opened {
        draft: "the stream's".into(),
        preference: Default::default(),
        fragment: format!("/chat/{}", id.0),
        description: String::new(),
    });
    let conversations = vec![Conversation::clone(desk.talk())];
    next.does(Event::ConversationsRead { conversations, unreadable: 0 });
    assert_eq!(chat_view::prompt(&next.model).text, "half a");
    next.does(Event::Moved("/chat".into()));
    assert_eq!(chat_view::prompt(&next.model).text, "something new");
    next.does(Event::Moved("/".into()));
    assert_eq!(chat_view::prompt(&next.model).text, "the stream's");
}

#[test]
fn a_reload_keeps_every_branch_and_ends_what_was_being_written() {
    let mut desk = Desk::chatting();
    let (job, _) = generate(&desk.asks("one")).expect("a job");
    desk.engine(EngineEvent::Token { job, text: "Half".into() });
    let text = serde_json::to_string(desk.talk()).expect("writes");
    let stored: Conversation = mtor_shared::wire::read(&text).expect("reads");
    let mut next = Desk::surveyed(vec![presence(true, false)]);
    next.does(Event::ConversationsRead { conversations: vec![stored], unreadable: 0 });
    let last = next.talk().last().expect("an answer");
    assert_eq!(next.state(last), ReplyState::Interrupted);
    assert_eq!(next.shown()[1].1, "Half");
    assert!(next.model.chats.asked.is_empty());
}

#[test]
fn a_removed_conversation_is_brought_back_where_it_was() {
    let mut desk = Desk::chatting();
    let (job, _) = generate(&desk.asks("one")).expect("a job");
    let id = desk.talk_id();
    let effects = desk.chat(ChatAct::Remove(id.clone()));
    assert!(told(&effects).contains(&&Command::Cancel { job }), "nothing goes on unseen");
    assert!(effects.contains(&Effect::ForgetConversation(id.clone())));
    assert_eq!(desk.model.place, Place::Chat);
    assert!(keeps(&desk.chat(ChatAct::Undo)));
    assert_eq!(desk.model.place, Place::talk(&id));
    let token = desk.model.removals;
    desk.does(Event::Rang(Timer::ConversationGoes { token }));
    assert_eq!(desk.talk_id(), id);
}

#[test]
fn a_search_shows_where_the_words_are_and_opens_the_branch_that_has_them() {
    let mut desk = Desk::chatting();
    let (job, _) = generate(&desk.asks("colours")).expect("a job");
    desk.answers(job, "Red and ultramarine.");
    let (id, first) = (desk.talk_id(), desk.talk().last().expect("an answer"));
    let (job, _) = generate(&desk.chat(ChatAct::Regenerate(id, first))).expect("a job");
    desk.answers(job, "Green.");
    desk.chat(ChatAct::Search(" ULTRAmarine ".into()));
    let lines = chat_view::lines(&desk.model);
    let found = lines[0].found.clone().expect("found");
    assert_eq!(found.1, "ultramarine");
    let address = lines[0].address.trim_start_matches('#').to_owned();
    let effects = desk.does(Event::Moved(address));
    assert_eq!(desk.shown()[1].1, "Red and ultramarine.");
    let gets_keyboard = Effect::Focus(format!("message-{}", first.0));
    assert!(effects.contains(&gets_keyboard));
    // The screen may have been drawn only now.
    assert!(desk.does(Event::Came).contains(&gets_keyboard));
    desk.chat(ChatAct::Search("nowhere".into()));
    assert!(chat_view::lines(&desk.model).is_empty());
}

#[test]
fn an_export_is_imported_once_and_beside_what_differs() {
    let mut desk = Desk::chatting();
    let (job, _) = generate(&desk.asks("one")).expect("a job");
    desk.answers(job, "two");
    let effects = desk.chat(ChatAct::Export(None));
    let Some(Effect::Save { name, text }) = effects.last() else { panic!("a file: {effects:?}") };
    assert_eq!(name, "conversations.mtor.json");
    let import = |desk: &mut Desk, text: &str| {
        desk.chat(ChatAct::Import { name: "a.json".into(), text: text.into() });
        desk.model.chats.brought.clone().expect("an outcome")
    };
    assert_eq!(
        import(&mut desk, text),
        Ok("0 conversations imported.".replace("0 conversations imported", "1 conversation already here"))
    );
    let (id, text) = (desk.talk_id(), text.clone());
    desk.chat(ChatAct::Rename(id, "Mine".into()));
    assert_eq!(import(&mut desk, &text), Ok("1 conversation imported.".into()));
    assert_eq!(desk.model.chats.all.len(), 2, "both stay");
    let problem = import(&mut desk, "{").expect_err("refused");
    assert_eq!(problem.title, "a.json is not JSON, or it is not whole.");

    let mut other = Desk::surveyed(vec![]);
    assert_eq!(import(&mut other, &text), Ok("1 conversation imported.".into()));
    assert_eq!(other.shown(), [(Role::User, "one".into()), (Role::Assistant, "two".into())]);
}

#[test]
fn an_engine_that_was_given_up_is_started_by_whoever_waits_for_an_answer() {
    let mut desk = Desk::chatting();
    desk.asks("one");
    for _ in 0..4 {
        desk.engine(EngineEvent::Lost { problem: Problem::new(ProblemCode::DeviceLost, "Gone.", "") });
        let generation = desk.model.engine.generation;
        desk.does(Event::Rang(Timer::Engine { generation }));
    }
    let chat_view::Waiting::Trouble { model, retry_at_ms: None, .. } =
        chat_view::waiting(&desk.model, &chat_model())
    else {
        panic!("given up");
    };
    let effects = desk.person(Person::Models(ModelAct::Load(model)));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::StartEngine { .. })));
}

#[test]
fn a_conversation_that_is_not_here_loses_no_words() {
    let mut desk = Desk::surveyed(vec![]);
    desk.does(Event::Moved("/chat/0000000000001-00000001".into()));
    desk.asks("still mine");
    let prompt = chat_view::prompt(&desk.model);
    assert_eq!(prompt.text, "still mine");
    assert!(prompt.notice.is_some() && desk.model.chats.all.is_empty());
}

#[test]
fn an_own_file_is_handed_over_once_the_engine_runs_and_becomes_a_model() {
    let mut desk = Desk::opened();
    let bring = || Person::Models(ModelAct::Bring("tiny.gguf".into()));
    assert!(!desk.person(bring()).iter().any(|effect| matches!(effect, Effect::BringFile(_))));
    assert!(view::models::brought(&desk.model).is_some_and(|outcome| outcome.is_err()));

    let mut desk = Desk::surveyed(vec![]);
    let effects = desk.person(bring());
    let Some(Effect::BringFile(job)) = effects.last().cloned() else { panic!("handed over: {effects:?}") };
    let mut listed = mtor_shared::model::find(&chat_model()).expect("listed").clone();
    listed.id = ModelId("own-0123".into());
    listed.title = "Tiny (mine)".into();
    desk.engine(EngineEvent::Imported { job, model: listed, stored: true });
    let cards = view::models::cards(&desk.model);
    assert!(
        cards
            .iter()
            .any(|card| card.title == "Tiny" && card.facts.contains(&("From", "your own file".into())))
    );
    let problem = Problem::new(ProblemCode::Unsupported, "tiny.gguf is no GGUF file.", "");
    let effects = desk.person(bring());
    let Some(Effect::BringFile(job)) = effects.last().cloned() else { panic!("handed over: {effects:?}") };
    desk.engine(EngineEvent::JobFailed { job, problem: problem.clone() });
    assert_eq!(view::models::brought(&desk.model), Some(Err(problem)));
}
