//! Vision models against their authors' programs, with the real weights. `scripts/make_vision_references.py` writes the
//! fixtures. Weights that are not here are skipped with a message, and so are pictures of the shared folder.

use std::path::{Path, PathBuf};

use mtor_inference::{
    classifier,
    graph::{Graph, Network, Tensor},
    image::{Background, Picture, decode},
    models::{mobilenet, ppocr::TextReader},
    models_folder, onnx, text_reader, tfjs, thing_finder,
    weights::file::VerifiedFile,
};
use mtor_shared::{
    model::{CLASSIFIER, ModelId, TEXT_READER, THING_FINDER, find},
    problem::{Problem, ProblemCode},
    seen::{Line, sort_for_reading, writing},
};
use pollster::block_on;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

#[derive(Deserialize)]
struct Numbers {
    input: Vec<usize>,
    results: Vec<Sampled>,
}

#[derive(Deserialize)]
struct Sampled {
    shape: Vec<usize>,
    at: Vec<usize>,
    values: Vec<f32>,
    mean: f64,
}

#[derive(Deserialize)]
struct Known {
    index: usize,
    score: f32,
}

#[derive(Deserialize)]
struct Found {
    kind: usize,
    score: f32,
    sides: [f32; 4],
}

fn references<T: DeserializeOwned>(part: &str) -> T {
    let whole: Value = serde_json::from_str(include_str!("fixtures/vision_references.json")).unwrap();
    serde_json::from_value(whole[part].clone()).unwrap()
}

/// A model's file; none, with a message, where it is not here.
fn content(id: &str, name: &str) -> Option<Vec<u8>> {
    let file = find(&ModelId(id.into())).and_then(|model| model.file(name)).unwrap();
    match VerifiedFile::open(&models_folder(), file) {
        Err(problem) if problem.code == ProblemCode::NotFound => {
            eprintln!("skipped: {id} is not here; `cargo xtask models {id}` fetches it");
            None
        }
        file => Some(block_on(file.unwrap().content()).unwrap()),
    }
}

/// What was loaded; none, with a message, where its weights are not here.
fn loaded<T>(loaded: Result<T, Problem>) -> Option<T> {
    match loaded {
        Err(problem) if problem.code == ProblemCode::NotFound => {
            eprintln!("skipped: {problem}");
            None
        }
        loaded => Some(loaded.unwrap_or_else(|problem| panic!("{problem}"))),
    }
}

/// A picture of the shared folder; none, with a message, where it is not here.
fn shared(folder: &str, name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("MTOR_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let path = root.join("media").join(folder).join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not here", path.display());
        return None;
    }
    Some(path)
}

fn picture(path: &Path, background: Background) -> Picture {
    decode(&std::fs::read(path).unwrap(), background).unwrap_or_else(|problem| panic!("{problem}"))
}

/// The input of the references: smooth waves with a little unrest.
fn formula(shape: &[usize]) -> Tensor {
    let values = (0..shape.iter().product::<usize>())
        .map(|i| ((i as f64 * 0.013).sin() * 0.8 + (i as f64 * 1.7).cos() * 0.2) as f32);
    Tensor::floats(shape.to_vec(), values.collect()).unwrap()
}

/// Every kept element within `tolerance` of onnxruntime's, relative to the greatest of them.
fn computes_as_onnxruntime(graph: Graph, numbers: &Numbers, tolerance: f32) {
    let mut network = Network::new(graph).unwrap_or_else(|fault| panic!("{fault}"));
    let input = network.inputs().next().unwrap().to_owned();
    // Twice: the second run works in the memory of the first.
    for _ in 0..2 {
        let results =
            network.run(vec![(&input, formula(&numbers.input))]).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(results.len(), numbers.results.len());
        for result in results {
            let want = numbers.results.iter().find(|want| want.shape == result.shape()).unwrap();
            let got = result.as_floats().unwrap();
            let scale = want.values.iter().fold(1e-3f32, |scale, value| scale.max(value.abs()));
            for (at, want) in want.at.iter().zip(&want.values) {
                let error = (got[*at] - want).abs() / scale;
                assert!(error < tolerance, "{} instead of {want} at {at} of {:?}", got[*at], result.shape());
            }
            let mean = got.iter().map(|value| f64::from(*value)).sum::<f64>() / got.len() as f64;
            let error = (mean - want.mean).abs() / f64::from(scale);
            assert!(
                error < f64::from(tolerance),
                "mean {mean} instead of {} of {:?}",
                want.mean,
                result.shape()
            );
            network.recycle(result);
        }
    }
}

fn numbers(name: &str) -> Numbers {
    let mut all: std::collections::HashMap<String, Numbers> = references("numbers");
    all.remove(name).unwrap()
}

#[test]
fn text_networks_compute_as_onnxruntime_does() {
    for name in ["detector", "upright", "recogniser"] {
        let Some(file) = content(TEXT_READER, &format!("{name}.onnx")) else { return };
        computes_as_onnxruntime(onnx::read(&file).unwrap().graph, &numbers(name), 2e-4);
    }
}

#[test]
fn the_classifier_computes_as_onnxruntime_does() {
    let Some(file) = content(CLASSIFIER, "model.pth") else { return };
    computes_as_onnxruntime(mobilenet::graph(&file).unwrap(), &numbers("classifier"), 2e-4);
}

#[test]
fn the_finder_computes_as_onnxruntime_does() {
    let (Some(json), Some(weights)) =
        (content(THING_FINDER, "model.json"), content(THING_FINDER, "model.bin"))
    else {
        return;
    };
    computes_as_onnxruntime(tfjs::read(&json, &weights).unwrap(), &numbers("finder"), 2e-4);
}

