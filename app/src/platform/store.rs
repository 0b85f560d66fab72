//! What stays on this device: IndexedDB for history, decisions and keys, and the draft, which must be kept in the very
//! moment of a reload, in the only storage that answers at once.

use std::rc::Rc;

use idb::{Database, DatabaseEvent, Factory, ObjectStoreParams, TransactionMode};
use mtor_shared::{
    problem::{Problem, ProblemCode},
    wire,
};
use wasm_bindgen::JsValue;

use crate::shell::{
    chat::{Conversation, ConversationId},
    model::{Entry, EntryId, Settings},
};

const NAME: &str = "mtor";
/// Each version adds stores to those of the one before, and changes nothing that is in them.
const VERSION: u32 = 2;
const ENTRIES: &str = "entries";
const SETTINGS: &str = "settings";
const KEYS: &str = "keys";
const CONVERSATIONS: &str = "conversations";
/// All of them, in the order in which versions brought them.
const STORES: [&str; 4] = [ENTRIES, SETTINGS, KEYS, CONVERSATIONS];

/// The open database.
#[derive(Clone)]
pub(crate) struct Store(Rc<Database>);

/// What it held.
pub(crate) struct Stored {
    /// History, oldest first.
    pub(crate) entries: Vec<Entry>,
    /// Decisions.
    pub(crate) settings: Settings,
    /// Entries of a form that this version cannot read.
    pub(crate) unreadable: usize,
    /// Conversations, the first one first.
    pub(crate) conversations: Vec<Conversation>,
    /// Conversations of a form that this version cannot read.
    pub(crate) unreadable_conversations: usize,
}

fn problem(error: &idb::Error) -> Problem {
    let full = format!("{error:?}").contains("QuotaExceeded");
    let (code, title) = if full {
        (ProblemCode::StorageFull, "There is no room left to keep history on this device.")
    } else {
        (ProblemCode::Unsupported, "This browser does not let MTOR keep anything on this device.")
    };
    Problem::new(code, title, "Everything works, and is gone when the page closes.")
}

impl Store {
    /// Opens the database and makes it where there is none.
    ///
    /// # Errors
    /// Where the browser refuses, in a private window for example.
    ///
    /// `blocked` is called when an older version in another tab holds it up.
    pub(crate) async fn open(blocked: impl FnOnce() + 'static) -> Result<Self, Problem> {
        let open = async move {
            let mut request = Factory::new()?.open(NAME, Some(VERSION))?;
            request.on_upgrade_needed(|event| {
                if let Ok(database) = event.database() {
                    let there = database.store_names();
                    for store in STORES.into_iter().filter(|store| !there.iter().any(|name| name == store)) {
                        // What cannot be made is found missing by the first use, which says so.
                        let _ = database.create_object_store(store, ObjectStoreParams::new());
                    }
                }
            });
            request.on_blocked(move |_| blocked());
            let mut database: Database = request.await?;
            // A newer version in another tab must not wait for this one.
            database.on_version_change(|event| {
                if let Ok(database) = event.database() {
                    database.close();
                }
            });
            Ok(database)
        };
        open.await.map(|database| Self(Rc::new(database))).map_err(|error: idb::Error| problem(&error))
    }

    /// Reads history and decisions.
    ///
    /// # Errors
    /// Where reading fails altogether; single entries that cannot be read are counted.
    pub(crate) async fn read(&self) -> Result<Stored, Problem> {
        let read = async {
            let stores = [ENTRIES, SETTINGS, CONVERSATIONS];
            let transaction = self.0.transaction(&stores, TransactionMode::ReadOnly)?;
            let entries = transaction.object_store(ENTRIES)?.get_all(None, None)?.await?;
            let settings = transaction.object_store(SETTINGS)?.get(JsValue::from_str(SETTINGS))?.await?;
            let conversations = transaction.object_store(CONVERSATIONS)?.get_all(None, None)?.await?;
            Ok((entries, settings, conversations))
        };
        let (values, settings, talks) = read.await.map_err(|error: idb::Error| problem(&error))?;
        let count = values.len();
        let parse = |value: JsValue| wire::read::<Entry>(&value.as_string()?).ok();
        let entries: Vec<_> = values.into_iter().filter_map(parse).collect();
        let settings = settings.and_then(|value| wire::read(&value.as_string()?).ok());
        let talk_count = talks.len();
        let parse = |value: JsValue| wire::read::<Conversation>(&value.as_string()?).ok();
        let conversations: Vec<_> = talks.into_iter().filter_map(parse).collect();
        Ok(Stored {
            unreadable: count - entries.len(),
            entries,
            settings: settings.unwrap_or_default(),
            unreadable_conversations: talk_count - conversations.len(),
            conversations,
        })
    }

