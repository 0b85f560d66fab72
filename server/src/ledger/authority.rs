//! The one authority over credits: a lock, a book, meters, and a queue of entries on their way to the database.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mtor_shared::{
    identity::{KeyId, PersonId},
    ledger::{
        Account, Amount, Body, Book, BrokenEntry, Head, Limits, Meters, Price, ProviderId, Released,
        ReservationId, Subject, Text, Usage, month_label,
    },
};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

use super::{
    LedgerError, Reservation,
    names::{self, Named, Names},
    writer::{self, Durable},
};
use crate::{
    clock::Clock,
    config::LedgerSettings,
    identity::Caller,
    random::Random,
    storage::{
        Storage, StorageError,
        ledger::{Append, StoredEntry},
    },
};

/// Entries that may wait for the database before nothing new is held.
const MAX_WAITING: usize = 20_000;
/// Ended reservations that are answered from memory.
const RECENT: usize = 20_000;

/// Work that somebody wants done and will pay.
#[derive(Clone, Debug)]
pub struct Work {
    /// For whom it is counted: see [`Caller::subjects`].
    pub subjects: Vec<Subject>,
    /// Who pays.
    pub person: PersonId,
    /// With which key.
    pub key: Option<KeyId>,
    /// Who is asked.
    pub provider: ProviderId,
    /// For what.
    pub capability: Text,
    /// The most that it may cost: [`Price::cost`] of the most that it may use.
    pub most: Amount,
}

impl Work {
    /// Work of a caller.
    pub fn of(caller: &Caller, provider: ProviderId, capability: Text, most: Amount) -> Self {
        Self {
            subjects: caller.subjects(),
            person: caller.person().clone(),
            key: caller.key().cloned(),
            provider,
            capability,
            most,
        }
    }
}

/// What became of reserving for work that has a name.
#[derive(Debug)]
pub enum Reserved {
    /// It is new, or what was held for it before was given back.
    New(Reservation),
    /// It is being done.
    AtWork(ReservationId),
    /// It was done and paid.
    Done(ReservationId, Settled),
}

/// Work that was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What it cost.
    pub charged: Amount,
    /// What it would have cost beyond what was held; nobody pays that.
    pub beyond: Amount,
}

/// A reservation that has not ended.
#[derive(Clone, Debug)]
pub(super) struct Live {
    /// Without the provider.
    subjects: Vec<Subject>,
    provider: ProviderId,
    amount: Amount,
    at_ms: u64,
}

impl Live {
    fn counted(&self) -> Vec<Subject> {
        counted(&self.subjects, &self.provider)
    }
}

/// How a reservation ended, and the entry that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Settled { charged: Amount, seq: u64 },
    Released,
}

/// What was counted is counted for the provider too.
fn counted(subjects: &[Subject], provider: &ProviderId) -> Vec<Subject> {
    subjects.iter().cloned().chain([Subject::Provider(provider.clone())]).collect()
}

#[derive(Default)]
pub(super) struct State {
    pub(super) book: Book,
    pub(super) meters: Meters,
    pub(super) live: HashMap<ReservationId, Live>,
    pub(super) ended: HashMap<ReservationId, Ended>,
    ended_order: VecDeque<ReservationId>,
    pub(super) names: Names,
    /// On their way, in order.
    pub(super) queue: Vec<Append>,
    /// Taken by the writer and not committed yet.
    pub(super) in_flight: usize,
    prices: HashMap<String, Price>,
    pub(super) paid: HashMap<PersonId, Paid>,
    pub(super) closing: bool,
}

/// What a person paid in a month.
#[derive(Clone, Debug, Default)]
pub(super) struct Paid {
    pub(super) month: String,
    pub(super) times: u64,
    pub(super) amount: Amount,
}

impl State {
    /// Writes an entry and queues it; its number.
    pub(super) fn write(
        &mut self,
        now_ms: u64,
        body: Body,
        name: Option<(PersonId, String)>,
    ) -> Result<u64, LedgerError> {
        let sealed = self.book.write(now_ms, body)?;
        let seq = sealed.entry.seq;
        self.queue.push(Append { sealed, name });
        Ok(seq)
    }

