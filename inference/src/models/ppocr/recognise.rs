//! Reading one line.

use crate::{
    graph::{Fault, Network, Tensor},
    image::Picture,
    onnx::Model,
};

/// Height of what both networks see.
const HEIGHT: usize = 48;
/// Width of what the classifier sees.
const UPRIGHT_WIDTH: usize = 192;
/// How sure the classifier must be that a line stands on its head.
const UPRIGHT_SURE: f32 = 0.9;
/// Least width of what the recogniser sees; shorter lines are followed by grey, as it was trained.
const LEAST_WIDTH: usize = 320;
/// Greatest width of what the recogniser sees: a line fifty times as wide as high.
const GREATEST_WIDTH: usize = 2400;

/// The line scaled to the height that the networks take, and grey behind it up to `width`.
fn prepared(line: &Picture, width: usize) -> Result<Tensor, Fault> {
    let wide = (HEIGHT as f32 * line.width() as f32 / line.height() as f32).ceil() as usize;
    let wide = wide.clamp(1, width);
    let scaled = line.scaled(wide, HEIGHT);
    let mut own = Vec::with_capacity(3 * wide * HEIGHT);
    scaled.planes([2, 1, 0], [127.5; 3], [1.0 / 127.5; 3], &mut own);
    let mut planes = vec![0.0; 3 * width * HEIGHT];
    for (to, from) in planes.chunks_exact_mut(width).zip(own.chunks_exact(wide)) {
        to[..wide].copy_from_slice(from);
    }
    Tensor::floats(vec![1, 3, HEIGHT, width], planes)
}

fn input_of(network: &Network) -> Result<String, Fault> {
    network.inputs().next().map(str::to_owned).ok_or_else(|| Fault::new("it has no input"))
}

/// Tells lines that stand on their head.
pub(super) struct Upright {
    network: Network,
    input: String,
}

impl Upright {
    pub(super) fn new(model: Model) -> Result<Self, Fault> {
        let network = Network::new(model.graph)?;
        Ok(Self { input: input_of(&network)?, network })
    }

    /// The line, turned over where that is surely right.
    pub(super) fn turn(&mut self, line: Picture) -> Result<Picture, Fault> {
        let input = prepared(&line, UPRIGHT_WIDTH)?;
        let shares = self.network.run(vec![(&self.input, input)])?.remove(0);
        let &[_, over] = shares.as_floats()? else {
            return Err(Fault::new(format!("it gives {:?} instead of two shares", shares.shape())));
        };
        Ok(if over > UPRIGHT_SURE { line.turned_over() } else { line })
    }
}

/// Names the characters of a line.
pub(super) struct Recogniser {
    network: Network,
    input: String,
    /// By the network's numbers; the first, which separates, is empty.
    characters: Vec<String>,
}

impl Recogniser {
    pub(super) fn new(model: Model) -> Result<Self, Fault> {
        let dictionary =
            model.metadata.get("character").ok_or_else(|| Fault::new("its dictionary is missing"))?;
        let listed = dictionary.lines().map(str::to_owned);
        let characters = std::iter::once(String::new()).chain(listed).chain([" ".to_owned()]).collect();
        let network = Network::new(model.graph)?;
        Ok(Self { input: input_of(&network)?, network, characters })
    }

    /// What a line says, and how sure that is.
    pub(super) fn read(&mut self, line: &Picture) -> Result<(String, f32), Fault> {
        let wide = (HEIGHT as f32 * line.width() as f32 / line.height() as f32) as usize;
        let input = prepared(line, wide.clamp(LEAST_WIDTH, GREATEST_WIDTH))?;
        let shares = self.network.run(vec![(&self.input, input)])?.remove(0);
        let [1, _, classes] = *shares.shape() else {
            return Err(Fault::new(format!("it gives {:?} instead of shares", shares.shape())));
        };
        if classes != self.characters.len() {
            let known = self.characters.len();
            return Err(Fault::new(format!("it tells {classes} characters, and its dictionary has {known}")));
        }
        let read = decode(shares.as_floats()?, &self.characters);
        self.network.recycle(shares);
        Ok(read)
    }
}

/// The best character of each column, without repetitions and separators, and the mean of their shares.
fn decode(shares: &[f32], characters: &[String]) -> (String, f32) {
    let mut text = String::new();
    let (mut sum, mut count, mut last) = (0.0, 0, 0);
    for column in shares.chunks_exact(characters.len()) {
        let (best, share) = greatest(column);
        if best != last && best != 0 {
            text.push_str(&characters[best]);
            sum += share;
            count += 1;
        }
        last = best;
    }
    (text, if count == 0 { 0.0 } else { sum / count as f32 })
}

/// The first of the greatest elements, and it.
fn greatest(values: &[f32]) -> (usize, f32) {
    const LANES: usize = 16;
    let mut tops = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        tops.iter_mut().zip(chunk).for_each(|(top, value)| *top = if *value > *top { *value } else { *top });
    }
    let top = tops.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
    (values.iter().position(|value| *value == top).unwrap_or(0), top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_count_once_unless_they_are_separated() {
        let characters: Vec<String> = ["", "a", "b"].map(str::to_owned).to_vec();
        // a a - a b b
        let best = [1, 1, 0, 1, 2, 2];
        let shares: Vec<f32> =
            best.iter().flat_map(|best| (0..3).map(move |i| if i == *best { 0.8 } else { 0.1 })).collect();
        let (text, score) = decode(&shares, &characters);
        assert_eq!(text, "aab");
        assert!((score - 0.8).abs() < 1e-6);
        assert_eq!(decode(&[0.9, 0.05, 0.05], &characters), (String::new(), 0.0));
    }

    #[test]
    fn the_greatest_of_many_is_found_at_its_place() {
        for at in [0, 5, 16, 40, 41] {
            let mut values = [0.5f32; 42];
            values[at] = 0.75;
            assert_eq!(greatest(&values), (at, 0.75));
        }
    }
}
