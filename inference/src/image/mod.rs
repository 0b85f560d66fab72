//! Pictures: decoding files that people drop, and scaling, turning and cutting what was decoded.

mod decode;
mod resize;
mod warp;

pub use decode::{Background, PIXEL_LIMIT, decode};

/// A picture: rows of red, green, blue, one byte each, without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// A picture of these pixels; none where their number is not what the size says.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        let expected = width.checked_mul(height)?.checked_mul(3)?;
        (pixels.len() == expected && expected > 0).then_some(Self { width, height, pixels })
    }

    /// A picture of one colour.
    pub fn filled(width: usize, height: usize, colour: [u8; 3]) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self { width, height, pixels: colour.repeat(width * height) }
    }

    /// Pixels from left to right.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels from top to bottom.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Red, green, blue of every pixel, row by row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Red, green, blue of one pixel. Places beyond an edge have the colour of the edge.
    pub fn at(&self, x: isize, y: isize) -> [u8; 3] {
        let x = x.clamp(0, self.width as isize - 1) as usize;
        let y = y.clamp(0, self.height as isize - 1) as usize;
        let at = (y * self.width + x) * 3;
        [self.pixels[at], self.pixels[at + 1], self.pixels[at + 2]]
    }

    /// Paints a rectangle; what lies outside is left out.
    pub fn fill(&mut self, x: usize, y: usize, width: usize, height: usize, colour: [u8; 3]) {
        for row in self.pixels.chunks_exact_mut(self.width * 3).skip(y).take(height) {
            for pixel in row.as_chunks_mut::<3>().0.iter_mut().skip(x).take(width) {
                *pixel = colour;
            }
        }
    }

    /// A rectangle cut out; it must lie within.
    pub(crate) fn cut(&self, x: usize, y: usize, width: usize, height: usize) -> Self {
        let rows = self.pixels.chunks_exact(self.width * 3).skip(y).take(height);
        let pixels = rows.flat_map(|row| &row[x * 3..(x + width) * 3]).copied().collect();
        Self { width, height, pixels }
    }

    /// Turned by 90 degrees against the clock.
    pub(crate) fn turned_left(&self) -> Self {
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for x in (0..self.width as isize).rev() {
            for y in 0..self.height as isize {
                pixels.extend(self.at(x, y));
            }
        }
        Self { width: self.height, height: self.width, pixels }
    }

    /// Turned by 180 degrees.
    pub(crate) fn turned_over(&self) -> Self {
        let pixels = self.pixels.as_chunks::<3>().0.iter().rev().flatten().copied().collect();
        Self { pixels, ..*self }
    }

    /// With black rows above and below.
    pub(crate) fn padded(&self, rows: usize) -> Self {
        let mut padded = Self::filled(self.width, self.height + 2 * rows, [0; 3]);
        padded.pixels[rows * self.width * 3..][..self.pixels.len()].copy_from_slice(&self.pixels);
        padded
    }

    /// Three planes (of channels in this order, as indices into red, green, blue), each value `(byte - mean) * scale`.
    pub(crate) fn planes(&self, channels: [usize; 3], mean: [f32; 3], scale: [f32; 3], into: &mut Vec<f32>) {
        for (plane, channel) in channels.into_iter().enumerate() {
            let table: [f32; 256] = std::array::from_fn(|byte| (byte as f32 - mean[plane]) * scale[plane]);
            into.extend(
                self.pixels.as_chunks::<3>().0.iter().map(|pixel| table[usize::from(pixel[channel])]),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2 x 3, each pixel with a number of its own.
    fn numbered() -> Picture {
        Picture::new(2, 3, (0..6u8).flat_map(|i| [i, i, i]).collect()).expect("six pixels")
    }

    fn numbers(picture: &Picture) -> Vec<u8> {
        picture.pixels().iter().step_by(3).copied().collect()
    }

    #[test]
    fn turning_moves_pixels_as_a_person_expects() {
        let left = numbered().turned_left();
        assert_eq!((left.width(), left.height(), numbers(&left)), (3, 2, vec![1, 3, 5, 0, 2, 4]));
        assert_eq!(numbers(&numbered().turned_over()), [5, 4, 3, 2, 1, 0]);
        assert_eq!(numbers(&numbered().cut(1, 1, 1, 2)), [3, 5]);
        assert_eq!(numbers(&numbered().padded(1)), [0, 0, 0, 1, 2, 3, 4, 5, 0, 0]);
    }

    #[test]
    fn a_picture_has_as_many_pixels_as_its_size_says() {
        assert!(Picture::new(2, 3, vec![0; 17]).is_none());
        assert!(Picture::new(0, 3, Vec::new()).is_none());
        assert!(Picture::new(usize::MAX, 3, Vec::new()).is_none());
    }
}
