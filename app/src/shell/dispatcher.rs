//! Events in, effects out: the one thing that components get to talk to.

use leptos::prelude::*;
use mtor_shared::{
    engine,
    problem::{Problem, ProblemCode},
};
use wasm_bindgen_futures::spawn_local;

use super::{
    effect::Effect,
    event::{ChatAct, Clerk, Event, ModelAct, Person, RealmEvent},
    model::Model,
    update::update,
};
use crate::{
    executors::{
        device::Device,
        keeper::{Chore, Keeper},
        remote::{self, Links, Watches},
    },
    later,
    platform::{
        clock, crypto,
        files::{self, File},
        page,
        store::{self, Note},
    },
    ui::memo,
};

/// How long after the first paint the engine is started, so that it takes nothing from the first answer.
const ENGINE_AFTER_MS: u32 = 400;

/// Takes events and shows the model; cheap to copy.
#[derive(Clone, Copy)]
pub struct Dispatcher {
    model: RwSignal<Model>,
    hands: StoredValue<Hands, LocalStorage>,
}

#[derive(Default)]
struct Hands {
    links: Links,
    device: Device,
    keeper: Keeper,
    watches: Watches,
    /// How far the stream was scrolled when it was left.
    scroll: f64,
    /// The file that the engine is about to get.
    file: Option<File>,
}

impl Dispatcher {
    /// Begins: reads what was kept, asks the realm, and starts the engine when the page is at rest.
    pub(crate) fn begin() -> Self {
        let shell =
            Self { model: RwSignal::new(Model::default()), hands: StoredValue::new_local(Hands::default()) };
        page::listen(move || shell.dispatch(Event::Woke), move || shell.dispatch(Event::WentOffline));
        page::listen_to_address(move |fragment| shell.dispatch(Event::Moved(fragment)));
        shell.dispatch(Event::DraftsRead(store::note(Note::Drafts)));
        shell.dispatch(Event::Opened {
            draft: store::note(Note::Draft),
            preference: page::backend_preference(),
            fragment: page::fragment(),
            description: store::note(Note::Description),
        });
        clock::after(ENGINE_AFTER_MS, move || shell.dispatch(Event::Idle));
        spawn_local(async move { shell.open_store().await });
        shell
    }

    async fn open_store(self) {
        let opened = async {
            let store = store::Store::open(move || self.storage_blocked()).await?;
            let stored = store.read().await?;
            Ok((store, stored))
        };
        match opened.await {
            Ok((store, stored)) => {
                self.dispatch(Event::StorageRead {
                    entries: stored.entries,
                    settings: stored.settings,
                    unreadable: stored.unreadable,
                });
                self.dispatch(Event::ConversationsRead {
                    conversations: stored.conversations,
                    unreadable: stored.unreadable_conversations,
                });
                self.hands.with_value(|hands| {
                    hands.keeper.opened(store.clone(), move |problem| self.storage_failed(problem))
                });
                self.dispatch(Event::IdentityRead(crypto::identity(&store).await));
            }
            Err(problem) => {
                self.dispatch(Event::IdentityRead(Err(Clone::clone(&problem))));
                self.storage_failed(problem);
            }
        }
    }

    fn storage_blocked(self) {
        self.storage_failed(Problem::new(
            ProblemCode::Conflict,
            "Another tab has an older MTOR open, so nothing that is stored can be read yet.",
            "Close or reload that tab.",
        ));
    }

    fn storage_failed(self, problem: Problem) {
        self.dispatch(Event::StorageFailed(problem));
    }

    /// Takes what a person did.
    pub(crate) fn person(self, person: Person) {
        self.dispatch(Event::Person(person));
    }

    /// Takes what a person did about sources.
    pub(crate) fn clerk(self, clerk: Clerk) {
        self.person(Person::Clerk(clerk));
    }

    /// Takes what a person did in a conversation.
    pub(crate) fn chat(self, act: ChatAct) {
        self.person(Person::Chat(act));
    }

    /// Takes what a person did about models.
    pub(crate) fn models(self, act: ModelAct) {
        self.person(Person::Models(act));
    }

    /// Takes a file of weights in.
    pub(crate) fn bring(self, file: Option<File>) {
        let Some(file) = file else { return };
        let name = file.name();
        self.hands.update_value(|hands| hands.file = Some(file));
        self.models(ModelAct::Bring(name));
    }

    /// Takes an event in, then does what is to be done outside.
    pub(crate) fn dispatch(self, event: Event) {
        let stamp = clock::stamp();
        let effects = self.model.try_update(|model| update(model, stamp, event)).unwrap_or_default();
        for effect in effects {
            self.perform(effect);
        }
    }

