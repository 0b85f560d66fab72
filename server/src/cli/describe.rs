//! `mtor operations` and `mtor request`: what an API description becomes, without calling anybody.

use std::path::Path;

use mtor_federation::Compiled;
use serde_json::{Map, Value, json};

use super::{Mistake, print_line};

fn compile(spec: &Path) -> Result<Compiled, Mistake> {
    let shown = spec.display();
    let bytes = std::fs::read(spec).map_err(|error| Mistake(format!("{shown} cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        Mistake(format!("{shown} is not text: byte {}", error.utf8_error().valid_up_to()))
    })?;
    mtor_federation::compile("spec", &text, None)
        .map_err(|error| Mistake(format!("{shown} does not compile: {error}")))
}

pub(super) fn operations(spec: &Path) -> Result<(), Mistake> {
    for operation in compile(spec)?.operations {
        let id = operation.capability.id.0;
        let id = id.split_once('/').map_or(id.as_str(), |(_, own)| own);
        print_line(&json!({
            "id": id,
            "method": operation.method,
            "path": operation.template,
            "title": operation.capability.title,
            "input_schema": operation.capability.input,
            "output_schema": operation.capability.output,
        }))?;
    }
    Ok(())
}

pub(super) fn request(spec: &Path, operation: &str, args: &str) -> Result<(), Mistake> {
    let args: Map<String, Value> = serde_json::from_str(args)
        .map_err(|error| Mistake(format!("--args is not a JSON object: {error}")))?;
    let compiled = compile(spec)?;
    let Some(operation) = compiled.find(operation) else {
        return Err(Mistake(format!(
            "{} has no operation {operation}; `mtor operations --spec {}` lists them",
            spec.display(),
            spec.display()
        )));
    };
    let request = mtor_federation::request(operation, &args)?;
    let headers: Map<String, Value> =
        request.headers.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    // Bodies are text in every encoding that is written; anything else would be shown with replacements.
    let body = request.body.map(|body| String::from_utf8_lossy(&body).into_owned());
    print_line(&json!({"method": request.method, "url": request.url, "headers": headers, "body": body}))
}
