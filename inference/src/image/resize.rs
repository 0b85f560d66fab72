//! Scaling.

use super::Picture;

impl Picture {
    /// Scaled by mixing the four nearest pixels, as OpenCV's `INTER_LINEAR` does: fast, and what text readers were
    /// trained with. Made much smaller, it leaves pixels out.
    pub(crate) fn scaled(&self, width: usize, height: usize) -> Self {
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let columns = taps(self.width, width);
        let rows = taps(self.height, height);
        // Rows of the input, scaled horizontally: the two that were used last are kept.
        let mut kept: [(usize, Vec<f32>); 2] = [(usize::MAX, Vec::new()), (usize::MAX, Vec::new())];
        let mut pixels = Vec::with_capacity(width * height * 3);
        for (above, below, down) in rows {
            for y in [above, below] {
                if kept.iter().any(|(at, _)| *at == y) {
                    continue;
                }
                // The other one of the pair stays.
                let slot = usize::from(kept[0].0 == above || kept[0].0 == below);
                let row = &self.pixels[y * self.width * 3..][..self.width * 3];
                let (at, values) = &mut kept[slot];
                *at = y;
                values.clear();
                for (left, right, share) in &columns {
                    for channel in 0..3 {
                        let (a, b) =
                            (f32::from(row[left * 3 + channel]), f32::from(row[right * 3 + channel]));
                        values.push(a + (b - a) * share);
                    }
                }
            }
            let find = |y: usize| if kept[0].0 == y { &kept[0].1 } else { &kept[1].1 };
            let (above, below) = (find(above), find(below));
            pixels.extend(above.iter().zip(below).map(|(a, b)| (a + (b - a) * down + 0.5) as u8));
        }
        Self { width, height, pixels }
    }

    /// Scaled with a triangle that is as wide as the scale asks, as Pillow's `BILINEAR` does: nothing is left out when
    /// it becomes smaller.
    pub(crate) fn smoothed(&self, width: usize, height: usize) -> Self {
        let across = self.squeezed(width);
        // Columns are scaled as rows of the picture that has rows and columns exchanged.
        across.exchanged().squeezed(height).exchanged()
    }

    fn exchanged(&self) -> Self {
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for x in 0..self.width {
            for row in self.pixels.chunks_exact(self.width * 3) {
                pixels.extend(&row[x * 3..x * 3 + 3]);
            }
        }
        Self { width: self.height, height: self.width, pixels }
    }

    /// Scaled horizontally.
    fn squeezed(&self, width: usize) -> Self {
        if width == self.width {
            return self.clone();
        }
        let scale = self.width as f64 / width as f64;
        let reach = scale.max(1.0);
        // The first pixel and the weights of it and those behind it, for every output pixel.
        let windows: Vec<(usize, Vec<f32>)> = (0..width)
            .map(|x| {
                let centre = (x as f64 + 0.5) * scale;
                let first = ((centre - reach + 0.5).max(0.0)) as usize;
                let end = ((centre + reach + 0.5) as usize).min(self.width);
                let weights: Vec<f64> = (first..end)
                    .map(|at| (1.0 - ((at as f64 + 0.5 - centre) / reach).abs()).max(0.0))
                    .collect();
                let sum: f64 = weights.iter().sum();
                (first, weights.iter().map(|weight| (weight / sum) as f32).collect())
            })
            .collect();
        let mut pixels = Vec::with_capacity(width * self.height * 3);
        for row in self.pixels.chunks_exact(self.width * 3) {
            for (first, weights) in &windows {
                let mut sums = [0.0f32; 3];
                for (weight, pixel) in weights.iter().zip(row[first * 3..].as_chunks::<3>().0) {
                    for (sum, value) in sums.iter_mut().zip(pixel) {
                        *sum += weight * f32::from(*value);
                    }
                }
                pixels.extend(sums.map(|sum| (sum + 0.5) as u8));
            }
        }
        Self { width, height: self.height, pixels }
    }
}

/// For every output pixel the two input pixels around its middle and the share of the second.
fn taps(from: usize, to: usize) -> Vec<(usize, usize, f32)> {
    let scale = from as f32 / to as f32;
    (0..to)
        .map(|at| {
            let x = ((at as f32 + 0.5) * scale - 0.5).clamp(0.0, (from - 1) as f32);
            let low = (x as usize).min(from - 1);
            (low, (low + 1).min(from - 1), x - low as f32)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: usize, height: usize, values: &[u8]) -> Picture {
        Picture::new(width, height, values.iter().flat_map(|v| [*v; 3]).collect()).expect("the size is right")
    }

    fn values(picture: &Picture) -> Vec<u8> {
        picture.pixels().iter().step_by(3).copied().collect()
    }

    #[test]
    fn scaling_mixes_neighbours() {
        // cv2.resize(np.uint8([[0, 100]]), (4, 2)) of OpenCV.
        assert_eq!(values(&grey(2, 1, &[0, 100]).scaled(4, 2)), [0, 25, 75, 100, 0, 25, 75, 100]);
        assert_eq!(values(&grey(4, 1, &[0, 10, 20, 30]).scaled(2, 1)), [5, 25]);
        let column = grey(1, 4, &[0, 80, 160, 240]).scaled(1, 8);
        assert_eq!(values(&column), [0, 20, 60, 100, 140, 180, 220, 240]);
    }

    #[test]
    fn smoothing_leaves_nothing_out() {
        // One white pixel among black ones keeps its share of the light.
        let mut line = [0u8; 64];
        line[21] = 255;
        let small = values(&grey(64, 1, &line).smoothed(8, 1));
        let light: u32 = small.iter().map(|v| u32::from(*v)).sum();
        assert!((28..=36).contains(&light), "{small:?}");
        // Image.fromarray(np.uint8([[0, 100, 200, 40]])).resize((2, 1), BILINEAR) of Pillow.
        assert_eq!(values(&grey(4, 1, &[0, 100, 200, 40]).smoothed(2, 1)), [71, 117]);
    }
}
