//! A graph as a file describes it: operators by ONNX's names, values by the names that the file gives them.

use std::collections::HashMap;

use super::{Fault, Tensor};

/// A graph that has been read and not yet prepared for computing.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Version of ONNX's operator set that the nodes are meant in.
    pub opset: i64,
    /// Operators, each after those whose results it uses.
    pub nodes: Vec<Node>,
    /// Weights by name.
    pub constants: HashMap<String, Tensor>,
    /// What is given at each run.
    pub inputs: Vec<String>,
    /// What a run results in.
    pub outputs: Vec<String>,
}

/// One operator.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// For messages.
    pub name: String,
    /// ONNX's name of the operator, for example `Conv`.
    pub kind: String,
    /// Names of values; an empty one is left out.
    pub inputs: Vec<String>,
    /// Names of values.
    pub outputs: Vec<String>,
    /// Settings.
    pub attributes: Attributes,
}

/// A setting of an operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// One integer.
    Integer(i64),
    /// One real number.
    Float(f32),
    /// A word.
    Text(String),
    /// Integers.
    Integers(Vec<i64>),
    /// Real numbers.
    Floats(Vec<f32>),
    /// A tensor.
    Tensor(Tensor),
    /// Something that no operator here reads.
    Other,
}

/// Settings of an operator by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(pub HashMap<String, Attribute>);

impl Attributes {
    /// One integer, or what it is where it is not set.
    ///
    /// # Errors
    ///
    /// When it is set to something else.
    pub fn integer(&self, name: &str, default: i64) -> Result<i64, Fault> {
        match self.0.get(name) {
            None => Ok(default),
            Some(Attribute::Integer(value)) => Ok(*value),
            Some(_) => Err(wrong(name, "an integer")),
        }
    }

    /// One real number, or what it is where it is not set.
    ///
    /// # Errors
    ///
    /// When it is set to something else.
    pub fn float(&self, name: &str, default: f32) -> Result<f32, Fault> {
        match self.0.get(name) {
            None => Ok(default),
            Some(Attribute::Float(value)) => Ok(*value),
            Some(_) => Err(wrong(name, "a number")),
        }
    }

    /// A word, or what it is where it is not set.
    ///
    /// # Errors
    ///
    /// When it is set to something else.
    pub fn text<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str, Fault> {
        match self.0.get(name) {
            None => Ok(default),
            Some(Attribute::Text(value)) => Ok(value),
            Some(_) => Err(wrong(name, "a word")),
        }
    }

    /// Integers, if they are set.
    ///
    /// # Errors
    ///
    /// When it is set to something else.
    pub fn integers(&self, name: &str) -> Result<Option<&[i64]>, Fault> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Attribute::Integers(values)) => Ok(Some(values)),
            Some(_) => Err(wrong(name, "a list of integers")),
        }
    }

    /// Sizes, or the default where they are not set.
    ///
    /// # Errors
    ///
    /// When it is set to something else or to something negative.
    pub fn sizes(&self, name: &str, default: &[usize]) -> Result<Vec<usize>, Fault> {
        match self.integers(name)? {
            None => Ok(default.to_vec()),
            Some(values) => values
                .iter()
                .map(|value| usize::try_from(*value).map_err(|_| wrong(name, "a list of sizes")))
                .collect(),
        }
    }
}

fn wrong(name: &str, wanted: &str) -> Fault {
    Fault::new(format!("the setting {name} is not {wanted}"))
}
