//! `mtor operations` and `mtor request`: what an API description becomes, without calling anybody.

use std::{
    io::{BufWriter, Write},
    path::Path,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use mtor_federation::{Operation, Requirement};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Mistake, print_line, spec::Spec};

/// The part of a capability's id that its description gives it.
pub(super) fn own_id(operation: &Operation) -> &str {
    let id = operation.capability.id.0.as_str();
    id.split_once('/').map_or(id, |(_, own)| own)
}

#[derive(Serialize)]
struct Line<'a, I, O> {
    id: &'a str,
    method: &'a str,
    path: &'a str,
    title: &'a str,
    /// Absolute address that the path is appended to.
    server: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    /// Alternatives of security schemes, one of which has to be met; each names all of its schemes.
    security: &'a [Requirement],
    input_schema: I,
    output_schema: O,
}

pub(super) fn operations(path: &Path) -> Result<(), Mistake> {
    let mut lines: Vec<u8> = Vec::new();
    Spec::open(path, None)?
        .compile("spec", |input| {
            lines.clear();
            mtor_federation::visit(input, &mut |found| {
                let operation = &found.operation;
                let line = Line {
                    id: own_id(operation),
                    method: &operation.method,
                    path: &operation.template,
                    title: &operation.capability.title,
                    server: &operation.server,
                    tags: &operation.tags,
                    security: &operation.security,
                    input_schema: &found.input,
                    output_schema: &found.output,
                };
                // Into memory, and names are texts: there is nothing that can fail.
                let _ = serde_json::to_writer(&mut lines, &line);
                lines.push(b'\n');
            })
        })
        .map_err(|error| Mistake(format!("{} does not compile: {error}", path.display())))?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    out.write_all(&lines)?;
    out.flush()?;
    Ok(())
}

pub(super) fn request(path: &Path, operation: &str, args: &str) -> Result<(), Mistake> {
    let args: Map<String, Value> = serde_json::from_str(args)
        .map_err(|error| Mistake(format!("--args is not a JSON object: {error}")))?;
    let compiled = Spec::open(path, None)?
        .compile("spec", mtor_federation::compile_input)
        .map_err(|error| Mistake(format!("{} does not compile: {error}", path.display())))?;
    let Some(operation) = compiled.find(operation) else {
        return Err(Mistake(format!(
            "{} has no operation {operation}; `mtor operations --spec {}` lists them",
            path.display(),
            path.display()
        )));
    };
    let request = mtor_federation::request(operation, &args)?;
    let headers: Map<String, Value> =
        request.headers.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    let mut line = json!({"method": request.method, "url": request.url, "headers": headers, "body": null});
    match request.body.map(String::from_utf8) {
        Some(Ok(text)) => line["body"] = Value::String(text),
        // Bytes that are no text; JSON carries them in no other way.
        Some(Err(bytes)) => line["body_base64"] = Value::String(BASE64_STANDARD.encode(bytes.as_bytes())),
        None => {}
    }
    print_line(&line)
}
