//! Keywords without schemas inside, and what older dialects write in their own way.

use std::borrow::Cow;

use serde_json::Number;

use crate::document::{Members, Node, text_len};

/// Examples and defaults are kept up to this many bytes of JSON.
const MAX_VALUE_BYTES: usize = 400;
/// A default says what happens when nothing is given, so it is kept longer than an example.
const MAX_DEFAULT_BYTES: usize = 4000;
/// Regular expressions longer than this are dropped.
const MAX_PATTERN_BYTES: usize = 512;

/// The beginning of a text, at most so many bytes.
pub(super) fn clip(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let end = (0..=bytes).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    &text[..end]
}

/// A keyword's value where it makes sense, changed into what JSON Schema 2020-12 expects.
pub(super) fn plain<'d>(keyword: &str, value: &'d Node<'d>) -> Option<Node<'d>> {
    match keyword {
        "type" => types(value),
        "format" | "contentMediaType" | "contentEncoding" => value.as_str().map(Node::text),
        "pattern" => value.as_str().filter(|pattern| is_usable_pattern(pattern)).map(Node::text),
        "uniqueItems" | "deprecated" | "readOnly" | "writeOnly" => value.as_bool().map(Node::Bool),
        "exclusiveMinimum" | "exclusiveMaximum" => number(value),
        "multipleOf" => number(value).filter(|n| n.as_f64().is_some_and(|n| n > 0.0)),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
        | "minContains" | "maxContains" => count(value),
        "enum" => value.as_array().filter(|list| !list.is_empty()).map(|_| value.borrowed()),
        "const" => Some(value.borrowed()),
        "default" => (value.json_len() <= MAX_DEFAULT_BYTES).then(|| value.borrowed()),
        "dependentRequired" => dependent_required(value),
        _ => None,
    }
}

/// `examples` as a list.
pub(super) fn examples<'d>(keyword: &str, value: &'d Node<'d>) -> Option<Node<'d>> {
    if value.json_len() > MAX_VALUE_BYTES {
        return None;
    }
    match (keyword, value) {
        ("examples", Node::Array(_)) => Some(value.borrowed()),
        ("examples", _) => None,
        _ => Some(Node::list([value.borrowed()])),
    }
}

/// About how many bytes a keyword adds itself; what holds schemas has counted them already.
pub(super) fn own_bytes(value: &Node<'_>) -> usize {
    match value {
        Node::String(text) => text_len(text),
        Node::Array(items) if !matches!(items.first(), Some(Node::Object(_))) => value.json_len(),
        Node::Number(_) => 8,
        _ => 5,
    }
}

/// JSON Schema's types, and the ones that descriptions invent.
fn types<'d>(value: &'d Node<'d>) -> Option<Node<'d>> {
    let one = |name: &str| {
        Some(match name.trim() {
            "string" => "string",
            "integer" => "integer",
            "number" => "number",
            "boolean" => "boolean",
            "array" => "array",
            "object" => "object",
            "null" => "null",
            other => match other.to_ascii_lowercase().as_str() {
                "string" | "file" | "date" | "datetime" | "date-time" | "uuid" | "text" | "str" | "enum" => {
                    "string"
                }
                "integer" | "int" | "int32" | "int64" | "long" => "integer",
                "number" | "float" | "double" | "decimal" => "number",
                "boolean" | "bool" => "boolean",
                "array" | "list" => "array",
                "object" | "map" => "object",
                "null" | "none" => "null",
                _ => return None,
            },
        })
    };
    match value {
        Node::String(name) => one(name).map(Node::text),
        Node::Null => Some(Node::text("null")),
        Node::Array(names) => {
            let name = |node: &Node<'_>| match node {
                Node::Null => Some("null"),
                other => other.as_str().and_then(one),
            };
            let mut known: Vec<&str> = names.iter().map(name).collect::<Option<_>>()?;
            known.sort_unstable();
            known.dedup();
            match known.as_slice() {
                [] => None,
                [only] => Some(Node::text(*only)),
                _ => Some(Node::list(known.into_iter().map(Node::text))),
            }
        }
        _ => None,
    }
}

