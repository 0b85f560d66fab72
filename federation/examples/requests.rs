//! Prints the requests that example arguments make, as JSON lines: what an independent validator judges
//! (`e2e/validate`). Files are named as arguments or, one a line, on the standard input.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for developers, which reads files"
)]

use std::io::BufRead;

use mtor_federation::{
    Operation, compile_at,
    example::{self, Fill},
    request,
};
use serde_json::{Map, Value, json};

/// What stands for the address of a description that names no server.
const BASE: &str = "http://localhost/";

fn main() {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let files: Vec<String> = if named.is_empty() {
        std::io::stdin().lock().lines().map_while(Result::ok).collect()
    } else {
        named
    };
    for file in files {
        let text = match std::fs::read(&file) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => {
                println!("{}", json!({"file": file, "refused": error.to_string()}));
                continue;
            }
        };
        match compile_at("example", &text, None, Some(BASE)) {
            Ok(compiled) => {
                for operation in &compiled.operations {
                    for fill in [Fill::Required, Fill::All] {
                        println!("{}", line(&file, operation, fill));
                    }
                }
                let skipped = compiled.skipped.len();
                println!(
                    "{}",
                    json!({"file": file, "operations": compiled.operations.len(), "skipped": skipped})
                );
            }
            Err(error) => println!("{}", json!({"file": file, "refused": error.to_string()})),
        }
    }
}

fn line(file: &str, operation: &Operation, fill: Fill) -> Value {
    let mut line = json!({
        "file": file,
        "operation": operation.capability.id.0,
        "method": operation.method,
        "template": operation.template,
        "fill": if fill == Fill::All { "all" } else { "required" },
    });
    let Some(args) = example::arguments(operation, fill) else {
        line["unfilled"] = json!("no example arguments fit the schema");
        return line;
    };
    match request(operation, &args) {
        Ok(request) => {
            let headers: Map<String, Value> =
                request.headers.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            line["target"] = json!(request.url.strip_prefix(&operation.server).unwrap_or(&request.url));
            line["url"] = json!(request.url);
            line["headers"] = Value::Object(headers);
            line["body"] = json!(request.body.map(|body| String::from_utf8_lossy(&body).into_owned()));
        }
        Err(error) => line["unfilled"] = json!(error.to_string()),
    }
    line
}