    /// Takes a stored entry over, after checking it.
    fn replay(
        &mut self,
        stored: &StoredEntry,
        ancestors: &impl Fn(&KeyId) -> Vec<KeyId>,
    ) -> Result<(), BrokenEntry> {
        let sealed = self.book.replay(stored.seq, &stored.text, stored.hash)?;
        let at_ms = sealed.entry.at_ms;
        match sealed.entry.body {
            Body::Hold { reservation, person, key, provider, amount, .. } => {
                let keys = key.iter().flat_map(|key| std::iter::once(key.clone()).chain(ancestors(key)));
                let subjects = keys.map(Subject::Key).chain([Subject::Person(person)]).collect();
                let live = Live { subjects, provider, amount, at_ms };
                self.meters.count(&live.counted(), amount, at_ms);
                self.live.insert(reservation, live);
            }
            Body::Settle { reservation, provider, charged, .. } => {
                if let Some(live) = self.live.remove(&reservation) {
                    let (asked, answered) = (Subject::Provider(live.provider), Subject::Provider(provider));
                    self.meters.give_back(&live.subjects, live.amount.saturating_sub(charged), live.at_ms);
                    self.meters.give_back(&[asked], live.amount, live.at_ms);
                    self.meters.count(&[answered], charged, live.at_ms);
                    self.note_paid(&live.subjects, charged, at_ms);
                }
            }
            Body::Release { reservation, .. } => {
                if let Some(live) = self.live.remove(&reservation) {
                    self.meters.give_back(&live.counted(), live.amount, live.at_ms);
                }
            }
            Body::Issue { .. } | Body::Transfer { .. } => {}
        }
        Ok(())
    }

    fn note_paid(&mut self, subjects: &[Subject], charged: Amount, at_ms: u64) {
        let Some(Subject::Person(person)) = subjects.last() else { return };
        let month = month_label(at_ms);
        let paid = self.paid.entry(person.clone()).or_default();
        if paid.month != month {
            *paid = Paid { month, ..Paid::default() };
        }
        paid.times += 1;
        paid.amount = paid.amount.checked_add(charged).unwrap_or(Amount::MAX);
    }

    fn end(&mut self, id: ReservationId, ended: Ended) {
        self.live.remove(&id);
        self.ended.insert(id, ended);
        self.ended_order.push_back(id);
        if self.ended_order.len() > RECENT
            && let Some(old) = self.ended_order.pop_front()
        {
            self.ended.remove(&old);
        }
    }

