//! What is sent in a body, and what is answered.

use std::borrow::Cow;

use super::{
    Fault, Site, Source,
    operation::{BodyParameter, Parameters},
    parameters,
};
use crate::{
    document::{Members, Node},
    model::{Body, BodyKind, Location, Part, Style},
    schema::{Converter, Dialect},
};

/// The most fields of a form.
const MAX_PARTS: usize = 1000;
/// How deep fields of a form are looked for in what their schema is made of.
const MAX_NESTING: usize = 6;

/// The body of the request with its schema.
pub(super) fn request<'d>(
    source: &Source<'_, 'd>,
    site: &Site<'d>,
    converter: &mut Converter<'_, 'd>,
    parameters: &Parameters<'d>,
    warnings: &mut Vec<String>,
) -> Result<Option<(Body, Node<'d>)>, Fault> {
    let argument = ["body", "request_body", "request_body_"].into_iter().find(|name| !parameters.has(name));
    let argument = argument
        .ok_or_else(|| Fault::new(&site.pointer, "no argument name is left for the body"))?
        .to_owned();
    if source.dialect == Dialect::V20 {
        return Ok(of_version_2(source, site, converter, &parameters.in_body, argument));
    }
    let pointer = format!("{}/requestBody", site.pointer);
    let Some(value) = site.value.get("requestBody").filter(|value| value.is_object()) else {
        return Ok(None);
    };
    let value = source.documents.resolve(value).map_err(|reason| Fault::new(&pointer, reason))?;
    let required = value["required"].is_true();
    let offered = value.get("content").and_then(Node::as_object);
    let chosen = offered
        .into_iter()
        .flat_map(Members::iter)
        .filter_map(|(name, media)| {
            kind(source, name, media.get("schema")).map(|(rank, kind)| (rank, name, kind, media))
        })
        .min_by_key(|(rank, ..)| *rank);
    let Some((_, name, kind, media)) = chosen else {
        let names: Vec<&str> = offered.into_iter().flat_map(Members::keys).take(4).collect();
        if names.is_empty() {
            return Ok(None);
        }
        let reason = format!("the body is only taken as {}", names.join(", "));
        if required {
            return Err(Fault::new(format!("{pointer}/content"), reason));
        }
        warnings.push(format!("{reason}; it is left out"));
        return Ok(None);
    };
    let described = media.get("schema");
    let media_type = concrete(name, kind);
    let mut schema = body_schema(source, converter, kind, described, &media_type);
    describe(&mut schema, converter, value);
    let root = if kind == BodyKind::Xml { xml_root(source, described) } else { String::new() };
    let parts = match kind {
        BodyKind::Form | BodyKind::Multipart => parts(source, described, media.get("encoding")),
        _ => Vec::new(),
    };
    Ok(Some((Body { argument, media_type, kind, required, parts, root }, schema)))
}

/// The body's own words, where its schema has none.
fn describe<'d>(schema: &mut Node<'d>, converter: &mut Converter<'_, 'd>, value: &'d Node<'d>) {
    if let Node::Object(members) = schema
        && !members.contains("description")
        && let Some(text) = value.get("description").and_then(Node::as_str).filter(|text| !text.is_empty())
        && let Some(text) = converter.text(text)
    {
        members.insert("description", text);
    }
}

/// The schema of a body by the way in which it is written.
fn body_schema<'d>(
    source: &Source<'_, 'd>,
    converter: &mut Converter<'_, 'd>,
    kind: BodyKind,
    described: Option<&'d Node<'d>>,
    media_type: &str,
) -> Node<'d> {
    let is_text = described.is_none_or(|schema| is_string(source, schema));
    match kind {
        BodyKind::Binary => binary(media_type),
        BodyKind::Text | BodyKind::Xml if is_text => {
            let mut schema = described.map_or_else(Node::empty, |schema| converter.convert(schema));
            if let Node::Object(members) = &mut schema
                && !members.contains("$ref")
            {
                members.insert("type", Node::text("string"));
                members.insert("contentMediaType", Node::text(media_type.to_owned()));
            }
            schema
        }
        _ => described.map_or_else(Node::empty, |schema| converter.convert(schema)),
    }
}

