//! Examples from schemas: arguments that a person may start from, and that tests send.
//!
//! An example is made from the schema alone, always the same. Given examples, defaults and choices come before made-up
//! values. Not every schema has a value that can be found so; [`arguments`] checks what it returns.

mod pattern;

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value, json};

use crate::{Operation, request::check};

/// Objects and lists within each other; below, only what is required.
const MAX_DEPTH: usize = 5;
/// Where even required members end: such a schema asks for itself.
const MAX_REQUIRED_DEPTH: usize = 24;
/// Values in one example.
const MAX_VALUES: usize = 2000;
/// Items of a list, however many are asked for.
const MAX_ITEMS: u64 = 50;
/// Characters of a text, however many are asked for.
const MAX_CHARS: usize = 5000;

/// How much of an example is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// What is required.
    Required,
    /// Everything.
    All,
}

/// How an example is made.
#[derive(Clone, Copy)]
struct Way {
    fill: Fill,
    /// Whether the examples and defaults of the description are used; they are not always right.
    given: bool,
    /// Which of several alternatives is taken.
    branch: usize,
}

/// Arguments of a call that fit its schema, filled in as far as they then still fit; none when there are none that can
/// be found.
pub fn arguments(operation: &Operation, fill: Fill) -> Option<Map<String, Value>> {
    let schema = &operation.capability.input;
    let fills: &[Fill] = if fill == Fill::All { &[Fill::All, Fill::Required] } else { &[Fill::Required] };
    let ways = [(true, 0), (false, 0), (true, 1), (false, 1), (false, 2), (false, 3)];
    let all = fills.iter().flat_map(|fill| ways.map(|(given, branch)| Way { fill: *fill, given, branch }));
    all.into_iter().find_map(|way| match make(schema, way) {
        Value::Object(args) if check(schema, &args).is_ok() => Some(args),
        _ => None,
    })
}

/// A value for a JSON Schema 2020-12 with local references; whether it fits is not checked.
pub fn value(schema: &Value, fill: Fill) -> Value {
    make(schema, Way { fill, given: true, branch: 0 })
}

fn make(schema: &Value, way: Way) -> Value {
    Maker { root: schema, way, left: MAX_VALUES, open: BTreeMap::new() }.value(schema, 0, 0)
}

struct Maker<'s> {
    root: &'s Value,
    way: Way,
    /// Values that may still be made.
    left: usize,
    /// References that are being followed, and how often.
    open: BTreeMap<String, usize>,
}

