//! What was measured lately.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// The newest results of one upstream: at most so many, none older than so long.
#[derive(Clone, Debug)]
pub struct Window {
    samples: VecDeque<Sample>,
    most: usize,
    horizon_ms: u64,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at_ms: u64,
    /// None when it failed.
    took_ms: Option<f32>,
}

/// What a window comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Measured {
    /// Results in the window.
    pub count: u32,
    /// Milliseconds that half of the good ones took at most; none without a good one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f32>,
    /// Milliseconds that 99 of 100 good ones took at most; none without a good one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f32>,
    /// The share of failures, 0 to 1.
    pub error_rate: f32,
}

impl Window {
    /// An empty one that keeps `most` results for `horizon_ms` milliseconds.
    pub fn new(most: usize, horizon_ms: u64) -> Self {
        Self { samples: VecDeque::new(), most: most.max(1), horizon_ms }
    }

    /// Takes a good result in.
    pub fn good(&mut self, now_ms: u64, took_ms: f32) {
        self.push(Sample { at_ms: now_ms, took_ms: Some(took_ms) });
    }

    /// Takes a failure in.
    pub fn failed(&mut self, now_ms: u64) {
        self.push(Sample { at_ms: now_ms, took_ms: None });
    }

    fn push(&mut self, sample: Sample) {
        if self.samples.len() == self.most {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// What the results that are not too old come to; quantiles by the nearest rank.
    pub fn measured(&self, now_ms: u64) -> Measured {
        let since = now_ms.saturating_sub(self.horizon_ms);
        let mut good = Vec::with_capacity(self.samples.len());
        let mut count = 0_u32;
        for sample in self.samples.iter().filter(|sample| sample.at_ms >= since) {
            count += 1;
            good.extend(sample.took_ms);
        }
        if count == 0 {
            return Measured::default();
        }
        let failures = count as usize - good.len();
        let rank = |good: &mut Vec<f32>, of_100: usize| {
            let at = (good.len() * of_100).div_ceil(100).checked_sub(1)?;
            Some(*good.select_nth_unstable_by(at, f32::total_cmp).1)
        };
        Measured {
            count,
            p50_ms: rank(&mut good, 50),
            p99_ms: rank(&mut good, 99),
            error_rate: failures as f32 / count as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_are_of_the_good_results() {
        let mut window = Window::new(1000, 1000);
        (1..=100).for_each(|took| window.good(0, took as f32));
        (0..25).for_each(|_| window.failed(0));
        let measured = window.measured(0);
        assert_eq!((measured.p50_ms, measured.p99_ms), (Some(50.0), Some(99.0)));
        assert_eq!((measured.count, measured.error_rate), (125, 0.2));
    }

    #[test]
    fn the_old_is_forgotten_by_time_and_by_number() {
        let mut window = Window::new(3, 100);
        window.failed(0);
        window.good(50, 1.0);
        assert_eq!(window.measured(100).error_rate, 0.5);
        assert_eq!(window.measured(101).error_rate, 0.0);
        assert_eq!(window.measured(151), Measured::default());
        (0..10).for_each(|_| window.good(60, 2.0));
        assert_eq!(window.measured(60).count, 3);
    }

    proptest! {
        #[test]
        fn quantiles_are_results_and_in_order(results in prop::collection::vec(prop::option::of(0.0_f32..1e6), 0..300)) {
            let mut window = Window::new(128, 1000);
            for result in &results {
                match result {
                    Some(took) => window.good(5, *took),
                    None => window.failed(5),
                }
            }
            let measured = window.measured(5);
            let kept = &results[results.len().saturating_sub(128)..];
            prop_assert_eq!(measured.count as usize, kept.len());
            prop_assert!((0.0..=1.0).contains(&measured.error_rate));
            if let (Some(p50), Some(p99)) = (measured.p50_ms, measured.p99_ms) {
                prop_assert!(p50 <= p99);
                prop_assert!(kept.contains(&Some(p50)) && kept.contains(&Some(p99)));
                let below = kept.iter().flatten().filter(|took| **took <= p50).count();
                prop_assert!(below * 2 >= kept.iter().flatten().count());
            }
        }
    }
}