/// Bytes, as far as JSON can carry them.
fn binary<'d>(media_type: &str) -> Node<'d> {
    Node::object(vec![
        ("type".into(), Node::text("string")),
        ("contentEncoding".into(), Node::text("base64")),
        ("contentMediaType".into(), Node::text(media_type.to_owned())),
    ])
}

/// `body` and `formData` parameters, and what the operation `consumes`.
fn of_version_2<'d>(
    source: &Source<'_, 'd>,
    site: &Site<'d>,
    converter: &mut Converter<'_, 'd>,
    in_body: &[BodyParameter<'d>],
    argument: String,
) -> Option<(Body, Node<'d>)> {
    let consumed = media_types(source, site, "consumes");
    let fields: Vec<&BodyParameter<'d>> = in_body.iter().filter(|parameter| parameter.is_field).collect();
    let whole = in_body.iter().find(|parameter| !parameter.is_field);
    if let (Some(whole), true) = (whole, fields.is_empty()) {
        let described =
            whole.value.get("schema").or(Some(whole.value).filter(|value| value.get("type").is_some()));
        let chosen = consumed
            .iter()
            .filter_map(|name| kind(source, name, described).map(|(rank, kind)| (rank, *name, kind)))
            .filter(|(_, _, kind)| !matches!(kind, BodyKind::Form | BodyKind::Multipart))
            .min_by_key(|(rank, ..)| *rank);
        let (name, kind) =
            chosen.map_or(("application/json", BodyKind::Json), |(_, name, kind)| (name, kind));
        let media_type = concrete(name, kind);
        let mut schema = body_schema(source, converter, kind, described, &media_type);
        describe(&mut schema, converter, whole.value);
        let root = if kind == BodyKind::Xml { xml_root(source, described) } else { String::new() };
        let required = whole.value["required"].is_true();
        return Some((Body { argument, media_type, kind, required, parts: Vec::new(), root }, schema));
    }
    if fields.is_empty() {
        return None;
    }
    let is_file = |value: &Node<'_>| value["type"].as_str() == Some("file");
    let has = |wanted: &str| consumed.iter().any(|name| essence(name) == wanted);
    let multipart = fields.iter().any(|field| is_file(field.value))
        || has("multipart/form-data") && !has("application/x-www-form-urlencoded");
    let (kind, media_type) = match multipart {
        true => (BodyKind::Multipart, "multipart/form-data"),
        false => (BodyKind::Form, "application/x-www-form-urlencoded"),
    };
    let mut properties = Vec::new();
    let mut required = Vec::new();
    let mut parts = Vec::new();
    for field in fields {
        if properties.iter().any(|(name, _): &(Cow<'_, str>, _)| name == field.name) {
            continue;
        }
        let schema = parameters::schema(source.dialect, field.value, converter);
        properties.push((Cow::Borrowed(field.name), schema));
        if field.value["required"].is_true() {
            required.push(field.name);
        }
        let (style, explode) = parameters::collection(field.value, Location::Query);
        parts.push(Part {
            name: field.name.to_owned(),
            content_type: None,
            style: (field.value["type"].as_str() == Some("array")).then_some(style),
            explode,
            allow_reserved: false,
            binary: is_file(field.value),
        });
    }
    let is_required = !required.is_empty();
    let mut schema =
        vec![(Cow::Borrowed("type"), Node::text("object")), ("properties".into(), Node::object(properties))];
    if is_required {
        schema.push(("required".into(), Node::list(required.into_iter().map(Node::text))));
    }
    let body = Body {
        argument,
        media_type: media_type.into(),
        kind,
        required: is_required,
        parts,
        root: String::new(),
    };
    Some((body, Node::object(schema)))
}

/// `consumes` or `produces` of the operation, else of the document.
fn media_types<'d>(source: &Source<'_, 'd>, site: &Site<'d>, member: &str) -> Vec<&'d str> {
    let list = site.value.get(member).or_else(|| source.root.get(member));
    match list {
        Some(Node::Array(names)) => names.iter().filter_map(Node::as_str).collect(),
        Some(Node::String(name)) => vec![name],
        _ => Vec::new(),
    }
}