impl Maker<'_> {
    /// `nth` tells the items of a list apart.
    fn value(&mut self, schema: &Value, depth: usize, nth: usize) -> Value {
        self.left = self.left.saturating_sub(1);
        if depth > MAX_REQUIRED_DEPTH {
            return Value::Null;
        }
        let mut references = Vec::new();
        let flat = self.flat(schema, 0, &mut references);
        for reference in &references {
            *self.open.entry(reference.clone()).or_default() += 1;
        }
        let made = self.flat_value(&flat, depth, nth);
        for reference in &references {
            if let Some(count) = self.open.get_mut(reference) {
                *count -= 1;
            }
        }
        made
    }

    /// The schema with what it refers to and is composed of written into one.
    fn flat(&self, schema: &Value, hops: usize, references: &mut Vec<String>) -> Map<String, Value> {
        let Value::Object(members) = schema else { return Map::new() };
        let mut flat = Map::new();
        if hops > 16 {
            return flat;
        }
        for (keyword, value) in members {
            match keyword.as_str() {
                "$ref" | "allOf" | "anyOf" | "oneOf" | "$defs" => {}
                _ => merge(&mut flat, keyword, value),
            }
        }
        let mut parts: Vec<&Value> = Vec::new();
        if let Some(reference) = members.get("$ref").and_then(Value::as_str)
            && let Some(target) = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer))
        {
            references.push(reference.to_owned());
            parts.push(target);
        }
        parts.extend(members.get("allOf").and_then(Value::as_array).into_iter().flatten());
        for keyword in ["anyOf", "oneOf"] {
            let branches =
                members.get(keyword).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let some: Vec<&Value> = branches.iter().filter(|b| b["type"] != "null").collect();
            parts.extend(some.get(self.way.branch % some.len().max(1)).or(some.first()));
        }
        for part in parts {
            for (keyword, value) in self.flat(part, hops + 1, references) {
                merge(&mut flat, &keyword, &value);
            }
        }
        flat
    }

    fn flat_value(&mut self, schema: &Map<String, Value>, depth: usize, nth: usize) -> Value {
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_array).filter(|list| !list.is_empty()) {
            let some: Vec<&Value> = choices.iter().filter(|choice| !choice.is_null()).collect();
            let fitting: Vec<&&Value> = some.iter().filter(|choice| fits(schema, choice)).collect();
            let list = if fitting.is_empty() { some.iter().collect() } else { fitting };
            return list.get(nth % list.len().max(1)).map_or(Value::Null, |choice| (**choice).clone());
        }
        if self.way.given && nth == 0 {
            let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
            let mut given = examples.chain(schema.get("default")).filter(|v| !v.is_null() && fits(schema, v));
            // The example of an object may lack what another part of its schema requires.
            if let Some(value) = given.next().filter(|value| !value.is_object() && !value.is_array()) {
                return value.clone();
            }
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "boolean" => Value::Bool(nth.is_multiple_of(2)),
            "integer" => number(schema, true, nth),
            "number" => number(schema, false, nth),
            "null" => Value::Null,
            _ => Value::String(text(schema, nth)),
        }
    }

    fn object(&mut self, schema: &Map<String, Value>, depth: usize) -> Value {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        // An argument without members would often be sent as nothing at all.
        let stated = schema.get("minProperties").and_then(Value::as_u64).unwrap_or(0);
        let least = stated.max(u64::from(depth == 1));
        let most = schema.get("maxProperties").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let mut object = Map::new();
        for name in &required {
            let other = schema.get("additionalProperties").cloned().unwrap_or_else(|| json!({}));
            let described = properties.get(*name).unwrap_or(&other);
            object.insert((*name).to_owned(), self.value(described, depth + 1, 0));
        }
        let all = self.way.fill == Fill::All && depth < MAX_DEPTH;
        for (name, described) in properties {
            let count = object.len() as u64;
            let wanted = (all && self.left > 0) || count < least;
            if object.contains_key(name) || !wanted || count >= most || !self.is_optional_wanted(described) {
                continue;
            }
            object.insert(name.clone(), self.value(described, depth + 1, 0));
        }
        if let Some(other @ Value::Object(_)) = schema.get("additionalProperties") {
            let room = most.saturating_sub(object.len() as u64);
            let missing = least.saturating_sub(object.len() as u64).min(MAX_ITEMS);
            let more = if all && self.left > 0 && properties.is_empty() { missing.max(1) } else { missing };
            for n in 0..more.min(room) {
                let name = if n == 0 { "key".to_owned() } else { format!("key{}", n + 1) };
                object.insert(name, self.value(other, depth + 1, 0));
            }
        } else if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
            for n in object.len() as u64..least.min(MAX_ITEMS) {
                object.insert(format!("key{}", n + 1), json!("example"));
            }
        }
        Value::Object(object)
    }

    /// Whether something that may be left out is filled in: not what the service fills in itself, nor what leads
    /// round in a circle.
    fn is_optional_wanted(&self, schema: &Value) -> bool {
        let mut references = Vec::new();
        let flat = self.flat(schema, 0, &mut references);
        let inside = flat.get("items").and_then(|items| items.get("$ref")).and_then(Value::as_str);
        let is_open = |reference: &str| self.open.get(reference).is_some_and(|count| *count > 0);
        flat.get("readOnly") != Some(&Value::Bool(true))
            && schema != &Value::Bool(false)
            && !references.iter().any(|reference| is_open(reference))
            && !inside.is_some_and(is_open)
    }

    fn array(&mut self, schema: &Map<String, Value>, depth: usize) -> Value {
        let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
        let all = self.way.fill == Fill::All && depth < MAX_DEPTH && self.left > 0;
        // A field of a form without items would be sent as nothing at all.
        let wanted = bound("minItems").unwrap_or(0).max(u64::from(all || depth <= 2));
        let count = wanted.min(bound("maxItems").unwrap_or(u64::MAX)).min(MAX_ITEMS);
        let any = json!({"type": "string"});
        let first =
            schema.get("prefixItems").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let rest = schema.get("items").filter(|items| items.is_object()).unwrap_or(&any);
        let distinct = schema.get("uniqueItems") == Some(&Value::Bool(true));
        let items = (0..usize::try_from(count).unwrap_or(0)).map(|index| {
            let described = first.get(index).unwrap_or(rest);
            self.value(described, depth + 1, if distinct { index } else { 0 })
        });
        Value::Array(items.collect())
    }
}

