//! MobileNetV2 with torchvision's ImageNet weights: a picture to the likelihoods of a thousand names.

use mtor_shared::{
    problem::{Problem, ProblemCode},
    seen::Label,
};

use crate::{
    graph::{Attribute, Attributes, Fault, Graph, Network, Node, Tensor},
    image::Picture,
    weights::{torch, unreadable},
};

/// Names of the classes, in the order of the weights (torchvision's `_IMAGENET_CATEGORIES`).
const LABELS: &str = include_str!("labels.txt");
/// The shorter side that pictures are scaled to.
const SCALED: usize = 256;
/// Side of the square that is cut out of the middle.
const CROP: usize = 224;
/// Mean and deviation of red, green, blue in the pictures of the training, 0 to 255.
const MEAN: [f32; 3] = [0.485 * 255.0, 0.456 * 255.0, 0.406 * 255.0];
const DEVIATION: [f32; 3] = [0.229 * 255.0, 0.224 * 255.0, 0.225 * 255.0];
/// Factor of expansion, channels, repetitions and first stride of the stages (table 2 of arXiv 1801.04381).
const STAGES: [(usize, usize, usize, i64); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];

/// The loaded network.
pub struct Classifier {
    network: Network,
    names: Vec<&'static str>,
}

impl Classifier {
    /// Prepares the network from the file that torchvision publishes.
    ///
    /// # Errors
    ///
    /// When the file is something else.
    pub fn load(weights: &[u8]) -> Result<Self, Problem> {
        Ok(Self { network: Network::new(graph(weights)?)?, names: LABELS.lines().collect() })
    }

    /// The `count` likeliest names, the likeliest first.
    ///
    /// # Errors
    ///
    /// None is known; the network's signature has one.
    pub fn classify(&mut self, picture: &Picture, count: usize) -> Result<Vec<Label>, Problem> {
        let shares = self.network.run(vec![("image", prepared(picture)?)])?.remove(0);
        let shares = shares.as_floats()?;
        if shares.len() != self.names.len() {
            return Err(Problem::new(ProblemCode::Internal, "The classifier has lost its names.", ""));
        }
        let mut order: Vec<usize> = (0..shares.len()).collect();
        order.sort_by(|a, b| shares[*b].total_cmp(&shares[*a]));
        let best = order.into_iter().take(count);
        Ok(best
            .map(|index| Label { name: self.names[index].to_owned(), index, score: shares[index] })
            .collect())
    }
}

/// The network as a graph, from the file that torchvision publishes: `image` [1, 3, 224, 224] to `shares` [1, 1000].
///
/// # Errors
///
/// When the file is something else.
pub fn graph(weights: &[u8]) -> Result<Graph, Problem> {
    let mut tensors = torch::read(weights)?;
    let mut builder = Builder { graph: Graph { opset: 13, ..Graph::default() }, tensors: &mut tensors };
    builder.build()?;
    Ok(builder.graph)
}

/// The middle of the picture as the network takes it: scaled to a shorter side of 256, a square of 224 cut out.
fn prepared(picture: &Picture) -> Result<Tensor, Fault> {
    let (width, height) = (picture.width(), picture.height());
    let shorter = width.min(height);
    let scaled = |side: usize| (SCALED * side / shorter).clamp(SCALED, 32 * SCALED);
    let scaled = picture.smoothed(scaled(width), scaled(height));
    // torchvision rounds the margins half to even.
    let margin = |side: usize| ((side - CROP) as f64 / 2.0).round_ties_even() as usize;
    let middle = scaled.cut(margin(scaled.width()), margin(scaled.height()), CROP, CROP);
    let mut planes = Vec::with_capacity(3 * CROP * CROP);
    middle.planes([0, 1, 2], MEAN, DEVIATION.map(|deviation| 1.0 / deviation), &mut planes);
    Tensor::floats(vec![1, 3, CROP, CROP], planes)
}

/// Puts the graph together, layer by layer.
struct Builder<'a> {
    graph: Graph,
    tensors: &'a mut torch::Named,
}

