//! Which tokens a transcript consists of: Whisper's rules about times, then the best path through the likelihoods.
//!
//! The search follows CTranslate2's (`BeamSearch` with a length penalty of one, `GreedySearch` for samples), so that the
//! same network finds the same words.

use super::{
    cpu::{Decoder, Row},
    tokens::WhisperTokens,
};
use crate::kernels::{Level, log_softmax};

/// The latest time with which a transcript may begin, in steps: one second.
const LATEST_BEGINNING: u32 = 50;

/// How to look for the best transcript.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Search {
    /// This many beams; one is greedy.
    Beams(usize),
    /// The best of so many random ones, at this temperature, from this seed.
    Samples {
        /// How many.
        count: usize,
        /// More than 0.
        temperature: f32,
        /// The same seed gives the same ones.
        seed: u64,
    },
}

/// A transcript and how sure the model is of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) tokens: Vec<u32>,
    /// Sum of the logarithms of the probabilities, that of the end included.
    pub(super) sum: f32,
    /// The probability that nobody speaks.
    pub(super) no_speech: f32,
}

impl Found {
    /// Mean logarithm of a token's probability, the end counted.
    pub(super) fn mean(&self) -> f32 {
        self.sum / (self.tokens.len() + 1) as f32
    }

    fn score(&self) -> f32 {
        self.sum / self.tokens.len() as f32
    }
}

/// What may follow what.
pub(super) struct Rules<'a> {
    pub(super) tokens: &'a WhisperTokens,
    /// Whether times are told.
    pub(super) times: bool,
}

impl Rules<'_> {
    /// Makes impossible what may not follow `sequence`.
    pub(super) fn apply(&self, logits: &mut [f32], sequence: &[u32]) {
        let tokens = self.tokens;
        let never = f32::NEG_INFINITY;
        tokens.suppressed().iter().for_each(|id| logits[*id as usize] = never);
        if sequence.is_empty() {
            tokens.blanks().iter().for_each(|id| logits[*id as usize] = never);
        }
        if !self.times {
            return;
        }
        let (end, first) = (tokens.end as usize, tokens.first_time() as usize);
        logits[tokens.no_times as usize] = never;
        let is_time = |id: &u32| *id as usize >= first;
        let Some(last) = sequence.last() else {
            logits[..first].fill(never);
            let latest = first + LATEST_BEGINNING as usize;
            if let Some(later) = logits.get_mut(latest + 1..) {
                later.fill(never);
            }
            return;
        };
        // Times come in pairs, but for the last one before the end.
        let before = sequence.len().checked_sub(2).map_or(last, |at| &sequence[at]);
        let mut weigh = true;
        if is_time(last) {
            if is_time(before) {
                logits[first..].fill(never);
                weigh = false;
            } else {
                logits[..end].fill(never);
            }
        }
        if let Some(time) = sequence.iter().rev().find(|id| is_time(id)) {
            logits[first..*time as usize].fill(never);
        }
        // A time, where all times together are likelier than every word.
        if weigh {
            let (words, times) = logits.split_at(first);
            let word = words.iter().copied().fold(never, f32::max);
            let top = times.iter().copied().fold(never, f32::max);
            if top > never {
                let all = top + times.iter().map(|v| (v - top).exp()).sum::<f32>().ln();
                if all > word {
                    logits[..first].fill(never);
                }
            }
        }
    }
}

/// One path.
#[derive(Clone)]
struct Beam {
    tokens: Vec<u32>,
    score: f32,
    /// Its past in the decoder's cache.
    sees: Vec<u32>,
}

/// A prompt that was read, and what comes next.
pub(super) struct Prompted {
    sees: Vec<u32>,
    last: u32,
    no_speech: Option<f32>,
}

/// The search in one window.
pub(super) struct Hunt<'a> {
    pub(super) decoder: &'a mut Decoder,
    pub(super) rules: Rules<'a>,
    pub(super) level: Level,
    /// Tokens of the transcript at most.
    pub(super) limit: usize,
}

