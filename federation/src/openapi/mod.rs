//! OpenAPI 3.0 and 3.1 to the model. What is wrong with one operation costs that operation, never the document.

mod body;
pub(crate) mod names;
mod operation;
mod parameters;
pub(crate) mod refs;
pub(crate) mod security;
mod servers;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use crate::{
    annotate,
    model::{CompileError, Compiled, Operation, Skipped},
    schema::Dialect,
};

use names::Names;

/// About how many bytes of JSON the schemas of one operation may become at first.
const SCHEMA_BYTES: usize = 512 * 1024;
/// All schemas together stay below this many times the description.
const GROWTH: usize = 4;
/// However small the description is, its schemas may have this many bytes together.
const FLOOR_BYTES: usize = 1024 * 1024;
/// However many operations there are, the schemas of one may have this many bytes before definitions are cut.
const MIN_SCHEMA_BYTES: usize = 512;
/// Warnings beyond these are counted, not kept.
const MAX_WARNINGS: usize = 200;
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// What every operation of a document shares.
pub(crate) struct Source<'d> {
    pub(crate) id: &'d str,
    pub(crate) root: &'d Value,
    pub(crate) dialect: Dialect,
    pub(crate) base: Option<Url>,
    pub(crate) notes: annotate::DocumentNotes,
    pub(crate) title: String,
    /// About how many bytes of JSON the schemas of one operation may become.
    pub(crate) schema_bytes: usize,
}

/// A fault that costs one operation.
pub(crate) struct Fault {
    pub(crate) pointer: String,
    pub(crate) reason: String,
}

impl Fault {
    pub(crate) fn new(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), reason: reason.into() }
    }
}

/// Compiles a parsed description of `bytes` bytes.
pub(crate) fn compile(
    source_id: &str,
    root: &Value,
    bytes: usize,
    base: Option<&str>,
    mut warnings: Vec<String>,
) -> Result<Compiled, CompileError> {
    let dialect = dialect(root, &mut warnings)?;
    let title = root["info"]["title"].as_str().map(|title| annotate::line(title, 120)).unwrap_or_default();
    let title = if title.is_empty() { source_id.to_owned() } else { title };
    let notes = annotate::DocumentNotes::read(root)?;
    let base = base.and_then(|base| Url::parse(base).ok());
    let mut source = Source { id: source_id, root, dialect, base, notes, title, schema_bytes: SCHEMA_BYTES };
    if !root["paths"].is_object() {
        warnings.push("/paths: there are no paths".into());
    }
    let budget = bytes.saturating_mul(GROWTH).max(FLOOR_BYTES);
    let (operations, skipped, found) = match operations(&source, Some(budget)) {
        Some(result) => result,
        None => {
            source.schema_bytes = (budget / count(root).max(1)).max(MIN_SCHEMA_BYTES);
            operations(&source, None).unwrap_or_default()
        }
    };
    let (kept, more) = found.split_at(found.len().min(MAX_WARNINGS));
    warnings.extend_from_slice(kept);
    if !more.is_empty() {
        warnings.push(format!("{} more warnings", more.len()));
    }
    let mut compiled = Compiled {
        title: source.title.clone(),
        operations,
        compositions: Vec::new(),
        skipped,
        warnings,
        background: source.notes.background.clone(),
    };
    annotate::compose(&source, &mut compiled);
    Ok(compiled)
}

/// The dialect by the version that the document states, also where YAML reads it as a number.
fn dialect(root: &Value, warnings: &mut Vec<String>) -> Result<Dialect, CompileError> {
    let stated = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let Some(version) = root.get("openapi") else {
        let what = match root {
            Value::Object(members) if members.contains_key("swagger") => {
                format!("Swagger {}", annotate::line(&stated(&root["swagger"]), 12))
            }
            Value::Object(members) if members.contains_key("__schema") || members.contains_key("data") => {
                "a GraphQL introspection".into()
            }
            Value::Object(members) if members.contains_key("asyncapi") => "AsyncAPI".into(),
            Value::Object(_) => "an object without `openapi`".into(),
            _ => "no object".into(),
        };
        return Err(CompileError::Format(what));
    };
    let version = stated(version);
    match version.trim() {
        v if v == "3" || v.starts_with("3.0") => Ok(Dialect::V30),
        v if v.starts_with("3.1") => Ok(Dialect::V31),
        v if v.starts_with("3.") => {
            warnings.push(format!("/openapi: version {} is read as 3.1", annotate::line(v, 12)));
            Ok(Dialect::V31)
        }
        v => Err(CompileError::Format(format!("OpenAPI {}", annotate::line(v, 12)))),
    }
}

fn path_items(root: &Value) -> impl Iterator<Item = (&String, &Value)> {
    root["paths"].as_object().into_iter().flatten().filter(|(path, _)| !path.starts_with("x-"))
}

/// How many operations there are at most; items by reference count as one.
fn count(root: &Value) -> usize {
    path_items(root)
        .map(|(_, item)| METHODS.iter().filter(|method| item.get(**method).is_some()).count().max(1))
        .sum()
}

type Found = (Vec<Operation>, Vec<Skipped>, Vec<String>);

/// Every operation; none when the schemas come to more than `budget` bytes.
fn operations(source: &Source<'_>, budget: Option<usize>) -> Option<Found> {
    let mut names = Names::default();
    let (mut compiled, mut skipped, mut warnings) = Found::default();
    let mut bytes = 0;
    for (template, item) in path_items(source.root) {
        let pointer = format!("/paths/{}", refs::token(template));
        let item = match path_item(source.root, item) {
            Ok(item) => item,
            Err(reason) => {
                skipped.push(Skipped { operation: template.clone(), pointer, reason });
                continue;
            }
        };
        for method in METHODS {
            let Some(value) = item.get(method) else { continue };
            let upper = method.to_ascii_uppercase();
            let label = format!("{upper} {template}");
            let name = names.operation(value.get("operationId").and_then(Value::as_str), &upper, template);
            let at = operation::Site {
                template,
                method: &upper,
                name: &name,
                item: &item,
                value,
                pointer: format!("{pointer}/{method}"),
            };
            match operation::compile(source, &at) {
                Ok(one) => {
                    bytes += one.bytes;
                    warnings.extend(one.warnings.iter().map(|warning| format!("{label}: {warning}")));
                    compiled.push(one.operation);
                }
                Err(Fault { pointer, reason }) => skipped.push(Skipped { operation: label, pointer, reason }),
            }
            if budget.is_some_and(|budget| bytes > budget) {
                return None;
            }
        }
    }
    Some((compiled, skipped, warnings))
}

/// The members of a path item, with those of what its `$ref` leads to where it has none of that name.
fn path_item<'d>(root: &'d Value, item: &'d Value) -> Result<BTreeMap<&'d str, &'d Value>, String> {
    let members = item.as_object().ok_or("the path item is no object")?;
    let mut all: BTreeMap<&str, &Value> = BTreeMap::new();
    if members.contains_key("$ref") {
        let target = refs::resolve(root, item)?;
        all.extend(target.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value)));
    }
    all.extend(members.iter().map(|(name, value)| (name.as_str(), value)));
    Ok(all)
}
