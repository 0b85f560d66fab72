//! NanoDet: things of eighty kinds in a picture, each with its place.
//!
//! For every cell of three grids (8, 16 and 32 pixels a cell) the network gives a score a kind and, for each of four
//! sides, how likely each of eleven distances is (arXiv 2006.04388). A side lies at the mean of its distances; of boxes
//! of one kind that overlap much the best stays.

use mtor_shared::{
    problem::{Problem, ProblemCode},
    seen::Thing,
};

use crate::{
    graph::{Fault, Network, Tensor},
    image::Picture,
    tfjs,
};

/// Names of the kinds, in the order of the scores: those of COCO.
const LABELS: &str = include_str!("labels.txt");
/// Side of the square that the network sees.
const SIDE: usize = 416;
/// Distances that a side may have, in cells.
const DISTANCES: usize = 11;
/// Mean and deviation of blue, green, red in the pictures of the training, 0 to 255.
const MEAN: [f32; 3] = [103.53, 116.28, 123.675];
const DEVIATION: [f32; 3] = [57.375, 57.12, 58.395];
/// Boxes below this score are not things.
pub const LEAST_SURE: f32 = 0.4;
/// Of two boxes of one kind that share more than this part of their union, the better one stays.
const OVERLAP: f32 = 0.6;
/// Boxes that are compared with each other.
const BOX_LIMIT: usize = 1000;

/// The loaded network.
pub struct ThingFinder {
    network: Network,
    input: String,
    names: Vec<&'static str>,
}

/// A box on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Candidate {
    kind: usize,
    score: f32,
    /// Left, top, right, bottom in pixels of the network's square.
    sides: [f32; 4],
}

impl ThingFinder {
    /// Prepares the network from the two files of TensorFlow.js.
    ///
    /// # Errors
    ///
    /// When a file is not what it should be.
    pub fn load(graph: &[u8], weights: &[u8]) -> Result<Self, Problem> {
        let network = Network::new(tfjs::read(graph, weights)?)?;
        let input = network.inputs().next().map(str::to_owned);
        let input = input.ok_or_else(|| Fault::new("it has no input"))?;
        Ok(Self { network, input, names: LABELS.lines().collect() })
    }

    /// The things in a picture that are at least so sure, the surest first.
    ///
    /// # Errors
    ///
    /// When the network gives something else than it should.
    pub fn find(&mut self, picture: &Picture, least_sure: f32) -> Result<Vec<Thing>, Problem> {
        let mut planes = Vec::with_capacity(3 * SIDE * SIDE);
        let scale = DEVIATION.map(|deviation| 1.0 / deviation);
        picture.scaled(SIDE, SIDE).planes([2, 1, 0], MEAN, scale, &mut planes);
        let input = Tensor::floats(vec![1, 3, SIDE, SIDE], planes)?;
        let outputs = self.network.run(vec![(&self.input, input)])?;
        let mut found = Vec::new();
        for cells in [52, 26, 13] {
            // Results are told apart by their shapes, not by their order.
            let of_width = |width: usize| {
                let wanted = [1, cells * cells, width];
                let output = outputs.iter().find(|output| output.shape() == wanted);
                output.ok_or_else(|| {
                    Problem::new(
                        ProblemCode::Unsupported,
                        format!("The detector gives no result of shape {wanted:?}."),
                        "Delete the model and load it again.",
                    )
                })
            };
            let scores = of_width(self.names.len())?.as_floats()?;
            let distances = of_width(4 * DISTANCES)?.as_floats()?;
            candidates(cells, scores, distances, least_sure, &mut found);
        }
        for output in outputs {
            self.network.recycle(output);
        }
        let (across, down) = (picture.width() as f32 / SIDE as f32, picture.height() as f32 / SIDE as f32);
        let things =
            best(found).into_iter().map(|Candidate { kind, score, sides: [left, top, right, bottom] }| {
                Thing {
                    name: self.names[kind].to_owned(),
                    score,
                    left: left * across,
                    top: top * down,
                    width: (right - left) * across,
                    height: (bottom - top) * down,
                }
            });
        Ok(things.collect())
    }
}

