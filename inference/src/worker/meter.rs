//! Progress of a load: at most ten reports a second, with the speed of the last seconds.

use std::collections::VecDeque;

use mtor_shared::{
    engine::{Event, LoadPhase},
    model::{Model, ModelFile},
};

use super::port::{now_ms, post};

/// Milliseconds between two reports of progress.
const REPORT_MS: f64 = 100.0;
/// The span over which speed is measured.
const SPEED_MS: f64 = 3000.0;

/// Whether enough time has passed for another report.
pub(super) struct Pace(f64);

impl Pace {
    pub(super) fn new() -> Self {
        Self(f64::NEG_INFINITY)
    }

    pub(super) fn is_due(&mut self, now_ms: f64) -> bool {
        let due = now_ms - self.0 >= REPORT_MS;
        if due {
            self.0 = now_ms;
        }
        due
    }
}

/// Reports progress over all files of a model.
pub(super) struct Meter<'a> {
    model: &'a Model,
    /// Bytes of the files that are finished.
    finished: u64,
    phase: Option<LoadPhase>,
    pace: Pace,
    /// (time, bytes), the oldest first.
    samples: VecDeque<(f64, u64)>,
}

impl<'a> Meter<'a> {
    pub(super) fn new(model: &'a Model) -> Self {
        Self { model, finished: 0, phase: None, pace: Pace::new(), samples: VecDeque::new() }
    }

    pub(super) fn finish_file(&mut self, file: &ModelFile) {
        self.finished += file.bytes;
        self.samples.clear();
    }

    /// `bytes` of the current file are done.
    pub(super) fn report(&mut self, phase: LoadPhase, bytes: u64) {
        let now = now_ms();
        let (done, total) = (self.finished + bytes, self.model.bytes());
        if self.phase != Some(phase) {
            self.phase = Some(phase);
            self.samples.clear();
        }
        self.samples.push_back((now, done));
        while self.samples.front().is_some_and(|(time, _)| now - time > SPEED_MS) {
            self.samples.pop_front();
        }
        if !self.pace.is_due(now) && done < total {
            return;
        }
        let speed = self.samples.front().and_then(|(time, first)| {
            let seconds = (now - time) / 1000.0;
            (seconds > 0.2 && done > *first).then(|| (done - first) as f64 / seconds)
        });
        post(&Event::Progress {
            model: self.model.id.clone(),
            phase,
            done_bytes: done,
            total_bytes: total,
            bytes_per_s: speed,
            seconds_left: speed.map(|speed| (total - done.min(total)) as f64 / speed),
        });
    }

    /// `part` of 1 is done in a phase that has no speed worth telling.
    pub(super) fn step(&mut self, phase: LoadPhase, part: f64) {
        let total = self.model.bytes();
        post(&Event::Progress {
            model: self.model.id.clone(),
            phase,
            done_bytes: (part * total as f64) as u64,
            total_bytes: total,
            bytes_per_s: None,
            seconds_left: None,
        });
    }
}
