//! The fold of all entries, and the only judge of the next one.

use std::collections::{BTreeMap, HashMap};

use super::{Account, Amount, Body, Entry, Head, Leg, ProviderId, ReservationId, Sealed};
use crate::identity::{KeyId, PersonId};

/// A hold that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Who pays.
    pub person: PersonId,
    /// With which key.
    pub key: Option<KeyId>,
    /// Who is asked.
    pub provider: ProviderId,
    /// What is set aside.
    pub amount: Amount,
    /// Since when, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Why an entry is not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The account has less than that.
    #[error("{account} has {balance} credits, and this takes {needed}")]
    NotEnough {
        /// Whose.
        account: Account,
        /// What there is.
        balance: Amount,
        /// What it takes.
        needed: Amount,
    },
    /// More credits than can be counted.
    #[error("there would be more credits than can be counted")]
    TooMany,
    /// Nothing would move.
    #[error("an amount of 0 moves nothing")]
    Nothing,
    /// The accounts are the same.
    #[error("from and to are the same account")]
    SameAccount,
    /// Credits are set aside, issued and paid out by their own kinds of entry.
    #[error("{0} is no account that credits can be sent from or to")]
    NotTransferable(Account),
    /// There is no such hold, or it has ended.
    #[error("the reservation {0} is not held")]
    NotHeld(ReservationId),
    /// There is such a hold already.
    #[error("the reservation {0} is held already")]
    HeldAlready(ReservationId),
    /// More than was set aside, or a fee of more than the charge.
    #[error("{charged} credits are charged, but at most {most} can be")]
    MoreThanHeld {
        /// What is charged.
        charged: Amount,
        /// What can be.
        most: Amount,
    },
    /// What it makes good is not there, or is this very entry.
    #[error("there is no entry {0} to make good")]
    NoSuchEntry(u64),
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Book {
    balances: BTreeMap<Account, Amount>,
    issued: Amount,
    held: HashMap<ReservationId, Held>,
    head: Head,
    last_ms: u64,
}

fn leg(from: Account, to: Account, amount: Amount) -> Option<Leg> {
    (!amount.is_zero()).then_some(Leg { from, to, amount })
}

impl Book {
    /// What an account has; for [`Account::Issue`] what was issued in all.
    pub fn balance(&self, account: &Account) -> Amount {
        match account {
            Account::Issue => self.issued,
            other => self.balances.get(other).copied().unwrap_or_default(),
        }
    }

    /// Every account that ever had something, and what it has.
    pub fn balances(&self) -> impl Iterator<Item = (&Account, Amount)> {
        self.balances.iter().map(|(account, amount)| (account, *amount))
    }

    /// A hold that has not ended.
    pub fn held(&self, reservation: &ReservationId) -> Option<&Held> {
        self.held.get(reservation)
    }

    /// Every hold that has not ended.
    pub fn all_held(&self) -> impl Iterator<Item = (&ReservationId, &Held)> {
        self.held.iter()
    }

    /// The end of the chain.
    pub fn head(&self) -> Head {
        self.head
    }

    pub(super) fn last_ms(&self) -> u64 {
        self.last_ms
    }

