//! Keeps things on the device in the order in which they happened, without anybody waiting for it.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use mtor_shared::problem::Problem;
use wasm_bindgen_futures::spawn_local;

use crate::{
    platform::store::Store,
    shell::{
        chat::{Conversation, ConversationId},
        model::{Entry, EntryId, Settings, Shared},
    },
};

/// Something to keep or to forget.
pub(crate) enum Chore {
    /// Keep an entry as it is.
    Entry(Shared<Entry>),
    /// Delete entries.
    Forget(Vec<EntryId>),
    /// Keep decisions.
    Settings(Settings),
    /// Keep a conversation as it is.
    Conversation(Shared<Conversation>),
    /// Delete a conversation.
    ForgetConversation(ConversationId),
}

/// The queue of what is to be kept; filled from the start, emptied once storage is open.
#[derive(Clone, Default)]
pub(crate) struct Keeper {
    queue: Rc<RefCell<VecDeque<Chore>>>,
    store: Rc<RefCell<Option<Store>>>,
    busy: Rc<Cell<bool>>,
}

impl Keeper {
    /// Storage is open.
    pub(crate) fn opened(&self, store: Store, failed: impl Fn(Problem) + 'static) {
        *self.store.borrow_mut() = Some(store);
        self.work(failed);
    }

    /// Takes a chore; an entry or a conversation that already waits is kept once, as it is now.
    pub(crate) fn add(&self, chore: Chore, failed: impl Fn(Problem) + 'static) {
        {
            let mut queue = self.queue.borrow_mut();
            let same = match (&chore, queue.back()) {
                (Chore::Entry(entry), Some(Chore::Entry(last))) => last.id == entry.id,
                (Chore::Conversation(known), Some(Chore::Conversation(last))) => last.id == known.id,
                _ => false,
            };
            if same {
                queue.pop_back();
            }
            queue.push_back(chore);
        }
        self.work(failed);
    }

    fn work(&self, failed: impl Fn(Problem) + 'static) {
        let Some(store) = self.store.borrow().clone() else { return };
        if self.busy.replace(true) {
            return;
        }
        let keeper = self.clone();
        spawn_local(async move {
            loop {
                let Some(chore) = keeper.queue.borrow_mut().pop_front() else { break };
                let done = match &chore {
                    Chore::Entry(entry) => store.keep_entry(entry).await,
                    Chore::Forget(ids) => store.forget(ids).await,
                    Chore::Settings(settings) => store.keep_settings(settings).await,
                    Chore::Conversation(known) => store.keep_conversation(known).await,
                    Chore::ForgetConversation(id) => store.forget_conversation(id).await,
                };
                if let Err(problem) = done {
                    failed(problem);
                }
            }
            keeper.busy.set(false);
        });
    }
}
