//! The network's spectra to a wave, as hibari does it on the host: pulses of the pitch shaped by one branch, noise by a
//! second, a third with its own phases, then one inverse transform.
//!
//! `S = exp(lh) e^{i π tanh θ} STFT(pulses(f0)) + exp(ln) Z + exp(lr) e^{i φ}`, 1200 samples a frame, 300 apart, Hann,
//! 24 kHz.

use std::f64::consts::PI;

use crate::kernels::{Activation, Level, Packed, gemm};

/// Samples a second.
pub(super) const RATE: u32 = 24_000;
const FRAME: usize = 1200;
pub(super) const HOP: usize = 300;
/// Frequencies of a frame.
pub(super) const BINS: usize = FRAME / 2 + 1;
/// Pitch below this is no voice.
const VOICE: f32 = 40.0;
/// Harmonics reach up to this frequency.
const TOP: f32 = 11_000.0;

/// What the network says of a sentence: each `[BINS, frames]`, and the pitch, `[frames]`.
pub(super) struct Spectra<'a> {
    pub(super) harmonic: &'a [f32],
    pub(super) turn: &'a [f32],
    pub(super) noise: &'a [f32],
    pub(super) rest: &'a [f32],
    pub(super) phase: &'a [f32],
    pub(super) pitch: &'a [f32],
}

/// The transforms, their tables ready.
pub(super) struct Synth {
    level: Level,
    window: Vec<f32>,
    /// [FRAME, 2 BINS]: cosines, then negative sines, of the window that is scaled for pulses.
    forward: Packed,
    /// [2 BINS, FRAME]: real parts, then imaginary parts, to a windowed frame.
    backward: Packed,
}

impl Synth {
    pub(super) fn new() -> Self {
        let angle = 2.0 * PI / FRAME as f64;
        let cosines: Vec<f64> = (0..FRAME).map(|i| (angle * i as f64).cos()).collect();
        let sines: Vec<f64> = (0..FRAME).map(|i| (angle * i as f64).sin()).collect();
        let window: Vec<f64> = cosines.iter().map(|cos| 0.5 - 0.5 * cos).collect();
        let pulse = 4.0 / FRAME as f64;
        let forward = Packed::new(FRAME, 2 * BINS, |sample, column| {
            let at = sample * (column % BINS) % FRAME;
            let wave = if column < BINS { cosines[at] } else { -sines[at] };
            (window[sample] * pulse * wave) as f32
        });
        let backward = Packed::new(2 * BINS, FRAME, |row, sample| {
            let bin = row % BINS;
            let at = sample * bin % FRAME;
            // The two ends have no mirror image.
            let twice = if bin == 0 || bin == BINS - 1 { 1.0 } else { 2.0 };
            let wave = if row < BINS { cosines[at] } else { -sines[at] };
            (window[sample] * twice * wave / FRAME as f64) as f32
        });
        Self { level: Level::detect(), window: window.iter().map(|v| *v as f32).collect(), forward, backward }
    }

    /// The wave of a sentence, HOP samples a frame; `noise` gives normal random numbers.
    pub(super) fn wave(&self, spectra: &Spectra<'_>, noise: &mut Normal) -> Vec<f32> {
        let frames = spectra.pitch.len();
        if frames == 0 {
            return Vec::new();
        }
        let pulses = pulses(spectra.pitch);
        let half = FRAME / 2;
        // Mirrored at both ends, so that a frame's middle is its time.
        let last = pulses.len() as isize - 1;
        let padded: Vec<f32> = (-(half as isize)..last + 1 + half as isize)
            .map(|at| {
                let at = at.unsigned_abs() as isize;
                let at = if at > last { (2 * last - at).max(0) } else { at };
                pulses[at as usize]
            })
            .collect();
        let mut spectrum = vec![0.0; frames * 2 * BINS];
        let none = Activation::Identity;
        gemm(self.level, frames, &padded, HOP, &self.forward, &[], none, &mut spectrum, 2 * BINS);
        for (frame, row) in spectrum.chunks_exact_mut(2 * BINS).enumerate() {
            let (real, imaginary) = row.split_at_mut(BINS);
            for bin in 0..BINS {
                let at = bin * frames + frame;
                let (sin, cos) = (spectra.turn[at].tanh() * std::f32::consts::PI).sin_cos();
                let (a, b) = (real[bin], imaginary[bin]);
                let strength = loudness(spectra.harmonic[at]);
                let hiss = loudness(spectra.noise[at]);
                let free = loudness(spectra.rest[at]);
                let (free_sin, free_cos) = spectra.phase[at].sin_cos();
                real[bin] = strength * (a * cos - b * sin) + hiss * noise.next() + free * free_cos;
                imaginary[bin] = strength * (a * sin + b * cos) + hiss * noise.next() + free * free_sin;
            }
        }
        let mut parts = vec![0.0; frames * FRAME];
        gemm(self.level, frames, &spectrum, 2 * BINS, &self.backward, &[], none, &mut parts, FRAME);
        let mut wave = vec![0.0; (frames - 1) * HOP + FRAME];
        let mut weights = vec![0.0; wave.len()];
        for (frame, part) in parts.chunks_exact(FRAME).enumerate() {
            let range = frame * HOP..frame * HOP + FRAME;
            wave[range.clone()].iter_mut().zip(part).for_each(|(v, part)| *v += part);
            weights[range].iter_mut().zip(&self.window).for_each(|(v, w)| *v += w * w);
        }
        wave.iter_mut().zip(&weights).for_each(|(v, weight)| *v /= weight.max(1e-11));
        wave.drain(..half);
        wave.resize(frames * HOP, 0.0);
        wave
    }
}

