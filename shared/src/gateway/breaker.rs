//! The circuit breaker of one upstream.
//!
//! Closed, it counts failures that follow each other. After enough of them it opens: nobody is sent there for a
//! while. Then it allows one trial at a time; a good one closes it, a bad one doubles the while. Where there is another
//! upstream the trial is a copy of a request, so that nobody waits for what is down (see [`super::Role::Trial`]).

use serde::{Deserialize, Serialize};

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures one after the other that open it; 0 never does.
    pub failures: u32,
    /// The first while, in milliseconds.
    pub cooldown_ms: u64,
    /// The longest while, in milliseconds.
    pub longest_ms: u64,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 3, cooldown_ms: 1_000, longest_ms: 30_000 }
    }
}

/// Whether somebody may be sent there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Standing {
    /// It works, as far as is known.
    Closed,
    /// Nobody is sent there.
    Open {
        /// Until then, in milliseconds of the gateway's clock.
        until_ms: u64,
    },
    /// One may try.
    Trial,
    /// Somebody is trying.
    OnTrial,
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { failures: u32 },
    Open { until_ms: u64, cooldown_ms: u64, trial_until_ms: Option<u64> },
}

impl Breaker {
    /// A closed one.
    pub fn new(settings: BreakerSettings) -> Self {
        Self { settings, state: State::Closed { failures: 0 } }
    }

    /// Whether somebody may be sent there now.
    pub fn standing(&self, now_ms: u64) -> Standing {
        match self.state {
            State::Closed { .. } => Standing::Closed,
            State::Open { until_ms, .. } if now_ms < until_ms => Standing::Open { until_ms },
            // A trial that never ends must not keep the breaker open for ever.
            State::Open { trial_until_ms: Some(until), .. } if now_ms < until => Standing::OnTrial,
            State::Open { .. } => Standing::Trial,
        }
    }

    /// Takes the trial, when there is one to be had: true for exactly one asker until it is over or `patience_ms` are.
    pub fn begin_trial(&mut self, now_ms: u64, patience_ms: u64) -> bool {
        let allowed = self.standing(now_ms) == Standing::Trial;
        if let (true, State::Open { trial_until_ms, .. }) = (allowed, &mut self.state) {
            *trial_until_ms = Some(now_ms.saturating_add(patience_ms));
        }
        allowed
    }

    /// It answered.
    pub fn succeeded(&mut self) {
        self.state = State::Closed { failures: 0 };
    }

    /// It has begun to answer: enough to close an open one, and not enough to forget failures in the middle of answers.
    pub fn began_well(&mut self) {
        if let State::Open { .. } = self.state {
            self.succeeded();
        }
    }

    /// It did not. True when this opened it.
    pub fn failed(&mut self, now_ms: u64) -> bool {
        match self.state {
            State::Closed { failures } => {
                let failures = failures.saturating_add(1);
                let opens = self.settings.failures > 0 && failures >= self.settings.failures;
                self.state = if opens {
                    self.open(now_ms, self.settings.cooldown_ms)
                } else {
                    State::Closed { failures }
                };
                opens
            }
            // Requests that were under way when it opened say nothing new.
            State::Open { until_ms, .. } if now_ms < until_ms => false,
            State::Open { cooldown_ms, .. } => {
                let longer = cooldown_ms.saturating_mul(2).min(self.settings.longest_ms).max(1);
                self.state = self.open(now_ms, longer);
                false
            }
        }
    }

    fn open(&self, now_ms: u64, cooldown_ms: u64) -> State {
        State::Open { until_ms: now_ms.saturating_add(cooldown_ms), cooldown_ms, trial_until_ms: None }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn open() -> Breaker {
        let mut breaker = Breaker::new(BreakerSettings::default());
        assert!(!breaker.failed(0) && !breaker.failed(0) && breaker.failed(0));
        breaker
    }

    #[test]
    fn failures_one_after_the_other_open_it() {
        let mut breaker = Breaker::new(BreakerSettings::default());
        for _ in 0..10 {
            breaker.failed(0);
            breaker.failed(0);
            breaker.succeeded();
        }
        assert_eq!(breaker.standing(0), Standing::Closed);
        assert_eq!(open().standing(999), Standing::Open { until_ms: 1000 });
    }

    #[test]
    fn after_a_while_one_may_try_and_no_other() {
        let mut breaker = open();
        assert!(!breaker.begin_trial(999, 500));
        assert!(breaker.begin_trial(1000, 500));
        assert!(!breaker.begin_trial(1000, 500));
        assert_eq!(breaker.standing(1499), Standing::OnTrial);
        assert_eq!(breaker.standing(1500), Standing::Trial);
        breaker.succeeded();
        assert_eq!(breaker.standing(1500), Standing::Closed);
    }

    #[test]
    fn a_bad_trial_doubles_the_while_up_to_the_longest() {
        let mut breaker = open();
        let mut now = 1000;
        let mut whiles = Vec::new();
        for _ in 0..7 {
            assert!(breaker.begin_trial(now, 10));
            breaker.failed(now);
            let Standing::Open { until_ms } = breaker.standing(now) else { panic!("open") };
            whiles.push(until_ms - now);
            now = until_ms;
        }
        assert_eq!(whiles, [2000, 4000, 8000, 16000, 30000, 30000, 30000]);
    }

    #[test]
    fn a_good_beginning_closes_it_and_does_not_hide_what_fails_later() {
        let mut breaker = open();
        breaker.began_well();
        assert_eq!(breaker.standing(0), Standing::Closed);
        for _ in 0..3 {
            breaker.began_well();
            breaker.failed(0);
        }
        assert_eq!(breaker.standing(0), Standing::Open { until_ms: 1000 });
    }

    #[test]
    fn it_can_be_switched_off() {
        let mut breaker = Breaker::new(BreakerSettings { failures: 0, ..BreakerSettings::default() });
        (0..1000).for_each(|_| assert!(!breaker.failed(0)));
        assert_eq!(breaker.standing(0), Standing::Closed);
    }

    proptest! {
        #[test]
        fn a_success_always_closes_it_and_it_never_stays_open_beyond_the_longest_while(
            steps in prop::collection::vec((0..3_u8, 0..5_000_u64), 0..200)
        ) {
            let settings = BreakerSettings::default();
            let mut breaker = Breaker::new(settings);
            let mut now = 0_u64;
            for (step, passed) in steps {
                now += passed;
                match step {
                    0 => { breaker.failed(now); }
                    1 => { breaker.begin_trial(now, 100); }
                    _ => { breaker.succeeded(); prop_assert_eq!(breaker.standing(now), Standing::Closed); }
                }
                if let Standing::Open { until_ms } = breaker.standing(now) {
                    prop_assert!(until_ms - now <= settings.longest_ms);
                }
                let later = breaker.standing(now + settings.longest_ms + 100);
                prop_assert!(matches!(later, Standing::Closed | Standing::Trial));
            }
        }
    }
}
