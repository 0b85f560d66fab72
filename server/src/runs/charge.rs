//! What a run costs: set aside before it begins, one reservation a provider, paid when it ends well.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use mtor_shared::{
    capability::CapabilityId,
    identity::{KeyId, PersonId},
    ledger::{Amount, Price, ProviderId, Released, Subject, Text, Usage},
    plan::StepId,
    receipt::Exchange,
    run::RunId,
};

use crate::{
    federated::prepare::Prepared,
    identity::Caller,
    ledger::{Ledger, LedgerError, Reservation, Reserved, Work},
};

/// Who pays for a run.
pub struct Payer {
    subjects: Vec<Subject>,
    person: PersonId,
    key: Option<KeyId>,
}

impl Payer {
    /// Whoever asks.
    pub fn of(caller: &Caller) -> Self {
        Self { subjects: caller.subjects(), person: caller.person().clone(), key: caller.key().cloned() }
    }

    /// A person whose run goes on without them.
    pub fn person(person: &PersonId) -> Self {
        Self { subjects: vec![Subject::Person(person.clone())], person: person.clone(), key: None }
    }
}

/// What one provider gets.
struct Part {
    /// None where it was paid by an earlier process.
    reservation: Option<Reservation>,
    paid: Amount,
    steps: Vec<(StepId, Price)>,
}

/// See the module.
pub struct Charge {
    parts: Mutex<Vec<Part>>,
}

/// The source of a capability: what comes before the slash of its id.
fn provider(id: &CapabilityId) -> Option<ProviderId> {
    let source = id.0.split('/').next().unwrap_or_default();
    source.to_owned().try_into().ok()
}

fn words(text: &str) -> Result<Text, LedgerError> {
    let plain: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    Text::try_from(plain).map_err(|_| LedgerError::NameTaken)
}

fn usage(calls: u32, work: Duration) -> Usage {
    Usage { calls, work_ms: u64::try_from(work.as_millis()).unwrap_or(u64::MAX), ..Usage::default() }
}

impl Charge {
    /// Sets aside the most that a run may cost; `longest` is how long one step may take. A run that an earlier process
    /// paid is not paid again.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing is held then.
    pub async fn reserve(
        ledger: &Ledger,
        payer: Payer,
        run: &RunId,
        prepared: &Prepared,
        longest: Duration,
    ) -> Result<Self, LedgerError> {
        let mut by_provider: BTreeMap<Option<ProviderId>, Vec<(StepId, CapabilityId, Price)>> =
            BTreeMap::new();
        for step in &prepared.steps {
            let capability = &step.operation.capability;
            let declared = Price::per_call(Amount::from_micro(capability.price_micro).unwrap_or(Amount::MAX));
            let price = ledger.price(&capability.id.0, declared);
            let steps = by_provider.entry(provider(&capability.id)).or_default();
            steps.push((step.step.id.clone(), capability.id.clone(), price));
        }
        let mut parts = Vec::new();
        for (provider, steps) in by_provider {
            // Sources are named so that they can be providers; one that is not is nobody's to pay.
            let Some(provider) = provider else { continue };
            let most = steps.iter().try_fold(Amount::ZERO, |sum, (_, _, price)| {
                price.cost(&usage(1, longest)).and_then(|cost| sum.checked_add(cost))
            });
            let name = words(&format!("run {run} {provider}"))?;
            let first = steps.first().map(|(_, capability, _)| capability.0.as_str()).unwrap_or_default();
            let work = Work {
                subjects: payer.subjects.clone(),
                person: payer.person.clone(),
                key: payer.key.clone(),
                provider,
                capability: words(first)?,
                // More than can be counted is more than anybody has.
                most: most.unwrap_or(Amount::MAX),
            };
            let (reservation, paid) = match ledger.reserve_named(name, work).await? {
                Reserved::New(reservation) => (Some(reservation), Amount::ZERO),
                Reserved::Done(_, settled) => (None, settled.charged),
                Reserved::AtWork(_) => return Err(LedgerError::NameTaken),
            };
            let steps = steps.into_iter().map(|(step, _, price)| (step, price)).collect();
            parts.push(Part { reservation, paid, steps });
        }
        Ok(Self { parts: Mutex::new(parts) })
    }

    /// Pays what was used; what was paid in all.
    ///
    /// # Errors
    /// [`LedgerError`], the database's.
    pub async fn settle(&self, exchanges: &[Exchange]) -> Result<Amount, LedgerError> {
        let parts = std::mem::take(&mut *self.parts.lock().unwrap_or_else(PoisonError::into_inner));
        let mut paid = Amount::ZERO;
        for Part { reservation, paid: before, steps } in parts {
            let mut cost = before;
            if let Some(reservation) = reservation {
                let (mut calls, mut work) = (0, Duration::ZERO);
                let mut sum = Some(Amount::ZERO);
                for (step, price) in steps {
                    let own = exchanges.iter().filter(|exchange| exchange.step == step);
                    let took: Duration =
                        own.map(|exchange| Duration::from_millis(exchange.elapsed_ms.into())).sum();
                    (calls, work) = (calls + 1, work + took);
                    sum = sum.and_then(|sum| sum.checked_add(price.cost(&usage(1, took))?));
                }
                let settled = reservation.settle(sum.unwrap_or(Amount::MAX), usage(calls, work)).await?;
                cost = settled.charged;
            }
            paid = paid.checked_add(cost).unwrap_or(Amount::MAX);
        }
        Ok(paid)
    }

    /// Gives back what was not paid.
    pub fn release(&self, reason: Released) {
        for part in std::mem::take(&mut *self.parts.lock().unwrap_or_else(PoisonError::into_inner)) {
            if let Some(reservation) = part.reservation {
                reservation.release(reason);
            }
        }
    }
}
