//! What happens next: the only place where the model changes, and it touches nothing but the model.

mod arguments;
mod chats;
mod credentials;
mod engine;
pub mod forms;
mod history;
mod joining;
pub mod operations;
mod places;
mod prompt;
mod realm;
mod routing;
mod runs;
mod sentences;
mod shelf;
mod sources;
pub(crate) mod telling;
#[cfg(test)]
mod tests;

use mtor_shared::{
    problem::Problem,
    run::RunId,
    slots::{self, Date},
};

use super::{
    effect::Effect,
    event::{Clerk, Event, Person, Stamp, Timer},
    federation::{About, Answer, Call},
    model::{Entry, EntryId, Model, Shared, Stage},
    place::Room,
};

/// Takes an event in and says what is to be done outside.
pub fn update(model: &mut Model, stamp: Stamp, event: Event) -> Vec<Effect> {
    let mut turn = Turn { stamp, drawn: 0, effects: Vec::new() };
    let turn_ref = &mut turn;
    let wants_prompt = matches!(event, Event::Person(Person::WantsPrompt));
    match event {
        Event::Opened { draft, preference, fragment, description } => {
            model.prompt.text = draft;
            model.engine.preference = preference;
            model.federation.draft.text = description;
            realm::ask(model, turn_ref);
            places::opened(model, turn_ref, &fragment);
        }
        Event::Moved(fragment) => places::moved(model, turn_ref, &fragment),
        Event::Came => places::came(model, turn_ref),
        Event::StorageRead { entries, settings, unreadable } => {
            history::read(model, turn_ref, entries, settings, unreadable);
        }
        Event::DraftsRead(text) => chats::drafts_read(model, &text),
        Event::ConversationsRead { conversations, unreadable } => {
            chats::read(model, turn_ref, conversations, unreadable);
        }
        Event::Persisted(granted) => shelf::persisted(model, granted),
        Event::StorageFailed(problem) => history::failed(model, turn_ref, problem),
        Event::IdentityRead(result) => history::identity(model, result),
        Event::Person(person) => by_person(model, turn_ref, person),
        Event::Realm(event) => realm::event(model, turn_ref, event),
        Event::Run { run, connection, news } => runs::news(model, turn_ref, &run, connection, news),
        Event::StopAnswered { run, taken } => runs::stop_answered(model, turn_ref, &run, taken),
        Event::Idle => engine::wanted(model, turn_ref),
        Event::Engine { generation, event } => engine::event(model, turn_ref, generation, event),
        Event::Rang(timer) => rang(model, turn_ref, timer),
        Event::Woke => {
            realm::ask(model, turn_ref);
            runs::reconnect_all(model, turn_ref);
            places::look_again(model, turn_ref);
        }
        Event::WentOffline => realm::ask(model, turn_ref),
        Event::Answered { about, result } => answered(model, turn_ref, about, result),
        Event::Progress(source) => sources::told(model, turn_ref, *source),
        Event::ProgressEnded(source) => sources::progress_ended(model, turn_ref, &source),
    }
    // The keyboard stays where a person works.
    if !matches!(model.place.room(), Room::Ask | Room::Chat) && !wants_prompt {
        turn.effects.retain(|effect| *effect != Effect::FocusPrompt);
    }
    turn.effects
}

fn answered(model: &mut Model, turn: &mut Turn, about: About, result: Result<Answer, Problem>) {
    match about {
        About::Sources => sources::listed(model, turn, result),
        About::Source(source) => sources::changed(model, turn, &source, result),
        About::Added => sources::added(model, turn, result),
        About::Deleted(source) => sources::deleted(model, turn, &source, result),
        About::Operations { version, more } => operations::listed(model, turn, version, more, result),
        About::Skipped(source) => operations::skipped(model, source, result),
        About::Detail(id) => operations::detailed(model, turn, &id, result),
        About::DryRun { id, version } => operations::shown(model, turn, &id, version, result),
        About::Credentials => credentials::listed(model, result),
        About::CredentialAdded => credentials::added(model, turn, result),
        About::CredentialDeleted => credentials::deleted(model, turn, result),
    }
}

fn by_clerk(model: &mut Model, turn: &mut Turn, clerk: Clerk) {
    match clerk {
        Clerk::Typed(text) => sources::typed(model, turn, text),
        Clerk::EndpointTyped(text) => model.federation.draft.endpoint = text,
        Clerk::Add => sources::add(model, turn),
        Clerk::Dropped { name, text } => sources::dropped(model, turn, name, text),
        Clerk::Unreadable(problem) => sources::refused(model, turn, problem),
        Clerk::Refresh => places::look_again(model, turn),
        Clerk::Enable(source, enabled) => sources::enable(model, turn, source, enabled),
        Clerk::Accept(source, sha256) => sources::accept(model, turn, source, sha256),
        Clerk::Scan(source) => turn.push(Effect::Call(Call::Scan(source))),
        Clerk::Schedule(source, rescan_s) => sources::schedule(model, turn, source, rescan_s),
        Clerk::Remove(source) => sources::remove(model, turn, source),
        Clerk::Undo => sources::undo(model, turn),
        Clerk::Single(id, enabled) => sources::single(model, turn, id, enabled),
        Clerk::Overlay(source, text) => sources::overlay(model, turn, source, text),
        Clerk::Endpoint(source, text) => sources::endpoint(model, turn, source, text),
        Clerk::Searched(query) => operations::searched(model, turn, query),
        Clerk::More => operations::more(model, turn),
        Clerk::Give(credential) => credentials::give(model, turn, credential),
        Clerk::Revoke(id) => turn.push(Effect::Call(Call::DeleteCredential(id))),
        Clerk::DryRun => operations::dry_run(model, turn),
        Clerk::FillExample => operations::fill_example(model, turn),
    }
}