/// The fields of a form, as far as they differ from what is usual.
fn parts<'d>(
    source: &Source<'_, 'd>,
    schema: Option<&'d Node<'d>>,
    encoding: Option<&'d Node<'d>>,
) -> Vec<Part> {
    let mut found: Vec<(&'d str, &'d Node<'d>)> = Vec::new();
    if let Some(schema) = schema {
        fields(source, schema, 0, &mut found);
    }
    let empty = Node::empty();
    found
        .into_iter()
        .map(|(name, schema)| {
            let encoding = encoding.and_then(|encoding| encoding.get(name)).unwrap_or(&empty);
            let stated =
                ["style", "explode", "allowReserved"].iter().any(|member| encoding.get(member).is_some());
            let style = match encoding["style"].as_str() {
                Some(style) => parameters::known(style, Location::Query),
                None => stated.then_some(Style::Form),
            };
            Part {
                name: name.to_owned(),
                // Of several types that may be sent the first is as good as any.
                content_type: encoding["contentType"].as_str().and_then(first_media_type),
                style,
                explode: encoding["explode"].as_bool().unwrap_or(matches!(style, None | Some(Style::Form))),
                allow_reserved: encoding["allowReserved"].is_true(),
                binary: is_binary(source, schema, 0),
            }
        })
        .collect()
}

fn first_media_type(list: &str) -> Option<String> {
    let first = list.split(',').next().unwrap_or_default().trim();
    let fits =
        !first.is_empty() && !first.contains('*') && first.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    fits.then(|| first.to_owned())
}

fn fields<'d>(
    source: &Source<'_, 'd>,
    schema: &'d Node<'d>,
    depth: usize,
    found: &mut Vec<(&'d str, &'d Node<'d>)>,
) {
    let Ok(schema) = source.documents.resolve(schema) else { return };
    if depth > MAX_NESTING || found.len() > MAX_PARTS {
        return;
    }
    for (name, property) in schema["properties"].as_object().into_iter().flat_map(Members::iter) {
        if !found.iter().any(|(known, _)| *known == name) {
            found.push((name, property));
        }
    }
    for keyword in ["allOf", "oneOf", "anyOf"] {
        for part in schema.get(keyword).and_then(Node::as_array).into_iter().flatten() {
            fields(source, part, depth + 1, found);
        }
    }
}

/// Whether a schema describes bytes that JSON cannot carry as they are.
fn is_binary<'d>(source: &Source<'_, 'd>, schema: &'d Node<'d>, depth: usize) -> bool {
    let Ok(schema) = source.documents.resolve(schema) else { return false };
    let raw_media = schema["contentMediaType"].as_str().is_some_and(|name| !is_textual(&essence(name)));
    schema["format"].as_str() == Some("binary")
        || schema["type"].as_str() == Some("file")
        || raw_media && schema.get("contentEncoding").is_none()
        || depth < 3
            && (schema.get("items").is_some_and(|items| is_binary(source, items, depth + 1))
                || ["allOf", "oneOf", "anyOf"].iter().any(|keyword| {
                    let parts = schema.get(keyword).and_then(Node::as_array);
                    parts.into_iter().flatten().any(|part| is_binary(source, part, depth + 1))
                }))
}

fn is_string<'d>(source: &Source<'_, 'd>, schema: &'d Node<'d>) -> bool {
    source.documents.resolve(schema).is_ok_and(|schema| {
        let typed = schema.get("type").and_then(Node::as_str);
        typed == Some("string")
            || typed.is_none()
                && !["properties", "allOf", "oneOf", "anyOf", "items", "additionalProperties"]
                    .iter()
                    .any(|keyword| schema.get(keyword).is_some())
    })
}

