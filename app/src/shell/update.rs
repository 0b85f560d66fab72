//! What happens next: the only place where the model changes, and it touches nothing but the model.

mod engine;
mod history;
mod prompt;
mod realm;
mod routing;
mod runs;
#[cfg(test)]
mod tests;

use mtor_shared::run::RunId;

use super::{
    effect::Effect,
    event::{Event, Person, Stamp, Timer},
    model::{Entry, EntryId, Model, Shared, Stage},
};

/// Takes an event in and says what is to be done outside.
pub fn update(model: &mut Model, stamp: Stamp, event: Event) -> Vec<Effect> {
    let mut turn = Turn { stamp, drawn: 0, effects: Vec::new() };
    let turn_ref = &mut turn;
    match event {
        Event::Opened { draft, preference } => {
            model.prompt.text = draft;
            model.engine.preference = preference;
            turn_ref.push(Effect::FocusPrompt);
            realm::ask(model, turn_ref);
        }
        Event::StorageRead { entries, settings, unreadable } => {
            history::read(model, turn_ref, entries, settings, unreadable);
        }
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
        }
        Event::WentOffline => realm::ask(model, turn_ref),
    }
    turn.effects
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
        Person::Filled(id, values) => routing::filled(model, turn, &id, values),
        Person::Decided(id, decided) => routing::decided(model, turn, &id, decided),
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