fn by_person(model: &mut Model, turn: &mut Turn, person: Person) {
    match person {
        Person::Typed(text) => prompt::typed(model, turn, text),
        Person::Submitted => prompt::submitted(model, turn),
        Person::Suggested(text) => prompt::suggested(model, turn, &text),
        Person::Escaped => prompt::escaped(model, turn),
        Person::RecalledOlder => prompt::recalled(model, turn, 1),
        Person::RecalledNewer => prompt::recalled(model, turn, -1),
        Person::Picked(id, capability) => routing::picked(model, turn, &id, capability),
        Person::NoneFits(id) => turn.edit(model, &id, |entry| {
            if entry.stage == Stage::Asking {
                entry.stage = Stage::Unknown;
            }
        }),
        Person::Form(of, path, change) => forms::changed(model, turn, &of, &path, change),
        Person::FormDone(of) => forms::done(model, turn, &of),
        Person::Decided(id, decided) => routing::decided(model, turn, &id, decided),
        Person::Confirmed(id) => routing::confirmed(model, turn, &id),
        Person::Declined(id) => routing::declined(model, turn, &id),
        Person::WantsPrompt => turn.push(Effect::FocusPrompt),
        Person::Clerk(clerk) => by_clerk(model, turn, clerk),
        Person::Chat(act) => chats::act(model, turn, act),
        Person::Models(act) => shelf::act(model, turn, act),
        Person::Join(id) => joining::begin(model, turn, &id),
        Person::Tell(id) => telling::begin(model, turn, &id),
        Person::StopTelling(id) => telling::stop(model, turn, &id),
        Person::Stop(id) => runs::stop(model, turn, &id),
        Person::Retry(id) => runs::retry(model, turn, &id),
        Person::Reconnect(id) => runs::reconnect(model, turn, &id),
        Person::RetryRealm => realm::ask(model, turn),
        Person::RetryEngine => engine::retry(model, turn),
        Person::Remove(id) => history::remove(model, turn, |entry| entry.id == id),
        Person::RemoveAll => history::remove(model, turn, |entry| !entry.is_busy()),
        Person::Undo => history::undo(model, turn),
        Person::ShowEarlier => model.shown += super::model::SHOWN_AT_FIRST,
        Person::Named(name) => {
            model.settings.nickname = name.chars().take(40).collect::<String>().trim().to_owned();
            turn.push(Effect::KeepSettings(model.settings.clone()));
        }
        Person::ForgetDecisions => {
            model.settings.standing.clear();
            turn.push(Effect::KeepSettings(model.settings.clone()));
            turn.say(model, "MTOR asks again before words leave this device.");
        }
    }
}

fn rang(model: &mut Model, turn: &mut Turn, timer: Timer) {
    match timer {
        Timer::Realm { ask } if ask == model.realm.asks => realm::ask(model, turn),
        Timer::Realm { .. } => {}
        Timer::Vectors => realm::fetch_vectors(model, turn),
        Timer::Run { run, connection } => runs::rang(model, turn, &run, connection),
        Timer::Stop { run } => runs::stop_overdue(model, turn, &run),
        Timer::Embedding { entry, job, last } => routing::waited(model, turn, &entry, job, last),
        Timer::Engine { generation } => engine::rang(model, turn, generation),
        Timer::SourceGoes { token } => sources::goes(model, turn, token),
        Timer::Watch(source) => sources::watch(model, turn, &source),
        Timer::ConversationGoes { token } => chats::goes(model, token),
        Timer::ModelGoes { token } => shelf::goes(model, turn, token),
        Timer::Undo { token } => {
            if model.removed.as_ref().is_some_and(|removed| removed.token == token) {
                model.removed = None;
            }
        }
    }
}

/// One event's worth of work.
struct Turn {
    stamp: Stamp,
    drawn: u8,
    effects: Vec<Effect>,
}

impl Turn {
    fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    fn ring(&mut self, after_ms: u32, timer: Timer) {
        self.push(Effect::Ring { after_ms, timer });
    }

    fn now_ms(&self) -> u64 {
        self.stamp.at_ms
    }

    /// The day that it is for the person.
    fn today(&self) -> Date {
        slots::day(self.stamp.at_ms, self.stamp.ahead_min)
    }

    /// A run id that nobody can guess; several in one turn differ.
    fn fresh_run(&mut self) -> RunId {
        let mut bytes = self.stamp.random;
        bytes[0] ^= self.drawn;
        self.drawn = self.drawn.wrapping_add(1);
        RunId::from_bytes(bytes)
    }

    /// Changes an entry and keeps it.
    fn edit(&mut self, model: &mut Model, id: &EntryId, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = model.entries.iter_mut().rev().find(|entry| &entry.id == id) {
            change(entry.edit());
            self.push(Effect::KeepEntry(entry.clone()));
        }
    }

    /// Tells a screen reader.
    fn say(&mut self, model: &mut Model, words: impl Into<String>) {
        model.announcement = (model.announcement.0.wrapping_add(1), words.into());
    }
}

/// Milliseconds before the next try after that many failures in a row: 1, 2, 4, 8, 16, then 30 s.
fn back_off_ms(failures: u32) -> u32 {
    match failures {
        0 | 1 => 1_000,
        2..=5 => 1_000 << (failures - 1),
        _ => 30_000,
    }
}

/// The names of all entries for which it holds.
fn entries_where(model: &Model, holds: impl Fn(&Entry) -> bool) -> Vec<EntryId> {
    model.entries.iter().filter(|entry| holds(entry)).map(|entry: &Shared<Entry>| entry.id.clone()).collect()
}
