//! Mistakes of the person who starts the realm: code 2 and one message, never a panic.

use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

fn mtor(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mtor")).args(arguments).env_clear().output().expect("runs")
}

fn complaint(arguments: &[&str]) -> String {
    let output = mtor(arguments);
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(!text.contains("panicked") && !text.contains("backtrace"), "{text}");
    text
}

fn serve(data: &Path, listen: &str) -> String {
    complaint(&["serve", "--data", &data.display().to_string(), "--listen", listen])
}

#[test]
fn every_mistake_of_a_file_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mtor.toml");
    std::fs::write(&file, "listn = \"127.0.0.1:1\"\n[limits]\nbody_bytes = \"lots\"\n").expect("written");
    let text = complaint(&["serve", "--config", &file.display().to_string()]);
    assert!(text.contains("2 mistakes"), "{text}");
    assert!(text.contains("line 1: listn is not a setting; did you mean listen?"), "{text}");
    assert!(
        text.contains("line 3: limits.body_bytes = \"lots\" is not valid; it must be a whole number"),
        "{text}"
    );
}

#[test]
fn a_port_in_use_is_named_with_a_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address");
    let text = serve(folder.path(), &address.to_string());
    assert!(text.contains(&format!("Port {} is in use", address.port())), "{text}");
    assert!(text.contains("--listen"), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("read").count(), 0, "nothing was touched");
}

#[test]
fn a_data_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let text = serve(&file.join("data"), "127.0.0.1:0");
    assert!(text.contains("is not writable") && text.contains("--data"), "{text}");
    // Nobody may write here, not even an administrator.
    #[cfg(target_os = "linux")]
    assert!(serve(Path::new("/proc/mtor"), "127.0.0.1:0").contains("is not writable"));
}

#[test]
fn a_data_folder_with_something_else_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("realm.sqlite"), "not a database".repeat(100)).expect("written");
    assert!(serve(folder.path(), "127.0.0.1:0").contains("cannot be used"));
}

#[test]
fn a_description_becomes_operations_and_requests() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("api.yaml");
    std::fs::write(
        &file,
        "openapi: 3.1.0\ninfo: {title: T, version: '1'}\nservers: [{url: https://api.example/v1}]\npaths:\n  /pets/{id}:\n    \
         get:\n      operationId: getPet\n      parameters:\n        - {name: id, in: path, required: true, schema: \
         {type: string}}\n      responses: {'200': {description: ok, content: {application/json: {schema: {type: \
         object}}}}}\n",
    )
    .expect("written");
    let spec = file.display().to_string();
    let listed = mtor(&["operations", "--spec", &spec]);
    let line: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("one line");
    assert!(line["input_schema"]["properties"]["id"].is_object(), "{line}");
    let id = line["id"].as_str().expect("an id").to_owned();
    let request = |args: &str| mtor(&["request", "--spec", &spec, "--operation", &id, "--args", args]);
    let made: serde_json::Value =
        serde_json::from_slice(&request("{\"id\": \"a/../b?c\"}").stdout).expect("one line");
    assert_eq!(made["method"], "GET");
    assert_eq!(made["url"], "https://api.example/v1/pets/a%2F..%2Fb%3Fc");
    assert_eq!(made["body"], serde_json::Value::Null);
    for wrong in ["{}", "[]", "nonsense"] {
        assert_eq!(request(wrong).status.code(), Some(2), "{wrong}");
    }
    assert_eq!(mtor(&["operations", "--spec", "/nowhere"]).status.code(), Some(2));
}
