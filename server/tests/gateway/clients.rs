//! The official clients, unchanged. `e2e/gateway/clients.sh` installs them and says where they are.

use std::path::PathBuf;

use crate::realm::{Realm, one, upstream};

/// Runs a client's script in a process of its own, against a realm with a stand-in behind it.
async fn run(program: &str, script: &str) {
    let Some(folder) = std::env::var_os("CLIENTS_FOLDER").map(PathBuf::from) else {
        eprintln!(
            "skipped: the official clients are not installed; e2e/gateway/clients.sh installs and runs them"
        );
        return;
    };
    let a = upstream("a").await;
    let realm = Realm::start(&one(&a, "")).await;
    let key = realm.key(serde_json::json!({"scopes": ["models", "runs"]})).await;
    let program = if program == "python" { folder.join("venv/bin/python") } else { PathBuf::from(program) };
    let mut command = std::process::Command::new(program);
    command.arg(folder.join(script)).current_dir(&folder).env("BASE_URL", &realm.base).env("API_KEY", key);
    let output =
        tokio::task::spawn_blocking(move || command.output()).await.expect("a thread").expect("runs");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    eprintln!("{}", text.trim());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_clients_openai_for_python_works_unchanged() {
    run("python", "client.py").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_clients_openai_for_javascript_works_unchanged() {
    run("node", "client.mjs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_clients_mcp_for_python_works_unchanged() {
    run("python", "mcp_client.py").await;
}
