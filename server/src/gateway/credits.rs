//! The realm's ledger as the gateway's meter: the most that an answer may cost is held before anybody is asked, what it cost
//! is paid after, and what nobody answered costs nothing.

use async_trait::async_trait;
use mtor_shared::{
    ledger::{Amount, ProviderId, Released, Text, Usage},
    problem::{Problem, ProblemCode},
};

use super::meter::{Admission, Asker, Meter, Spent, Ticket};
use crate::ledger::{Ledger, Reservation, Work};

/// See the module.
pub struct Credits {
    ledger: Ledger,
}

impl Credits {
    /// With the realm's ledger.
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger }
    }
}

struct Held(Reservation);

/// Names are the operator's, and may hold what an account's may not.
fn provider(name: &str) -> Result<ProviderId, Problem> {
    let plain: String = name.chars().filter(char::is_ascii_graphic).take(120).collect();
    plain.try_into().map_err(|_| unnamed())
}

fn unnamed() -> Problem {
    Problem::new(
        ProblemCode::Internal,
        "This model's provider has a name that the ledger cannot write.",
        "The realm's operator gives it another name.",
    )
}

#[async_trait]
impl Meter for Credits {
    async fn admit(&self, asker: &Asker, admission: &Admission<'_>) -> Result<Box<dyn Ticket>, Problem> {
        let plain: String = admission.model.chars().filter(|c| !c.is_control()).take(200).collect();
        let model = Text::try_from(plain).map_err(|_| unnamed())?;
        // More than can be counted is more than anybody has.
        let most = Amount::from_micro(admission.most_micro).unwrap_or(Amount::MAX);
        let work = Work::of(&asker.caller, provider(admission.provider)?, model, most);
        let reservation = self.ledger.reserve(work).map_err(|error| error.problem())?;
        Ok(Box::new(Held(reservation)))
    }
}

#[async_trait]
impl Ticket for Held {
    async fn settle(self: Box<Self>, spent: Spent) {
        let Self(reservation) = *self;
        let Some(target) = spent.target else {
            reservation.release(Released::Failed);
            return;
        };
        let name = target.split('/').next().unwrap_or_default();
        // Whoever answered is paid. Its limits were not asked for before; the answer is there, so it is paid all the same.
        if let Ok(provider) = provider(name)
            && let Err(error) = reservation.redirect(provider)
        {
            tracing::debug!(%error, "the one who answered is beyond a limit");
        }
        let cost = Amount::from_micro(spent.micro).unwrap_or(Amount::MAX);
        let usage = Usage {
            calls: 1,
            input_tokens: spent.input_tokens,
            output_tokens: spent.output_tokens,
            work_ms: 0,
        };
        if let Err(error) = reservation.settle(cost, usage).await {
            tracing::error!(%error, "an answer of the gateway cannot be paid");
        }
    }
}