/// Adds a keyword to a schema that has to hold as well.
fn merge(into: &mut Map<String, Value>, keyword: &str, value: &Value) {
    let Some(present) = into.get_mut(keyword) else {
        into.insert(keyword.to_owned(), value.clone());
        return;
    };
    let tighter = |larger: bool| match (present.as_f64(), value.as_f64()) {
        (Some(a), Some(b)) => (b > a) == larger,
        _ => false,
    };
    match keyword {
        "properties" => {
            if let (Value::Object(present), Value::Object(more)) = (present, value) {
                for (name, schema) in more {
                    match present.get_mut(name) {
                        Some(earlier) if earlier != schema => {
                            *earlier = json!({"allOf": [earlier.take(), schema]})
                        }
                        Some(_) => {}
                        None => {
                            present.insert(name.clone(), schema.clone());
                        }
                    }
                }
            }
        }
        "required" => {
            if let (Value::Array(present), Value::Array(more)) = (present, value) {
                present
                    .extend(more.iter().filter(|name| !present.contains(name)).cloned().collect::<Vec<_>>());
            }
        }
        "enum" => {
            if let (Value::Array(present), Value::Array(more)) = (present, value)
                && present.iter().any(|choice| more.contains(choice))
            {
                present.retain(|choice| more.contains(choice));
            }
        }
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" if tighter(true) => {
            *present = value.clone();
        }
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" if tighter(false) => {
            *present = value.clone();
        }
        "type" if present.is_array() => *present = value.clone(),
        _ => {}
    }
}

/// The type to make: the first that is not null, else the one that the other keywords mean.
fn kind(schema: &Map<String, Value>) -> &str {
    let stated = match schema.get("type") {
        Some(Value::String(name)) => Some(name.as_str()),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").or(Some("null"))
        }
        _ => None,
    };
    let has = |keywords: &[&str]| keywords.iter().any(|keyword| schema.contains_key(*keyword));
    stated.unwrap_or_else(|| {
        if has(&["properties", "required", "additionalProperties", "minProperties"]) {
            "object"
        } else if has(&["items", "prefixItems", "minItems"]) {
            "array"
        } else if has(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) {
            "number"
        } else {
            "string"
        }
    })
}

/// Whether a given value is worth trying.
fn fits(schema: &Map<String, Value>, value: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "number" => value.is_number(),
        "null" => value.is_null(),
        "string" => value.is_string(),
        _ => true,
    };
    let type_fits = match schema.get("type") {
        Some(Value::String(name)) => is(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    };
    let chars = value.as_str().map(|text| text.chars().count() as u64);
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
    type_fits
        && value.as_str().is_none_or(|text| is_well_formed(schema, text))
        && chars.is_none_or(|n| {
            n >= bound("minLength").unwrap_or(0) && n <= bound("maxLength").unwrap_or(u64::MAX)
        })
        && chars != Some(0)
}

