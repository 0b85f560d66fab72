//! Another number of samples a second: a windowed sinc, evaluated at the phases that the two rates have in common.

use std::f64::consts::PI;

use mtor_shared::problem::{Problem, ProblemCode};

/// Zero crossings of the sinc on each side, at the lower of the two rates.
const CROSSINGS: f64 = 24.0;
/// Shape of the Kaiser window: side lobes about 90 dB down.
const BETA: f64 = 9.0;
/// Where the filter cuts, as a share of the lower Nyquist frequency; the rest is its slope.
const CUT: f64 = 0.94;
/// Phases that are tabled at most; with more the nearest one is taken, an error near that of 16-bit samples.
const PHASE_LIMIT: u64 = 2048;
/// Samples a second that are taken.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Turns a stream of one rate into one of another.
#[derive(Debug)]
pub struct Resampler {
    /// Outputs and inputs in the smallest time that holds a whole number of both.
    outputs: u64,
    inputs: u64,
    /// [phases, taps]; none where both rates are the same.
    filters: Vec<f32>,
    phases: u64,
    taps: usize,
    /// Input that later outputs need; begins at sample `start` of the stream, which is padded with half a filter.
    pending: Vec<f32>,
    start: u64,
    taken: u64,
    made: u64,
}

impl Resampler {
    /// From `from` to `to` samples a second.
    ///
    /// # Errors
    ///
    /// `unsupported` for rates outside of 1,000 to 768,000.
    pub fn new(from: u32, to: u32) -> Result<Self, Problem> {
        if !RATES.contains(&from) || !RATES.contains(&to) {
            return Err(Problem::new(
                ProblemCode::Unsupported,
                format!("The sound has {from} samples a second, and MTOR takes 1,000 to 768,000."),
                "Convert it first.",
            ));
        }
        let divisor = greatest_common_divisor(from.into(), to.into());
        let (outputs, inputs) = (u64::from(to) / divisor, u64::from(from) / divisor);
        let mut resampler = Self {
            outputs,
            inputs,
            filters: Vec::new(),
            phases: outputs.min(PHASE_LIMIT),
            taps: 0,
            pending: Vec::new(),
            start: 0,
            taken: 0,
            made: 0,
        };
        if outputs != inputs {
            resampler.table(f64::from(to.min(from)) / f64::from(from));
        }
        Ok(resampler)
    }

    /// `share` is the lower rate as a share of the input's.
    fn table(&mut self, share: f64) {
        let half = (CROSSINGS / share).ceil();
        self.taps = 2 * half as usize;
        for phase in 0..self.phases {
            let offset = phase as f64 / self.phases as f64;
            let filter = (0..self.taps).map(|tap| {
                // Tap `half - 1` lies on the sample at or before the output.
                let distance = tap as f64 - (half - 1.0) - offset;
                let x = distance * share * CUT;
                let sinc = if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
                let edge = (distance / half).clamp(-1.0, 1.0);
                sinc * bessel((1.0 - edge * edge).sqrt() * BETA)
            });
            let filter: Vec<f64> = filter.collect();
            let sum: f64 = filter.iter().sum();
            self.filters.extend(filter.iter().map(|v| (v / sum) as f32));
        }
        // The first output lies on the first sample.
        self.pending.resize(self.taps / 2 - 1, 0.0);
    }

    /// Takes the next samples; adds what can be said by now to `out`.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.taken += samples.len() as u64;
        if self.filters.is_empty() {
            self.made += samples.len() as u64;
            return out.extend_from_slice(samples);
        }
        self.pending.extend_from_slice(samples);
        self.produce(u64::MAX, out);
    }

    /// The stream has ended: adds what was held back. As many samples have come out by then as the time is worth.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        if self.filters.is_empty() {
            return;
        }
        self.pending.resize(self.pending.len() + self.taps, 0.0);
        let whole = (self.taken * self.outputs).div_ceil(self.inputs);
        self.produce(whole, out);
    }

    fn produce(&mut self, limit: u64, out: &mut Vec<f32>) {
        while self.made < limit {
            let at = self.made * self.inputs;
            let (mut sample, mut phase) = (at / self.outputs, at % self.outputs);
            if self.phases < self.outputs {
                phase = (phase * self.phases + self.outputs / 2) / self.outputs;
                if phase == self.phases {
                    (sample, phase) = (sample + 1, 0);
                }
            }
            let first = (sample - self.start) as usize;
            let Some(samples) = self.pending.get(first..first + self.taps) else { break };
            let filter = &self.filters[phase as usize * self.taps..][..self.taps];
            out.push(inner(samples, filter));
            self.made += 1;
        }
        // Whole filters are kept, so that this is rare.
        let needed = self.made * self.inputs / self.outputs;
        let unused = (needed - self.start) as usize;
        if unused > 4096 + self.taps {
            self.pending.drain(..unused.min(self.pending.len()));
            self.start = needed;
        }
    }
}

fn inner(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The modified Bessel function of the first kind and order zero.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..60 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hertz: f64, rate: u32, seconds: f64) -> Vec<f32> {
        let count = (seconds * f64::from(rate)) as usize;
        (0..count).map(|i| (2.0 * PI * hertz * i as f64 / f64::from(rate)).sin() as f32).collect()
    }

    fn resample(samples: &[f32], from: u32, piece: usize) -> Vec<f32> {
        let (mut resampler, mut out) = (Resampler::new(from, 16_000).unwrap(), Vec::new());
        samples.chunks(piece).for_each(|piece| resampler.push(piece, &mut out));
        resampler.finish(&mut out);
        out
    }

    #[test]
    fn a_tone_stays_the_same_tone_in_time() {
        for rate in [8_000, 11_025, 22_050, 24_000, 44_100, 48_000, 44_101] {
            let got = resample(&sine(1_000.0, rate, 0.5), rate, 777);
            assert_eq!(got.len(), 8_000, "{rate}");
            let want = sine(1_000.0, 16_000, 0.5);
            // Near the ends the filter sees the silence around.
            for (got, want) in got.iter().zip(&want).take(7_600).skip(400) {
                assert!((got - want).abs() < 3e-3, "{rate}: {got} instead of {want}");
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        for hertz in [9_000.0, 15_000.0, 20_000.0] {
            let got = resample(&sine(hertz, 44_100, 0.5), 44_100, 4_096);
            let loudest = got[400..7_600].iter().fold(0.0f32, |top, v| top.max(v.abs()));
            assert!(loudest < 1e-3, "{hertz} Hz comes through at {loudest}");
        }
    }

    #[test]
    fn pieces_make_no_difference_and_16_khz_passes_unchanged() {
        let samples = sine(440.0, 44_100, 0.6);
        assert_eq!(resample(&samples, 44_100, 1), resample(&samples, 44_100, 26_000));
        let samples = sine(440.0, 16_000, 0.1);
        assert_eq!(resample(&samples, 16_000, 100), samples);
        assert!(Resampler::new(10, 16_000).is_err());
    }

    #[test]
    fn memory_stays_bounded() {
        let (mut resampler, mut out) = (Resampler::new(48_000, 16_000).unwrap(), Vec::new());
        for _ in 0..200 {
            out.clear();
            resampler.push(&[0.1; 4_800], &mut out);
        }
        assert!(resampler.pending.capacity() < 40_000, "{}", resampler.pending.capacity());
    }
}