fn number<'d>(value: &Node<'_>) -> Option<Node<'d>> {
    match value {
        Node::Number(number) => Some(Node::Number(number.clone())),
        Node::String(text) => text.trim().parse::<f64>().ok().and_then(Number::from_f64).map(Node::Number),
        _ => None,
    }
}

fn count<'d>(value: &Node<'_>) -> Option<Node<'d>> {
    let whole = match value {
        Node::Number(number) => number
            .as_u64()
            .or_else(|| number.as_f64().filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as u64)),
        Node::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    whole.map(|n| Node::Number(n.into()))
}

/// `minimum` and `maximum`, which 2.0 and 3.0 make exclusive by a flag beside them.
pub(super) fn bound<'d>(
    keyword: &'d str,
    members: &Members<'_>,
    value: &Node<'_>,
) -> (&'d str, Option<Node<'d>>) {
    let exclusive = if keyword == "minimum" { "exclusiveMinimum" } else { "exclusiveMaximum" };
    let flagged = members.get(exclusive).is_some_and(Node::is_true);
    (if flagged { exclusive } else { keyword }, number(value))
}

fn dependent_required<'d>(value: &'d Node<'d>) -> Option<Node<'d>> {
    let lists = value.as_object()?;
    let unique = |list: &[Node<'_>]| {
        let names: Vec<&str> = list.iter().filter_map(Node::as_str).collect();
        names.len() == list.len() && (1..names.len()).all(|at| !names[..at].contains(&names[at]))
    };
    lists.values().all(|list| list.as_array().is_some_and(unique)).then(|| value.borrowed())
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
pub(super) fn fit_enum_and_type(out: &mut Members<'_>) {
    let Some(values) = out.get("enum").and_then(Node::as_array) else { return };
    let fits = |name: &str, value: &Node<'_>| match name {
        "null" => matches!(value, Node::Null),
        "boolean" => matches!(value, Node::Bool(_)),
        "integer" | "number" => matches!(value, Node::Number(_)),
        "string" => matches!(value, Node::String(_)),
        "array" => matches!(value, Node::Array(_)),
        _ => value.is_object(),
    };
    let any = match out.get("type") {
        Some(Node::String(name)) => values.iter().any(|value| fits(name, value)),
        Some(Node::Array(names)) => {
            names.iter().filter_map(Node::as_str).any(|name| values.iter().any(|value| fits(name, value)))
        }
        _ => true,
    };
    if any {
        return;
    }
    // YAML reads `[1, 2]` and `[yes, no]` as other things than the texts that are meant.
    let as_texts: Option<Vec<Node<'_>>> = match out.get("type").and_then(Node::as_str) {
        Some("string") => values
            .iter()
            .map(|v| v.as_text().map(|text| Node::String(Cow::Owned(text.into_owned()))))
            .collect(),
        _ => None,
    };
    match as_texts {
        Some(texts) => out.insert("enum", Node::list(texts)),
        None => out.remove("type"),
    }
}

/// `nullable: true`: the type or `null`.
pub(super) fn nullable<'d>(mut out: Members<'d>) -> Node<'d> {
    let composed =
        ["$ref", "allOf", "anyOf", "oneOf", "not", "const"].iter().any(|keyword| out.contains(keyword));
    match out.get("type").cloned() {
        Some(Node::String(name)) if !composed => {
            if let Some(Node::Array(values)) = out.get_mut("enum")
                && !values.contains(&Node::Null)
            {
                let mut all = std::mem::take(values).into_vec();
                all.push(Node::Null);
                *values = all.into_boxed_slice();
            }
            if name != "null" {
                out.insert("type", Node::list([Node::String(name), Node::text("null")]));
            }
            Node::Object(out)
        }
        None if !composed && !out.contains("enum") => Node::Object(out),
        _ => Node::object(vec![(
            "anyOf".into(),
            Node::list([Node::Object(out), Node::object(vec![("type".into(), Node::text("null"))])]),
        )]),
    }
}