/// Whether a text has the format and pattern of its schema; a format that is not known is had by every text.
fn is_well_formed(schema: &Map<String, Value>, text: &str) -> bool {
    if is_bytes(schema) && !is_base64(text) {
        return false;
    }
    let mut own = json!({"type": "string"});
    for keyword in ["format", "pattern"] {
        if let Some(value) = schema.get(keyword) {
            own[keyword] = if *value == json!("url") { json!("uri") } else { value.clone() };
        }
    }
    if own.as_object().is_none_or(|own| own.len() < 2) {
        return true;
    }
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
    let built = options.should_validate_formats(true).offline().build(&own);
    built.is_ok_and(|validator| validator.is_valid(&Value::String(text.to_owned())))
}

/// Whether a text stands for bytes.
fn is_bytes(schema: &Map<String, Value>) -> bool {
    let says = |keyword: &str, value: &str| schema.get(keyword).and_then(Value::as_str) == Some(value);
    says("contentEncoding", "base64") || says("format", "byte")
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

fn number(schema: &Map<String, Value>, whole: bool, nth: usize) -> Value {
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    let step = bound("multipleOf").filter(|step| *step > 0.0).unwrap_or(if whole { 1.0 } else { 0.5 });
    let above = bound("exclusiveMinimum");
    let least = bound("minimum").into_iter().chain(above).fold(f64::NEG_INFINITY, f64::max);
    let below = bound("exclusiveMaximum");
    let most = bound("maximum").into_iter().chain(below).fold(f64::INFINITY, f64::min);
    let mut n = if least <= 1.0 && 1.0 <= most {
        1.0
    } else if least.is_finite() {
        least
    } else {
        most
    };
    n = (n / step).ceil() * step;
    if above.is_some_and(|above| n <= above) {
        n += step;
    }
    if n > most || below.is_some_and(|below| n >= below) {
        n = (most / step).floor() * step;
        if below.is_some_and(|below| n >= below) {
            n -= step;
        }
    }
    n += step * nth as f64;
    if n.fract() == 0.0 && n.abs() < 9e15 {
        return json!(n as i64);
    }
    Number::from_f64(n).map_or(json!(1), Value::Number)
}

fn text(schema: &Map<String, Value>, nth: usize) -> String {
    let bound =
        |keyword: &str| schema.get(keyword).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let least = bound("minLength").unwrap_or(0).min(MAX_CHARS);
    let most = bound("maxLength").unwrap_or(MAX_CHARS);
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
        && let Some(made) = pattern::matching(pattern, least, most)
    {
        return made;
    }
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let mut made = match format {
        "date-time" => format!("2024-01-15T09:30:{:02}Z", nth % 60),
        "date" => format!("2024-01-{:02}", nth % 28 + 1),
        "time" => "09:30:00Z".to_owned(),
        "duration" => "P1D".to_owned(),
        "uuid" | "guid" => format!("7c9e6679-7425-40de-944b-{:012x}", nth + 0xe07f_c1f9),
        "email" | "idn-email" => format!("person{}@example.com", suffix(nth)),
        "uri" | "url" | "iri" | "uri-reference" => format!("https://example.com/{nth}"),
        "hostname" | "idn-hostname" => format!("host{}.example.com", suffix(nth)),
        "ipv4" | "ip" => format!("192.0.2.{}", nth % 250 + 1),
        "ipv6" => format!("2001:db8::{:x}", nth + 1),
        _ if is_bytes(schema) => "ZXhhbXBsZQ==".to_owned(),
        "json-pointer" => "/example".to_owned(),
        _ => format!("example{}", suffix(nth)),
    };
    while made.chars().count() < least {
        made.push('x');
    }
    if made.chars().count() > most {
        // The end tells the items of a list apart.
        made = made.chars().skip(made.chars().count() - most).collect();
    }
    made
}

fn suffix(nth: usize) -> String {
    if nth == 0 { String::new() } else { (nth + 1).to_string() }
}

#[cfg(test)]
mod tests;
