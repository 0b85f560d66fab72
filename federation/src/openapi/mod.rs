//! OpenAPI 3.0 and 3.1 to the model.

pub(crate) mod names;

use serde_json::Value;

use crate::model::{CompileError, Compiled};

pub(crate) fn compile(
    _source_id: &str,
    root: &Value,
    _bytes: usize,
    _base: Option<&str>,
    warnings: Vec<String>,
) -> Result<Compiled, CompileError> {
    let title = root["info"]["title"].as_str().unwrap_or_default().to_owned();
    Ok(Compiled { title, operations: vec![], compositions: vec![], skipped: vec![], warnings, background: vec![] })
}
