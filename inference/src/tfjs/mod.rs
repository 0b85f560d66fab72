//! Reads graphs that TensorFlow.js keeps as JSON beside a file of weights, as far as converted convolutional networks
//! need it.
//!
//! Such graphs turn their images to and fro, because TensorFlow's filters want channels last and the network's author
//! wanted them first. Here nothing is turned: a value remembers that its elements lie channels first though the graph
//! speaks of them as channels last.

mod file;

use std::collections::HashMap;

use crate::graph::{Attribute, Attributes, Fault, Graph, Node, Tensor};
use file::{File, TfNode};

/// Reads the JSON and the weights.
///
/// # Errors
///
/// When they are damaged or do not belong together, or the graph uses an operator that is not supported, which is named.
pub fn read(json: &[u8], weights: &[u8]) -> Result<Graph, Fault> {
    let File { nodes, constants, outputs } = file::read(json, weights)?;
    let mut translation =
        Translation { graph: Graph { opset: 13, ..Graph::default() }, constants, values: HashMap::new() };
    let mut waiting = nodes;
    // Nodes stand in any order: each pass takes those whose inputs are known.
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut later = Vec::new();
        for node in waiting {
            if translation.knows(&node) {
                translation.add(&node).map_err(|fault| fault.at(format!("{} {}", node.op, node.name)))?;
            } else {
                later.push(node);
            }
        }
        if later.len() == before {
            let node = &later[0];
            return Err(Fault::new("its inputs are never computed").at(format!("{} {}", node.op, node.name)));
        }
        waiting = later;
    }
    for output in outputs {
        let name = translation.as_told(&output)?;
        translation.graph.outputs.push(name);
    }
    Ok(translation.graph)
}

/// A value of the graph here.
#[derive(Clone)]
struct Value {
    name: String,
    /// Whether the graph speaks of it as channels last while it lies channels first.
    lies_channels_first: bool,
}

struct Translation {
    graph: Graph,
    /// Weights that were not put into the graph yet.
    constants: HashMap<String, Tensor>,
    values: HashMap<String, Value>,
}

/// The name of a value: its first output is named as the node itself.
fn plain(name: &str) -> &str {
    name.strip_suffix(":0").unwrap_or(name)
}

fn node(kind: &str, inputs: &[&str], output: &str, attributes: Vec<(&str, Attribute)>) -> Node {
    Node {
        name: output.to_owned(),
        kind: kind.to_owned(),
        inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
        outputs: vec![output.to_owned()],
        attributes: Attributes(
            attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ),
    }
}

impl Translation {
    fn knows(&self, node: &TfNode) -> bool {
        let known =
            |name: &String| self.values.contains_key(plain(name)) || self.constants.contains_key(plain(name));
        node.inputs.iter().all(known)
    }

    fn constant(&self, name: &str) -> Result<&Tensor, Fault> {
        self.constants.get(plain(name)).ok_or_else(|| Fault::new(format!("{name} is not known beforehand")))
    }

    fn integers(&self, name: &str) -> Result<Vec<i64>, Fault> {
        Ok(self.constant(name)?.as_integers()?.to_vec())
    }

    /// A value, weights being put into the graph.
    fn value(&mut self, name: &str) -> Result<Value, Fault> {
        let name = plain(name);
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        let tensor = self.constant(name)?.clone();
        self.graph.constants.insert(name.to_owned(), tensor);
        let value = Value { name: name.to_owned(), lies_channels_first: false };
        self.values.insert(name.to_owned(), value.clone());
        Ok(value)
    }

    /// The name of a value whose elements lie as the graph says.
    fn as_told(&mut self, name: &str) -> Result<String, Fault> {
        let value = self.value(name)?;
        if !value.lies_channels_first {
            return Ok(value.name);
        }
        let turned = format!("{}/channels-last", value.name);
        let order = Attribute::Integers(vec![0, 2, 3, 1]);
        self.graph.nodes.push(node("Transpose", &[&value.name], &turned, vec![("perm", order)]));
        Ok(turned)
    }

    /// The name of an image whose channels lie first though the graph speaks of them as last.
    fn image(&mut self, name: &str) -> Result<String, Fault> {
        let value = self.value(name)?;
        if value.lies_channels_first {
            return Ok(value.name);
        }
        let turned = format!("{}/channels-first", value.name);
        let order = Attribute::Integers(vec![0, 3, 1, 2]);
        self.graph.nodes.push(node("Transpose", &[&value.name], &turned, vec![("perm", order)]));
        Ok(turned)
    }

    fn add_constant(&mut self, name: String, tensor: Tensor) -> String {
        self.graph.constants.insert(name.clone(), tensor);
        name
    }

    /// Adds an operator whose result lies as its input does.
    fn push(&mut self, node: Node, lies_channels_first: bool) {
        let name = node.outputs[0].clone();
        self.values.insert(name.clone(), Value { name, lies_channels_first });
        self.graph.nodes.push(node);
    }

