//! Ranking by meaning.

use super::{Candidate, Method, Ranking, rank_lexical};
use crate::catalogue::{Catalogue, CatalogueVectors};

/// How much the words weigh beside the meaning.
const LEXICAL_SHARE: f32 = 0.2;

/// How many of the nearest examples make the score of a capability.
const NEAREST: usize = 3;

/// How much the nearest example weighs beside the mean of the nearest ones: one freak neighbour does not decide alone.
const BEST_SHARE: f32 = 0.3;

/// Ranks by the cosine between the intent's unit vector and the examples' unit vectors, blended with the lexical
/// ranking. Falls back to the lexical ranking alone when the vectors are of another dimension than `intent`.
pub fn rank_by_meaning(
    text: &str,
    intent: &[f32],
    catalogue: &Catalogue,
    vectors: &CatalogueVectors,
) -> Ranking {
    let lexical = rank_lexical(text, catalogue);
    let fits = |rows: &[Vec<f32>]| rows.iter().all(|row| row.len() == intent.len());
    if !vectors.examples.iter().all(|(_, rows)| fits(rows)) || !fits(&vectors.background) {
        return lexical;
    }
    let blend = |meaning: f32, words: f32| (1.0 - LEXICAL_SHARE) * meaning.max(0.0) + LEXICAL_SHARE * words;
    let candidates = vectors
        .examples
        .iter()
        .filter_map(|(id, rows)| {
            let capability = catalogue.find(id)?;
            let near = nearest(intent, rows);
            let sentence = capability.examples.get(near.first()?.1)?.sentence();
            let words = lexical.candidates.iter().find(|candidate| &candidate.capability == id)?.score;
            Some(Candidate { capability: id.clone(), score: blend(score(&near), words), nearest: sentence })
        })
        .collect();
    let background = blend(score(&nearest(intent, &vectors.background)), lexical.background);
    Ranking::new(Method::Meaning, candidates, background)
}

/// Cosines with the rows' indices, nearest first, at most [`NEAREST`] of them.
fn nearest(intent: &[f32], rows: &[Vec<f32>]) -> Vec<(f32, usize)> {
    let dot = |row: &Vec<f32>| intent.iter().zip(row).map(|(a, b)| a * b).sum::<f32>();
    let mut near: Vec<(f32, usize)> = rows.iter().enumerate().map(|(index, row)| (dot(row), index)).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.truncate(NEAREST);
    near
}

fn score(near: &[(f32, usize)]) -> f32 {
    let best = near.first().map_or(0.0, |(cosine, _)| *cosine);
    let mean = near.iter().map(|(cosine, _)| cosine).sum::<f32>() / near.len().max(1) as f32;
    BEST_SHARE * best + (1.0 - BEST_SHARE) * mean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        capability::CapabilityId,
        model::ModelId,
        route::{Decision, decide},
        testing::capability,
    };

    fn catalogue() -> (Catalogue, CatalogueVectors) {
        let catalogue = Catalogue {
            realm: "test".into(),
            capabilities: vec![
                capability("a/a", "x", &["alpha {x=1}"]),
                capability("b/b", "x", &["beta {x=1}"]),
            ],
            background: vec!["gamma".into()],
        };
        let vectors = CatalogueVectors {
            model: ModelId("m".into()),
            examples: vec![
                ("a/a".into(), vec![vec![1.0, 0.0, 0.0]]),
                ("b/b".into(), vec![vec![0.0, 1.0, 0.0]]),
            ],
            background: vec![vec![0.0, 0.0, 1.0]],
        };
        (catalogue, vectors)
    }

    fn decided(intent: &[f32]) -> Decision {
        let (catalogue, vectors) = catalogue();
        decide(&rank_by_meaning("words that nobody uses", intent, &catalogue, &vectors))
    }

    #[test]
    fn the_nearest_in_meaning_runs_whatever_the_words() {
        let expected = CapabilityId("b/b".into());
        assert!(
            matches!(decided(&[0.1, 0.9, 0.1]), Decision::Run { capability, .. } if capability == expected)
        );
    }

    #[test]
    fn what_means_the_same_as_the_background_is_unknown() {
        assert_eq!(decided(&[0.1, 0.1, 0.9]), Decision::Unknown);
    }

    #[test]
    fn vectors_of_another_dimension_are_not_compared() {
        let (catalogue, vectors) = catalogue();
        assert_eq!(rank_by_meaning("alpha", &[1.0, 0.0], &catalogue, &vectors).method, Method::Lexical);
    }
}