/// The name of the outermost element.
fn xml_root<'d>(source: &Source<'_, 'd>, schema: Option<&'d Node<'d>>) -> String {
    let Some(schema) = schema else { return String::new() };
    let resolved = source.documents.resolve(schema).ok();
    let stated = resolved.and_then(|schema| schema["xml"]["name"].as_str());
    let referred =
        schema.get("$ref").and_then(Node::as_str).and_then(|reference| reference.rsplit('/').next());
    stated.or(referred).unwrap_or_default().to_owned()
}

fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The media type to send for one that may be a range.
fn concrete(name: &str, kind: BodyKind) -> String {
    let essence = essence(name);
    match (essence.as_str(), kind) {
        (name, _) if !name.is_empty() && !name.contains('*') => essence,
        (_, BodyKind::Json) => "application/json".to_owned(),
        (_, BodyKind::Text) => "text/plain".to_owned(),
        ("image/*", _) => "image/png".to_owned(),
        ("audio/*", _) => "audio/mpeg".to_owned(),
        ("video/*", _) => "video/mp4".to_owned(),
        _ => "application/octet-stream".to_owned(),
    }
}

/// How a media type is written, the ones to prefer with a lower number.
fn kind<'d>(
    source: &Source<'_, 'd>,
    media_type: &str,
    schema: Option<&'d Node<'d>>,
) -> Option<(u8, BodyKind)> {
    let essence = essence(media_type);
    let is_token =
        !essence.is_empty() && essence.bytes().all(|b| b.is_ascii_alphanumeric() || b"/+-._*".contains(&b));
    let bytes = || schema.is_some_and(|schema| is_binary(source, schema, 0));
    let text = || schema.is_none_or(|schema| is_string(source, schema));
    match essence.as_str() {
        // Nobody says what it is.
        "" => Some((10, BodyKind::Json)),
        _ if !is_token => None,
        "application/json" => Some((0, BodyKind::Json)),
        name if is_json(name) => Some((1, BodyKind::Json)),
        "*/*" | "application/*" if bytes() => Some((7, BodyKind::Binary)),
        "*/*" | "application/*" => Some((2, BodyKind::Json)),
        // A file in it is why it is offered.
        "multipart/form-data" if schema.is_some_and(|schema| has_file(source, schema)) => {
            Some((3, BodyKind::Multipart))
        }
        "application/x-www-form-urlencoded" => Some((4, BodyKind::Form)),
        name if name.starts_with("multipart/") => Some((5, BodyKind::Multipart)),
        name if is_xml(name) => Some((6, BodyKind::Xml)),
        name if is_textual(name) => Some((7, BodyKind::Text)),
        name if name.starts_with("image/") || name.starts_with("audio/") || name.starts_with("video/") => {
            Some((8, BodyKind::Binary))
        }
        // Types of one provider alone: what is described says what they are.
        _ if bytes() || text() => Some((9, BodyKind::Binary)),
        _ => Some((9, BodyKind::Json)),
    }
}

fn has_file<'d>(source: &Source<'_, 'd>, schema: &'d Node<'d>) -> bool {
    let mut found = Vec::new();
    fields(source, schema, 0, &mut found);
    found.into_iter().any(|(_, schema)| is_binary(source, schema, 0))
}

fn is_json(essence: &str) -> bool {
    essence.ends_with("+json") || essence.ends_with("/json")
}

fn is_xml(essence: &str) -> bool {
    essence.ends_with("/xml") || essence.ends_with("+xml")
}

/// Whether what is of that type is read as text.
fn is_textual(essence: &str) -> bool {
    const TEXTS: [&str; 12] = [
        "application/yaml",
        "application/x-yaml",
        "application/javascript",
        "application/graphql",
        "application/x-ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "application/sql",
        "application/csv",
        "application/jwt",
        "application/jose",
        "application/x-pem-file",
    ];
    essence.starts_with("text/")
        || is_xml(essence)
        || is_json(essence)
        || TEXTS.contains(&essence)
        || essence.ends_with("+yaml")
}

