//! Reads ONNX files: protocol buffers that hold a graph of operators, its weights, and notes about it.
//!
//! Nothing in a file is trusted: counts are compared with the bytes that are there, and what is not understood is an
//! error that says what it is. What comes out is a [`Graph`], which [`crate::graph::Network`] computes.

mod tensor;
mod wire;

use std::collections::HashMap;

use crate::graph::{Attribute, Fault, Graph, Node};
use wire::{Fields, Value, damaged};

/// Operators that a graph may have.
const NODE_LIMIT: usize = 1 << 16;

/// A file that was read.
#[derive(Debug, Default)]
pub struct Model {
    /// What it computes.
    pub graph: Graph,
    /// Notes by name, for example a dictionary.
    pub metadata: HashMap<String, String>,
}

/// Reads a whole file.
///
/// # Errors
///
/// When the bytes are no ONNX file, or it uses a feature that is not read: subgraphs, sparse or external weights.
pub fn read(bytes: &[u8]) -> Result<Model, Fault> {
    let mut model = Model::default();
    let mut graph = None;
    for field in Fields(bytes) {
        let (number, value) = field?;
        match number {
            7 => graph = Some(value.bytes()?),
            8 => {
                let (domain, version) = opset(value)?;
                if domain.is_empty() || domain == "ai.onnx" {
                    model.graph.opset = version;
                }
            }
            14 => {
                let (key, value) = entry(value)?;
                model.metadata.insert(key, value);
            }
            _ => {}
        }
    }
    let graph = graph.ok_or_else(|| damaged("there is no graph in it"))?;
    read_graph(graph, &mut model.graph)?;
    Ok(model)
}

fn opset(value: Value) -> Result<(String, i64), Fault> {
    let (mut domain, mut version) = (String::new(), 0);
    for field in Fields(value.bytes()?) {
        match field? {
            (1, value) => domain = value.text()?,
            (2, value) => version = value.integer()?,
            _ => {}
        }
    }
    Ok((domain, version))
}

fn entry(value: Value) -> Result<(String, String), Fault> {
    let (mut key, mut text) = (String::new(), String::new());
    for field in Fields(value.bytes()?) {
        match field? {
            (1, value) => key = value.text()?,
            (2, value) => text = value.text()?,
            _ => {}
        }
    }
    Ok((key, text))
}

fn read_graph(bytes: &[u8], graph: &mut Graph) -> Result<(), Fault> {
    for field in Fields(bytes) {
        let (number, value) = field?;
        match number {
            1 => {
                if graph.nodes.len() == NODE_LIMIT {
                    return Err(damaged(format!("more than {NODE_LIMIT} operators are no graph")));
                }
                graph.nodes.push(read_node(value.bytes()?)?);
            }
            5 => {
                let (name, tensor) = tensor::read(value.bytes()?)?;
                graph.constants.insert(name, tensor);
            }
            11 => graph.inputs.push(value_name(value)?),
            12 => graph.outputs.push(value_name(value)?),
            15 => return Err(Fault::new("sparse weights are not supported")),
            _ => {}
        }
    }
    // Old files list their weights among the inputs too.
    let Graph { inputs, constants, .. } = graph;
    inputs.retain(|name| !constants.contains_key(name));
    Ok(())
}

fn value_name(value: Value) -> Result<String, Fault> {
    for field in Fields(value.bytes()?) {
        if let (1, name) = field? {
            return name.text();
        }
    }
    Err(damaged("an input or output has no name"))
}

fn read_node(bytes: &[u8]) -> Result<Node, Fault> {
    let mut node = Node::default();
    for field in Fields(bytes) {
        let (number, value) = field?;
        match number {
            1 => node.inputs.push(value.text()?),
            2 => node.outputs.push(value.text()?),
            3 => node.name = value.text()?,
            4 => node.kind = value.text()?,
            5 => {
                let (name, attribute) = read_attribute(value.bytes()?)?;
                node.attributes.0.insert(name, attribute);
            }
            7 => {
                let domain = value.text()?;
                if !domain.is_empty() && domain != "ai.onnx" {
                    node.kind = format!("{domain}.{}", node.kind);
                }
            }
            _ => {}
        }
    }
    if node.name.is_empty() {
        node.name = node.outputs.first().cloned().unwrap_or_default();
    }
    Ok(node)
}

fn read_attribute(bytes: &[u8]) -> Result<(String, Attribute), Fault> {
    let mut name = String::new();
    let mut kind = 0;
    let (mut integer, mut float, mut text, mut tensor) = (0, 0.0, None, None);
    let (mut integers, mut floats) = (Vec::new(), Vec::new());
    for field in Fields(bytes) {
        let (number, value) = field?;
        match number {
            1 => name = value.text()?,
            2 => float = value.float()?,
            3 => integer = value.integer()?,
            4 => text = Some(value.bytes()?),
            5 => tensor = Some(tensor::read(value.bytes()?)?.1),
            7 => value.floats(&mut floats)?,
            8 => value.integers(&mut integers)?,
            20 => kind = value.integer()?,
            _ => {}
        }
    }
    // The numbers of AttributeProto.AttributeType.
    let attribute = match kind {
        1 => Attribute::Float(float),
        2 => Attribute::Integer(integer),
        3 => Attribute::Text(String::from_utf8_lossy(text.unwrap_or_default()).into_owned()),
        4 => Attribute::Tensor(tensor.ok_or_else(|| damaged(format!("the tensor {name} is missing")))?),
        6 => Attribute::Floats(floats),
        7 => Attribute::Integers(integers),
        _ => Attribute::Other,
    };
    Ok((name, attribute))
}

#[cfg(test)]
mod tests;
