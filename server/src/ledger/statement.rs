//! What people see of their credits, and moving them by hand.

use std::collections::BTreeMap;

use mtor_shared::{
    identity::PersonId,
    ledger::{
        Account, AccountBalance, Amount, Balance, Body, EntryPage, EntryView, Leg, Month, Subject, Text,
        month_label,
    },
};

use super::{Ledger, LedgerError, names::view};

/// Entries that are read at once.
const PAGE: u32 = 1_000;

/// The accounts that are a person's.
fn accounts(person: &PersonId) -> [Account; 2] {
    [Account::Person(person.clone()), Account::Held(person.clone())]
}

impl Ledger {
    /// What a person has.
    pub fn balance_of(&self, person: &PersonId) -> Balance {
        let now_ms = self.inner.clock.now_ms();
        let subject = Subject::Person(person.clone());
        let [own, held] = accounts(person);
        let state = self.inner.lock();
        let spendable = state.book.balance(&own);
        let paid = state.paid.get(person).filter(|paid| paid.month == month_label(now_ms));
        let average = paid.and_then(|paid| paid.amount.micro().checked_div(paid.times));
        Balance {
            person: person.clone(),
            credits: self.charges(),
            spendable,
            held: state.book.balance(&held),
            remaining_queries: average.and_then(|average| spendable.micro().checked_div(average)),
            limits: state.meters.limits(&subject),
            spent: state.meters.spent(&subject, now_ms),
        }
    }

    /// Every account and what it has, and what was issued in all.
    pub fn accounts(&self) -> Vec<AccountBalance> {
        let state = self.inner.lock();
        let issued = AccountBalance { account: Account::Issue, amount: state.book.balance(&Account::Issue) };
        let balances = state.book.balances();
        let balances = balances.map(|(account, amount)| AccountBalance { account: account.clone(), amount });
        std::iter::once(issued).chain(balances).collect()
    }

    /// Entries that move a person's credits, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn entries_of(
        &self,
        person: &PersonId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<EntryPage, LedgerError> {
        // What was decided a moment ago is on its way; whoever asks for their entries sees it too.
        let newest = self.inner.lock().book.head().seq;
        self.stored(newest).await?;
        let before = before.unwrap_or(u64::MAX);
        // One more than asked for tells whether there is more.
        let rows = self.inner.storage.ledger_of(&accounts(person), before, limit.saturating_add(1)).await?;
        let mut entries: Vec<EntryView> = rows.iter().map(view).collect::<Result<_, _>>()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().map(|last| last.entry.seq).filter(|_| more);
        Ok(EntryPage { entries, next })
    }

    /// Every entry that moves a person's credits, or every entry at all, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn export(&self, person: Option<&PersonId>) -> Result<Vec<EntryView>, LedgerError> {
        let mut all = Vec::new();
        match person {
            Some(person) => {
                let mut before = None;
                loop {
                    let page = self.entries_of(person, before, PAGE).await?;
                    all.extend(page.entries);
                    before = page.next;
                    if before.is_none() {
                        break;
                    }
                }
                all.reverse();
            }
            None => loop {
                let after = all.last().map_or(0, |last: &EntryView| last.entry.seq);
                let page = self.inner.storage.ledger(after, PAGE).await?;
                if page.is_empty() {
                    break;
                }
                for stored in &page {
                    all.push(view(stored)?);
                }
            },
        }
        Ok(all)
    }

    /// A person's months, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn months(&self, person: &PersonId) -> Result<Vec<Month>, LedgerError> {
        let mut months: BTreeMap<String, Month> = BTreeMap::new();
        for EntryView { entry, .. } in self.export(Some(person)).await? {
            let label = month_label(entry.at_ms);
            let month =
                months.entry(label.clone()).or_insert_with(|| Month { month: label, ..Month::default() });
            let mut paid = false;
            for leg in &entry.legs {
                paid |= add(month, leg, person);
            }
            month.settled += u64::from(paid);
        }
        Ok(months.into_values().rev().collect())
    }

    /// Issues credits, once for a name, and never more than the cap.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn issue(
        &self,
        by: &PersonId,
        name: &Text,
        to: Account,
        amount: Amount,
        reason: Text,
    ) -> Result<EntryView, LedgerError> {
        let cap = self.inner.settings.supply_cap;
        self.write_named(by, name, Body::Issue { to, amount, reason }, |state| {
            let issued = state.book.balance(&Account::Issue);
            match issued.checked_add(amount) {
                Some(after) if after <= cap => Ok(()),
                _ => Err(LedgerError::SupplyCap { cap, issued }),
            }
        })
        .await
    }

    /// What each newcomer gets, and how many of them a day.
    pub fn welcome(&self) -> (Amount, u32) {
        (self.inner.settings.welcome, self.inner.settings.welcomes_a_day)
    }

    /// Gives a newcomer credits, once in their life here.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn greet(&self, person: &PersonId, amount: Amount) -> Result<EntryView, LedgerError> {
        let words = |words: &str| Text::try_from(words.to_owned()).map_err(|_| LedgerError::NameTaken);
        let to = Account::Person(person.clone());
        self.issue(person, &words("welcome")?, to, amount, words("welcome")?).await
    }

    /// Gives the realm's first owner their credits, where nothing was ever written.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn begin(&self) -> Result<(), LedgerError> {
        let amount = self.inner.settings.owner;
        if self.charges() && !amount.is_zero() && self.inner.lock().book.head().seq == 0 {
            self.greet(&PersonId::local(), amount).await?;
        }
        Ok(())
    }

    /// Moves credits, once for a name.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn send(&self, by: &PersonId, name: &Text, body: Body) -> Result<EntryView, LedgerError> {
        self.write_named(by, name, body, |_| Ok(())).await
    }

    /// Gives what one person has to another who is the same: the person at the machine, once they have a name.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn hand_over(&self, from: &PersonId, to: &PersonId) -> Result<(), LedgerError> {
        let amount = self.balance(&Account::Person(from.clone()));
        if amount.is_zero() {
            return Ok(());
        }
        let words = |words: String| Text::try_from(words).map_err(|_| LedgerError::NameTaken);
        let body = Body::Transfer {
            from: Account::Person(from.clone()),
            to: Account::Person(to.clone()),
            amount,
            reason: words("the realm was claimed".to_owned())?,
            compensates: None,
        };
        self.send(from, &words(format!("claimed at entry {}", self.head().await?.seq))?, body)
            .await
            .map(|_| ())
    }
}

/// Adds a movement to a person's month; whether it pays for work.
fn add(month: &mut Month, leg: &Leg, person: &PersonId) -> bool {
    let plus = |sum: &mut Amount| *sum = sum.checked_add(leg.amount).unwrap_or(Amount::MAX);
    let [own, held] = accounts(person);
    let works = leg.from == held && leg.to != own;
    if works {
        plus(&mut month.spent);
    } else if leg.to == own && leg.from != held {
        plus(&mut month.received);
    } else if leg.from == own && leg.to != held {
        plus(&mut month.sent);
    }
    works
}
