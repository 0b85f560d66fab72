//! Published descriptions, where they are at hand: `MTOR_SHARED` names a folder with `apis` in it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use mtor_federation::{CompileError, Input, visit};
use serde_json::Value;

/// Schemas of every so manieth operation are held against JSON Schema's own description.
const CHECKED: usize = 40;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if path.is_dir() {
            files(&path, found);
        } else if ["json", "yaml", "yml", "graphql", "graphqls", "gql"].contains(&extension) {
            found.push(path);
        }
    }
}

/// What came of the files of one format.
#[derive(Default)]
struct Sum {
    files: usize,
    bytes: usize,
    operations: usize,
    skipped: usize,
    seconds: f64,
}

#[test]
fn published_descriptions_become_capabilities() {
    let Some(shared) = std::env::var_os("MTOR_SHARED") else {
        println!("skipped: MTOR_SHARED names no folder with apis in it");
        return;
    };
    let mut paths = Vec::new();
    files(&Path::new(&shared).join("apis"), &mut paths);
    paths.sort();
    if paths.is_empty() {
        println!("skipped: there are no descriptions under {}", Path::new(&shared).display());
        return;
    }
    let verbose = std::env::var_os("MTOR_CORPUS_VERBOSE").is_some();
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    let (mut refused, mut other, mut seen) = (0, 0, 0_usize);
    let others = BTreeMap::new();
    for path in paths {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let input = Input {
            source_id: "corpus",
            document: &text,
            overlay: None,
            base: Some("https://corpus.test/"),
            location: None,
            others: &others,
        };
        let (mut operations, mut schemas, mut invalid) = (0, 0, Vec::new());
        let began = Instant::now();
        let mut checking = 0.0;
        let result = visit(&input, &mut |found| {
            operations += 1;
            seen += 1;
            schemas += found.input.json_len() + found.output.json_len();
            if seen.is_multiple_of(CHECKED) {
                let began = Instant::now();
                for shape in [&found.input, &found.output] {
                    let schema: Value = serde_json::to_value(shape).expect("writes");
                    assert_eq!(schema.to_string().len(), shape.json_len());
                    if !jsonschema::draft202012::meta::is_valid(&schema) {
                        invalid.push(found.operation.capability.id.0.clone());
                    }
                }
                checking += began.elapsed().as_secs_f64();
            }
        });
        let seconds = began.elapsed().as_secs_f64() - checking;
        match result {
            Ok(compiled) => {
                assert_eq!(invalid, Vec::<String>::new(), "{}", path.display());
                assert!(schemas <= 4 * text.len(), "{}: {schemas} of {}", path.display(), text.len());
                let sum = sums.entry(compiled.format).or_default();
                sum.files += 1;
                sum.bytes += text.len();
                sum.operations += operations;
                sum.skipped += compiled.skipped.len();
                sum.seconds += seconds;
                if verbose {
                    for s in &compiled.skipped {
                        println!("{}: {} {}: {}", path.display(), s.operation, s.pointer, s.reason);
                    }
                }
            }
            Err(CompileError::Format(_)) => other += 1,
            Err(error) => {
                refused += 1;
                println!("{}: {error}", path.display());
            }
        }
    }
    for (format, Sum { files, bytes, operations, skipped, seconds }) in &sums {
        println!(
            "{format}: {files} files, {operations} operations, {skipped} skipped, {:.1} MB in {seconds:.1} s",
            *bytes as f64 / 1e6
        );
    }
    println!("{refused} cannot be read, {other} are something else");
    let total = |of: fn(&Sum) -> usize| sums.values().map(of).sum::<usize>();
    assert!(total(|sum| sum.files) > 50 * refused, "too many are refused");
    assert!(total(|sum| sum.operations) > 50 * total(|sum| sum.skipped), "too many operations are skipped");
}