/// The boxes of one grid that are sure enough; each cell has one for its best kind.
fn candidates(cells: usize, scores: &[f32], distances: &[f32], least_sure: f32, into: &mut Vec<Candidate>) {
    let kinds = scores.len() / (cells * cells);
    let cell = (SIDE / cells) as f32;
    let grids = scores.chunks_exact(kinds).zip(distances.chunks_exact(4 * DISTANCES));
    for (index, (scores, distances)) in grids.enumerate() {
        for (kind, score) in scores.iter().enumerate().filter(|(_, score)| **score >= least_sure) {
            let (x, y) = ((index % cells) as f32 + 0.5, (index / cells) as f32 + 0.5);
            let mut reach = [0.0; 4];
            for (reach, likely) in reach.iter_mut().zip(distances.chunks_exact(DISTANCES)) {
                *reach = mean(likely);
            }
            let bounded = |at: f32| (at * cell).clamp(0.0, SIDE as f32);
            let sides = [x - reach[0], y - reach[1], x + reach[2], y + reach[3]].map(bounded);
            into.push(Candidate { kind, score: *score, sides });
        }
    }
}

/// The mean distance, from numbers whose exponentials are likelihoods.
fn mean(likely: &[f32]) -> f32 {
    let top = likely.iter().copied().fold(f32::MIN, f32::max);
    let (mut sum, mut all) = (0.0, 0.0);
    for (distance, value) in likely.iter().enumerate() {
        let share = (value - top).exp();
        sum += share * distance as f32;
        all += share;
    }
    sum / all
}

/// The surest first, without those that show the same thing again.
fn best(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    candidates.truncate(BOX_LIMIT);
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        let again = |other: &Candidate| {
            other.kind == candidate.kind && overlap(other.sides, candidate.sides) > OVERLAP
        };
        if !kept.iter().any(again) {
            kept.push(candidate);
        }
    }
    kept
}

/// What two boxes share, as a part of what they cover together.
fn overlap(a: [f32; 4], b: [f32; 4]) -> f32 {
    let area = |[left, top, right, bottom]: [f32; 4]| (right - left).max(0.0) * (bottom - top).max(0.0);
    let shared = area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    let all = area(a) + area(b) - shared;
    if all > 0.0 { shared / all } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_eighty_names() {
        assert_eq!(LABELS.lines().count(), 80);
        assert_eq!((LABELS.lines().next(), LABELS.lines().last()), (Some("person"), Some("toothbrush")));
    }

    #[test]
    fn a_cell_gives_a_box_around_itself() {
        let cells = 13;
        let mut scores = vec![0.01; cells * cells * 80];
        let mut distances = vec![0.0; cells * cells * 44];
        let at = 6 * cells + 3;
        scores[at * 80 + 16] = 0.9;
        // Left 1, top 2, right 3, bottom 4 cells: nearly all likelihood at those.
        for (side, distance) in [1, 2, 3, 4].into_iter().enumerate() {
            distances[at * 44 + side * 11 + distance] = 50.0;
        }
        let mut found = Vec::new();
        candidates(cells, &scores, &distances, 0.4, &mut found);
        assert_eq!(found.len(), 1);
        let Candidate { kind, score, sides } = found[0];
        assert_eq!((kind, score), (16, 0.9));
        for (got, want) in sides.into_iter().zip([2.5 * 32.0, 4.5 * 32.0, 6.5 * 32.0, 10.5 * 32.0]) {
            assert!((got - want).abs() < 1e-3, "{got} {want}");
        }
        assert!((mean(&[0.0; 11]) - 5.0).abs() < 1e-6);
    }

    #[test]
    fn the_best_of_boxes_that_overlap_stays() {
        let candidate =
            |kind, score, left| Candidate { kind, score, sides: [left, 0.0, left + 100.0, 100.0] };
        let kept = best(vec![
            candidate(0, 0.5, 0.0),
            candidate(0, 0.9, 5.0),
            candidate(1, 0.6, 3.0),
            candidate(0, 0.7, 90.0),
        ]);
        let kept: Vec<(usize, f32)> =
            kept.iter().map(|candidate| (candidate.kind, candidate.score)).collect();
        assert_eq!(kept, [(0, 0.9), (0, 0.7), (1, 0.6)]);
    }
}
