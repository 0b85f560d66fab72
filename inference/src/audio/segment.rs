//! From a probability of speech for each window to stretches of speech.
//!
//! Hysteresis: speech begins where the probability reaches one threshold and ends where it stays below a lower one for
//! a while. Stretches that are too short are dropped, and what is kept is padded on both sides, for words begin and end
//! more softly than a detector notices.

use super::SAMPLE_RATE;

/// When a stretch begins and ends. Times are in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmentRules {
    /// Probability from which on it is speech.
    pub begin: f32,
    /// Probability below which it is silence again.
    pub end: f32,
    /// Shorter stretches are dropped.
    pub min_speech: f32,
    /// Silence that ends a stretch.
    pub min_silence: f32,
    /// What is added on both sides, as far as the neighbours leave room.
    pub padding: f32,
    /// Longer stretches are cut, at the last short pause if there was one.
    pub max_speech: f32,
}

impl Default for SegmentRules {
    fn default() -> Self {
        Self { begin: 0.5, end: 0.35, min_speech: 0.25, min_silence: 0.5, padding: 0.2, max_speech: 30.0 }
    }
}

/// A stretch of speech, in samples from the beginning of the sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The first sample.
    pub start: u64,
    /// The sample after the last one.
    pub end: u64,
}

impl Segment {
    /// Seconds from the beginning of the sound.
    pub fn start_secs(&self) -> f64 {
        self.start as f64 / f64::from(SAMPLE_RATE)
    }

    /// Seconds from the beginning of the sound.
    pub fn end_secs(&self) -> f64 {
        self.end as f64 / f64::from(SAMPLE_RATE)
    }
}

/// What a window has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Speech goes on long enough to be one; it begins here.
    Began {
        /// The first sample, padding included.
        start: u64,
    },
    /// It ended.
    Ended(Segment),
}

#[derive(Clone, Copy, Debug)]
struct Open {
    start: u64,
    /// Where the present pause began.
    pause: Option<u64>,
    /// Where the last short pause began and ended: the place to cut.
    cut: Option<(u64, u64)>,
    told: bool,
}

/// Puts windows together.
#[derive(Debug)]
pub struct Segmenter {
    rules: SegmentRules,
    window: u64,
    position: u64,
    open: Option<Open>,
    /// Where the last segment ended, padding included.
    last_end: u64,
}

/// A pause in which a long stretch may be cut, in seconds.
const CUT_PAUSE: f32 = 0.1;

impl Segmenter {
    /// For windows of `window` samples.
    pub fn new(rules: SegmentRules, window: usize) -> Self {
        Self { rules, window: window as u64, position: 0, open: None, last_end: 0 }
    }

    /// Samples seen so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether a stretch of speech is open.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Takes the next window's probability.
    pub fn push(&mut self, probability: f32) -> Option<Change> {
        let at = self.position;
        self.position += self.window;
        let rules = self.rules;
        let Some(open) = &mut self.open else {
            if probability >= rules.begin {
                self.open = Some(Open { start: at, pause: None, cut: None, told: false });
                return self.tell(at + self.window);
            }
            return None;
        };
        if probability >= rules.begin {
            if let Some(pause) = open.pause.take()
                && at - pause >= samples(CUT_PAUSE)
            {
                open.cut = Some((pause, at));
            }
        } else if probability < rules.end {
            let pause = *open.pause.get_or_insert(at);
            if self.position - pause >= samples(rules.min_silence) {
                let (start, told) = (open.start, open.told);
                self.open = None;
                return self.close(start, pause, told);
            }
        }
        let open = self.open?;
        if self.position - open.start > samples(rules.max_speech) {
            let (end, next) = open.cut.unwrap_or((self.position, self.position));
            self.open = Some(Open { start: next, pause: open.pause, cut: None, told: true });
            return self.close(open.start, end, open.told);
        }
        let spoken = open.pause.unwrap_or(self.position);
        self.tell(spoken)
    }

    /// The sound has ended: what was open is closed.
    pub fn finish(&mut self) -> Option<Segment> {
        let open = self.open.take()?;
        match self.close(open.start, open.pause.unwrap_or(self.position), open.told)? {
            Change::Ended(segment) => Some(Segment { end: segment.end.min(self.position), ..segment }),
            Change::Began { .. } => None,
        }
    }

