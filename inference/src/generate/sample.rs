//! The next token from logits.

use mtor_shared::generation::Sampling;

/// Chooses tokens, one after the other.
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    state: u64,
    candidates: Vec<(u32, f32)>,
}

impl Sampler {
    /// A sampler that begins at the seed.
    pub fn new(sampling: Sampling) -> Self {
        Self { sampling, state: sampling.seed, candidates: Vec::new() }
    }

    /// The next token. `allowed` tells which ones may be chosen; `recent` holds those before, the last one at the end.
    ///
    /// None where nothing is allowed or no logit is a number.
    pub fn choose(&mut self, logits: &[f32], recent: &[u32], allowed: impl Fn(u32) -> bool) -> Option<u32> {
        let Sampling { temperature, top_k, top_p, min_p, repetition_penalty, penalty_window, .. } =
            self.sampling;
        let penalised = &recent[recent.len().saturating_sub(penalty_window)..];
        let penalty = |id: u32, logit: f32| {
            if repetition_penalty == 1.0 || !penalised.contains(&id) {
                logit
            } else if logit > 0.0 {
                logit / repetition_penalty
            } else {
                logit * repetition_penalty
            }
        };
        let all = (0u32..)
            .zip(logits)
            .filter(|(_, logit)| !logit.is_nan())
            .map(|(id, logit)| (id, penalty(id, *logit)));
        if temperature <= 0.0 || top_k == 1 {
            // The first of equals, as llama.cpp does. Whether a token is allowed is asked only of those that would win.
            let better = |best: Option<(u32, f32)>, other: (u32, f32)| match best {
                Some(best) if other.1 <= best.1 => Some(best),
                best => {
                    if allowed(other.0) {
                        Some(other)
                    } else {
                        best
                    }
                }
            };
            return all.fold(None, better).map(|(id, _)| id);
        }
        self.candidates.clear();
        self.candidates.extend(all.filter(|(id, _)| allowed(*id)));
        let candidates = &mut self.candidates;
        let best_first = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if top_k > 0 && top_k < candidates.len() {
            candidates.select_nth_unstable_by(top_k, best_first);
            candidates.truncate(top_k);
        }
        candidates.sort_unstable_by(best_first);
        let best = candidates.first()?.1;
        // top-p and min-p look at the model's own probabilities, the temperature comes last: llama.cpp's order.
        let total: f32 = candidates.iter().map(|(_, logit)| (logit - best).exp()).sum();
        let mut sum = 0.0;
        let kept = candidates
            .iter()
            .take_while(|(_, logit)| {
                let weight = (logit - best).exp();
                let keep = sum < top_p * total && weight >= min_p;
                sum += weight;
                keep
            })
            .count();
        candidates.truncate(kept.max(1));
        let weight = |logit: f32| f64::from((logit - best) / temperature).exp();
        let total: f64 = candidates.iter().map(|(_, logit)| weight(*logit)).sum();
        let mut left = uniform(&mut self.state) * total;
        for (id, logit) in candidates.iter() {
            left -= weight(*logit);
            if left < 0.0 {
                return Some(*id);
            }
        }
        candidates.last().map(|(id, _)| *id)
    }
}

/// A number in [0, 1): SplitMix64, whose every seed is a good one.
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each of the tokens is chosen in 2,000 tries.
    fn shares(sampling: Sampling, logits: &[f32], recent: &[u32]) -> Vec<f64> {
        let mut sampler = Sampler::new(sampling);
        let mut counts = vec![0.0; logits.len()];
        for _ in 0..2000 {
            counts[sampler.choose(logits, recent, |_| true).unwrap() as usize] += 1.0 / 2000.0;
        }
        counts
    }

    const FREE: Sampling = Sampling {
        temperature: 1.0,
        top_k: 0,
        top_p: 1.0,
        min_p: 0.0,
        repetition_penalty: 1.0,
        penalty_window: 64,
        seed: 9000,
    };
    /// Probabilities 0.5, 0.3, 0.15, 0.05.
    const LOGITS: [f32; 4] = [-std::f32::consts::LN_2, -1.203_973, -1.897_12, -2.995_732];

    #[test]
    fn greedy_takes_the_best_allowed_one_and_the_first_of_equals() {
        let mut sampler = Sampler::new(Sampling::default());
        assert_eq!(sampler.choose(&[1.0, 3.0, 3.0, f32::NAN], &[], |_| true), Some(1));
        assert_eq!(sampler.choose(&[1.0, 3.0, 3.0], &[], |id| id != 1), Some(2));
        assert_eq!(sampler.choose(&[1.0, 3.0], &[], |_| false), None);
        assert_eq!(sampler.choose(&[f32::NAN], &[], |_| true), None);
    }

    #[test]
    fn tokens_are_chosen_as_often_as_the_model_expects() {
        let got = shares(FREE, &LOGITS, &[]);
        for (got, want) in got.iter().zip([0.5, 0.3, 0.15, 0.05]) {
            assert!((got - want).abs() < 0.03, "{got} instead of {want}");
        }
        let cold = shares(Sampling { temperature: 0.5, ..FREE }, &LOGITS, &[]);
        assert!((cold[0] - 0.25 / 0.365).abs() < 0.03, "{cold:?}");
    }

    #[test]
    fn limits_cut_off_the_unlikely_ones() {
        let is = |got: Vec<f64>, count: usize| {
            assert!(got[..count].iter().all(|share| *share > 0.0), "{got:?}");
            assert!(got[count..].iter().all(|share| *share == 0.0), "{got:?}");
        };
        is(shares(Sampling { top_k: 2, ..FREE }, &LOGITS, &[]), 2);
        is(shares(Sampling { top_p: 0.7, ..FREE }, &LOGITS, &[]), 2);
        is(shares(Sampling { top_p: 0.0, ..FREE }, &LOGITS, &[]), 1);
        is(shares(Sampling { min_p: 0.25, ..FREE }, &LOGITS, &[]), 3);
    }

    #[test]
    fn recent_tokens_become_less_likely() {
        let penalty = Sampling { temperature: 0.0, repetition_penalty: 1.5, penalty_window: 2, ..FREE };
        let mut sampler = Sampler::new(penalty);
        assert_eq!(sampler.choose(&[3.0, 2.5], &[0], |_| true), Some(1));
        assert_eq!(sampler.choose(&[-2.0, -2.5], &[0], |_| true), Some(1));
        assert_eq!(sampler.choose(&[3.0, 2.5], &[0, 7, 7], |_| true), Some(0), "that was long ago");
    }

    #[test]
    fn the_same_seed_gives_the_same_choices() {
        let draw = |seed| {
            let mut sampler = Sampler::new(Sampling { seed, ..FREE });
            (0..50).map(|_| sampler.choose(&LOGITS, &[], |_| true).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
