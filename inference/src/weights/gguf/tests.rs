use pollster::block_on;
use proptest::prelude::*;

use super::*;
use crate::weights::memory::Memory;

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// A small file with a value of every type and two tensors: `a`, [32, 2] in Q8_0, and `b`, [3] in F32.
fn file() -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(3u32.to_le_bytes());
    out.extend(2u64.to_le_bytes());
    out.extend(6u64.to_le_bytes());
    let key = |out: &mut Vec<u8>, name: &str, kind: u32| {
        text(out, name);
        out.extend(kind.to_le_bytes());
    };
    key(&mut out, "general.architecture", 8);
    text(&mut out, "qwen2");
    key(&mut out, "layers", 4);
    out.extend(24u32.to_le_bytes());
    key(&mut out, "epsilon", 6);
    out.extend(0.5f32.to_le_bytes());
    key(&mut out, "flag", 7);
    out.push(1);
    key(&mut out, "words", 9);
    out.extend(8u32.to_le_bytes());
    out.extend(3u64.to_le_bytes());
    ["one", "", "três"].iter().for_each(|word| text(&mut out, word));
    key(&mut out, "kinds", 9);
    out.extend(5u32.to_le_bytes());
    out.extend(2u64.to_le_bytes());
    [1i32, -3].iter().for_each(|v| out.extend(v.to_le_bytes()));

    text(&mut out, "a");
    out.extend(2u32.to_le_bytes());
    [32u64, 2].iter().for_each(|v| out.extend(v.to_le_bytes()));
    out.extend(8u32.to_le_bytes());
    out.extend(0u64.to_le_bytes());
    text(&mut out, "b");
    out.extend(1u32.to_le_bytes());
    out.extend(3u64.to_le_bytes());
    out.extend(0u32.to_le_bytes());
    out.extend(96u64.to_le_bytes());

    out.resize(out.len().next_multiple_of(32), 0);
    for row in 0..2u8 {
        out.extend(0x3c00u16.to_le_bytes()); // 1.0
        out.extend((0..32).map(|i| i + 100 * row));
    }
    out.resize(out.len().next_multiple_of(32), 0);
    [1.0f32, 2.0, -3.0].iter().for_each(|v| out.extend(v.to_le_bytes()));
    out
}

fn open(bytes: Vec<u8>) -> Result<Gguf<Memory>, Problem> {
    block_on(Gguf::open(Memory(bytes)))
}

#[test]
fn metadata_and_tensors_are_found_by_name() {
    let gguf = open(file()).unwrap();
    assert_eq!(gguf.metadata.text("general.architecture"), Some("qwen2"));
    assert_eq!(gguf.metadata.size("layers", 100).unwrap(), 24);
    assert_eq!(gguf.metadata.float("epsilon"), Some(0.5));
    assert_eq!(gguf.metadata.flag("flag"), Some(true));
    assert_eq!(gguf.metadata.get("kinds"), Some(&Value::Integers(vec![1, -3])));
    let Some(Value::Texts(words)) = gguf.metadata.get("words") else { panic!("no words") };
    assert_eq!(words.iter().collect::<Vec<_>>(), ["one", "", "três"]);

    assert_eq!(block_on(gguf.values("b", &[3])).unwrap(), [1.0, 2.0, -3.0]);
    let tensor = gguf.tensor("a", &[32, 2]).unwrap();
    let mut bytes = Vec::new();
    block_on(gguf.rows(tensor, 1, 1, &mut bytes)).unwrap();
    let mut values = [0.0; 32];
    gguf.format(tensor).unwrap().dequantise(&bytes, &mut values);
    assert_eq!((values[0], values[27], values[28]), (100.0, 127.0, -128.0));
}

#[test]
fn what_does_not_fit_is_an_error_that_names_it() {
    let gguf = open(file()).unwrap();
    assert!(gguf.tensor("a", &[2, 32]).unwrap_err().title.contains("tensor a has the shape [32, 2]"));
    assert!(gguf.tensor("c", &[1]).unwrap_err().title.contains("no tensor c"));
    assert!(gguf.metadata.size("layers", 10).unwrap_err().title.contains("layers is 24"));
    let mut bytes = Vec::new();
    assert!(block_on(gguf.rows(gguf.find("a").unwrap(), 1, 2, &mut bytes)).is_err());
}

#[test]
fn a_file_that_ends_early_is_refused_wherever_it_ends() {
    let whole = file();
    for length in 0..whole.len() {
        assert!(open(whole[..length].to_vec()).is_err(), "cut off at {length}");
    }
}

#[test]
fn other_versions_and_formats_are_named() {
    let mut old = file();
    old[4] = 1;
    let problem = open(old).err().unwrap();
    assert_eq!(problem.code, ProblemCode::Unsupported);
    assert!(problem.title.contains("version 1"), "{problem}");
    assert!(open(b"PK\x03\x04 something else entirely".to_vec()).is_err());

    let mut other = file();
    let at = other.windows(9).position(|w| w == b"\x01\0\0\0\0\0\0\0a").unwrap() + 9 + 4 + 16;
    other[at] = 10;
    let gguf = open(other).unwrap();
    let problem = gguf.format(gguf.find("a").unwrap()).unwrap_err();
    assert!(problem.title.contains("Tensor a is stored as Q2_K"), "{problem}");
}

proptest! {
    #[test]
    fn no_mutation_of_a_file_makes_the_reader_fail_badly(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        huge in prop::option::of((any::<prop::sample::Index>(), prop::sample::select(vec![u64::MAX, 1 << 63, 1 << 40, 1 << 20, 300])))
    ) {
        let mut bytes = file();
        for (index, byte) in edits {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if let Some((index, value)) = huge {
            let index = index.index(bytes.len() - 8);
            bytes[index..index + 8].copy_from_slice(&value.to_le_bytes());
        }
        if let Ok(gguf) = open(bytes) {
            for tensor in gguf.tensors() {
                if gguf.format(tensor).is_ok() {
                    let mut into = Vec::new();
                    block_on(gguf.rows(tensor, 0, tensor.rows(), &mut into)).unwrap();
                }
            }
        }
    }
}
