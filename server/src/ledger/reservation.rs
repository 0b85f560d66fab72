//! A reservation in the hands of whoever does the work: it ends when they let go of it, however that happens.

use mtor_shared::ledger::{Amount, ProviderId, Released, ReservationId, Usage};

use super::{Ledger, LedgerError, Settled};

/// Dropped without being settled, it is released: no early return, panic or closed connection keeps credits held.
#[must_use]
pub struct Reservation {
    ledger: Ledger,
    id: ReservationId,
    held: Amount,
    open: bool,
}

impl Reservation {
    pub(super) fn new(ledger: Ledger, id: ReservationId, held: Amount) -> Self {
        Self { ledger, id, held, open: true }
    }

    /// Its name.
    pub fn id(&self) -> ReservationId {
        self.id
    }

    /// The most that may be charged.
    pub fn held(&self) -> Amount {
        self.held
    }

    /// Asks another provider instead; its limits count, and no more than was held is ever charged.
    ///
    /// # Errors
    /// The other provider's limits.
    pub fn redirect(&self, provider: ProviderId) -> Result<(), LedgerError> {
        self.ledger.redirect(&self.id, provider)
    }

    /// Pays what the work cost: [`mtor_shared::ledger::Price::cost`] of what was used. Answered when it is stored for
    /// good.
    ///
    /// # Errors
    /// See [`Ledger::settle`].
    pub async fn settle(mut self, cost: Amount, usage: Usage) -> Result<Settled, LedgerError> {
        // Before anything is waited for: work that was done is paid, even where nobody waits for the answer.
        self.open = false;
        self.ledger.settle(&self.id, cost, usage).await
    }

    /// Pays nothing.
    pub fn release(mut self, reason: Released) {
        self.open = false;
        self.ledger.release(&self.id, reason);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.open {
            self.ledger.release(&self.id, Released::Dropped);
        }
    }
}

impl std::fmt::Debug for Reservation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reservation").field("id", &self.id).field("held", &self.held).finish_non_exhaustive()
    }
}