    fn input<'a>(&self, node: &'a TfNode, index: usize) -> Result<&'a str, Fault> {
        node.inputs
            .get(index)
            .map(String::as_str)
            .ok_or_else(|| Fault::new(format!("input {index} is missing")))
    }

    fn add(&mut self, from: &TfNode) -> Result<(), Fault> {
        let name = from.name.as_str();
        match from.op.as_str() {
            "Const" => {}
            "Placeholder" => {
                self.graph.inputs.push(name.to_owned());
                let value = Value { name: name.to_owned(), lies_channels_first: false };
                self.values.insert(name.to_owned(), value);
            }
            "Identity" => {
                let value = self.value(self.input(from, 0)?)?;
                self.values.insert(name.to_owned(), value);
            }
            "SparseToDense" => {
                // All that is left of a computation of shapes: nothing among zeros.
                if self.constant(self.input(from, 0)?)?.elements() != 0 {
                    return Err(Fault::new("sparse values are not supported"));
                }
                let sizes = self.integers(self.input(from, 1)?)?;
                let default = self.constant(self.input(from, 3)?)?.as_integer()?;
                let shape: Vec<usize> = sizes.iter().map(|size| (*size).clamp(0, 64) as usize).collect();
                let count = crate::graph::elements_of(&shape)?;
                self.constants.insert(name.to_owned(), Tensor::integers(shape, vec![default; count])?);
            }
            "Add" | "AddV2" => self.sum(from)?,
            "Transpose" => self.turn(from)?,
            "Pad" | "PadV2" => {
                let margins = self.integers(self.input(from, 1)?)?;
                // Pairs of before and behind become all before, then all behind.
                let mut pairs: Vec<&[i64]> = margins.chunks_exact(2).collect();
                let value = self.value(self.input(from, 0)?)?;
                if value.lies_channels_first && pairs.len() == 4 {
                    pairs[1..].rotate_right(1);
                }
                let pads = pairs.iter().map(|pair| pair[0]).chain(pairs.iter().map(|pair| pair[1])).collect();
                let filling = match from.inputs.get(2) {
                    Some(filling) => self.constant(filling)?.as_number()?,
                    None => 0.0,
                };
                let attributes =
                    vec![("pads", Attribute::Integers(pads)), ("value", Attribute::Float(filling))];
                self.push(node("Pad", &[&value.name], name, attributes), value.lies_channels_first);
            }
            "Conv2D" => self.convolution(from)?,
            "MaxPool" => {
                let image = self.image(self.input(from, 0)?)?;
                from.expect_plain()?;
                let size = |list: &[i64]| Attribute::Integers(vec![list[1], list[2]]);
                let attributes = vec![
                    ("kernel_shape", size(&from.list("ksize")?)),
                    ("strides", size(&from.list("strides")?)),
                ];
                self.push(node("MaxPool", &[&image], name, attributes), true);
            }
            "LeakyRelu" => {
                let value = self.value(self.input(from, 0)?)?;
                let attributes = vec![("alpha", Attribute::Float(from.float("alpha", 0.2)?))];
                self.push(node("LeakyRelu", &[&value.name], name, attributes), value.lies_channels_first);
            }
            "Sigmoid" => {
                let value = self.value(self.input(from, 0)?)?;
                self.push(node("Sigmoid", &[&value.name], name, Vec::new()), value.lies_channels_first);
            }
            "ConcatV2" => {
                let (axis, parts) =
                    from.inputs.split_last().ok_or_else(|| Fault::new("there is nothing to join"))?;
                let axis = self.constant(axis)?.as_integer()?;
                let parts: Vec<String> =
                    parts.iter().map(|part| self.as_told(part)).collect::<Result<_, _>>()?;
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                self.push(node("Concat", &parts, name, vec![("axis", Attribute::Integer(axis))]), false);
            }
            "SplitV" => {
                let whole = self.as_told(self.input(from, 0)?)?;
                let sizes = self.integers(self.input(from, 1)?)?;
                let axis = self.constant(self.input(from, 2)?)?.as_integer()?;
                let outputs: Vec<String> = (0..sizes.len())
                    .map(|i| if i == 0 { name.to_owned() } else { format!("{name}:{i}") })
                    .collect();
                for output in &outputs {
                    let value = Value { name: output.clone(), lies_channels_first: false };
                    self.values.insert(output.clone(), value);
                }
                let sizes = self.add_constant(format!("{name}/sizes"), Tensor::list(sizes));
                let mut split =
                    node("Split", &[&whole, &sizes], name, vec![("axis", Attribute::Integer(axis))]);
                split.outputs = outputs;
                self.graph.nodes.push(split);
            }
            "Reshape" => {
                let whole = self.as_told(self.input(from, 0)?)?;
                let shape = self.integers(self.input(from, 1)?)?;
                let shape = self.add_constant(format!("{name}/shape"), Tensor::list(shape));
                self.push(node("Reshape", &[&whole, &shape], name, Vec::new()), false);
            }
            "ResizeBilinear" => {
                if !from.flag("half_pixel_centers") || from.flag("align_corners") {
                    return Err(Fault::new("this way of placing pixels is not supported"));
                }
                let image = self.image(self.input(from, 0)?)?;
                let &[height, width] = self.integers(self.input(from, 1)?)?.as_slice() else {
                    return Err(Fault::new("a size has two numbers"));
                };
                // Channels stay as many as they are, which only the run knows: their number is taken from the shape.
                let (shape, sizes) = (format!("{name}/shape"), format!("{name}/sizes"));
                let size = self.add_constant(format!("{name}/size"), Tensor::list(vec![height, width]));
                let whole = node("Shape", &[&image], &shape, vec![("end", Attribute::Integer(2))]);
                self.graph.nodes.push(whole);
                let joined = node("Concat", &[&shape, &size], &sizes, vec![("axis", Attribute::Integer(0))]);
                self.graph.nodes.push(joined);
                let linear = vec![("mode", Attribute::Text("linear".into()))];
                self.push(node("Resize", &[&image, "", "", &sizes], name, linear), true);
            }
            unknown => {
                return Err(Fault::new(format!("it uses the operator {unknown}, which is not supported")));
            }
        }
        Ok(())
    }

    /// A sum of two values, or of a value and a number a channel.
    fn sum(&mut self, from: &TfNode) -> Result<(), Fault> {
        let (a, b) = (self.input(from, 0)?, self.input(from, 1)?);
        if let (Ok(a), Ok(b)) = (self.constant(a), self.constant(b)) {
            // Shapes that are put together of parts that never change.
            let (a, b) = (a.as_integers()?, b.as_integers()?);
            if a.len() != b.len() {
                return Err(Fault::new("two lists are not equally long"));
            }
            let sum = a.iter().zip(b).map(|(a, b)| a.saturating_add(*b)).collect();
            self.constants.insert(from.name.clone(), Tensor::list(sum));
            return Ok(());
        }
        let (one, other) = (self.value(a)?, self.value(b)?);
        let (one, other) = if one.lies_channels_first { (one, other) } else { (other, one) };
        if one.lies_channels_first == other.lies_channels_first {
            self.push(
                node("Add", &[&one.name, &other.name], &from.name, Vec::new()),
                one.lies_channels_first,
            );
            return Ok(());
        }
        let offset = self.graph.constants.get(&other.name);
        let offset = offset.filter(|offset| offset.shape().len() == 1);
        let offset = offset.ok_or_else(|| Fault::new("images that lie differently are added"))?.clone();
        let shape = vec![1, offset.elements(), 1, 1];
        let offset = self.add_constant(format!("{}/offset", from.name), offset.reshaped(shape)?);
        self.push(node("Add", &[&one.name, &offset], &from.name, Vec::new()), true);
        Ok(())
    }

    fn turn(&mut self, from: &TfNode) -> Result<(), Fault> {
        let order = self.integers(self.input(from, 1)?)?;
        let value = self.value(self.input(from, 0)?)?;
        match (order.as_slice(), value.lies_channels_first) {
            ([0, 2, 3, 1], false) => {
                self.values.insert(from.name.clone(), Value { lies_channels_first: true, ..value });
            }
            ([0, 3, 1, 2], true) => {
                self.values.insert(from.name.clone(), Value { lies_channels_first: false, ..value });
            }
            _ => {
                let whole = self.as_told(self.input(from, 0)?)?;
                let attributes = vec![("perm", Attribute::Integers(order))];
                self.push(node("Transpose", &[&whole], &from.name, attributes), false);
            }
        }
        Ok(())
    }

    fn convolution(&mut self, from: &TfNode) -> Result<(), Fault> {
        from.expect_plain()?;
        let image = self.image(self.input(from, 0)?)?;
        let weights = self.constant(self.input(from, 1)?)?;
        let [height, width, channels, filters] = *weights.shape() else {
            return Err(Fault::new("filters have four dimensions"));
        };
        let values = weights.as_floats()?;
        let mut turned = Vec::with_capacity(values.len());
        for filter in 0..filters {
            for channel in 0..channels {
                for place in 0..height * width {
                    turned.push(values[(place * channels + channel) * filters + filter]);
                }
            }
        }
        let turned = Tensor::floats(vec![filters, channels, height, width], turned)?;
        let weights = self.add_constant(format!("{}/filters", from.name), turned);
        let size = |list: Vec<i64>| Attribute::Integers(vec![list[1], list[2]]);
        let attributes =
            vec![("strides", size(from.list("strides")?)), ("dilations", size(from.list("dilations")?))];
        self.push(node("Conv", &[&image, &weights], &from.name, attributes), true);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
