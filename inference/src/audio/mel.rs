//! Log-mel spectra as Whisper was trained on: Hann windows of 25 ms every 10 ms, 80 bands on Slaney's mel scale.

use std::f64::consts::PI;

use super::SAMPLE_RATE;
use crate::kernels::{Activation, Level, Packed, gemm};

/// Samples between two frames.
pub const HOP: usize = 160;
/// Samples of a frame.
pub const FRAME: usize = 400;
/// Frames that the model sees at a time: 30 s.
pub const WINDOW: usize = 3000;
/// Frequencies of a frame's spectrum.
const BINS: usize = FRAME / 2 + 1;

/// The transform, its tables ready.
pub struct MelFrontEnd {
    level: Level,
    bands: usize,
    /// [FRAME, 2 BINS]: windowed cosines, then windowed sines.
    basis: Packed,
    /// [BINS, bands].
    filters: Packed,
    spectrum: Vec<f32>,
}

impl MelFrontEnd {
    /// With that many bands.
    pub fn new(bands: usize) -> Self {
        let angle = 2.0 * PI / FRAME as f64;
        // Multiples of one angle: the table is exact where reducing first is.
        let cosines: Vec<f64> = (0..FRAME).map(|i| (angle * i as f64).cos()).collect();
        let sines: Vec<f64> = (0..FRAME).map(|i| (angle * i as f64).sin()).collect();
        let basis = Packed::new(FRAME, 2 * BINS, |sample, column| {
            let window = 0.5 - 0.5 * cosines[sample];
            let turn = sample * (column % BINS) % FRAME;
            (window * if column < BINS { cosines[turn] } else { sines[turn] }) as f32
        });
        let filters = filters(bands);
        let filters = Packed::new(BINS, bands, |bin, band| filters[band * BINS + bin]);
        Self { level: Level::detect(), bands, basis, filters, spectrum: Vec::new() }
    }

    /// Logarithms of the bands' energies, [count, bands], of frames that begin every [`HOP`] samples.
    ///
    /// `samples` must hold `(count - 1) * HOP + FRAME` of them: a frame's middle is what it stands for, so the first
    /// half of a frame lies before the time of the first one.
    pub fn logarithms(&mut self, samples: &[f32], count: usize) -> Vec<f32> {
        let mut bands = vec![0.0; count * self.bands];
        // Blocks whose spectra stay in the cache.
        const BLOCK: usize = 120;
        for first in (0..count).step_by(BLOCK) {
            let rows = BLOCK.min(count - first);
            self.spectrum.resize(rows * 2 * BINS, 0.0);
            let spectrum = &mut self.spectrum[..rows * 2 * BINS];
            let none = Activation::Identity;
            gemm(self.level, rows, &samples[first * HOP..], HOP, &self.basis, &[], none, spectrum, 2 * BINS);
            for row in spectrum.chunks_exact_mut(2 * BINS) {
                let (real, imaginary) = row.split_at_mut(BINS);
                for (real, imaginary) in real.iter_mut().zip(imaginary) {
                    *real = *real * *real + *imaginary * *imaginary;
                }
            }
            let out = &mut bands[first * self.bands..];
            gemm(self.level, rows, spectrum, 2 * BINS, &self.filters, &[], none, out, self.bands);
        }
        bands.iter_mut().for_each(|v| *v = v.max(1e-10).log10());
        bands
    }
}

/// Limits the range below `loudest` to 8 decades and scales, as the model wants its input.
pub(crate) fn scale(logarithms: &mut [f32], loudest: f32) {
    logarithms.iter_mut().for_each(|v| *v = (v.max(loudest - 8.0) + 4.0) / 4.0);
}

/// Triangles on Slaney's mel scale, each of the same area: [bands, BINS].
fn filters(bands: usize) -> Vec<f32> {
    let hertz = |mel: f64| {
        let linear = 200.0 / 3.0 * mel;
        // Linear up to 1 kHz, then 27 steps for each factor of 6.4.
        if linear < 1000.0 { linear } else { 1000.0 * ((mel - 15.0) * 6.4f64.ln() / 27.0).exp() }
    };
    const TOP: f64 = 45.245_640_471_924_965;
    let edges: Vec<f64> = (0..bands + 2).map(|i| hertz(TOP * i as f64 / (bands + 1) as f64)).collect();
    let mut filters = vec![0.0; bands * BINS];
    for (edges, filter) in edges.windows(3).zip(filters.chunks_exact_mut(BINS)) {
        for (bin, v) in filter.iter_mut().enumerate() {
            let at = bin as f64 * f64::from(SAMPLE_RATE) / FRAME as f64;
            let rising = (at - edges[0]) / (edges[1] - edges[0]);
            let falling = (edges[2] - at) / (edges[2] - edges[1]);
            *v = (rising.min(falling).max(0.0) * 2.0 / (edges[2] - edges[0])) as f32;
        }
    }
    filters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_loudest_in_its_band() {
        let mut front = MelFrontEnd::new(80);
        let tone = |hertz: f64| -> Vec<f32> {
            (0..4_000).map(|i| (2.0 * PI * hertz * f64::from(i) / 16_000.0).sin() as f32).collect()
        };
        let loudest = |hertz: f64, front: &mut MelFrontEnd| {
            let bands = front.logarithms(&tone(hertz), 10);
            assert_eq!(bands.len(), 800);
            let row = &bands[400..480];
            (0..80).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap()
        };
        // 1 kHz is mel 15 of 45.2, and there are 81 steps.
        assert!((25..=27).contains(&loudest(1000.0, &mut front)));
        assert!(loudest(4000.0, &mut front) > loudest(2000.0, &mut front));
    }

    #[test]
    fn silence_is_the_floor() {
        let mut bands = MelFrontEnd::new(80).logarithms(&[0.0; 1000], 2);
        assert!(bands.iter().all(|v| (*v + 10.0).abs() < 1e-6));
        scale(&mut bands, 0.0);
        assert!(bands.iter().all(|v| (*v + 1.0).abs() < 1e-6));
    }
}