impl Hunt<'_> {
    /// Finds a transcript after `prompt`, which holds the token that begins one.
    pub(super) fn find(&mut self, prompt: &[u32], search: Search) -> Found {
        self.decoder.forget();
        let prompted = self.read_prompt(prompt);
        match search {
            Search::Beams(count) => self.beams(prompted, count.max(1)),
            Search::Samples { count, temperature, seed } => {
                self.samples(prompted, count.max(1), temperature, seed)
            }
        }
    }

    /// Reads all of the prompt but its last token.
    fn read_prompt(&mut self, prompt: &[u32]) -> Prompted {
        let sees: Vec<u32> = (0..prompt.len() as u32).collect();
        let (last, before) = prompt.split_last().map_or((0, prompt), |(last, before)| (*last, before));
        let start = prompt.iter().position(|id| *id == self.rules.tokens.start);
        let rows: Vec<Row<'_>> = before
            .iter()
            .enumerate()
            .map(|(position, token)| Row { token: *token, position, sees: &sees[..=position] })
            .collect();
        let mut no_speech = None;
        if !rows.is_empty() {
            let wanted = start.filter(|start| *start < rows.len());
            let logits = self.decoder.read(&rows, wanted.unwrap_or(rows.len() - 1));
            if wanted.is_some() {
                let vocabulary = logits.len() / (rows.len() - wanted.unwrap_or(0));
                no_speech = Some(share(&logits[..vocabulary], self.rules.tokens.no_speech));
            }
        }
        Prompted { sees: sees[..before.len()].to_vec(), last, no_speech }
    }

    /// Reads the last token of each beam; the logits of what follows.
    fn advance(&mut self, beams: &mut [Beam], prompted: &Prompted) -> Vec<f32> {
        let first = self.decoder.slots() as u32;
        for (slot, beam) in (first..).zip(beams.iter_mut()) {
            beam.sees.push(slot);
        }
        let rows: Vec<Row<'_>> = beams
            .iter()
            .map(|beam| Row {
                token: beam.tokens.last().copied().unwrap_or(prompted.last),
                position: prompted.sees.len() + beam.tokens.len(),
                sees: &beam.sees,
            })
            .collect();
        self.decoder.read(&rows, 0).to_vec()
    }

    /// Applies the rules; logarithms of probabilities.
    fn probabilities(&self, logits: &mut [f32], beams: &[Beam]) {
        let vocabulary = logits.len() / beams.len();
        for (row, beam) in logits.chunks_exact_mut(vocabulary).zip(beams) {
            self.rules.apply(row, &beam.tokens);
            log_softmax(self.level, row);
        }
    }

    fn no_speech(&self, prompted: &Prompted, logits: &[f32]) -> f32 {
        prompted.no_speech.unwrap_or_else(|| share(logits, self.rules.tokens.no_speech))
    }

    fn beams(&mut self, prompted: Prompted, count: usize) -> Found {
        let end = self.rules.tokens.end;
        let mut beams = vec![Beam { tokens: Vec::new(), score: 0.0, sees: prompted.sees.clone() }];
        let mut done: Vec<Found> = Vec::new();
        let mut no_speech = 0.0;
        for step in 0..self.limit {
            let mut logits = self.advance(&mut beams, &prompted);
            let vocabulary = logits.len() / beams.len();
            if step == 0 {
                no_speech = self.no_speech(&prompted, &logits);
            }
            self.probabilities(&mut logits, &beams);
            for (row, beam) in logits.chunks_exact_mut(vocabulary).zip(&beams) {
                row.iter_mut().for_each(|v| *v += beam.score);
            }
            // Twice as many as beams: those that end leave their place to others.
            let best = best(&logits, 2 * count);
            let is_last = step + 1 == self.limit;
            let mut next = Vec::with_capacity(count);
            let mut spare = best.iter().skip(count).filter(|(at, _)| (at % vocabulary) as u32 != end);
            for candidate in best.iter().take(count) {
                let (mut at, mut score) = *candidate;
                let token = (at % vocabulary) as u32;
                if token == end || is_last {
                    let mut tokens = beams[at / vocabulary].tokens.clone();
                    if token != end {
                        tokens.push(token);
                    }
                    done.push(Found { tokens, sum: score, no_speech });
                    match spare.next() {
                        Some(other) => (at, score) = *other,
                        None => continue,
                    }
                }
                let parent = &beams[at / vocabulary];
                let mut tokens = parent.tokens.clone();
                tokens.push((at % vocabulary) as u32);
                next.push(Beam { tokens, score, sees: parent.sees.clone() });
            }
            if is_last || done.len() >= count || next.is_empty() {
                break;
            }
            beams = next;
        }
        choose(done).unwrap_or(Found { tokens: Vec::new(), sum: 0.0, no_speech })
    }

    fn samples(&mut self, prompted: Prompted, count: usize, temperature: f32, mut seed: u64) -> Found {
        let end = self.rules.tokens.end;
        let start = Beam { tokens: Vec::new(), score: 0.0, sees: prompted.sees.clone() };
        let mut beams = vec![start; count];
        let mut done: Vec<Found> = Vec::new();
        let mut no_speech = 0.0;
        for step in 0..self.limit {
            let mut logits = self.advance(&mut beams, &prompted);
            let vocabulary = logits.len() / beams.len();
            if step == 0 {
                no_speech = self.no_speech(&prompted, &logits[..vocabulary]);
            }
            self.probabilities(&mut logits, &beams);
            let mut going = Vec::with_capacity(beams.len());
            for (row, mut beam) in logits.chunks_exact(vocabulary).zip(beams) {
                let token = sample(row, temperature, uniform(&mut seed));
                beam.score += row[token as usize];
                if token != end {
                    beam.tokens.push(token);
                }
                if token == end || step + 1 == self.limit {
                    done.push(Found { tokens: beam.tokens, sum: beam.score, no_speech });
                } else {
                    going.push(beam);
                }
            }
            if going.is_empty() {
                break;
            }
            beams = going;
        }
        choose(done).unwrap_or(Found { tokens: Vec::new(), sum: 0.0, no_speech })
    }
}

