//! Routing policy: which capability answers an intent, how sure that is, and when to ask instead of guessing.
//!
//! Two rankings share one form. The lexical one needs nothing but the catalogue and answers at once; the one by
//! meaning needs the intent's embedding. Both compare the intent with the example sentences of each capability and
//! with background sentences that no capability answers.

mod decide;
mod lexical;
mod meaning;

use serde::{Deserialize, Serialize};

use crate::capability::CapabilityId;

pub use decide::{Decision, decide};
pub use lexical::rank_lexical;
pub use meaning::rank_by_meaning;

/// How an intent was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Words in common with examples.
    Lexical,
    /// Distance in meaning, by the model's embeddings, with the words as a second opinion.
    Meaning,
    /// A person chose.
    Chosen,
}

/// One capability with how well it fits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The capability.
    pub capability: CapabilityId,
    /// 0 to 1, comparable within one ranking.
    pub score: f32,
    /// The example that comes nearest, as a sentence.
    pub nearest: String,
}

/// All capabilities that can be asked for, best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// How it was made.
    pub method: Method,
    /// Best first; ties in the order of the catalogue.
    pub candidates: Vec<Candidate>,
    /// How near the nearest background sentence is, on the scale of the scores.
    pub background: f32,
}

impl Ranking {
    fn new(method: Method, mut candidates: Vec<Candidate>, background: f32) -> Self {
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
        Self { method, candidates, background }
    }
}
