//! What has to hold for any bytes: shared by the fuzz targets and by `tests/seeds.rs`.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a part of tests"
)]

use std::sync::LazyLock;

use mtor_federation::{
    Compiled, HttpRequest, Operation, compile_at,
    example::{self, Fill},
    request as make, response,
};
use serde_json::{Map, Value, json};
use url::Url;

/// Operations whose schemas are checked, and that are called: enough to find what is wrong, few enough to be fast.
const CHECKED: usize = 12;
/// All schemas of a description may have four times its bytes, or this many; and a little more for what is not counted.
const FLOOR_BYTES: usize = 1024 * 1024;

/// A description in JSON or YAML.
pub fn openapi(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(compiled) = compile_at("fuzz", text, None, Some("https://base.test/v1/openapi.json")) {
        holds(&compiled, text.len());
    }
    // The same bytes as an overlay.
    let _ =
        compile_at("fuzz", "{\"openapi\": \"3.1.0\", \"paths\": {\"/a\": {\"get\": {}}}}", Some(text), None);
}

/// A schema in SDL, or the answer to an introspection query.
pub fn graphql(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(compiled) = compile_at("fuzz", text, None, Some("https://base.test/graphql")) {
        holds(&compiled, text.len());
    }
}

/// Text that is read as YAML: what begins like JSON gets a comment before it.
pub fn yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let text = format!("# yaml\n{text}");
    if let Ok(compiled) = compile_at("fuzz", &text, None, None) {
        holds(&compiled, text.len());
    }
}

static CALLED: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    [include_str!("seeds/openapi/styles.yaml"), include_str!("seeds/graphql/shop.graphql")]
        .into_iter()
        .flat_map(|text| {
            compile_at("fuzz", text, None, Some("https://base.test/v1/")).expect("a seed compiles").operations
        })
        .collect()
});

/// Arguments as JSON, or texts between zero bytes, for the operation that the first byte names. What follows the byte 1
/// is an answer.
pub fn request(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let Some(operation) = CALLED.get(usize::from(*first) % CALLED.len().max(1)) else { return };
    let mut parts = rest.splitn(2, |byte| *byte == 1);
    let args = parts.next().unwrap_or_default();
    let answer = parts.next().unwrap_or_default();
    let _ = response(operation, 200, Some("application/json"), answer);
    let _ = response(operation, 400, Some("text/plain"), answer);
    let given = match serde_json::from_slice(args) {
        Ok(Value::Object(args)) => args,
        _ => {
            let texts = args.split(|byte| *byte == 0).map(|text| json!(String::from_utf8_lossy(text)));
            let names = operation.capability.input["properties"].as_object().into_iter().flatten();
            names.map(|(name, _)| name.clone()).zip(texts).collect()
        }
    };
    call(operation, &given);
}

fn holds(compiled: &Compiled, bytes: usize) {
    let total: usize = compiled
        .operations
        .iter()
        .map(|o| o.capability.input.to_string().len() + o.capability.output.to_string().len())
        .sum();
    // Each operation has a little of its own, whatever the description says.
    let most = (bytes * 4).max(FLOOR_BYTES) * 5 / 4 + compiled.operations.len() * 512;
    assert!(total <= most, "{bytes} bytes became {total} bytes of schemas");
    for skipped in &compiled.skipped {
        assert!(!skipped.reason.is_empty() && !skipped.operation.is_empty(), "{skipped:?}");
    }
    for operation in compiled.operations.iter().take(CHECKED) {
        for schema in [&operation.capability.input, &operation.capability.output] {
            if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
                panic!("{}: {error}: {schema}", operation.capability.id);
            }
        }
        call(operation, &Map::new());
        for fill in [Fill::Required, Fill::All] {
            if let Some(args) = example::arguments(operation, fill) {
                call(operation, &args);
            }
        }
    }
}

/// Whatever the arguments are, a request stays where the description sends it.
fn call(operation: &Operation, args: &Map<String, Value>) {
    let Ok(request) = make(operation, args) else { return };
    let server = Url::parse(&operation.server).expect("a server is an address");
    let url = Url::parse(&request.url).expect("a request has an address");
    assert_eq!(url.origin(), server.origin(), "{}", request.url);
    assert!(request.url.starts_with(&operation.server), "{} leaves {}", request.url, operation.server);
    assert_eq!(url.as_str(), request.url, "the address changes when it is read");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{url}");
    let here = |path: &str| path.split('/').all(|segment| !matches!(segment, "." | ".." | "%2e" | "%2E"));
    assert!(here(url.path()), "{url}");
    headers(&request);
}

fn headers(request: &HttpRequest) {
    for (name, value) in &request.headers {
        let lower = name.to_ascii_lowercase();
        assert!(
            !["host", "content-length", "transfer-encoding", "connection"].contains(&lower.as_str()),
            "{name}"
        );
        assert!(!name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':'), "{name:?}");
        assert!(!value.bytes().any(|b| b < 0x20 && b != b'\t' || b == 0x7f), "{value:?}");
    }
}