    /// Keeps an entry.
    ///
    /// # Errors
    /// Where there is no room, for example.
    pub(crate) async fn keep_entry(&self, entry: &Entry) -> Result<(), Problem> {
        let text = serde_json::to_string(entry).unwrap_or_default();
        self.put(ENTRIES, &entry.id.0, &JsValue::from_str(&text)).await
    }

    /// Keeps a conversation.
    ///
    /// # Errors
    /// As [`Store::keep_entry`].
    pub(crate) async fn keep_conversation(&self, conversation: &Conversation) -> Result<(), Problem> {
        let text = serde_json::to_string(conversation).unwrap_or_default();
        self.put(CONVERSATIONS, &conversation.id.0, &JsValue::from_str(&text)).await
    }

    /// Deletes a conversation.
    ///
    /// # Errors
    /// Where the browser refuses.
    pub(crate) async fn forget_conversation(&self, id: &ConversationId) -> Result<(), Problem> {
        self.delete(CONVERSATIONS, &[&id.0]).await
    }

    /// Deletes entries.
    ///
    /// # Errors
    /// Where the browser refuses.
    pub(crate) async fn forget(&self, ids: &[EntryId]) -> Result<(), Problem> {
        let ids: Vec<&str> = ids.iter().map(|id| id.0.as_str()).collect();
        self.delete(ENTRIES, &ids).await
    }

    async fn delete(&self, store: &str, keys: &[&str]) -> Result<(), Problem> {
        let forget = async {
            let transaction = self.0.transaction(&[store], TransactionMode::ReadWrite)?;
            let store = transaction.object_store(store)?;
            for key in keys {
                store.delete(JsValue::from_str(key))?.await?;
            }
            transaction.commit()?.await
        };
        forget.await.map(drop).map_err(|error: idb::Error| problem(&error))
    }

    /// Keeps decisions.
    ///
    /// # Errors
    /// As [`Store::keep_entry`].
    pub(crate) async fn keep_settings(&self, settings: &Settings) -> Result<(), Problem> {
        let text = serde_json::to_string(settings).unwrap_or_default();
        self.put(SETTINGS, SETTINGS, &JsValue::from_str(&text)).await
    }

    /// A key object that was kept.
    ///
    /// # Errors
    /// Where the browser refuses.
    pub(crate) async fn key(&self, name: &str) -> Result<Option<JsValue>, Problem> {
        let read = async {
            let transaction = self.0.transaction(&[KEYS], TransactionMode::ReadOnly)?;
            transaction.object_store(KEYS)?.get(JsValue::from_str(name))?.await
        };
        read.await.map_err(|error: idb::Error| problem(&error))
    }

    /// Keeps a key object; what it is made of never leaves the browser.
    ///
    /// # Errors
    /// As [`Store::keep_entry`].
    pub(crate) async fn keep_key(&self, name: &str, key: &JsValue) -> Result<(), Problem> {
        self.put(KEYS, name, key).await
    }

    async fn put(&self, store: &str, key: &str, value: &JsValue) -> Result<(), Problem> {
        let put = async {
            let transaction = self.0.transaction(&[store], TransactionMode::ReadWrite)?;
            transaction.object_store(store)?.put(value, Some(&JsValue::from_str(key)))?.await?;
            transaction.commit()?.await
        };
        put.await.map(drop).map_err(|error: idb::Error| problem(&error))
    }
}

/// A text that is kept over a reload.
#[derive(Clone, Copy)]
pub(crate) enum Note {
    /// What is in the prompt.
    Draft,
    /// The description that is about to be added.
    Description,
    /// What is typed in conversations and not sent.
    Drafts,
}

impl Note {
    fn name(self) -> &'static str {
        match self {
            Self::Draft => "mtor.draft",
            Self::Description => "mtor.description",
            Self::Drafts => "mtor.drafts",
        }
    }
}

/// What was kept when the page was left.
pub(crate) fn note(note: Note) -> String {
    local().and_then(|storage| storage.get_item(note.name()).ok().flatten()).unwrap_or_default()
}

/// Keeps a text, as far as there is room.
pub(crate) fn keep_note(note: Note, text: &str) {
    if let Some(storage) = local() {
        let name = note.name();
        let _ = if text.is_empty() { storage.remove_item(name) } else { storage.set_item(name, text) };
    }
}

fn local() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok().flatten()
}
