//! From a ranking to what to do.

use serde::{Deserialize, Serialize};

use super::{Candidate, Method, Ranking};
use crate::capability::CapabilityId;

/// What to do with an intent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Decision {
    /// One capability is meant.
    Run {
        /// It.
        capability: CapabilityId,
        /// 0 to 1.
        confidence: f32,
    },
    /// It may be one of these: ask.
    Ask {
        /// The two best, best first.
        candidates: Vec<Candidate>,
    },
    /// Nothing here answers it.
    Unknown,
}

/// Where to draw the lines. Found on the development sentences of `cargo xtask bench route`.
struct Thresholds {
    /// Below it nothing is meant.
    ask: f32,
    /// From it on one may be meant.
    run: f32,
    /// How far the best must be before the second and before the background.
    lead: f32,
    /// Scores of this distance from `run` are sure.
    spread: f32,
}

impl Thresholds {
    fn of(method: Method) -> Self {
        match method {
            Method::Lexical => Self { ask: 0.25, run: 0.4, lead: 0.05, spread: 0.3 },
            Method::Meaning | Method::Chosen => Self { ask: 0.15, run: 0.2, lead: 0.02, spread: 0.3 },
        }
    }
}

/// Runs when one candidate is good and well ahead, asks when it is close, and otherwise says that nothing fits.
pub fn decide(ranking: &Ranking) -> Decision {
    let at = Thresholds::of(ranking.method);
    let Some(best) = ranking.candidates.first() else { return Decision::Unknown };
    let second = ranking.candidates.get(1).map_or(0.0, |candidate| candidate.score);
    if best.score < at.ask || ranking.background > best.score + at.lead {
        return Decision::Unknown;
    }
    let lead = best.score - second.max(ranking.background);
    if best.score < at.run || lead < at.lead {
        return Decision::Ask { candidates: ranking.candidates.iter().take(2).cloned().collect() };
    }
    let height = ((best.score - at.run) / at.spread).clamp(0.0, 1.0);
    let distance = ((lead - at.lead) / at.spread).clamp(0.0, 1.0);
    Decision::Run { capability: best.capability.clone(), confidence: 0.5 + 0.49 * height.max(distance) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(scores: &[f32], background: f32) -> Ranking {
        let candidate = |(index, score): (usize, &f32)| Candidate {
            capability: CapabilityId(format!("c/{index}")),
            score: *score,
            nearest: String::new(),
        };
        Ranking::new(Method::Meaning, scores.iter().enumerate().map(candidate).collect(), background)
    }

    #[test]
    fn a_clear_winner_runs() {
        assert!(matches!(
            decide(&ranking(&[0.2, 0.9], 0.1)),
            Decision::Run { capability, confidence } if capability.0 == "c/1" && confidence > 0.9
        ));
    }

    #[test]
    fn two_that_are_close_are_asked_about() {
        let Decision::Ask { candidates } = decide(&ranking(&[0.6, 0.59, 0.1], 0.1)) else { panic!("asks") };
        assert_eq!(candidates.len(), 2);
    }

    #[test]
    fn what_is_nearer_to_the_background_is_unknown() {
        assert_eq!(decide(&ranking(&[0.6], 0.7)), Decision::Unknown);
        assert_eq!(decide(&ranking(&[0.1], 0.0)), Decision::Unknown);
        assert_eq!(decide(&ranking(&[], 0.0)), Decision::Unknown);
    }
}