/// What is answered.
pub(super) struct Answer<'d> {
    pub(super) schema: Node<'d>,
    /// Whether an answer without a body is a success.
    pub(super) empty: bool,
    /// What to ask for; empty for the usual.
    pub(super) accept: String,
}

/// A successful answer: JSON where it is offered, else text, else bytes.
pub(super) fn answer<'d>(
    source: &Source<'_, 'd>,
    site: &Site<'d>,
    converter: &mut Converter<'_, 'd>,
    warnings: &mut Vec<String>,
) -> Answer<'d> {
    let mut answer = Answer { schema: Node::empty(), empty: false, accept: String::new() };
    let Some(responses) = site.value.get("responses").and_then(Node::as_object) else {
        answer.empty = true;
        return answer;
    };
    let success = |status: &str| status.len() == 3 && status.starts_with('2');
    let mut names: Vec<&str> = responses.keys().filter(|status| success(status)).collect();
    names.sort_unstable();
    if names.is_empty() {
        names.extend(responses.keys().filter(|status| *status == "default"));
    }
    answer.empty = names.is_empty();
    let mut best: Option<(u8, &'d str, Option<&'d Node<'d>>)> = None;
    for name in names {
        let described = match responses.get(name).map(|answer| source.documents.resolve(answer)) {
            Some(Ok(described)) => described,
            Some(Err(broken)) => {
                warnings.push(format!("answer {name}: {broken}"));
                answer.empty = true;
                continue;
            }
            None => continue,
        };
        let mut offered: Vec<(&'d str, Option<&'d Node<'d>>)> = Vec::new();
        if source.dialect == Dialect::V20 {
            if let Some(schema) = described.get("schema") {
                let produced = media_types(source, site, "produces");
                let is_file = schema["type"].as_str() == Some("file");
                offered.extend(produced.iter().map(|name| (*name, Some(schema))));
                if offered.is_empty() {
                    offered.push((
                        if is_file { "application/octet-stream" } else { "application/json" },
                        Some(schema),
                    ));
                }
            }
        } else if let Some(content) = described.get("content").and_then(Node::as_object) {
            offered.extend(content.iter().map(|(name, media)| (name, media.get("schema"))));
        }
        if offered.is_empty() {
            answer.empty = true;
        }
        for (name, schema) in offered {
            let rank = rank(source, name, schema);
            if best.is_none_or(|(known, ..)| rank < known) {
                best = Some((rank, name, schema));
            }
        }
    }
    if let Some((rank, name, schema)) = best {
        let essence = essence(name);
        let is_sendable = !essence.is_empty() && essence.bytes().all(|b| b.is_ascii_graphic());
        if essence != "application/json" && is_sendable {
            answer.accept = essence.clone();
        }
        answer.schema = match rank {
            JSON => schema.map_or_else(Node::empty, |schema| converter.convert(schema)),
            TEXT => Node::object(vec![
                ("type".into(), Node::text("string")),
                ("contentMediaType".into(), Node::text(essence)),
            ]),
            _ => binary(&essence),
        };
    }
    answer
}

const JSON: u8 = 0;
const TEXT: u8 = 1;
const BYTES: u8 = 2;

fn rank<'d>(source: &Source<'_, 'd>, media_type: &str, schema: Option<&'d Node<'d>>) -> u8 {
    let essence = essence(media_type);
    if schema.is_some_and(|schema| is_binary(source, schema, 0)) && !is_json(&essence) {
        return BYTES;
    }
    match essence.as_str() {
        name if is_json(name) || name.contains("*/*") || name == "application/*" => JSON,
        name if is_textual(name) => TEXT,
        name if name.starts_with("image/") || name.starts_with("audio/") || name.starts_with("video/") => {
            BYTES
        }
        "application/octet-stream" | "application/pdf" | "application/zip" => BYTES,
        // Types of one provider alone: described like JSON they are likely to be JSON.
        _ if schema.is_some_and(|schema| !is_string(source, schema)) => JSON,
        _ => BYTES,
    }
}
