//! Walks the stored chain from the first entry and says where it breaks.

use std::collections::{BTreeMap, HashSet};

use mtor_shared::ledger::{Account, Body, Book, BrokenEntry, Head, ReservationId};
use serde::Serialize;

use crate::storage::{StorageError, ledger::LedgerStorage};

/// Entries that are read at once.
const PAGE: u32 = 5_000;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Where the chain ends.
    pub head: Head,
    /// What was issued in all, in millionths; the sum of all balances.
    pub issued_micro: u64,
    /// What each account has, in millionths, added up from the movements alone.
    pub balances_micro: BTreeMap<String, u64>,
    /// Reservations that have not ended.
    pub held: usize,
}

/// Why a ledger is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// An entry is broken.
    #[error(transparent)]
    Broken(#[from] BrokenEntry),
    /// A reservation is held a second time.
    #[error("entry {seq} is broken: the reservation {reservation} was used before")]
    Reused {
        /// The entry.
        seq: u64,
        /// The reservation.
        reservation: ReservationId,
    },
    /// The rules and the sums disagree.
    #[error(
        "the account {account} has {balance} by the rules and {sum} by its movements, in millionths of a credit"
    )]
    Sum {
        /// Whose.
        account: Account,
        /// By the book.
        balance: u64,
        /// By addition.
        sum: i128,
    },
    /// It ends somewhere else than it did before.
    #[error(
        "the chain does not hold the head {expected:?} that was kept: entries were taken away or written anew"
    )]
    Head {
        /// What somebody kept.
        expected: Head,
    },
}

impl VerifyError {
    /// The first entry that is broken, where it is one.
    pub fn entry(&self) -> Option<u64> {
        match self {
            Self::Broken(BrokenEntry { seq, .. }) | Self::Reused { seq, .. } => Some(*seq),
            Self::Storage(_) | Self::Sum { .. } | Self::Head { .. } => None,
        }
    }
}

/// Checks everything, and that a head that somebody kept is still in the chain.
///
/// # Errors
/// The first thing that is wrong.
pub async fn verify(storage: &dyn LedgerStorage, kept: Option<Head>) -> Result<Verified, VerifyError> {
    let mut book = Book::default();
    let mut sums: BTreeMap<Account, i128> = BTreeMap::new();
    let mut reservations = HashSet::new();
    let mut kept_found = kept.is_none_or(|kept| kept == Head::default());
    loop {
        let page = storage.ledger(book.head().seq, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for stored in page {
            let entry = book.replay(stored.seq, &stored.text, stored.hash)?.entry;
            if let Body::Hold { reservation, .. } = &entry.body
                && !reservations.insert(*reservation)
            {
                return Err(VerifyError::Reused { seq: entry.seq, reservation: *reservation });
            }
            for leg in entry.legs {
                *sums.entry(leg.from).or_default() -= i128::from(leg.amount.micro());
                *sums.entry(leg.to).or_default() += i128::from(leg.amount.micro());
            }
            kept_found |= kept == Some(book.head());
        }
    }
    if let Some(expected) = kept.filter(|_| !kept_found) {
        return Err(VerifyError::Head { expected });
    }
    let issued = -sums.remove(&Account::Issue).unwrap_or_default();
    let wrong = |account: &Account, balance: u64, sum: i128| VerifyError::Sum {
        account: account.clone(),
        balance,
        sum,
    };
    let issued_micro = book.balance(&Account::Issue).micro();
    if i128::from(issued_micro) != issued {
        return Err(wrong(&Account::Issue, issued_micro, issued));
    }
    for (account, amount) in book.balances() {
        let sum = sums.get(account).copied().unwrap_or_default();
        if i128::from(amount.micro()) != sum {
            return Err(wrong(account, amount.micro(), sum));
        }
    }
    let balances_micro =
        book.balances().map(|(account, amount)| (account.to_string(), amount.micro())).collect();
    Ok(Verified { head: book.head(), issued_micro, balances_micro, held: book.all_held().count() })
}
