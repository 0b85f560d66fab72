//! Files that are written here byte by byte, after ONNX's protocol buffers.

use super::*;
use crate::graph::{Network, Tensor};
use proptest::prelude::*;

fn varint(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

fn bytes(number: u64, content: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    varint(number << 3 | 2, &mut field);
    varint(content.len() as u64, &mut field);
    field.extend(content);
    field
}

fn integer(number: u64, value: u64) -> Vec<u8> {
    let mut field = Vec::new();
    varint(number << 3, &mut field);
    varint(value, &mut field);
    field
}

/// y = Clip(x + w, 0, 6) in operator set 10, where bounds are settings, with a note.
fn file() -> Vec<u8> {
    let weights: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let tensor = [integer(1, 2), integer(2, 1), bytes(8, b"w"), bytes(9, &weights)].concat();
    let mut low = vec![0x15];
    low.extend(0f32.to_le_bytes());
    let mut high = vec![0x15];
    high.extend(6f32.to_le_bytes());
    let low = [bytes(1, b"min"), low, integer(20, 1)].concat();
    let high = [bytes(1, b"max"), high, integer(20, 1)].concat();
    let add = [bytes(1, b"x"), bytes(1, b"w"), bytes(2, b"s"), bytes(4, b"Add")].concat();
    let clip = [bytes(1, b"s"), bytes(2, b"y"), bytes(4, b"Clip"), bytes(5, &low), bytes(5, &high)].concat();
    let graph = [
        bytes(1, &add),
        bytes(1, &clip),
        bytes(5, &tensor),
        bytes(11, &bytes(1, b"x")),
        bytes(11, &bytes(1, b"w")),
        bytes(12, &bytes(1, b"y")),
    ]
    .concat();
    let note = [bytes(1, b"character"), bytes(2, b"a\nb")].concat();
    [integer(1, 8), bytes(7, &graph), bytes(8, &integer(2, 10)), bytes(14, &note)].concat()
}

#[test]
fn a_file_is_read_and_computed() {
    let model = read(&file()).unwrap();
    assert_eq!(model.metadata["character"], "a\nb");
    assert_eq!(model.graph.opset, 10);
    assert_eq!(model.graph.inputs, ["x"], "weights are no inputs");
    let mut network = Network::new(model.graph).unwrap();
    let x = Tensor::floats(vec![2], vec![5.0, 1.0]).unwrap();
    let got = network.run(vec![("x", x)]).unwrap();
    assert_eq!(got[0].as_floats().unwrap(), [6.0, 0.0]);
}

#[test]
fn every_shorter_file_is_refused() {
    let whole = file();
    for end in 0..whole.len() {
        if let Ok(model) = read(&whole[..end]) {
            // What follows the graph may be missing; then the operators' version or the note is.
            assert!(model.graph.opset == 0 || model.metadata.is_empty(), "{end}");
        }
    }
}

#[test]
fn tensors_of_a_wrong_size_are_refused() {
    let tensor = [integer(1, 1 << 40), integer(2, 1), bytes(8, b"w"), bytes(9, &[0; 8])].concat();
    let fault = read(&bytes(7, &bytes(5, &tensor))).unwrap_err();
    assert!(fault.to_string().contains("too large"), "{fault}");
    let tensor = [integer(1, 3), integer(2, 1), bytes(8, b"w"), bytes(9, &[0; 8])].concat();
    let fault = read(&bytes(7, &bytes(5, &tensor))).unwrap_err();
    assert!(fault.to_string().contains("2 elements instead of 3"), "{fault}");
}

proptest! {
    #[test]
    fn a_damaged_file_never_panics(at in 0usize..200, with in any::<u8>()) {
        let mut damaged = file();
        let at = at % damaged.len();
        damaged[at] = with;
        if let Ok(model) = read(&damaged)
            && let Ok(mut network) = Network::new(model.graph)
        {
            let x = Tensor::floats(vec![2], vec![5.0, 1.0]).unwrap();
            let _ = network.run(vec![("x", x)]);
        }
    }
}
