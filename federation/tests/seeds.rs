//! What fuzzing starts from and what it found, by the same properties (`fuzz/properties.rs`).

#[path = "../fuzz/properties.rs"]
mod properties;

use std::{fs, path::Path};

fn run(target: &str, property: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut paths: Vec<_> =
        fs::read_dir(&folder).expect("seeds").map(|entry| entry.expect("a seed").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    for path in paths {
        // Shown only when the test fails.
        println!("{}", path.display());
        property(&fs::read(&path).expect("a seed"));
    }
}

#[test]
fn openapi_seeds_hold() {
    run("openapi", properties::openapi);
}

#[test]
fn graphql_seeds_hold() {
    run("graphql", properties::graphql);
}

#[test]
fn yaml_seeds_hold() {
    run("yaml", properties::yaml);
}

#[test]
fn request_seeds_hold() {
    run("request", properties::request);
}

#[test]
fn every_front_end_stands_seeds_cut_anywhere() {
    for (target, property) in
        [("openapi", properties::openapi as fn(&[u8])), ("graphql", properties::graphql)]
    {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
        for entry in fs::read_dir(&folder).expect("seeds") {
            let bytes = fs::read(entry.expect("a seed").path()).expect("a seed");
            for end in (0..bytes.len()).step_by(97) {
                property(&bytes[..end]);
            }
        }
    }
}
