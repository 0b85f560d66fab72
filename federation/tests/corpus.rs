//! Published descriptions, where they are at hand: `MTOR_SHARED` names a folder with `apis/openapi` in it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use mtor_federation::{CompileError, compile_at};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "json" || e == "yaml" || e == "yml") {
            found.push(path);
        }
    }
}

#[test]
fn published_descriptions_are_accepted_or_refused_by_reason() {
    let Some(shared) = std::env::var_os("MTOR_SHARED") else {
        println!("skipped: MTOR_SHARED names no folder with apis/openapi in it");
        return;
    };
    let mut paths = Vec::new();
    files(&Path::new(&shared).join("apis/openapi"), &mut paths);
    paths.sort();
    if paths.is_empty() {
        println!("skipped: there are no descriptions under {}", Path::new(&shared).display());
        return;
    }
    let verbose = std::env::var_os("MTOR_CORPUS_VERBOSE").is_some();
    let (mut taken, mut refused, mut other, mut bytes, mut operations, mut skipped) = (0, 0, 0, 0, 0, 0);
    let mut slowest = (0.0, PathBuf::new());
    let mut largest = (0.0, PathBuf::new());
    let started = Instant::now();
    for path in paths {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let began = Instant::now();
        let result = compile_at("corpus", &text, None, Some("https://corpus.test/"));
        let seconds = began.elapsed().as_secs_f64();
        if seconds > slowest.0 {
            slowest = (seconds, path.clone());
        }
        match result {
            Ok(compiled) => {
                let schemas: usize = compiled
                    .operations
                    .iter()
                    .map(|o| o.capability.input.to_string().len() + o.capability.output.to_string().len())
                    .sum();
                let growth = schemas as f64 / text.len().max(256 * 1024) as f64;
                if growth > largest.0 {
                    largest = (growth, path.clone());
                }
                taken += 1;
                bytes += text.len();
                operations += compiled.operations.len();
                skipped += compiled.skipped.len();
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
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{taken} descriptions taken, {refused} refused, {other} of other formats; {operations} operations, {skipped} \
         skipped; {:.1} MB in {seconds:.1} s; slowest {:.1} s {}; most growth {:.1}x {}",
        bytes as f64 / 1e6,
        slowest.0,
        slowest.1.display(),
        largest.0,
        largest.1.display()
    );
    assert!(taken > 0 && taken > 20 * refused, "too many are refused");
    assert!(operations > 20 * skipped, "too many operations are skipped");
}