    /// Tells once that the open stretch is long enough to be one.
    fn tell(&mut self, spoken: u64) -> Option<Change> {
        let (padding, last) = (samples(self.rules.padding), self.last_end);
        let open = self.open.as_mut()?;
        if open.told || spoken - open.start < samples(self.rules.min_speech) {
            return None;
        }
        open.told = true;
        Some(Change::Began { start: open.start.saturating_sub(padding).max(last) })
    }

    fn close(&mut self, start: u64, end: u64, told: bool) -> Option<Change> {
        if !told || end <= start {
            return None;
        }
        let padding = samples(self.rules.padding);
        let start = start.saturating_sub(padding).max(self.last_end);
        // The next one may begin in the pause: half of it is left to it.
        let end = end + padding.min(samples(self.rules.min_silence) / 2);
        self.last_end = end;
        Some(Change::Ended(Segment { start, end }))
    }
}

fn samples(seconds: f32) -> u64 {
    (f64::from(seconds) * f64::from(SAMPLE_RATE)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: usize = 512;

    /// Runs of a probability, each so many windows long.
    fn segments(rules: SegmentRules, runs: &[(f32, usize)]) -> Vec<(f64, f64)> {
        let mut segmenter = Segmenter::new(rules, WINDOW);
        let mut found = Vec::new();
        for probability in runs.iter().flat_map(|(p, count)| std::iter::repeat_n(*p, *count)) {
            if let Some(Change::Ended(segment)) = segmenter.push(probability) {
                found.push(segment);
            }
        }
        found.extend(segmenter.finish());
        assert!(found.windows(2).all(|pair| pair[0].end <= pair[1].start), "{found:?}");
        found.iter().map(|segment| (segment.start_secs(), segment.end_secs())).collect()
    }

    #[test]
    fn speech_is_padded_and_a_short_sound_is_dropped() {
        let rules = SegmentRules::default();
        let found = segments(rules, &[(0.0, 40), (0.9, 40), (0.1, 40), (0.9, 4), (0.1, 40)]);
        assert_eq!(found.len(), 1);
        let (start, end) = found[0];
        assert!((start - (1.28 - 0.2)).abs() < 1e-6 && (end - (2.56 + 0.2)).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn between_the_thresholds_nothing_changes() {
        let rules = SegmentRules::default();
        assert!(segments(rules, &[(0.45, 100)]).is_empty());
        assert_eq!(segments(rules, &[(0.9, 20), (0.45, 40), (0.9, 20), (0.0, 20)]).len(), 1);
    }

    #[test]
    fn a_short_pause_does_not_part_and_a_long_one_does() {
        let rules = SegmentRules::default();
        assert_eq!(segments(rules, &[(0.9, 20), (0.0, 10), (0.9, 20), (0.0, 20)]).len(), 1);
        assert_eq!(segments(rules, &[(0.9, 20), (0.0, 16), (0.9, 20), (0.0, 20)]).len(), 2);
    }

    #[test]
    fn what_is_open_at_the_end_counts() {
        assert_eq!(segments(SegmentRules::default(), &[(0.0, 10), (0.9, 20)]), [(0.12, 0.96)]);
        assert!(segments(SegmentRules::default(), &[(0.0, 10), (0.9, 2)]).is_empty());
    }

    #[test]
    fn a_stretch_that_is_too_long_is_cut_in_its_last_pause() {
        let rules = SegmentRules { max_speech: 3.0, ..SegmentRules::default() };
        let found = segments(rules, &[(0.9, 50), (0.0, 6), (0.9, 60), (0.0, 20)]);
        assert_eq!(found.len(), 2);
        assert!((found[0].1 - 1.8).abs() < 0.05 && (found[1].0 - 1.8).abs() < 0.2, "{found:?}");
        let found = segments(rules, &[(0.9, 250), (0.0, 20)]);
        assert!(found.len() == 3 && found.iter().all(|(start, end)| end - start < 3.3), "{found:?}");
    }

    #[test]
    fn a_beginning_is_told_once_and_before_the_end() {
        let mut segmenter = Segmenter::new(SegmentRules::default(), WINDOW);
        let changes: Vec<Change> = std::iter::repeat_n(0.9, 30)
            .chain(std::iter::repeat_n(0.0, 30))
            .filter_map(|probability| segmenter.push(probability))
            .collect();
        assert!(matches!(changes[..], [Change::Began { start: 0 }, Change::Ended(Segment { start: 0, .. })]));
    }
}