fn loudness(logarithm: f32) -> f32 {
    logarithm.min(7.0).exp()
}

/// A train of pulses: every harmonic below the top at the same strength; silent where there is no voice.
fn pulses(pitch: &[f32]) -> Vec<f32> {
    let half = HOP / 2;
    let last = pitch.len() - 1;
    let mut phase = 0.0f64;
    let mut out = Vec::with_capacity(pitch.len() * HOP);
    for frame in 0..pitch.len() {
        for sample in 0..HOP {
            let share = ((sample as f32 + 0.5) / HOP as f32 - 0.5).rem_euclid(1.0);
            let (from, to) = if sample < half {
                (pitch[frame.saturating_sub(1)], pitch[frame])
            } else {
                (pitch[frame], pitch[(frame + 1).min(last)])
            };
            let hertz = from * (1.0 - share) + to * share;
            let voiced = hertz > VOICE;
            let hertz = hertz.max(VOICE);
            phase = (phase + f64::from(hertz) / f64::from(RATE)).fract();
            let t = (2.0 * PI * phase) as f32;
            let harmonics = (TOP / hertz).floor() + 0.5;
            let below = 2.0 * (0.5 * t).sin();
            let sum = if below.abs() <= 2e-3 { harmonics } else { (harmonics * t).sin() / below };
            out.push(if voiced { sum - 0.5 } else { 0.0 });
        }
    }
    out
}

/// Normal random numbers from a seed.
pub(super) struct Normal {
    state: u64,
    spare: Option<f32>,
}

impl Normal {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed, spare: None }
    }

    fn uniform(&mut self) -> f64 {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 11) + 1) as f64 / ((1u64 << 53) + 1) as f64
    }

    fn next(&mut self) -> f32 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        let (sin, cos) = (2.0 * PI * self.uniform()).sin_cos();
        self.spare = Some((radius * sin) as f32);
        (radius * cos) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_pitch_gives_pulses_at_its_period() {
        let wave = pulses(&[200.0; 40]);
        assert_eq!(wave.len(), 40 * HOP);
        let peaks = wave.windows(3).filter(|w| w[1] > 30.0 && w[1] >= w[0] && w[1] > w[2]).count();
        // Half a second at 200 Hz.
        assert!((98..=102).contains(&peaks), "{peaks}");
        assert!(pulses(&[0.0; 5]).iter().all(|v| *v == 0.0));
    }

    #[test]
    fn the_transforms_undo_each_other() {
        let frames = 12;
        let off = vec![-30.0; BINS * frames];
        // The free branch at one frequency: a tone of 480 Hz.
        let mut rest = off.clone();
        rest[24 * frames..25 * frames].fill((FRAME as f32 / 4.0).ln());
        let phase: Vec<f32> = (0..BINS * frames)
            .map(|at| {
                ((at % frames) as f32 * 24.0 * HOP as f32 / FRAME as f32).fract() * std::f32::consts::TAU
            })
            .collect();
        let zeros = vec![0.0; BINS * frames];
        let spectra = Spectra {
            harmonic: &off,
            turn: &zeros,
            noise: &off,
            rest: &rest,
            phase: &phase,
            pitch: &vec![0.0; frames],
        };
        let wave = Synth::new().wave(&spectra, &mut Normal::new(1));
        assert_eq!(wave.len(), frames * HOP);
        let middle = &wave[600..3000];
        let energy: f32 = middle.iter().map(|v| v * v).sum::<f32>() / middle.len() as f32;
        let shifted: f32 = middle.iter().zip(&middle[50..]).map(|(a, b)| a * b).sum::<f32>() / 2350.0;
        // The period is 50 samples.
        assert!(energy > 0.01 && (shifted / energy - 1.0).abs() < 0.05, "{energy} {shifted}");
    }

    #[test]
    fn noise_is_normal() {
        let mut normal = Normal::new(9);
        let values: Vec<f32> = (0..20_000).map(|_| normal.next()).collect();
        let mean = values.iter().sum::<f32>() / 20_000.0;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
