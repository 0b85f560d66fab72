//! The decoder on the GPU against the decoder on the CPU, on the real weights. Skipped, with a message, where there is
//! no adapter: a browser test computes the same on WebGPU.
#![cfg(feature = "gpu")]

use mtor_inference::{
    device::{self, Target},
    models::decoder::{Decoder, Logits},
    models_folder,
    weights::{Gguf, file::VerifiedFile},
};
use mtor_shared::{
    engine::BackendPreference,
    model::{CHAT, ModelId, find},
    problem::ProblemCode,
};
use pollster::block_on;

/// Both decoders of a model; none, with a message, where the weights or a GPU are missing.
fn both(id: &str) -> Option<(Decoder, Decoder)> {
    let gpu = match block_on(device::choose(BackendPreference::Gpu)) {
        Ok(choice) => choice.target,
        Err(problem) => {
            eprintln!("skipped: {problem}");
            return None;
        }
    };
    let file = find(&ModelId(id.into())).and_then(|model| model.file("model.gguf")).unwrap();
    let file = match VerifiedFile::open(&models_folder(), file) {
        Err(problem) if problem.code == ProblemCode::NotFound => {
            eprintln!("skipped: {id} is not here; `cargo xtask models {id}` fetches it");
            return None;
        }
        file => block_on(Gguf::open(file.unwrap())).unwrap(),
    };
    let load = |target| block_on(Decoder::load(&file, target, |_| {})).unwrap();
    Some((load(&Target::Kernels), load(&gpu)))
}

fn all(logits: Logits<'_>) -> Vec<f32> {
    logits.iter().map(|(_, logit)| logit).collect()
}

/// The id of the best logit, and how far the next one is behind.
fn best(logits: &[f32]) -> (usize, f32) {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
    (order[0], logits[order[0]] - logits[order[1]])
}

fn assert_close(want: &[f32], got: &[f32], what: &str) {
    let worst = want.iter().zip(got).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    eprintln!("{what}: logits differ by {worst} at most");
    assert!(worst < 0.03, "{what}: {worst}");
}

/// A prompt in one pass, a longer one in two, single tokens, going back, and the choice of candidates.
fn computes_the_same(id: &str) {
    let Some((mut cpu, mut gpu)) = both(id) else { return };
    let ids: Vec<u32> = (0..75u32).map(|i| 1000 + i * i * 37 % 9973).collect();
    let want = all(block_on(cpu.advance(&ids[..11], false)).unwrap());
    let got = all(block_on(gpu.advance(&ids[..11], false)).unwrap());
    assert_close(&want, &got, "11 tokens");
    for id in &ids[11..14] {
        let want = all(block_on(cpu.advance(&[*id], false)).unwrap());
        let got = all(block_on(gpu.advance(&[*id], false)).unwrap());
        assert_close(&want, &got, "one token");
    }
    let (cpu_, gpu_) = (&mut cpu, &mut gpu);
    cpu_.rewind(5);
    gpu_.rewind(5);
    block_on(cpu_.read(&ids[5..60])).unwrap();
    block_on(gpu_.read(&ids[5..60])).unwrap();
    let want = all(block_on(cpu_.advance(&ids[60..], false)).unwrap());
    let got: Vec<(u32, f32)> = block_on(gpu_.advance(&ids[60..], true)).unwrap().iter().collect();
    assert_eq!(got.len(), 64);
    assert_eq!(got[0].0 as usize, best(&want).0);
    for (id, logit) in &got {
        assert!((logit - want[*id as usize]).abs() < 0.03, "{id}: {logit} {}", want[*id as usize]);
    }
    let least = got.iter().map(|(_, logit)| *logit).fold(f32::INFINITY, f32::min);
    let better = want.iter().filter(|logit| **logit > least + 0.06).count();
    assert!(better <= 64, "{better} are better than the worst candidate");
    assert!(got.is_sorted_by(|a, b| a.1 >= b.1));
    assert_eq!(device::fault(), None);
    eprintln!("{} dispatches a token", gpu.dispatches().unwrap());
}

#[test]
fn qwen_on_the_gpu_computes_what_the_cpu_computes() {
    computes_the_same(CHAT);
}

#[test]
fn gemma_on_the_gpu_computes_what_the_cpu_computes() {
    computes_the_same("gemma-3-270m");
}
