//! Rotary position embedding: pairs of a head's elements are turned by an angle that grows with the position.

/// Which elements of a head make a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pairing {
    /// Element i with element i + width / 2.
    Halves,
    /// Element 2i with element 2i + 1.
    Neighbours,
}

/// Turns every head of `x`, [tokens, heads * width], for the tokens at positions `first..`.
///
/// `frequencies` has width / 2 elements: the angle of pair i at position p is `p * frequencies[i]`.
pub(crate) fn rotate(x: &mut [f32], row: usize, first: usize, pairing: Pairing, frequencies: &[f32]) {
    let half = frequencies.len();
    let mut turns = vec![(0.0f32, 0.0f32); half];
    for (token, x) in x.chunks_exact_mut(row).enumerate() {
        for (turn, frequency) in turns.iter_mut().zip(frequencies) {
            *turn = ((first + token) as f32 * frequency).sin_cos();
        }
        for head in x.chunks_exact_mut(2 * half) {
            match pairing {
                Pairing::Halves => {
                    let (a, b) = head.split_at_mut(half);
                    for ((a, b), (sin, cos)) in a.iter_mut().zip(b).zip(&turns) {
                        (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
                    }
                }
                Pairing::Neighbours => {
                    for ([a, b], (sin, cos)) in head.as_chunks_mut::<2>().0.iter_mut().zip(&turns) {
                        (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_depend_on_the_distance_alone() {
        for pairing in [Pairing::Halves, Pairing::Neighbours] {
            let frequencies = [1.0, 0.1, 0.01, 0.001];
            let score = |p: usize, q: usize| {
                let mut a = [0.3, -0.7, 0.2, 0.9, -0.4, 0.5, 0.1, -0.6];
                let mut b = [0.8, 0.1, -0.5, 0.4, 0.2, -0.9, 0.7, 0.3];
                rotate(&mut a, 8, p, pairing, &frequencies);
                rotate(&mut b, 8, q, pairing, &frequencies);
                a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>()
            };
            assert!((score(3, 10) - score(103, 110)).abs() < 1e-4);
            assert!((score(3, 10) - score(3, 11)).abs() > 1e-3);
        }
    }

    #[test]
    fn pairs_are_those_asked_for() {
        let quarter = [std::f32::consts::FRAC_PI_2, 0.0];
        let mut halves = [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0];
        rotate(&mut halves, 4, 0, Pairing::Halves, &quarter);
        let near = |got: &[f32], want: [f32; 4]| got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near(&halves[4..], [-3.0, 2.0, 1.0, 4.0]), "{halves:?}");
        let mut neighbours = [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0];
        rotate(&mut neighbours, 4, 0, Pairing::Neighbours, &quarter);
        assert!(near(&neighbours[4..], [-2.0, 1.0, 3.0, 4.0]), "{neighbours:?}");
    }
}
