//! A small graph as the converter writes it: an image is padded, turned, filtered, offset, turned back.

use super::*;
use crate::graph::Network;

const JSON: &str = r#"{
  "signature": {"outputs": {"out:0": {}, "half:0": {}}},
  "modelTopology": {"node": [
    {"name": "turned", "op": "Transpose", "input": ["padded", "to_last"]},
    {"name": "image", "op": "Placeholder"},
    {"name": "margins", "op": "Const"}, {"name": "to_last", "op": "Const"}, {"name": "to_first", "op": "Const"},
    {"name": "filters", "op": "Const"}, {"name": "offset", "op": "Const"}, {"name": "sizes", "op": "Const"},
    {"name": "axis", "op": "Const"},
    {"name": "padded", "op": "Pad", "input": ["image", "margins"]},
    {"name": "conv", "op": "Conv2D", "input": ["turned", "filters"], "attr": {
      "padding": {"s": "VkFMSUQ="}, "data_format": {"s": "TkhXQw=="},
      "strides": {"list": {"i": ["1", "1", "2", "1"]}}, "dilations": {"list": {"i": ["1", "1", "1", "1"]}}}},
    {"name": "sum", "op": "Add", "input": ["conv", "offset"]},
    {"name": "back", "op": "Transpose", "input": ["sum", "to_first"]},
    {"name": "relu", "op": "LeakyRelu", "input": ["back"], "attr": {"alpha": {"f": 0.5}}},
    {"name": "parts", "op": "SplitV", "input": ["relu", "sizes", "axis"]},
    {"name": "out", "op": "Identity", "input": ["parts:1"]},
    {"name": "half", "op": "Identity", "input": ["sum"]}
  ]},
  "weightsManifest": [{"weights": [
    {"name": "margins", "shape": [4, 2], "dtype": "int32"},
    {"name": "to_last", "shape": [4], "dtype": "int32"},
    {"name": "to_first", "shape": [4], "dtype": "int32"},
    {"name": "filters", "shape": [1, 2, 1, 2], "dtype": "float32", "quantization": {"dtype": "float16"}},
    {"name": "offset", "shape": [2], "dtype": "float32"},
    {"name": "sizes", "shape": [2], "dtype": "int32"},
    {"name": "axis", "shape": [], "dtype": "int32"}
  ]}]
}"#;

fn weights() -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in [0i32, 0, 0, 0, 0, 0, 1, 0, 0, 2, 3, 1, 0, 3, 1, 2] {
        bytes.extend(value.to_le_bytes());
    }
    // Height 1, width 2, one channel, two filters: [1, -1] on the left, [2, 0.5] on the right.
    for half in [0x3c00u16, 0xbc00, 0x4000, 0x3800] {
        bytes.extend(half.to_le_bytes());
    }
    for value in [10f32, -1.0] {
        bytes.extend(value.to_le_bytes());
    }
    for value in [1i32, 1, 1] {
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

#[test]
fn a_converted_network_computes_what_it_says() {
    let graph = read(JSON.as_bytes(), &weights()).unwrap();
    assert_eq!(graph.outputs[1], "parts:1");
    let mut network = Network::new(graph).unwrap();
    let image = Tensor::floats(vec![1, 1, 1, 3], vec![1.0, 2.0, 3.0]).unwrap();
    let got = network.run(vec![("image", image)]).unwrap();
    // Padded to 0 1 2 3 and stepped over by two: (0, 1) and (2, 3).
    // First filter: left + 2 right + 10; second: right / 2 - left - 1, halved where negative.
    let half = Tensor::floats(vec![1, 1, 2, 2], vec![12.0, -0.5, 18.0, -1.5]).unwrap();
    let out = Tensor::floats(vec![1, 1, 1, 2], vec![-0.25, -0.75]).unwrap();
    assert_eq!(got, [half, out], "the first is told channels last");
}

#[test]
fn what_is_not_supported_or_missing_is_named() {
    let other = JSON.replace("LeakyRelu", "Softplus");
    assert!(read(other.as_bytes(), &weights()).unwrap_err().to_string().contains("Softplus"));
    let other = JSON.replace("\"input\": [\"image\", \"margins\"]", "\"input\": [\"nowhere\", \"margins\"]");
    assert!(read(other.as_bytes(), &weights()).unwrap_err().to_string().contains("never computed"));
    let short = &weights()[..40];
    assert!(read(JSON.as_bytes(), short).unwrap_err().to_string().contains("to_last"));
    assert!(read(b"{}", &[]).is_err());
    assert!(read(b"not json", &[]).is_err());
}