impl Builder<'_> {
    fn build(&mut self) -> Result<(), Problem> {
        self.graph.inputs.push("image".into());
        let mut value = self.layer("image", "features.0", ["0", "1"], [3, 32, 3], 2, 1, true)?;
        let mut channels = 32;
        let mut index = 1;
        for (factor, filters, times, first_stride) in STAGES {
            for repetition in 0..times {
                let stride = if repetition == 0 { first_stride } else { 1 };
                let name = format!("features.{index}.conv");
                let wide = channels * factor;
                let mut inner = value.clone();
                let mut part = 0;
                if factor != 1 {
                    let layer = format!("{name}.{part}");
                    inner = self.layer(&inner, &layer, ["0", "1"], [channels, wide, 1], 1, 1, true)?;
                    part += 1;
                }
                let layer = format!("{name}.{part}");
                inner = self.layer(&inner, &layer, ["0", "1"], [wide, wide, 3], stride, wide, true)?;
                let (convolution, norm) = ((part + 1).to_string(), (part + 2).to_string());
                inner = self.layer(&inner, &name, [&convolution, &norm], [wide, filters, 1], 1, 1, false)?;
                if stride == 1 && channels == filters {
                    let sum = format!("{name}/sum");
                    self.push("Add", &[&value, &inner], &sum, Vec::new());
                    inner = sum;
                }
                (value, channels, index) = (inner, filters, index + 1);
            }
        }
        let value = self.layer(&value, "features.18", ["0", "1"], [channels, 1280, 1], 1, 1, true)?;
        self.push("GlobalAveragePool", &[&value], "pooled", Vec::new());
        self.push("Flatten", &["pooled"], "flat", Vec::new());
        let weights = self.take("classifier.1.weight", vec![1000, 1280])?;
        let bias = self.take("classifier.1.bias", vec![1000])?;
        let turned = vec![("transB", Attribute::Integer(1))];
        self.push("Gemm", &["flat", &weights, &bias], "scores", turned);
        self.push("Softmax", &["scores"], "shares", Vec::new());
        self.graph.outputs.push("shares".into());
        Ok(())
    }

    /// A convolution, its normalisation, and ReLU6.
    #[expect(clippy::too_many_arguments, reason = "a table of layers reads best in one line each")]
    fn layer(
        &mut self,
        input: &str,
        name: &str,
        [convolution, norm]: [&str; 2],
        [channels, filters, side]: [usize; 3],
        stride: i64,
        groups: usize,
        bounded: bool,
    ) -> Result<String, Problem> {
        let weights =
            self.take(&format!("{name}.{convolution}.weight"), vec![filters, channels / groups, side, side])?;
        let margin = (side / 2) as i64;
        let attributes = vec![
            ("strides", Attribute::Integers(vec![stride; 2])),
            ("pads", Attribute::Integers(vec![margin; 4])),
            ("group", Attribute::Integer(groups as i64)),
        ];
        let (plain, normal) = (format!("{name}.{convolution}/out"), format!("{name}.{norm}/out"));
        self.push("Conv", &[input, &weights], &plain, attributes);
        let mut inputs = vec![plain];
        for part in ["weight", "bias", "running_mean", "running_var"] {
            inputs.push(self.take(&format!("{name}.{norm}.{part}"), vec![filters])?);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.push("BatchNormalization", &inputs, &normal, Vec::new());
        if !bounded {
            return Ok(normal);
        }
        let out = format!("{normal}/relu6");
        for (bound, value) in [("zero", 0.0), ("six", 6.0)] {
            self.graph.constants.insert(bound.to_owned(), Tensor::scalar(value));
        }
        self.push("Clip", &[&normal, "zero", "six"], &out, Vec::new());
        Ok(out)
    }

    /// Moves weights into the graph.
    fn take(&mut self, name: &str, shape: Vec<usize>) -> Result<String, Problem> {
        let (own, values) =
            self.tensors.remove(name).ok_or_else(|| unreadable(format_args!("there is no tensor {name}")))?;
        if own != shape {
            return Err(unreadable(format_args!("tensor {name} is {own:?} instead of {shape:?}")));
        }
        self.graph.constants.insert(name.to_owned(), Tensor::floats(shape, values)?);
        Ok(name.to_owned())
    }

    fn push(&mut self, kind: &str, inputs: &[&str], output: &str, attributes: Vec<(&str, Attribute)>) {
        self.graph.nodes.push(Node {
            name: output.to_owned(),
            kind: kind.to_owned(),
            inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
            outputs: vec![output.to_owned()],
            attributes: Attributes(
                attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_a_thousand_names() {
        assert_eq!(LABELS.lines().count(), 1000);
        assert_eq!(LABELS.lines().nth(967), Some("espresso"));
    }

    #[test]
    fn the_middle_is_cut_out() {
        let mut picture = Picture::filled(512, 256, [0; 3]);
        picture.fill(144, 0, 224, 256, [255; 3]);
        let tensor = prepared(&picture).unwrap();
        assert_eq!(tensor.shape(), [1, 3, 224, 224]);
        let white = (255.0 - MEAN[0]) / DEVIATION[0];
        assert!(tensor.as_floats().unwrap()[..224 * 224].iter().all(|value| (value - white).abs() < 1e-5));
        let thin = prepared(&Picture::filled(1, 900, [9; 3])).unwrap();
        assert_eq!(thin.shape(), [1, 3, 224, 224]);
    }
}
