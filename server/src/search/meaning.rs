//! Search by meaning: the vectors of what operations do, compared with that of a query.
//!
//! Unit vectors as signed bytes: a quarter of the memory of floats and the same order of results, and ten thousand
//! are compared in about a millisecond.

use mtor_shared::capability::Capability;
use sha2::{Digest, Sha256};

/// The most characters of an operation's words that are embedded.
const MAX_CHARS: usize = 320;

/// The vectors of one description's operations, by their number.
pub struct Meanings {
    dimension: usize,
    rows: Vec<i8>,
}

/// What of an operation is embedded.
pub fn text(capability: &Capability) -> String {
    let text = match capability.summary.as_str() {
        "" => capability.title.clone(),
        summary if summary == capability.title => capability.title.clone(),
        summary => format!("{}. {summary}", capability.title),
    };
    text.chars().take(MAX_CHARS).collect()
}

/// Names a text in the database.
pub fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// A unit vector as signed bytes.
pub fn quantised(vector: &[f32]) -> Vec<i8> {
    vector.iter().map(|value| (value.clamp(-1.0, 1.0) * 127.0).round() as i8).collect()
}

impl Meanings {
    /// Rows in the order of the operations; none when they are not of one length.
    pub fn of(rows: &[&[i8]]) -> Option<Self> {
        let dimension = rows.first().map_or(0, |row| row.len());
        if rows.iter().any(|row| row.len() != dimension) {
            return None;
        }
        Some(Self { dimension, rows: rows.concat() })
    }

    /// The cosine of each row with a query of the same dimension.
    pub fn cosines(&self, query: &[i8]) -> impl Iterator<Item = f32> {
        let fits = self.dimension == query.len() && self.dimension > 0;
        let rows = if fits { self.rows.as_slice() } else { &[] };
        rows.chunks_exact(self.dimension.max(1)).map(move |row| {
            let dot: i32 = row.iter().zip(query).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
            dot as f32 / (127.0 * 127.0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_vectors_have_a_large_cosine() {
        let rows = [quantised(&[1.0, 0.0]), quantised(&[0.6, 0.8]), quantised(&[-1.0, 0.0])];
        let meanings = Meanings::of(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>()).expect("even");
        let cosines: Vec<f32> = meanings.cosines(&quantised(&[1.0, 0.0])).collect();
        for (cosine, expected) in cosines.iter().zip([1.0, 0.6, -1.0]) {
            assert!((cosine - expected).abs() < 0.01, "{cosines:?}");
        }
        assert_eq!(meanings.cosines(&[1, 2, 3]).count(), 0);
    }

    #[test]
    fn rows_of_two_lengths_are_refused() {
        assert!(Meanings::of(&[&[1, 2], &[1]]).is_none());
    }
}