    /// Which credits an entry would move now.
    ///
    /// # Errors
    /// Why it would not be written.
    pub fn legs(&self, body: &Body) -> Result<Vec<Leg>, Refusal> {
        let legs = match body {
            Body::Issue { to, amount, .. } => {
                if matches!(to, Account::Issue | Account::Held(_)) {
                    return Err(Refusal::NotTransferable(to.clone()));
                }
                vec![leg(Account::Issue, to.clone(), *amount).ok_or(Refusal::Nothing)?]
            }
            Body::Transfer { from, to, amount, compensates, .. } => {
                for account in [from, to] {
                    if matches!(account, Account::Issue | Account::Held(_)) {
                        return Err(Refusal::NotTransferable(account.clone()));
                    }
                }
                if from == to {
                    return Err(Refusal::SameAccount);
                }
                if let Some(seq) = compensates.filter(|seq| *seq == 0 || *seq > self.head.seq) {
                    return Err(Refusal::NoSuchEntry(seq));
                }
                vec![leg(from.clone(), to.clone(), *amount).ok_or(Refusal::Nothing)?]
            }
            Body::Hold { reservation, person, amount, .. } => {
                if self.held.contains_key(reservation) {
                    return Err(Refusal::HeldAlready(*reservation));
                }
                let (from, to) = (Account::Person(person.clone()), Account::Held(person.clone()));
                vec![leg(from, to, *amount).ok_or(Refusal::Nothing)?]
            }
            Body::Settle { reservation, provider, charged, fee, .. } => {
                let held = self.held.get(reservation).ok_or(Refusal::NotHeld(*reservation))?;
                let more = |charged, most| Refusal::MoreThanHeld { charged, most };
                let back = held.amount.checked_sub(*charged).ok_or(more(*charged, held.amount))?;
                let earned = charged.checked_sub(*fee).ok_or(more(*fee, *charged))?;
                let from = || Account::Held(held.person.clone());
                [
                    leg(from(), Account::Provider(provider.clone()), earned),
                    leg(from(), Account::Realm, *fee),
                    leg(from(), Account::Person(held.person.clone()), back),
                ]
                .into_iter()
                .flatten()
                .collect()
            }
            Body::Release { reservation, .. } => {
                let held = self.held.get(reservation).ok_or(Refusal::NotHeld(*reservation))?;
                let (from, to) = (Account::Held(held.person.clone()), Account::Person(held.person.clone()));
                leg(from, to, held.amount).into_iter().collect()
            }
        };
        self.moved(&legs).map(|_| legs)
    }

    /// What accounts have after some legs; only those that change.
    fn moved(&self, legs: &[Leg]) -> Result<(Amount, BTreeMap<Account, Amount>), Refusal> {
        let mut changed: BTreeMap<Account, Amount> = BTreeMap::new();
        let mut issued = self.issued;
        for Leg { from, to, amount } in legs {
            let balance = |changed: &BTreeMap<Account, Amount>, account: &Account| {
                changed.get(account).copied().unwrap_or_else(|| self.balance(account))
            };
            if *from == Account::Issue {
                // Every balance is at most what was issued, so no sum below can be too large when this one is not.
                issued = issued.checked_add(*amount).ok_or(Refusal::TooMany)?;
            } else {
                let before = balance(&changed, from);
                let after = before.checked_sub(*amount).ok_or_else(|| Refusal::NotEnough {
                    account: from.clone(),
                    balance: before,
                    needed: *amount,
                })?;
                changed.insert(from.clone(), after);
            }
            let after = balance(&changed, to).checked_add(*amount).ok_or(Refusal::TooMany)?;
            changed.insert(to.clone(), after);
        }
        Ok((issued, changed))
    }

    /// Writes the next entry.
    ///
    /// # Errors
    /// Why it is not written; the book is then as it was.
    pub fn write(&mut self, now_ms: u64, body: Body) -> Result<Sealed, Refusal> {
        let legs = self.legs(&body)?;
        // A clock that was set back must not make the order of entries and their times disagree.
        let entry = Entry { seq: self.head.seq + 1, at_ms: now_ms.max(self.last_ms), body, legs };
        let sealed = Sealed::new(entry, self.head.hash);
        self.take(&sealed)?;
        Ok(sealed)
    }

    /// Takes an entry whose legs were checked.
    pub(super) fn take(&mut self, sealed: &Sealed) -> Result<(), Refusal> {
        let entry = &sealed.entry;
        let (issued, changed) = self.moved(&entry.legs)?;
        self.issued = issued;
        self.balances.extend(changed);
        match &entry.body {
            Body::Hold { reservation, person, key, provider, amount, .. } => {
                let held = Held {
                    person: person.clone(),
                    key: key.clone(),
                    provider: provider.clone(),
                    amount: *amount,
                    at_ms: entry.at_ms,
                };
                self.held.insert(*reservation, held);
            }
            Body::Settle { reservation, .. } | Body::Release { reservation, .. } => {
                self.held.remove(reservation);
            }
            Body::Issue { .. } | Body::Transfer { .. } => {}
        }
        self.head = Head { seq: entry.seq, hash: sealed.hash };
        self.last_ms = entry.at_ms;
        Ok(())
    }
}
