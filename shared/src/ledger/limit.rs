//! How much and how often: budgets and rates of keys, people and providers, checked together and taken together.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Amount, ProviderId};
use crate::identity::{KeyId, PersonId};

/// The span in which a budget counts; days and months are those of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// A day.
    Day,
    /// A month.
    Month,
    /// From the beginning, without end.
    Total,
}

/// Credits that may be spent in a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// How many.
    pub amount: Amount,
    /// In which span.
    pub per: Window,
}

/// Requests in any span of that length, wherever it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "RateParts", into = "RateParts")]
pub struct Rate {
    requests: u32,
    per_s: u32,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateParts {
    requests: u32,
    per_s: u32,
}

impl Rate {
    /// So many requests in so many seconds; none beyond 60,000 requests or a day, because every one is remembered.
    pub fn new(requests: u32, per_s: u32) -> Option<Self> {
        ((1..=60_000).contains(&requests) && (1..=86_400).contains(&per_s))
            .then_some(Self { requests, per_s })
    }
}

impl TryFrom<RateParts> for Rate {
    type Error = &'static str;

    fn try_from(RateParts { requests, per_s }: RateParts) -> Result<Self, Self::Error> {
        Self::new(requests, per_s).ok_or("a rate has 1 to 60000 requests in 1 to 86400 seconds")
    }
}

impl From<Rate> for RateParts {
    fn from(Rate { requests, per_s }: Rate) -> Self {
        Self { requests, per_s }
    }
}

/// What a subject may do; what is left out is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Credits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

/// Whom limits are for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "subject", content = "id", rename_all = "kebab-case")]
pub enum Subject {
    /// An API key.
    Key(KeyId),
    /// A person, with all their keys.
    Person(PersonId),
    /// Who is asked.
    Provider(ProviderId),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(id) => write!(f, "the key {id}"),
            Self::Person(id) => write!(f, "{id}"),
            Self::Provider(id) => write!(f, "the provider {id}"),
        }
    }
}

/// Which limit is reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitRefusal {
    /// The budget.
    #[error("the budget of {subject} has {left} credits left, and this may take {needed}")]
    Budget {
        /// Whose.
        subject: Subject,
        /// What is left in its span.
        left: Amount,
        /// What this may take.
        needed: Amount,
    },
    /// The rate.
    #[error("{subject} may ask again in {retry_after_ms} ms")]
    Rate {
        /// Whose.
        subject: Subject,
        /// Until there is room again.
        retry_after_ms: u64,
    },
}

/// A span by its number, and what was taken in it.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    number: u64,
    taken: Amount,
}

#[derive(Clone, Debug, Default)]
struct Meter {
    limits: Limits,
    day: Span,
    month: Span,
    total: Amount,
    /// When each request was let in that still counts, oldest first.
    recent: VecDeque<u64>,
}

fn day(at_ms: u64) -> u64 {
    at_ms / 86_400_000
}

fn date(at_ms: u64) -> OffsetDateTime {
    let seconds = i64::try_from(at_ms / 1_000).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn month(at_ms: u64) -> u64 {
    let date = date(at_ms);
    u64::try_from(date.year()).unwrap_or_default() * 12 + u64::from(u8::from(date.month()))
}

/// The month of a time in milliseconds since 1970, in UTC: `2026-11`.
pub fn month_label(at_ms: u64) -> String {
    let date = date(at_ms);
    format!("{:04}-{:02}", date.year(), u8::from(date.month()))
}

impl Span {
    fn taken(&self, number: u64) -> Amount {
        if self.number == number { self.taken } else { Amount::ZERO }
    }

    fn take(&mut self, number: u64, amount: Amount) {
        let taken = self.taken(number).checked_add(amount).unwrap_or(Amount::MAX);
        *self = Self { number, taken };
    }

    fn give_back(&mut self, number: u64, amount: Amount) {
        if self.number == number {
            self.taken = self.taken.saturating_sub(amount);
        }
    }
}

impl Meter {
    fn spent(&self, per: Window, now_ms: u64) -> Amount {
        match per {
            Window::Day => self.day.taken(day(now_ms)),
            Window::Month => self.month.taken(month(now_ms)),
            Window::Total => self.total,
        }
    }

    fn forget(&mut self, now_ms: u64) {
        let Some(rate) = self.limits.rate else { return self.recent.clear() };
        let span_ms = u64::from(rate.per_s) * 1_000;
        while self.recent.front().is_some_and(|at| at.saturating_add(span_ms) <= now_ms) {
            self.recent.pop_front();
        }
    }
}

/// What every subject took and how often it asked. Pure: whoever has it decides when it is.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    meters: HashMap<Subject, Meter>,
}

