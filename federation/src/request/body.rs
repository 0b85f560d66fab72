//! Arguments to the bytes of a body.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value};

use super::{
    ArgumentError,
    style::{self, text},
};
use crate::{
    documents::token,
    model::{Body, BodyKind, Location, Parameter, Part, Style},
};

/// Levels of nesting that are written as XML.
const MAX_XML_DEPTH: usize = 64;

/// The `Content-Type` and the bytes.
pub(super) fn encode(body: &Body, value: &Value) -> Result<(String, Vec<u8>), ArgumentError> {
    let plain = |bytes: Vec<u8>| Ok((body.media_type.clone(), bytes));
    let fault = |reason: &str, advice: &str| ArgumentError::of(&body.argument, reason, advice);
    match (body.kind, value) {
        (BodyKind::Json | BodyKind::Text, Value::Array(items)) if is_lines(&body.media_type) => {
            plain(items.iter().map(|item| format!("{item}\n")).collect::<String>().into_bytes())
        }
        (BodyKind::Json, value) => plain(value.to_string().into_bytes()),
        (BodyKind::Form, Value::Object(members)) => plain(form(body, members)?.into_bytes()),
        (BodyKind::Multipart, Value::Object(members)) => multipart(body, members),
        (BodyKind::Form | BodyKind::Multipart, _) => Err(fault("a form is an object", "give an object")),
        (BodyKind::Text | BodyKind::Xml, Value::String(text)) => plain(text.clone().into_bytes()),
        (BodyKind::Xml, value) => plain(xml(body, value)?.into_bytes()),
        // YAML and its like read JSON too.
        (BodyKind::Text, Value::Object(_) | Value::Array(_)) => plain(value.to_string().into_bytes()),
        (BodyKind::Text, _) => Err(fault("it is not text", "give text")),
        (BodyKind::Binary, Value::String(text)) => {
            plain(bytes(text).ok_or_else(|| fault("it is not base64", "give the bytes in base64"))?)
        }
        (BodyKind::Binary, _) => Err(fault("it is not text in base64", "give the bytes in base64")),
    }
}

/// Base64 as people paste it: with or without the beginning of a `data:` address, line breaks and padding.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let text = match text.strip_prefix("data:") {
        Some(rest) => rest.split_once(";base64,")?.1,
        None => text,
    };
    let kept = |c: &char| !c.is_ascii_whitespace() && *c != '=';
    let mut standard: String = text
        .chars()
        .filter(kept)
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    standard.extend(std::iter::repeat_n('=', (4 - standard.len() % 4) % 4));
    BASE64_STANDARD.decode(standard).ok()
}

fn part<'b>(body: &'b Body, name: &str) -> Option<&'b Part> {
    body.parts.iter().find(|part| part.name == name)
}

/// A field as the query parameter whose style it has.
fn as_parameter(body: &Body, part: &Part, style: Style) -> Parameter {
    Parameter {
        argument: body.argument.clone(),
        name: part.name.clone(),
        location: Location::Query,
        style,
        explode: part.explode,
        allow_reserved: part.allow_reserved,
        required: false,
    }
}

/// Lists repeat the name, objects become JSON text, unless the description says otherwise.
fn form(body: &Body, members: &Map<String, Value>) -> Result<String, ArgumentError> {
    let mut pairs = Vec::new();
    let pair = |name: &str, value: &Value| {
        url::form_urlencoded::Serializer::new(String::new()).append_pair(name, &text(value)).finish()
    };
    for (name, value) in members {
        let described = part(body, name);
        let styled = described.and_then(|part| part.style.map(|style| (part, style)));
        let is_json = described.and_then(|part| part.content_type.as_deref()).is_some_and(is_json);
        match (value, styled) {
            (Value::Null, _) => {}
            (Value::Array(_) | Value::Object(_), Some((part, style))) => {
                // A space is a plus sign in forms.
                let written = style::query(&as_parameter(body, part, style), value)?;
                pairs.extend(written.into_iter().map(|pair| pair.replace("%20", "+")));
            }
            (Value::Array(items), None) if !is_json => {
                pairs.extend(items.iter().map(|item| pair(name, item)))
            }
            (other, _) => pairs.push(pair(name, other)),
        }
    }
    Ok(pairs.join("&"))
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.ends_with("/json") || essence.ends_with("+json")
}

/// JSON values each on a line of its own: NDJSON, JSON Lines.
fn is_lines(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let name = essence.rsplit('/').next().unwrap_or_default();
    matches!(
        name.strip_prefix("x-").unwrap_or(name),
        "ndjson" | "jsonl" | "jsonlines" | "json-lines" | "ldjson"
    )
}

/// One part of a multipart body.
struct Piece {
    name: String,
    content_type: Option<String>,
    is_file: bool,
    bytes: Vec<u8>,
}