/// Edits from one text to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let edit = (corner + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], edit);
        }
    }
    row[b.len()]
}

/// Characters of the reference, and edits to it; prints where the two differ.
fn compare(reader: &mut TextReader, path: &Path, want: &[Line]) -> (usize, usize) {
    let lines = reader.read(&picture(path, Background::Contrast)).unwrap();
    // The reference sorts by the distance of tops; what is compared is how lines are read.
    let mut sorted = want.to_vec();
    sort_for_reading(&mut sorted);
    let (got, wanted) = (writing(&lines), writing(&sorted));
    let edits = distance(&got, &wanted);
    eprintln!(
        "{}: {edits} edits of {} characters, {} lines",
        path.display(),
        wanted.chars().count(),
        lines.len()
    );
    if edits > 0 {
        eprintln!("  here:      {got:?}\n  reference: {wanted:?}");
    }
    // Lines that say the same lie at the same place.
    for line in &lines {
        let Some(want) = want.iter().find(|want| want.text == line.text) else { continue };
        if lines.iter().filter(|other| other.text == line.text).count() > 1 {
            continue;
        }
        for (got, want) in line.corners.iter().zip(&want.corners) {
            let away = (got[0] - want[0]).abs().max((got[1] - want[1]).abs());
            assert!(away <= 4.0, "{:?} is at {:?} instead of {:?}", line.text, line.corners, want);
        }
    }
    (wanted.chars().count(), edits)
}

#[test]
fn drawn_writing_is_read_as_rapidocr_reads_it() {
    let Some(mut reader) = loaded(block_on(text_reader(&models_folder()))) else { return };
    let references: std::collections::HashMap<String, Vec<Line>> = references("ocr");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures");
    for name in ["invoice.png", "tilted.png", "upwards.png"] {
        let (_, edits) = compare(&mut reader, &folder.join(name), &references[name]);
        assert_eq!(edits, 0, "{name}");
    }
}

#[test]
fn pictures_of_pages_are_read_as_rapidocr_reads_them() {
    let Some(mut reader) = loaded(block_on(text_reader(&models_folder()))) else { return };
    let references: std::collections::BTreeMap<String, Vec<Line>> = references("ocr");
    let (mut characters, mut edits) = (0, 0);
    for (name, want) in &references {
        let is_drawn = ["invoice.png", "tilted.png", "upwards.png"].contains(&name.as_str());
        if is_drawn {
            continue;
        }
        let Some(path) = shared("ocr", name) else { continue };
        let (more, wrong) = compare(&mut reader, &path, want);
        characters += more;
        edits += wrong;
    }
    assert!(edits * 100 <= characters, "{edits} of {characters} characters differ from RapidOCR's");
}

#[test]
fn a_picture_without_writing_gives_none() {
    let Some(mut reader) = loaded(block_on(text_reader(&models_folder()))) else { return };
    for (width, height) in [(200, 100), (1, 1), (3000, 2), (2, 900)] {
        let lines = reader.read(&Picture::filled(width, height, [200; 3])).unwrap();
        assert_eq!(lines, [], "{width} x {height}");
    }
}

#[test]
fn photos_are_named_as_onnxruntime_names_them() {
    let Some(mut classifier) = loaded(block_on(classifier(&models_folder()))) else { return };
    let references: std::collections::BTreeMap<String, Vec<Known>> = references("classify");
    for (name, want) in references {
        let Some(path) = shared("photos", &name) else { continue };
        let got = classifier.classify(&picture(&path, Background::White), 5).unwrap();
        let (got_order, want_order): (Vec<usize>, Vec<usize>) = (
            got.iter().map(|label| label.index).collect(),
            want[..5].iter().map(|known| known.index).collect(),
        );
        eprintln!("{name}: {} ({:.3}, {:.3} in the reference)", got[0].name, got[0].score, want[0].score);
        assert_eq!(got_order, want_order, "{name}");
        for (got, want) in got.iter().zip(&want) {
            assert!(
                (got.score - want.score).abs() < 0.02,
                "{name}: {} has {} instead of {}",
                got.name,
                got.score,
                want.score
            );
        }
    }
}

#[test]
fn things_are_found_where_the_reference_finds_them() {
    let Some(mut finder) = loaded(block_on(thing_finder(&models_folder()))) else { return };
    let names: Vec<&str> = include_str!("../src/models/nanodet/labels.txt").lines().collect();
    let references: std::collections::BTreeMap<String, Vec<Found>> = references("detect");
    for (name, want) in references {
        let Some(path) = shared("photos", &name) else { continue };
        // Scores move a little with the decoder of JPEG: what is near the threshold may come or go.
        let got = finder.find(&picture(&path, Background::White), 0.37).unwrap();
        for want in &want {
            let same = got.iter().find(|thing| {
                let sides = [thing.left, thing.top, thing.left + thing.width, thing.top + thing.height];
                let away = sides.iter().zip(&want.sides).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                thing.name == names[want.kind] && (thing.score - want.score).abs() < 0.03 && away < 8.0
            });
            assert!(same.is_some(), "{name}: no {} at {:?} among {got:?}", names[want.kind], want.sides);
        }
        for thing in got.iter().filter(|thing| thing.score >= 0.43) {
            assert!(
                want.iter().any(|want| names[want.kind] == thing.name),
                "{name}: {thing:?} is not in the reference"
            );
        }
    }
}