impl Meters {
    /// Sets what a subject may do from now on. What it took stays counted.
    pub fn limit(&mut self, subject: Subject, limits: Limits) {
        self.meters.entry(subject).or_default().limits = limits;
    }

    /// What a subject may do.
    pub fn limits(&self, subject: &Subject) -> Limits {
        self.meters.get(subject).map(|meter| meter.limits).unwrap_or_default()
    }

    /// What a subject took, with what is held, in the span of its budget; in all where it has none.
    pub fn spent(&self, subject: &Subject, now_ms: u64) -> Amount {
        let Some(meter) = self.meters.get(subject) else { return Amount::ZERO };
        meter.spent(meter.limits.budget.map_or(Window::Total, |budget| budget.per), now_ms)
    }

    /// Lets a request in if every one of its subjects may make it and take that much, and counts it for all of them;
    /// or counts it for none.
    ///
    /// # Errors
    /// The first limit that is reached.
    pub fn admit(&mut self, subjects: &[Subject], amount: Amount, now_ms: u64) -> Result<(), LimitRefusal> {
        for subject in subjects {
            let Some(meter) = self.meters.get_mut(subject) else { continue };
            meter.forget(now_ms);
            if let Some(budget) = meter.limits.budget {
                let left = budget.amount.saturating_sub(meter.spent(budget.per, now_ms));
                if amount > left {
                    return Err(LimitRefusal::Budget { subject: subject.clone(), left, needed: amount });
                }
            }
            if let Some(rate) = meter.limits.rate
                && meter.recent.len() >= usize::try_from(rate.requests).unwrap_or(usize::MAX)
            {
                let oldest = meter.recent.front().copied().unwrap_or(now_ms);
                let free_at = oldest.saturating_add(u64::from(rate.per_s) * 1_000);
                let retry_after_ms = free_at.saturating_sub(now_ms).max(1);
                return Err(LimitRefusal::Rate { subject: subject.clone(), retry_after_ms });
            }
        }
        self.count(subjects, amount, now_ms);
        for subject in subjects {
            if let Some(meter) = self.meters.get_mut(subject).filter(|meter| meter.limits.rate.is_some()) {
                meter.recent.push_back(now_ms);
            }
        }
        Ok(())
    }

    /// Counts what was taken without asking: what a stored entry says.
    pub fn count(&mut self, subjects: &[Subject], amount: Amount, at_ms: u64) {
        if amount.is_zero() {
            return;
        }
        for subject in subjects {
            let meter = self.meters.entry(subject.clone()).or_default();
            meter.day.take(day(at_ms), amount);
            meter.month.take(month(at_ms), amount);
            meter.total = meter.total.checked_add(amount).unwrap_or(Amount::MAX);
        }
    }

