//! How fast this machine computes, by the product that a language model consists of: a minute of it tells what a
//! specification sheet does not.

use crate::{
    generate::Clock,
    kernels::{Activations, Level, Matrix, product},
    weights::blocks::{BlockFormat, Group},
};

/// Milliseconds that are measured altogether.
const WHOLE_MS: f64 = 2_000.0;
/// Milliseconds of one step, between which others may compute.
const STEP_MS: f64 = 100.0;
/// A matrix that no processor's cache holds a large part of: 24 MB at 5 bits, as most of Qwen's.
const ROWS: usize = 32_768;
const COLUMNS: usize = 1_024;
/// Rows that are multiplied between two looks at the clock.
const STRIP: usize = 2_048;

/// A measurement on the way, on the CPU.
pub struct Probe {
    matrix: Matrix,
    level: Level,
    x: Activations,
    y: Vec<f32>,
    row: usize,
    rows_done: u64,
    spent_ms: f64,
}

impl Probe {
    /// Prepares the matrix; takes about a tenth of a second and 24 MB.
    ///
    /// None is never given: the format is one that stays quantised.
    pub fn new() -> Option<Self> {
        let mut matrix = Matrix::new(ROWS, COLUMNS, BlockFormat::Q5_0.quantisation()?);
        let mut group = Group { scales: [0.01; 2], ..Group::default() };
        for (i, quant) in group.quants.iter_mut().enumerate() {
            *quant = (i * 5 % 16) as i8;
        }
        for _ in 0..ROWS * COLUMNS / group.quants.len() {
            matrix.push(&group);
        }
        let level = Level::detect();
        let input: Vec<f32> = (0..COLUMNS).map(|i| (i % 17) as f32 - 8.0).collect();
        let mut x = Activations::default();
        x.quantise(level, &input, COLUMNS);
        Some(Self { matrix, level, x, y: vec![0.0; STRIP], row: 0, rows_done: 0, spent_ms: 0.0 })
    }

    /// Computes for a tenth of a second; bytes of quantised weights a second once it knows.
    pub fn step(&mut self, clock: Clock) -> Option<f64> {
        let began = clock();
        loop {
            let rows = self.row..self.row + STRIP;
            product(self.level, &self.matrix, rows, &self.x, &mut self.y, STRIP);
            self.row = (self.row + STRIP) % ROWS;
            self.rows_done += STRIP as u64;
            let passed = clock() - began;
            if passed >= STEP_MS {
                self.spent_ms += passed;
                break;
            }
        }
        let bytes = self.matrix.bytes() as f64 / ROWS as f64 * self.rows_done as f64;
        (self.spent_ms >= WHOLE_MS).then(|| bytes * 1e3 / self.spent_ms)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[test]
    fn a_speed_comes_after_about_two_seconds() {
        let mut probe = Probe::new().unwrap();
        let began = crate::clock();
        let mut steps = 0;
        let speed = loop {
            steps += 1;
            if let Some(speed) = probe.step(crate::clock) {
                break speed;
            }
        };
        assert!(crate::clock() - began >= WHOLE_MS && steps > 1);
        assert!(speed > 1e6 && speed < 1e12, "{speed} bytes a second");
    }
}