/// The best of those that came to an end; an empty one is better than nothing at all.
fn choose(done: Vec<Found>) -> Option<Found> {
    let score = |found: &Found| if found.tokens.is_empty() { f32::NEG_INFINITY } else { found.score() };
    done.into_iter().reduce(|best, other| if score(&other) > score(&best) { other } else { best })
}

/// Indices and values of the greatest elements, greatest first; of equals the first.
fn best(x: &[f32], count: usize) -> Vec<(usize, f32)> {
    let mut kept: Vec<(usize, f32)> = Vec::with_capacity(count + 1);
    let mut floor = f32::NEG_INFINITY;
    for (index, v) in x.iter().enumerate() {
        if *v > floor {
            let at = kept.partition_point(|(_, other)| other >= v);
            kept.insert(at, (index, *v));
            kept.truncate(count);
            if kept.len() == count {
                floor = kept[count - 1].1;
            }
        }
    }
    kept
}

/// The probability of one token.
fn share(logits: &[f32], id: u32) -> f32 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = logits.iter().map(|v| (v - top).exp()).sum();
    (logits[id as usize] - top).exp() / total
}

/// A token at random, `at` being where in [0, 1) of the probabilities.
fn sample(logarithms: &[f32], temperature: f32, at: f64) -> u32 {
    let top = logarithms.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |v: f32| f64::from(((v - top) / temperature).exp());
    let mut rest = at * logarithms.iter().map(|v| weight(*v)).sum::<f64>();
    let mut last = 0;
    for (id, v) in (0u32..).zip(logarithms) {
        let weight = weight(*v);
        if weight > 0.0 {
            last = id;
            rest -= weight;
            if rest < 0.0 {
                break;
            }
        }
    }
    last
}

/// SplitMix64, as a number in [0, 1).
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

    #[test]
    fn the_best_are_found_in_order_and_the_first_of_equals_wins() {
        let x = [1.0, 5.0, f32::NEG_INFINITY, 5.0, 2.0, 9.0];
        assert_eq!(best(&x, 4), [(5, 9.0), (1, 5.0), (3, 5.0), (4, 2.0)]);
        assert_eq!(best(&[f32::NEG_INFINITY; 3], 2), []);
    }

    #[test]
    fn samples_follow_the_probabilities() {
        let logarithms = [0.5f32.ln(), f32::NEG_INFINITY, 0.25f32.ln(), 0.25f32.ln()];
        assert_eq!(
            [0.0, 0.49, 0.51, 0.74, 0.76, 0.9999].map(|at| sample(&logarithms, 1.0, at)),
            [0, 0, 2, 2, 3, 3]
        );
        // Cold, only the best is left.
        assert_eq!(sample(&logarithms, 0.01, 0.99), 0);
        let mut seed = 7;
        let mean = (0..4000).map(|_| uniform(&mut seed)).sum::<f64>() / 4000.0;
        assert!((mean - 0.5).abs() < 0.02);
    }

    #[test]
    fn an_empty_transcript_is_chosen_last() {
        let found = |tokens: &[u32], sum| Found { tokens: tokens.to_vec(), sum, no_speech: 0.0 };
        let best = choose(vec![found(&[], -0.1), found(&[1, 2], -4.0), found(&[3], -3.0)]).unwrap();
        assert_eq!(best.tokens, [1, 2]);
        assert_eq!(choose(Vec::new()), None);
    }
}