fn multipart(body: &Body, members: &Map<String, Value>) -> Result<(String, Vec<u8>), ArgumentError> {
    let mut pieces = Vec::new();
    for (name, value) in members {
        let described = part(body, name);
        let content_type = described.and_then(|part| part.content_type.clone());
        let binary = described.is_some_and(|part| part.binary);
        let joined =
            described.and_then(|part| part.style.filter(|_| !part.explode).map(|style| (part, style)));
        let one = |value: &Value, place: String| -> Result<Piece, ArgumentError> {
            let (content_type, bytes) = match value {
                Value::String(text) if binary => {
                    let bytes = bytes(text).ok_or_else(|| {
                        ArgumentError::new(place, "it is not base64", "give the file's bytes in base64")
                    })?;
                    (content_type.clone().or_else(|| Some("application/octet-stream".into())), bytes)
                }
                Value::Object(_) | Value::Array(_) => (
                    content_type.clone().or_else(|| Some("application/json".into())),
                    value.to_string().into_bytes(),
                ),
                other if content_type.as_deref().is_some_and(is_json) => {
                    (content_type.clone(), other.to_string().into_bytes())
                }
                other => (content_type.clone(), text(other).into_bytes()),
            };
            Ok(Piece { name: name.clone(), content_type, is_file: binary, bytes })
        };
        let place = format!("/{}/{}", token(&body.argument), token(name));
        match value {
            Value::Null => {}
            Value::Array(items) if joined.is_none() && !content_type.as_deref().is_some_and(is_json) => {
                for (index, item) in items.iter().enumerate() {
                    pieces.push(one(item, format!("{place}/{index}"))?);
                }
            }
            Value::Array(items) if !content_type.as_deref().is_some_and(is_json) => {
                let between = match joined.map(|(_, style)| style) {
                    Some(Style::SpaceDelimited) => " ",
                    Some(Style::TabDelimited) => "\t",
                    Some(Style::PipeDelimited) => "|",
                    _ => ",",
                };
                let list = items.iter().map(text).collect::<Vec<_>>().join(between);
                pieces.push(one(&Value::String(list), place)?);
            }
            other => pieces.push(one(other, place)?),
        }
    }
    let boundary = boundary(&pieces);
    let mut out = Vec::new();
    for piece in &pieces {
        let name = field_name(&piece.name);
        out.extend_from_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"").as_bytes(),
        );
        if piece.is_file {
            out.extend_from_slice(format!("; filename=\"{name}\"").as_bytes());
        }
        if let Some(content_type) = &piece.content_type {
            out.extend_from_slice(format!("\r\nContent-Type: {content_type}").as_bytes());
        }
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(&piece.bytes);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((format!("{}; boundary={boundary}", body.media_type), out))
}

/// A field's name between quotation marks, as HTML's standard writes it.
fn field_name(name: &str) -> String {
    name.chars()
        .flat_map(|c| match c {
            '"' => "%22".chars().collect::<Vec<_>>(),
            '\r' => "%0D".chars().collect(),
            '\n' => "%0A".chars().collect(),
            c if c.is_control() => vec![' '],
            c => vec![c],
        })
        .collect()
}

/// The same for the same parts, and in none of them.
fn boundary(pieces: &[Piece]) -> String {
    // FNV-1a; whatever it gives, a boundary that occurs is not taken.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in pieces.iter().flat_map(|piece| piece.name.bytes().chain(piece.bytes.iter().copied())) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    loop {
        let boundary = format!("mtor-{hash:016x}");
        let occurs = |bytes: &[u8]| bytes.windows(boundary.len()).any(|window| window == boundary.as_bytes());
        if !pieces.iter().any(|piece| occurs(&piece.bytes) || occurs(piece.name.as_bytes())) {
            return boundary;
        }
        hash = hash.wrapping_add(1);
    }
}

/// An object as XML: an element a property, one an item for lists.
fn xml(body: &Body, value: &Value) -> Result<String, ArgumentError> {
    let root = if body.root.is_empty() { "root" } else { &body.root };
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    element(body, &mut out, root, value, 0)?;
    Ok(out)
}

fn element(
    body: &Body,
    out: &mut String,
    name: &str,
    value: &Value,
    depth: usize,
) -> Result<(), ArgumentError> {
    let starts = |c: char| c.is_alphabetic() || c == '_';
    let is_name = name.starts_with(starts)
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'));
    if !is_name || depth > MAX_XML_DEPTH {
        let shown: String = name.chars().take(60).collect();
        return Err(ArgumentError::of(
            &body.argument,
            format!("`{shown}` cannot be written as an element of XML"),
            "give the body as XML text",
        ));
    }
    match value {
        Value::Array(items) if depth > 0 => {
            for item in items {
                element(body, out, name, item, depth + 1)?;
            }
            return Ok(());
        }
        Value::Null => return Ok(()),
        _ => {}
    }
    out.push_str(&format!("<{name}>"));
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                element(body, out, name, value, depth + 1)?;
            }
        }
        Value::Array(items) => {
            for item in items {
                element(body, out, "item", item, depth + 1)?;
            }
        }
        other => {
            for c in text(other).chars() {
                match c {
                    '&' => out.push_str("&amp;"),
                    '<' => out.push_str("&lt;"),
                    '>' => out.push_str("&gt;"),
                    '\r' => out.push_str("&#13;"),
                    // XML 1.0 has no way to write these.
                    c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
                    c => out.push(c),
                }
            }
        }
    }
    out.push_str(&format!("</{name}>"));
    Ok(())
}
