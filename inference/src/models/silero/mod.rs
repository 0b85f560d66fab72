//! Silero's voice activity detector: 32 ms of sound to the probability that somebody speaks.
//!
//! A spectrum by a convolution with fixed weights, four convolutions, one LSTM cell. It is so small that it runs on the
//! CPU everywhere: a GPU would spend longer on being asked.

pub mod config;
mod load;

use mtor_shared::problem::Problem;

use self::config::{BINS, CONTEXT, FRAME, HIDDEN, HOP, KERNEL, WINDOW};
use crate::{
    audio::{Change, Segment, SegmentRules, Segmenter},
    kernels::{Activation, Level, gemm},
    weights::Source,
};

/// The loaded model and what it remembers of the sound so far.
pub struct Silero {
    level: Level,
    weights: load::Weights,
    context: [f32; CONTEXT],
    /// Hidden state, then cell state.
    hidden: [f32; HIDDEN],
    cell: [f32; HIDDEN],
    rows: Vec<f32>,
    next: Vec<f32>,
}

impl Silero {
    /// Reads the weights.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not this model's.
    pub async fn load<S: Source>(source: S) -> Result<Self, Problem> {
        Ok(Self {
            level: Level::detect(),
            weights: load::weights(source).await?,
            context: [0.0; CONTEXT],
            hidden: [0.0; HIDDEN],
            cell: [0.0; HIDDEN],
            rows: Vec::new(),
            next: Vec::new(),
        })
    }

    /// Forgets the sound so far.
    pub fn reset(&mut self) {
        self.context = [0.0; CONTEXT];
        self.hidden = [0.0; HIDDEN];
        self.cell = [0.0; HIDDEN];
    }

    /// The probability of speech in the next 32 ms, [0, 1].
    pub fn probability(&mut self, window: &[f32; WINDOW]) -> f32 {
        let Self { level, weights, context, rows, next, .. } = self;
        let level = *level;
        let none = Activation::Identity;

        // Context, window, and the last 64 samples mirrored.
        let mut sound = [0.0; CONTEXT + WINDOW + CONTEXT];
        sound[..CONTEXT].copy_from_slice(context);
        sound[CONTEXT..CONTEXT + WINDOW].copy_from_slice(window);
        let last = CONTEXT + WINDOW - 1;
        for i in 1..=CONTEXT {
            sound[last + i] = sound[last - i];
        }
        context.copy_from_slice(&window[WINDOW - CONTEXT..]);

        // Magnitudes, with a row of zeros on both sides for the convolution.
        let mut frames = (sound.len() - FRAME) / HOP + 1;
        next.resize(frames * 2 * BINS, 0.0);
        gemm(level, frames, &sound, HOP, &weights.basis, &[], none, next, 2 * BINS);
        rows.clear();
        rows.resize((frames + 2) * BINS, 0.0);
        let spectra = next.chunks_exact(2 * BINS);
        for (row, spectrum) in rows[BINS..].chunks_exact_mut(BINS).zip(spectra) {
            let (real, imaginary) = spectrum.split_at(BINS);
            for ((v, real), imaginary) in row.iter_mut().zip(real).zip(imaginary) {
                *v = (real * real + imaginary * imaginary).sqrt();
            }
        }
        for layer in &weights.convolutions {
            frames = (frames + 2 - KERNEL) / layer.stride + 1;
            let width = layer.outputs;
            next.clear();
            next.resize((frames + 2) * width, 0.0);
            let stride = layer.stride * layer.inputs;
            let out = &mut next[width..];
            gemm(level, frames, rows, stride, &layer.weight, &layer.bias, none, out, width);
            // The rows of zeros stay so.
            next[width..(frames + 1) * width].iter_mut().for_each(|v| *v = v.max(0.0));
            std::mem::swap(rows, next);
        }

        let mut input = [0.0; 2 * HIDDEN];
        input[..HIDDEN].copy_from_slice(&rows[HIDDEN..2 * HIDDEN]);
        input[HIDDEN..].copy_from_slice(&self.hidden);
        let mut gates = [0.0; 4 * HIDDEN];
        let (weight, bias) = (&weights.gates, &weights.gates_bias);
        gemm(level, 1, &input, 2 * HIDDEN, weight, bias, none, &mut gates, 4 * HIDDEN);
        let mut sum = weights.output_bias;
        for i in 0..HIDDEN {
            let [enter, forget, new, leave] = [0, 1, 2, 3].map(|gate| gates[gate * HIDDEN + i]);
            self.cell[i] = sigmoid(forget) * self.cell[i] + sigmoid(enter) * new.tanh();
            self.hidden[i] = sigmoid(leave) * self.cell[i].tanh();
            sum += weights.output[i] * self.hidden[i].max(0.0);
        }
        sigmoid(sum)
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Finds stretches of speech in a stream of samples.
pub struct Detector {
    model: Silero,
    rules: SegmentRules,
    segmenter: Segmenter,
    pending: Vec<f32>,
    taken: u64,
}

impl Detector {
    /// Begins a stream.
    pub fn new(mut model: Silero, rules: SegmentRules) -> Self {
        model.reset();
        Self { model, rules, segmenter: Segmenter::new(rules, WINDOW), pending: Vec::new(), taken: 0 }
    }

    /// Begins another stream.
    pub fn reset(&mut self) {
        self.model.reset();
        self.segmenter = Segmenter::new(self.rules, WINDOW);
        self.pending.clear();
        self.taken = 0;
    }

    /// Takes the next samples of any number; `each` is told the probability of every window that is complete, and what
    /// it changes.
    pub fn push(&mut self, samples: &[f32], mut each: impl FnMut(f32, Option<Change>)) {
        self.taken += samples.len() as u64;
        self.pending.extend_from_slice(samples);
        let (windows, _) = self.pending.as_chunks::<WINDOW>();
        for window in windows {
            let probability = self.model.probability(window);
            each(probability, self.segmenter.push(probability));
        }
        let done = windows.len() * WINDOW;
        self.pending.drain(..done);
    }

    /// Whether somebody speaks just now.
    pub fn is_speaking(&self) -> bool {
        self.segmenter.is_open()
    }

    /// The stream has ended: the rest is filled up with silence, and what was open is closed.
    pub fn finish(&mut self, mut each: impl FnMut(f32, Option<Change>)) {
        if !self.pending.is_empty() {
            let rest = WINDOW - self.pending.len();
            self.push(&vec![0.0; rest], &mut each);
            self.taken -= rest as u64;
        }
        if let Some(segment) = self.segmenter.finish() {
            each(0.0, Some(Change::Ended(Segment { end: segment.end.min(self.taken), ..segment })));
        }
    }
}
