//! A quadrangle cut out of a picture and made upright.

use super::Picture;

impl Picture {
    /// What lies within the corners (top left, top right, bottom right, bottom left), as an upright picture of this
    /// size: perspective undone, cubic interpolation, edges continued.
    pub(crate) fn upright(&self, corners: [[f32; 2]; 4], width: usize, height: usize) -> Option<Self> {
        let (w, h) = (width as f64, height as f64);
        let to = [[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]];
        let map = projection(to, corners.map(|[x, y]| [f64::from(x), f64::from(y)]))?;
        let mut pixels = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                let (x, y) = (x as f64, y as f64);
                let depth = map[6] * x + map[7] * y + 1.0;
                let from = [
                    ((map[0] * x + map[1] * y + map[2]) / depth) as f32,
                    ((map[3] * x + map[4] * y + map[5]) / depth) as f32,
                ];
                pixels.extend(self.between(from));
            }
        }
        Self::new(width, height, pixels)
    }

    /// The colour at a place between pixels.
    fn between(&self, [x, y]: [f32; 2]) -> [u8; 3] {
        let (left, top) = (x.floor(), y.floor());
        let (across, down) = (cubic(x - left), cubic(y - top));
        let (left, top) = (left as isize - 1, top as isize - 1);
        let mut sums = [0.0f32; 3];
        let inside =
            left >= 0 && top >= 0 && left + 4 <= self.width as isize && top + 4 <= self.height as isize;
        for (j, down) in down.iter().enumerate() {
            let mut row = [0.0f32; 3];
            if inside {
                let at = ((top as usize + j) * self.width + left as usize) * 3;
                for (pixel, across) in self.pixels[at..at + 12].as_chunks::<3>().0.iter().zip(across) {
                    row.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += across * f32::from(*value));
                }
            } else {
                for (i, across) in across.iter().enumerate() {
                    let pixel = self.at(left + i as isize, top + j as isize);
                    row.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += across * f32::from(value));
                }
            }
            sums.iter_mut().zip(row).for_each(|(sum, row)| *sum += down * row);
        }
        sums.map(|sum| (sum + 0.5).clamp(0.0, 255.0) as u8)
    }
}

/// Weights of the four pixels around a place, with OpenCV's constant of -0.75.
fn cubic(share: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let far = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let (first, second, third) = (far(share + 1.0), near(share), near(1.0 - share));
    [first, second, third, 1.0 - first - second - third]
}

/// The eight numbers of the projection that maps four points to four others; none where they lie on a line.
fn projection(from: [[f64; 2]; 4], to: [[f64; 2]; 4]) -> Option<[f64; 8]> {
    // u (g x + h y + 1) = a x + b y + c, and the same for v.
    let mut rows = [[0.0f64; 9]; 8];
    for (i, ([x, y], [u, v])) in from.into_iter().zip(to).enumerate() {
        rows[2 * i] = [x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u];
        rows[2 * i + 1] = [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v];
    }
    for column in 0..8 {
        let pivot = (column..8).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        rows.swap(column, pivot);
        let lead = rows[column];
        if lead[column].abs() < 1e-9 {
            return None;
        }
        for (i, row) in rows.iter_mut().enumerate() {
            if i != column {
                let factor = row[column] / lead[column];
                row.iter_mut().zip(lead).for_each(|(value, lead)| *value -= factor * lead);
            }
        }
    }
    Some(std::array::from_fn(|i| rows[i][8] / rows[i][i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projection_maps_its_corners() {
        let from = [[0.0, 0.0], [10.0, 0.0], [10.0, 5.0], [0.0, 5.0]];
        let to = [[3.0, 4.0], [20.0, 2.0], [22.0, 30.0], [1.0, 25.0]];
        let map = projection(from, to).expect("they do not lie on a line");
        for ([x, y], [u, v]) in from.into_iter().zip(to) {
            let depth = map[6] * x + map[7] * y + 1.0;
            assert!(((map[0] * x + map[1] * y + map[2]) / depth - u).abs() < 1e-9);
            assert!(((map[3] * x + map[4] * y + map[5]) / depth - v).abs() < 1e-9);
        }
        assert!(projection([[0.0, 0.0]; 4], to).is_none());
    }

    #[test]
    fn an_upright_rectangle_is_cut_out_as_it_is() {
        let pixels = (0..20 * 10).flat_map(|i| [(i % 251) as u8, (i * 7 % 251) as u8, 9]).collect();
        let picture = Picture::new(20, 10, pixels).expect("200 pixels");
        let corners = [[3.0, 2.0], [13.0, 2.0], [13.0, 8.0], [3.0, 8.0]];
        assert_eq!(picture.upright(corners, 10, 6), Some(picture.cut(3, 2, 10, 6)));
    }
}
