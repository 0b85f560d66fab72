//! `upstream --listen 127.0.0.1:0`: the providers' stand-in as a process, for development and browser tests. It prints
//! its address as a JSON line and answers until it is ended.

#![allow(clippy::print_stdout, missing_docs, reason = "a test tool: its output is its interface")]

#[path = "../tests/support/upstream.rs"]
mod upstream;

use std::{
    io::{Error, ErrorKind, Write},
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::net::TcpListener;

fn listen() -> Result<SocketAddr, String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Ok(SocketAddr::from(([127, 0, 0, 1], 0))),
        ["--listen", address] => address.parse().map_err(|error| format!("--listen {address}: {error}")),
        _ => Err("usage: upstream [--listen 127.0.0.1:PORT]".to_owned()),
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener =
        TcpListener::bind(listen().map_err(|what| Error::new(ErrorKind::InvalidInput, what))?).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::other)?.as_secs();
    println!("{}", serde_json::json!({"address": listener.local_addr()?.to_string()}));
    std::io::stdout().flush()?;
    upstream::serve(listener, now).await
}