    /// Something worked out from the model; whoever reads it hears of its changes alone.
    pub(crate) fn view<T>(self, read: impl Fn(&Model) -> T + Send + Sync + 'static) -> Memo<T>
    where
        T: PartialEq + Send + Sync + 'static,
    {
        let model = self.model;
        memo(move || model.with(|model| read(model)))
    }

    fn perform(self, effect: Effect) {
        match effect {
            Effect::FetchCatalogue { ask } => spawn_local(async move {
                let result = remote::catalogue().await;
                self.dispatch(Event::Realm(RealmEvent::Catalogue { ask, result }));
            }),
            Effect::FetchVectors => spawn_local(async move {
                let result = remote::vectors().await;
                self.dispatch(Event::Realm(RealmEvent::Vectors(result)));
            }),
            Effect::OpenRun { connection, open } => {
                let run = open.run().clone();
                let hear = move |news| self.dispatch(Event::Run { run: run.clone(), connection, news });
                self.hands.update_value(|hands| hands.links.open(open, hear));
            }
            Effect::StopRun(run) => spawn_local(async move {
                let taken = remote::stop(&run).await;
                self.dispatch(Event::StopAnswered { run, taken });
            }),
            Effect::CloseRun(run) => self.hands.update_value(|hands| hands.links.close(&run)),
            Effect::StartEngine { generation, start } => {
                // Not at once: what cannot even start says so while this is still being done.
                let hear = move |event: engine::Event| {
                    clock::after(0, move || self.dispatch(Event::Engine { generation, event }));
                };
                spawn_local(async move {
                    match later::messages().await {
                        Ok(messages) => {
                            self.hands.update_value(|hands| hands.device.start(&start, messages.engine, hear))
                        }
                        Err(missing) => hear(engine::Event::Lost { problem: missing.into() }),
                    }
                });
            }
            Effect::TellEngine(command) => self.hands.with_value(|hands| hands.device.tell(&command)),
            Effect::EndEngine => self.hands.update_value(|hands| hands.device.end()),
            Effect::Ring { after_ms, timer } => {
                clock::after(after_ms, move || self.dispatch(Event::Rang(timer)))
            }
            Effect::KeepEntry(entry) => self.keep(Chore::Entry(entry)),
            Effect::ForgetEntries(ids) => self.keep(Chore::Forget(ids)),
            Effect::KeepSettings(settings) => self.keep(Chore::Settings(settings)),
            Effect::KeepDraft(text) => store::keep_note(Note::Draft, &text),
            Effect::KeepDescription(text) => store::keep_note(Note::Description, &text),
            Effect::Call(call) => spawn_local(async move {
                let about = call.about();
                let result = remote::call(call).await;
                self.dispatch(Event::Answered { about, result });
            }),
            Effect::WatchSource(id) => {
                let of = id.clone();
                let hear = move |source| self.dispatch(Event::Progress(source));
                let ended = move || self.dispatch(Event::ProgressEnded(of.clone()));
                self.hands.update_value(|hands| hands.watches.open(id, hear, ended));
            }
            Effect::UnwatchSource(id) => self.hands.update_value(|hands| hands.watches.close(&id)),
            Effect::Go { address, is_step } => page::go(&address, is_step),
            Effect::KeepScroll => self.hands.update_value(|hands| hands.scroll = page::scroll()),
            Effect::RestoreScroll => page::scroll_to(self.hands.with_value(|hands| hands.scroll)),
            Effect::ShowTop => page::scroll_to(0.0),
            Effect::Focus(id) => page::focus(id),
            Effect::KeepConversation(known) => self.keep(Chore::Conversation(known)),
            Effect::ForgetConversation(id) => self.keep(Chore::ForgetConversation(id)),
            Effect::KeepDrafts(text) => store::keep_note(Note::Drafts, &text),
            Effect::Save { name, text } => files::save(&name, &text),
            Effect::BringFile(job) => self.hands.update_value(|hands| {
                if let Some(file) = hands.file.take() {
                    hands.device.bring(job, &file);
                }
            }),
            Effect::Persist { asks } => spawn_local(async move {
                if let Some(granted) = page::persistence(asks).await {
                    self.dispatch(Event::Persisted(granted));
                }
            }),
            Effect::ShowLast => page::show_end(page::CHAT_END),
            Effect::FocusPrompt => page::focus_prompt(),
            Effect::ShowNewest => page::show_end(page::END),
        }
    }

    fn keep(self, chore: Chore) {
        self.hands.with_value(|hands| hands.keeper.add(chore, move |problem| self.storage_failed(problem)));
    }
}

/// The dispatcher of this page.
pub(crate) fn use_shell() -> Dispatcher {
    expect_context()
}
