//! The styles of OpenAPI parameters (<https://spec.openapis.org/oas/v3.1.1.html#style-values>).
//!
//! Everything in names and values but letters, digits and `-._~` is percent-encoded, so a delimiter in the result
//! is always one that the style put there.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::ArgumentError;
use crate::model::{Parameter, Style};

/// RFC 3986's unreserved characters stay.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// `allowReserved`: also those that mean nothing behind the question mark.
const RESERVED: &AsciiSet = &STRICT
    .remove(b':')
    .remove(b'/')
    .remove(b'?')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';');

/// A value as plain text; what has parts becomes JSON text.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What a style is applied to.
enum Shape<'v> {
    One(&'v Value),
    List(&'v [Value]),
    Members(&'v Map<String, Value>),
}

fn shape<'v>(parameter: &Parameter, value: &'v Value) -> Result<Shape<'v>, ArgumentError> {
    match value {
        Value::Null => {
            Err(ArgumentError::of(&parameter.argument, "it is null", "give a value or leave it out"))
        }
        Value::Array(items) => Ok(Shape::List(items)),
        Value::Object(members) => Ok(Shape::Members(members)),
        other => Ok(Shape::One(other)),
    }
}

fn strict(value: &str) -> String {
    utf8_percent_encode(value, STRICT).to_string()
}

fn strict_text(value: &Value) -> String {
    strict(&text(value))
}

/// `k,v,k2,v2`, or `k=v,k2=v2` exploded, with whatever separators.
fn members(
    members: &Map<String, Value>,
    between: &str,
    inside: &str,
    encode: impl Fn(&str) -> String,
) -> String {
    let pairs =
        members.iter().map(|(name, value)| format!("{}{inside}{}", encode(name), encode(&text(value))));
    pairs.collect::<Vec<_>>().join(between)
}

fn list(items: &[Value], between: &str, encode: impl Fn(&str) -> String) -> String {
    items.iter().map(|item| encode(&text(item))).collect::<Vec<_>>().join(between)
}

/// What a path parameter becomes.
pub(super) fn path(parameter: &Parameter, value: &Value) -> Result<String, ArgumentError> {
    if parameter.style == Style::Json {
        return Ok(strict(&value.to_string()));
    }
    let name = strict(&parameter.name);
    let exploded = parameter.explode;
    let inside = if exploded { "=" } else { "," };
    Ok(match (parameter.style, shape(parameter, value)?) {
        (Style::Label, Shape::One(one)) => format!(".{}", strict_text(one)),
        (Style::Label, Shape::List(items)) => {
            format!(".{}", list(items, if exploded { "." } else { "," }, strict))
        }
        (Style::Label, Shape::Members(object)) => {
            format!(".{}", members(object, if exploded { "." } else { "," }, inside, strict))
        }
        (Style::Matrix, Shape::One(one)) => format!(";{name}={}", strict_text(one)),
        (Style::Matrix, Shape::List(items)) if exploded => {
            items.iter().map(|item| format!(";{name}={}", strict_text(item))).collect()
        }
        (Style::Matrix, Shape::List(items)) => format!(";{name}={}", list(items, ",", strict)),
        (Style::Matrix, Shape::Members(object)) if exploded => {
            format!(";{}", members(object, ";", "=", strict))
        }
        (Style::Matrix, Shape::Members(object)) => format!(";{name}={}", members(object, ",", ",", strict)),
        (_, Shape::One(one)) => strict_text(one),
        (_, Shape::List(items)) => list(items, ",", strict),
        (_, Shape::Members(object)) => members(object, ",", inside, strict),
    })
}

/// The `name=value` pairs that a query parameter or a cookie becomes; an empty list or object becomes none.
pub(super) fn query(parameter: &Parameter, value: &Value) -> Result<Vec<String>, ArgumentError> {
    let encode = |text: &str| -> String {
        utf8_percent_encode(text, if parameter.allow_reserved { RESERVED } else { STRICT }).to_string()
    };
    let name = strict(&parameter.name);
    if parameter.style == Style::Json {
        return Ok(vec![format!("{name}={}", strict(&value.to_string()))]);
    }
    let delimiter = match parameter.style {
        Style::SpaceDelimited => "%20",
        Style::PipeDelimited => "%7C",
        Style::TabDelimited => "%09",
        _ => ",",
    };
    Ok(match shape(parameter, value)? {
        Shape::List([]) => Vec::new(),
        Shape::Members(object) if object.is_empty() => Vec::new(),
        Shape::One(one) => vec![format!("{name}={}", encode(&text(one)))],
        Shape::Members(object) if parameter.style == Style::DeepObject => deep(&name, object, &encode, 0),
        Shape::List(items) if parameter.explode || parameter.style == Style::DeepObject => {
            items.iter().map(|item| format!("{name}={}", encode(&text(item)))).collect()
        }
        Shape::List(items) => vec![format!("{name}={}", list(items, delimiter, encode))],
        Shape::Members(object) if parameter.explode => {
            object.iter().map(|(key, value)| format!("{}={}", strict(key), encode(&text(value)))).collect()
        }
        Shape::Members(object) => vec![format!("{name}={}", members(object, delimiter, delimiter, encode))],
    })
}

/// `name[key]=value`. The specification leaves what lies deeper open; most servers read `name[key][inner]=value` and
/// repeated names for lists.
fn deep(
    name: &str,
    object: &Map<String, Value>,
    encode: &impl Fn(&str) -> String,
    depth: usize,
) -> Vec<String> {
    let mut pairs = Vec::new();
    for (key, value) in object {
        let name = format!("{name}%5B{}%5D", strict(key));
        match value {
            Value::Null => {}
            Value::Object(inner) if depth < 8 => pairs.extend(deep(&name, inner, encode, depth + 1)),
            Value::Array(items) => {
                pairs.extend(items.iter().map(|item| format!("{name}={}", encode(&text(item)))))
            }
            other => pairs.push(format!("{name}={}", encode(&text(other)))),
        }
    }
    pairs
}

/// What a header field's value becomes; it is not encoded, so only what a field can carry is taken.
pub(super) fn header(parameter: &Parameter, value: &Value) -> Result<String, ArgumentError> {
    let same = |text: &str| text.to_owned();
    let written = if parameter.style == Style::Json {
        value.to_string()
    } else {
        match shape(parameter, value)? {
            Shape::One(one) => text(one),
            Shape::List(items) => list(items, ",", same),
            Shape::Members(object) => members(object, ",", if parameter.explode { "=" } else { "," }, same),
        }
    };
    if written.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        Ok(written)
    } else {
        Err(ArgumentError::of(
            &parameter.argument,
            "a header field cannot carry line breaks, control characters or letters outside ASCII",
            "give plain ASCII text on one line",
        ))
    }
}
