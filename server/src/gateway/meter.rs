//! Where requests are admitted before they are made, and paid for after.

use async_trait::async_trait;
use mtor_shared::{gateway::Price, problem::Problem};

use crate::identity::Caller;

/// Who asks. Kept answers and conversations belong to one person and are never another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The person, by name.
    pub person: String,
    /// With what they were let in.
    pub caller: Caller,
}

impl From<Caller> for Asker {
    fn from(caller: Caller) -> Self {
        Self { person: caller.person().to_string(), caller }
    }
}

/// What is about to be done.
#[derive(Clone, Debug)]
pub struct Admission<'a> {
    /// For example `chat`.
    pub operation: &'static str,
    /// The model that was asked for.
    pub model: &'a str,
    /// The provider that is asked first.
    pub provider: &'a str,
    /// What it costs at most, as far as can be told: in millionths of a credit.
    pub most_micro: u64,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// `provider/model`; none when nobody answered.
    pub target: Option<String>,
    /// Tokens of what was asked.
    pub input_tokens: u64,
    /// Tokens of what was answered.
    pub output_tokens: u64,
    /// What it cost, in millionths of a credit.
    pub micro: u64,
}

impl Spent {
    /// What an answer cost.
    pub fn new(target: &str, price: &Price, input_tokens: u64, output_tokens: u64, pieces: u64) -> Self {
        let micro = price.of(input_tokens, output_tokens, pieces);
        Self { target: Some(target.to_owned()), input_tokens, output_tokens, micro }
    }
}

/// Admits and settles: the ledger's side of a request.
#[async_trait]
pub trait Meter: Send + Sync {
    /// Reserves what a request may cost. The answer is what settles it.
    ///
    /// # Errors
    /// Why this asker may not have it: no credit, a quota, no right.
    async fn admit(&self, asker: &Asker, admission: &Admission<'_>) -> Result<Box<dyn Ticket>, Problem>;
}

/// A reservation. Dropped without being settled it is released.
#[async_trait]
pub trait Ticket: Send + Sync {
    /// Pays for what was done, or releases when that was nothing.
    async fn settle(self: Box<Self>, spent: Spent);
}

/// Settles once, also when whoever asked goes away in the middle.
pub(super) struct Settlement {
    ticket: Option<Box<dyn Ticket>>,
    spent: Spent,
}

impl Settlement {
    pub(super) fn new(ticket: Box<dyn Ticket>) -> Self {
        Self { ticket: Some(ticket), spent: Spent::default() }
    }

    /// What is to be paid so far.
    pub(super) fn owe(&mut self, spent: Spent) {
        self.spent = spent;
    }

    /// Pays now.
    pub(super) async fn settle(mut self) {
        if let Some(ticket) = self.ticket.take() {
            ticket.settle(std::mem::take(&mut self.spent)).await;
        }
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        let spent = std::mem::take(&mut self.spent);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(ticket.settle(spent));
        }
    }
}
