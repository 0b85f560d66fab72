//! The realm's own description is made from its handlers; a change of the surface shows up here.

use mtor::router::openapi_document;

#[test]
fn the_description_is_the_one_that_was_reviewed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/openapi.json");
    let now = serde_json::to_string_pretty(&openapi_document()).expect("JSON") + "\n";
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &now).expect("written");
    }
    let reviewed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        now == reviewed,
        "the surface has changed; UPDATE_SNAPSHOTS=1 cargo test writes it anew for review"
    );
}

#[test]
fn our_own_compiler_reads_it() {
    let document = serde_json::to_string(&openapi_document()).expect("JSON");
    let compiled = mtor_federation::compile_at("realm", &document, None, Some("https://realm.example/"))
        .expect("compiles");
    for id in ["list", "start", "follow", "stop"] {
        assert!(compiled.find(id).is_some(), "{id}: {:?}", compiled.skipped);
    }
}
