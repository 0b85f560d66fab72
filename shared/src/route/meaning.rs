//! Ranking by meaning.

use super::{Candidate, Method, Ranking, rank_lexical};
use crate::catalogue::{Catalogue, CatalogueVectors};

/// How much the words weigh beside the meaning.
const LEXICAL_SHARE: f32 = 0.15;

/// How many of the nearest examples make the score of a capability.
const NEAREST: usize = 3;

/// Ranks by the cosine between the intent's unit vector and the examples' unit vectors, blended with the lexical
/// ranking. Falls back to the lexical ranking alone when the vectors are of another dimension than `intent`.
pub fn rank_by_meaning(text: &str, intent: &[f32], catalogue: &Catalogue, vectors: &CatalogueVectors) -> Ranking {
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
            let mut near: Vec<(f32, usize)> = rows.iter().enumerate().map(|(i, row)| (dot(intent, row), i)).collect();
            near.sort_by(|a, b| b.0.total_cmp(&a.0));
            let nearest = capability.examples.get(near.first()?.1)?.sentence();
            let words = lexical.candidates.iter().find(|candidate| &candidate.capability == id)?.score;
            Some(Candidate { capability: id.clone(), score: blend(score(&near), words), nearest })
        })
        .collect();
    let background = vectors.background.iter().map(|row| dot(intent, row)).fold(0.0, f32::max);
    Ranking::new(Method::Meaning, candidates, blend(background, lexical.background))
}

/// The nearest example counts half, the next ones the rest: one freak neighbour does not decide alone.
fn score(near: &[(f32, usize)]) -> f32 {
    let count = near.len().min(NEAREST);
    let mean = near.iter().take(count).map(|(cosine, _)| cosine).sum::<f32>() / count.max(1) as f32;
    let best = near.first().map_or(0.0, |(cosine, _)| *cosine);
    f32::midpoint(best, mean)
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