    /// Gives back what was taken at a time and not used.
    pub fn give_back(&mut self, subjects: &[Subject], amount: Amount, taken_at_ms: u64) {
        for subject in subjects {
            let Some(meter) = self.meters.get_mut(subject) else { continue };
            meter.day.give_back(day(taken_at_ms), amount);
            meter.month.give_back(month(taken_at_ms), amount);
            meter.total = meter.total.saturating_sub(amount);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000;

    fn micro(micro: u64) -> Amount {
        Amount::from_micro(micro).expect("small")
    }

    fn key(name: &str) -> Subject {
        Subject::Key(KeyId(name.to_owned()))
    }

    fn budget(amount: u64, per: Window) -> Limits {
        Limits { budget: Some(Budget { amount: micro(amount), per }), rate: None }
    }

    #[test]
    fn a_budget_is_taken_to_the_last_millionth_and_not_beyond() {
        let mut meters = Meters::default();
        meters.limit(key("a"), budget(10, Window::Total));
        assert_eq!(meters.admit(&[key("a")], micro(4), 0), Ok(()));
        assert_eq!(meters.admit(&[key("a")], micro(6), 0), Ok(()));
        let refused = meters.admit(&[key("a")], micro(1), 9 * DAY).expect_err("spent");
        assert_eq!(refused, LimitRefusal::Budget { subject: key("a"), left: micro(0), needed: micro(1) });
        meters.give_back(&[key("a")], micro(3), 0);
        assert_eq!(meters.admit(&[key("a")], micro(3), 0), Ok(()));
    }

    #[test]
    fn who_refuses_lets_nobody_else_count() {
        let mut meters = Meters::default();
        meters.limit(key("a"), budget(10, Window::Total));
        meters.limit(key("b"), budget(1, Window::Total));
        assert!(meters.admit(&[key("a"), key("b")], micro(2), 0).is_err());
        assert_eq!(meters.spent(&key("a"), 0), Amount::ZERO);
        assert_eq!(meters.admit(&[key("a")], micro(10), 0), Ok(()));
    }

    #[test]
    fn a_new_day_and_a_new_month_begin_anew() {
        let (january_31, february_1) = (30 * DAY, 31 * DAY);
        for (per, same, next) in
            [(Window::Day, january_31 + DAY - 1, february_1), (Window::Month, january_31, february_1)]
        {
            let mut meters = Meters::default();
            meters.limit(key("a"), budget(10, per));
            assert_eq!(meters.admit(&[key("a")], micro(10), january_31), Ok(()));
            assert!(meters.admit(&[key("a")], micro(1), same).is_err(), "{per:?}");
            assert_eq!(meters.admit(&[key("a")], micro(10), next), Ok(()), "{per:?}");
            // What comes back from the old span is not room in the new one.
            meters.give_back(&[key("a")], micro(10), january_31);
            assert!(meters.admit(&[key("a")], micro(1), next).is_err(), "{per:?}");
        }
    }

    #[test]
    fn a_rate_holds_in_every_span_wherever_it_begins() {
        let mut meters = Meters::default();
        meters.limit(key("a"), Limits { budget: None, rate: Rate::new(3, 1) });
        let let_in: Vec<u64> = (0..5_000)
            .step_by(90)
            .filter(|at| meters.admit(&[key("a")], Amount::ZERO, *at).is_ok())
            .collect();
        for begin in 0..4_000 {
            let within = let_in.iter().filter(|at| (begin..begin + 1_000).contains(*at)).count();
            assert!(within <= 3, "{within} from {begin}");
        }
        assert!(let_in.len() >= 14, "{let_in:?}");
        assert_eq!(
            {
                (0..3).for_each(|_| drop(meters.admit(&[key("a")], Amount::ZERO, 9_000)));
                meters.admit(&[key("a")], Amount::ZERO, 9_400)
            },
            Err(LimitRefusal::Rate { subject: key("a"), retry_after_ms: 600 })
        );
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        for (at_ms, label) in [
            (0, "1970-01"),
            (31 * DAY, "1970-02"),
            (1_764_547_199_999, "2025-11"),
            (1_764_547_200_000, "2025-12"),
        ] {
            assert_eq!(month_label(at_ms), label);
        }
    }

    #[test]
    fn a_rate_that_cannot_be_counted_is_refused() {
        for wrong in
            [r#"{"requests":0,"per_s":1}"#, r#"{"requests":60001,"per_s":1}"#, r#"{"requests":1,"per_s":0}"#]
        {
            assert!(serde_json::from_str::<Rate>(wrong).is_err(), "{wrong}");
        }
        let limits: Limits = serde_json::from_str(r#"{"rate":{"requests":5,"per_s":60}}"#).expect("valid");
        assert_eq!(limits.rate, Rate::new(5, 60));
    }
}