    fn release(&mut self, now_ms: u64, id: ReservationId, reason: Released) -> Result<(), LedgerError> {
        let Some(live) = self.live.get(&id).cloned() else { return Ok(()) };
        if !live.amount.is_zero() {
            self.write(now_ms, Body::Release { reservation: id, reason }, None)?;
        }
        self.meters.give_back(&live.counted(), live.amount, live.at_ms);
        self.end(id, Ended::Released);
        Ok(())
    }
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) settings: LedgerSettings,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    pub(super) state: Mutex<State>,
    pub(super) wake: Notify,
    pub(super) durable: watch::Sender<Durable>,
    /// Named requests are looked up one after the other, so that two of one name are not both new.
    pub(super) naming: tokio::sync::Mutex<()>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Inner {
    /// The state is never left half changed, so a poisoned lock is as good as another.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the ledger cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Somebody changed what is stored.
    #[error(transparent)]
    Broken(#[from] BrokenEntry),
    /// What an earlier process left cannot be given back.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Ledger {
    /// Reads and checks what is stored, gives back what an earlier process held, and starts the writer. `ancestors`
    /// are the keys that a key descends from.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(
        settings: LedgerSettings,
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        ancestors: impl Fn(&KeyId) -> Vec<KeyId>,
    ) -> Result<Self, OpenError> {
        let mut state = State::default();
        for (subject, limits) in storage.limits().await? {
            state.meters.limit(subject, limits);
        }
        state.prices = storage.prices().await?.into_iter().collect();
        loop {
            let page = storage.ledger(state.book.head().seq, 2_000).await?;
            if page.is_empty() {
                break;
            }
            for stored in page {
                state.replay(&stored, &ancestors)?;
            }
        }
        let left: Vec<ReservationId> = state.live.keys().copied().collect();
        for id in &left {
            state.release(clock.now_ms(), *id, Released::Crashed)?;
        }
        if !left.is_empty() {
            tracing::info!(count = left.len(), "credits that an earlier process held were given back");
            storage.append_ledger(&state.queue).await?;
            state.queue.clear();
        }
        let durable = watch::Sender::new(Durable { seq: state.book.head().seq, failure: None, failures: 0 });
        let inner = Arc::new(Inner {
            settings,
            storage,
            clock,
            random,
            state: Mutex::new(state),
            wake: Notify::new(),
            durable,
            naming: tokio::sync::Mutex::new(()),
            writer: Mutex::new(None),
        });
        let task = tokio::spawn(writer::run(Arc::clone(&inner)));
        *inner.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(Self { inner })
    }

    /// Writes what is queued and takes nothing more. Holds stay for the next start to give back.
    pub async fn close(&self) {
        self.inner.lock().closing = true;
        self.inner.wake.notify_one();
        let task = self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // A panic in it has been logged by the hook.
            let _ = task.await;
        }
    }

    /// What something costs: what an operator set, else what is declared.
    pub fn price(&self, of: &str, declared: Price) -> Price {
        self.inner.lock().prices.get(of).copied().unwrap_or(declared)
    }

    /// Sets what something costs, or takes back what was set.
    ///
    /// # Errors
    /// The database's.
    pub async fn set_price(&self, of: &str, price: Option<Price>) -> Result<(), LedgerError> {
        self.inner.storage.put_price(of, price.as_ref()).await?;
        let prices = &mut self.inner.lock().prices;
        match price {
            Some(price) => prices.insert(of.to_owned(), price),
            None => prices.remove(of),
        };
        Ok(())
    }

    /// Every price that an operator set.
    pub fn prices(&self) -> Vec<(String, Price)> {
        let mut prices: Vec<(String, Price)> =
            self.inner.lock().prices.iter().map(|(of, price)| (of.clone(), *price)).collect();
        prices.sort_by(|(a, _), (b, _)| a.cmp(b));
        prices
    }

    /// Sets what somebody may do from now on; what they took stays counted.
    ///
    /// # Errors
    /// The database's.
    pub async fn set_limits(&self, subject: Subject, limits: Limits) -> Result<(), LedgerError> {
        self.inner.storage.put_limits(&subject, &limits).await?;
        self.inner.lock().meters.limit(subject, limits);
        Ok(())
    }

    /// What somebody may do, and what they took in the span of their budget.
    pub fn limits(&self, subject: &Subject) -> (Limits, Amount) {
        let now_ms = self.inner.clock.now_ms();
        let state = self.inner.lock();
        (state.meters.limits(subject), state.meters.spent(subject, now_ms))
    }

    /// What an account has.
    pub fn balance(&self, account: &Account) -> Amount {
        self.inner.lock().book.balance(account)
    }

    /// The end of the chain, as far as it is stored for good.
    pub async fn head(&self) -> Result<Head, LedgerError> {
        let seq = self.inner.durable.borrow().seq;
        let entry = self.inner.storage.ledger_entry(seq).await?;
        Ok(entry.map(|entry| Head { seq, hash: entry.hash }).unwrap_or_default())
    }

    /// Whether anything costs credits here.
    pub fn charges(&self) -> bool {
        self.inner.settings.credits
    }

    /// Sets aside what the work may cost at most, or refuses: too few credits, a budget, a rate. Nothing is waited
    /// for.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing is held then.
    pub fn reserve(&self, work: Work) -> Result<Reservation, LedgerError> {
        self.hold(work, None)
    }

    /// As [`Ledger::reserve`], for work that the person gave a name: it is done and paid once, however often it is
    /// asked for.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing is held then.
    pub async fn reserve_named(&self, name: Text, work: Work) -> Result<Reserved, LedgerError> {
        let _naming = self.inner.naming.lock().await;
        match self.named_hold(&name, &work).await? {
            Some(there) => Ok(there),
            None => self.hold(work, Some(name)).map(Reserved::New),
        }
    }

    fn hold(&self, work: Work, name: Option<Text>) -> Result<Reservation, LedgerError> {
        let inner = &self.inner;
        let mut id = [0; 16];
        inner.random.fill(&mut id).map_err(|error| LedgerError::Random(error.to_string()))?;
        let id = ReservationId::from_bytes(id);
        let Work { subjects, person, key, provider, capability, most } = work;
        let amount = if inner.settings.credits { most } else { Amount::ZERO };
        let now_ms = inner.clock.now_ms();
        let mut state = inner.lock();
        if state.closing {
            return Err(LedgerError::Closing);
        }
        if state.queue.len() + state.in_flight >= MAX_WAITING {
            let failure = inner.durable.borrow().failure.clone();
            let behind = || StorageError::Locked("the ledger's entries wait to be stored".to_owned());
            return Err(failure.unwrap_or_else(behind).into());
        }
        let body = (!amount.is_zero()).then(|| Body::Hold {
            reservation: id,
            person: person.clone(),
            key,
            provider: provider.clone(),
            capability: capability.clone(),
            amount,
            idempotency: name.clone(),
        });
        // Everything that can refuse is asked before anything is counted.
        if let Some(body) = &body {
            state.book.legs(body)?;
        }
        state.meters.admit(&counted(&subjects, &provider), amount, now_ms)?;
        let name = name.map(|name| (person, names::of_hold(&name)));
        if let Some(name) = name.clone() {
            state.names.note(name, Named::Hold { reservation: id, capability, amount });
        }
        if let Some(body) = body {
            state.write(now_ms, body, name)?;
        }
        state.live.insert(id, Live { subjects, provider, amount, at_ms: now_ms });
        drop(state);
        if !amount.is_zero() {
            inner.wake.notify_one();
        }
        Ok(Reservation::new(self.clone(), id, amount))
    }

    /// Asks another provider within the same reservation: its limits count instead.
    ///
    /// # Errors
    /// The other provider's limits; the reservation is then as it was.
    pub fn redirect(&self, id: &ReservationId, provider: ProviderId) -> Result<(), LedgerError> {
        let now_ms = self.inner.clock.now_ms();
        let mut state = self.inner.lock();
        let Some(live) = state.live.get(id).cloned() else { return Err(LedgerError::Unknown(*id)) };
        state.meters.admit(&[Subject::Provider(provider.clone())], live.amount, now_ms)?;
        state.meters.give_back(&[Subject::Provider(live.provider)], live.amount, live.at_ms);
        // The span that it was taken in is the one of the first provider for the others, of now for this one; they
        // differ only around midnight, and then to the side of giving back too little.
        if let Some(live) = state.live.get_mut(id) {
            live.provider = provider;
        }
        Ok(())
    }

    /// Ends a reservation by paying what the work cost, never more than was held; what is left goes back. Answered when
    /// it is stored for good. A second time answers the same and pays nothing.
    ///
    /// # Errors
    /// [`LedgerError::Unknown`] and [`LedgerError::Released`]; with [`LedgerError::Storage`] it is paid but not stored
    /// yet, and settling again waits for it.
    pub async fn settle(
        &self,
        id: &ReservationId,
        cost: Amount,
        usage: Usage,
    ) -> Result<Settled, LedgerError> {
        let (settled, seq) = match self.settle_now(id, cost, usage)? {
            Some(done) => done,
            None => (self.settled_before(id).await?, 0),
        };
        self.stored(seq).await?;
        Ok(settled)
    }

    /// None where it may have ended so long ago that only the database knows.
    fn settle_now(
        &self,
        id: &ReservationId,
        cost: Amount,
        usage: Usage,
    ) -> Result<Option<(Settled, u64)>, LedgerError> {
        let inner = &self.inner;
        let now_ms = inner.clock.now_ms();
        let mut state = inner.lock();
        let Some(live) = state.live.get(id).cloned() else {
            return match state.ended.get(id) {
                Some(Ended::Settled { charged, seq }) => {
                    Ok(Some((Settled { charged: *charged, beyond: Amount::ZERO }, *seq)))
                }
                Some(Ended::Released) => Err(LedgerError::Released(*id)),
                None => Ok(None),
            };
        };
        let charged = cost.min(live.amount);
        let mut seq = 0;
        if !live.amount.is_zero() {
            let body = Body::Settle {
                reservation: *id,
                provider: live.provider.clone(),
                charged,
                fee: charged.share(inner.settings.fee_basis_points),
                usage,
            };
            seq = state.write(now_ms, body, None)?;
        }
        state.meters.give_back(&live.counted(), live.amount.saturating_sub(charged), live.at_ms);
        if !charged.is_zero() {
            state.note_paid(&live.subjects, charged, now_ms);
        }
        state.end(*id, Ended::Settled { charged, seq });
        drop(state);
        inner.wake.notify_one();
        Ok(Some((
            Settled {
                charged,
                beyond: if inner.settings.credits { cost.saturating_sub(charged) } else { Amount::ZERO },
            },
            seq,
        )))
    }

    pub(super) async fn settled_before(&self, id: &ReservationId) -> Result<Settled, LedgerError> {
        match self.ended_before(id).await? {
            Some(Ended::Settled { charged, .. }) => Ok(Settled { charged, beyond: Amount::ZERO }),
            Some(Ended::Released) => Err(LedgerError::Released(*id)),
            None => Err(LedgerError::Unknown(*id)),
        }
    }

    /// Ends a reservation without paying. One that has ended stays as it is.
    pub fn release(&self, id: &ReservationId, reason: Released) {
        let now_ms = self.inner.clock.now_ms();
        let released = self.inner.lock().release(now_ms, *id, reason);
        if let Err(error) = released {
            // A hold that is in the book can always be given back.
            tracing::error!(%error, reservation = %id, "a reservation cannot be released");
        }
        self.inner.wake.notify_one();
    }

    /// Waits until an entry is stored for good.
    pub(super) async fn stored(&self, seq: u64) -> Result<(), LedgerError> {
        let mut durable = self.inner.durable.subscribe();
        let failures = durable.borrow().failures;
        let seen = durable.wait_for(|durable| durable.seq >= seq || durable.failures > failures).await;
        let Ok(seen) = seen else { return Err(LedgerError::Closing) };
        if seen.seq >= seq {
            return Ok(());
        }
        let unknown = || StorageError::Other("the ledger's entries cannot be stored".to_owned());
        Err(seen.failure.clone().unwrap_or_else(unknown).into())
    }
}
