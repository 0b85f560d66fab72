//! Keywords without schemas inside, and what OpenAPI 3.0 writes in its own way.

use serde_json::{Map, Number, Value, json};

/// Texts for a person are kept up to this many characters.
const MAX_TEXT_CHARS: usize = 400;
/// Examples and defaults are kept up to this many characters of JSON.
const MAX_VALUE_BYTES: usize = 400;
/// Regular expressions longer than this are dropped.
const MAX_PATTERN_BYTES: usize = 512;

/// A keyword's value where it makes sense, changed into what JSON Schema 2020-12 expects.
pub(super) fn plain(keyword: &str, value: &Value) -> Option<Value> {
    match keyword {
        "type" => types(value),
        "title" | "description" => {
            value.as_str().map(|text| Value::String(text.chars().take(MAX_TEXT_CHARS).collect()))
        }
        "format" | "contentMediaType" | "contentEncoding" => value.is_string().then(|| value.clone()),
        "pattern" => value.as_str().filter(|pattern| is_usable_pattern(pattern)).map(|_| value.clone()),
        "uniqueItems" | "deprecated" | "readOnly" | "writeOnly" => value.is_boolean().then(|| value.clone()),
        "exclusiveMinimum" | "exclusiveMaximum" => number(value),
        "multipleOf" => number(value).filter(|n| n.as_f64().is_some_and(|n| n > 0.0)),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
        | "minContains" | "maxContains" => count(value),
        "enum" => value.as_array().filter(|list| !list.is_empty()).map(|_| value.clone()),
        "const" => Some(value.clone()),
        "default" => is_small(value).then(|| value.clone()),
        "example" => is_small(value).then(|| json!([value])),
        "examples" => value.as_array().filter(|_| is_small(value)).map(|list| json!(list)),
        "dependentRequired" => dependent_required(value),
        _ => None,
    }
}

/// About how many bytes a keyword adds itself; what holds schemas has counted them already.
pub(super) fn own_bytes(keyword: &str, value: &Value) -> usize {
    match keyword {
        "enum" | "const" | "default" | "example" | "examples" | "type" => weight(value),
        _ => value.as_str().map_or(2, str::len),
    }
}

fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 3,
        Value::Array(items) => items.iter().map(weight).sum::<usize>() + 2,
        Value::Object(members) => {
            members.iter().map(|(name, value)| name.len() + 4 + weight(value)).sum::<usize>() + 2
        }
    }
}

fn is_small(value: &Value) -> bool {
    weight(value) <= MAX_VALUE_BYTES
}

/// JSON Schema's types, and the ones that descriptions invent.
fn types(value: &Value) -> Option<Value> {
    let one = |name: &str| {
        Some(match name.to_ascii_lowercase().as_str() {
            "string" | "file" | "date" | "datetime" | "date-time" | "uuid" | "text" => "string",
            "integer" | "int" | "int32" | "int64" | "long" => "integer",
            "number" | "float" | "double" | "decimal" => "number",
            "boolean" | "bool" => "boolean",
            "array" | "list" => "array",
            "object" | "map" => "object",
            "null" => "null",
            _ => return None,
        })
    };
    match value {
        Value::String(name) => one(name).map(|name| json!(name)),
        Value::Array(names) => {
            let mut known: Vec<&str> =
                names.iter().filter_map(Value::as_str).map(one).collect::<Option<_>>()?;
            known.sort_unstable();
            known.dedup();
            match known.as_slice() {
                [] => None,
                [only] => Some(json!(only)),
                _ => Some(json!(known)),
            }
        }
        _ => None,
    }
}

fn number(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => text.trim().parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number),
        _ => None,
    }
}

fn count(value: &Value) -> Option<Value> {
    let whole =
        value.as_u64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as u64));
    whole.or_else(|| value.as_str().and_then(|text| text.trim().parse().ok())).map(|n| json!(n))
}

/// `minimum` and `maximum`, which 3.0 makes exclusive by a flag beside them.
pub(super) fn bound<'k>(
    keyword: &'k str,
    members: &Map<String, Value>,
    value: &Value,
) -> (&'k str, Option<Value>) {
    let exclusive = if keyword == "minimum" { "exclusiveMinimum" } else { "exclusiveMaximum" };
    let flagged = members.get(exclusive) == Some(&Value::Bool(true));
    (if flagged { exclusive } else { keyword }, number(value))
}

fn dependent_required(value: &Value) -> Option<Value> {
    let lists = value.as_object()?;
    let well_formed =
        lists.values().all(|list| list.as_array().is_some_and(|l| l.iter().all(Value::is_string)));
    well_formed.then(|| value.clone())
}

/// Whether a pattern runs in linear time: no looking around and no references back, which the engine has not.
pub(super) fn is_usable_pattern(pattern: &str) -> bool {
    let looks_around =
        ["(?=", "(?!", "(?<=", "(?<!", "(?>", "\\k<"].iter().any(|token| pattern.contains(token));
    let bytes = pattern.as_bytes();
    let refers_back = bytes.windows(2).any(|pair| pair[0] == b'\\' && (b'1'..=b'9').contains(&pair[1]));
    pattern.len() <= MAX_PATTERN_BYTES && !looks_around && !refers_back
}

/// An `enum` of values that the `type` beside it forbids is a common slip; the values are what is meant.
pub(super) fn fit_enum_and_type(out: &mut Map<String, Value>) {
    let Some(values) = out.get("enum").and_then(Value::as_array) else { return };
    let fits = |name: &str, value: &Value| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" | "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        _ => value.is_object(),
    };
    let any = match out.get("type") {
        Some(Value::String(name)) => values.iter().any(|value| fits(name, value)),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).any(|name| values.iter().any(|value| fits(name, value)))
        }
        _ => true,
    };
    if !any {
        out.remove("type");
    }
}

/// `nullable: true`: the type or `null`.
pub(super) fn nullable(mut out: Map<String, Value>) -> Value {
    let composed =
        ["$ref", "allOf", "anyOf", "oneOf", "not", "const"].iter().any(|keyword| out.contains_key(*keyword));
    match out.get("type").cloned() {
        Some(Value::String(name)) if !composed => {
            if let Some(Value::Array(values)) = out.get_mut("enum")
                && !values.contains(&Value::Null)
            {
                values.push(Value::Null);
            }
            if name != "null" {
                out.insert("type".into(), json!([name, "null"]));
            }
            Value::Object(out)
        }
        None if !composed && !out.contains_key("enum") => Value::Object(out),
        _ => json!({"anyOf": [out, {"type": "null"}]}),
    }
}
