//! The JSON of a graph and the bytes of its weights.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::{
    graph::{Fault, Tensor, elements_of},
    weights::blocks::f16_to_f32,
};

/// What was read.
pub(super) struct File {
    pub(super) nodes: Vec<TfNode>,
    pub(super) constants: HashMap<String, Tensor>,
    /// Names of the results, in the order of their names.
    pub(super) outputs: Vec<String>,
}

/// One operator.
pub(super) struct TfNode {
    pub(super) name: String,
    pub(super) op: String,
    pub(super) inputs: Vec<String>,
    attributes: Map<String, Value>,
}

impl TfNode {
    /// Fails unless channels are told last and there are no margins: all that converted networks use.
    pub(super) fn expect_plain(&self) -> Result<(), Fault> {
        // Words stand in the JSON as base64: NHWC and VALID.
        for (name, wanted) in [("data_format", "TkhXQw=="), ("padding", "VkFMSUQ=")] {
            let is = self.attributes.get(name).and_then(|value| value.get("s")).and_then(Value::as_str);
            if is.is_some_and(|is| is != wanted) {
                return Err(Fault::new(format!("this {name} is not supported")));
            }
        }
        Ok(())
    }

    /// Four sizes, the middle two those of the image.
    pub(super) fn list(&self, name: &str) -> Result<Vec<i64>, Fault> {
        let list = self.attributes.get(name).and_then(|value| value.get("list")?.get("i")?.as_array());
        let sizes: Option<Vec<i64>> =
            list.map_or(Some(vec![1; 4]), |list| list.iter().map(integer).collect());
        sizes
            .filter(|sizes| sizes.len() == 4)
            .ok_or_else(|| Fault::new(format!("the setting {name} is not four sizes")))
    }

    pub(super) fn float(&self, name: &str, default: f32) -> Result<f32, Fault> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(value) => value
                .get("f")
                .and_then(Value::as_f64)
                .map(|value| value as f32)
                .ok_or_else(|| Fault::new(format!("the setting {name} is no number"))),
        }
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.attributes.get(name).and_then(|value| value.get("b")).and_then(Value::as_bool).unwrap_or(false)
    }
}

/// Integers of 64 bits are texts in this JSON.
fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn damaged(what: impl std::fmt::Display) -> Fault {
    Fault::new(format!("the TensorFlow.js graph is damaged ({what})"))
}

pub(super) fn read(json: &[u8], weights: &[u8]) -> Result<File, Fault> {
    let whole: Value = serde_json::from_slice(json).map_err(damaged)?;
    let listed = whole.pointer("/modelTopology/node").and_then(Value::as_array);
    let listed = listed.ok_or_else(|| damaged("there are no operators in it"))?;
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut nodes = Vec::with_capacity(listed.len());
    for node in listed {
        let (Some(name), Some(op)) = (text(node, "name"), text(node, "op")) else {
            return Err(damaged("an operator has no name"));
        };
        let inputs = node.get("input").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        // What begins with ^ is only to come later.
        let inputs = inputs.iter().filter_map(Value::as_str).filter(|name| !name.starts_with('^'));
        let attributes = node.get("attr").and_then(Value::as_object).cloned().unwrap_or_default();
        nodes.push(TfNode { name, op, inputs: inputs.map(str::to_owned).collect(), attributes });
    }
    let mut constants = HashMap::new();
    let mut rest = weights;
    let groups =
        whole.get("weightsManifest").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for entry in groups.iter().filter_map(|group| group.get("weights")?.as_array()).flatten() {
        let name = text(entry, "name").ok_or_else(|| damaged("weights have no name"))?;
        let shape: Option<Vec<usize>> = entry
            .get("shape")
            .and_then(Value::as_array)
            .and_then(|shape| shape.iter().map(|size| usize::try_from(integer(size)?).ok()).collect());
        let shape = shape.ok_or_else(|| damaged(format!("the weights {name} have no shape")))?;
        let count = elements_of(&shape)?;
        let kind = text(entry, "dtype").unwrap_or_default();
        let quantised = entry.get("quantization").and_then(|quantised| text(quantised, "dtype"));
        let mut take = |width: usize| {
            let (taken, left) = rest
                .split_at_checked(count.saturating_mul(width))
                .ok_or_else(|| damaged(format!("the weights {name} are missing")))?;
            rest = left;
            Ok::<&[u8], Fault>(taken)
        };
        let tensor = match (kind.as_str(), quantised.as_deref()) {
            ("float32", None) => Tensor::floats(
                shape,
                take(4)?.as_chunks::<4>().0.iter().map(|v| f32::from_le_bytes(*v)).collect(),
            )?,
            ("float32", Some("float16")) => {
                let values = take(2)?.as_chunks::<2>().0.iter().map(|v| f16_to_f32(u16::from_le_bytes(*v)));
                Tensor::floats(shape, values.collect())?
            }
            ("int32", None) => {
                let values = take(4)?.as_chunks::<4>().0.iter().map(|v| i64::from(i32::from_le_bytes(*v)));
                Tensor::integers(shape, values.collect())?
            }
            (kind, quantised) => {
                let form = quantised.unwrap_or(kind);
                return Err(Fault::new(format!(
                    "the weights {name} are of type {form}, which is not supported"
                )));
            }
        };
        constants.insert(name, tensor);
    }
    let named = whole.pointer("/signature/outputs").and_then(Value::as_object);
    let mut outputs: Vec<String> = named.map(|outputs| outputs.keys().cloned().collect()).unwrap_or_default();
    outputs.sort();
    if outputs.is_empty() {
        return Err(damaged("it has no results"));
    }
    Ok(File { nodes, constants, outputs })
}
