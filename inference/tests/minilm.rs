//! MiniLM against onnxruntime, with the real weights. `scripts/make_minilm_references.py` writes the fixtures.

use mtor_inference::{
    Embedder, models::minilm::config::TOKEN_LIMIT, models_folder, tokenizer::BertTokenizer,
    weights::file::VerifiedFile,
};
#[cfg(feature = "gpu")]
use mtor_shared::problem::ProblemCode;
use mtor_shared::{
    engine::BackendPreference,
    model::{EMBEDDER, ModelId, find},
};
use pollster::block_on;
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    text: String,
    vector: Vec<f32>,
}

#[derive(Deserialize)]
struct Tokens {
    text: String,
    ids: Vec<u32>,
}

fn references() -> Vec<Reference> {
    serde_json::from_str(include_str!("fixtures/minilm_references.json")).expect("the fixture is valid")
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn assert_equal(references: &[Reference], vectors: &[Vec<f32>]) {
    assert_eq!(references.len(), vectors.len());
    for (reference, vector) in references.iter().zip(vectors) {
        let cosine = cosine(&reference.vector, vector);
        assert!(cosine >= 0.9999, "cosine {cosine} for {:?}", reference.text);
        let length: f32 = vector.iter().map(|v| v * v).sum();
        assert!((length - 1.0).abs() < 1e-5, "length² {length} for {:?}", reference.text);
    }
}

#[test]
fn vectors_on_the_cpu_equal_onnxruntime() {
    let references = references();
    let mut embedder = block_on(Embedder::load(&models_folder(), BackendPreference::Cpu))
        .unwrap_or_else(|problem| panic!("{problem}"));
    let texts: Vec<&str> = references.iter().map(|reference| reference.text.as_str()).collect();

    let together = block_on(embedder.embed(&texts)).unwrap();
    assert_equal(&references, &together);

    for (text, batched) in texts.iter().zip(&together) {
        let alone = block_on(embedder.embed(&[text])).unwrap();
        assert!(cosine(&alone[0], batched) > 0.999_999, "a batch changes {text:?}");
    }
}

/// For machines with a graphics adapter: `cargo test --release -p mtor-inference --features gpu`. Elsewhere the same
/// graph is tested in the browser, on its software adapter.
#[cfg(feature = "gpu")]
#[test]
fn vectors_on_the_gpu_equal_onnxruntime() {
    let references = references();
    let mut embedder = match block_on(Embedder::load(&models_folder(), BackendPreference::Gpu)) {
        Ok(embedder) => embedder,
        Err(problem) if problem.code == ProblemCode::Unsupported => return,
        Err(problem) => panic!("{problem}"),
    };
    let texts: Vec<&str> = references.iter().map(|reference| reference.text.as_str()).collect();
    assert_equal(&references, &block_on(embedder.embed(&texts)).unwrap());
}

#[test]
fn token_ids_equal_those_of_the_reference_tokenizer() {
    let cases: Vec<Tokens> = serde_json::from_str(include_str!("fixtures/minilm_tokens.json")).unwrap();
    assert_eq!(cases.len(), 200);
    let file = find(&ModelId(EMBEDDER.into())).and_then(|model| model.file("tokenizer.json")).unwrap();
    let file = VerifiedFile::open(&models_folder(), file).unwrap_or_else(|problem| panic!("{problem}"));
    let tokenizer = BertTokenizer::new(&block_on(file.content()).unwrap(), TOKEN_LIMIT).unwrap();
    for case in cases {
        assert_eq!(tokenizer.ids(&case.text).unwrap(), case.ids, "{:?}", case.text);
        assert!(case.ids.len() <= TOKEN_LIMIT);
    }
}

#[test]
fn missing_weights_say_how_to_get_them() {
    let folder = std::path::Path::new("/nonexistent");
    let problem =
        block_on(Embedder::load(folder, BackendPreference::Cpu)).err().expect("there is nothing to load");
    assert!(problem.to_string().contains("cargo xtask models"), "{problem}");
}
