//! Parameters in path, query, header and cookie.

use serde_json::{Map, Value, json};

use super::{
    Fault, Source,
    operation::{Parameters, Site, resolved},
    refs,
};
use crate::{
    model::{Location, Parameter, Style},
    schema::Converter,
};

/// Header fields that the specification gives to other parts of a description.
const IGNORED: [&str; 3] = ["accept", "authorization", "content-type"];
/// Header fields that decide where a message goes and where it ends; no argument writes them.
const FORBIDDEN: [&str; 12] = [
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "forwarded",
];

/// The most parameters of one operation.
const MAX_PARAMETERS: usize = 1000;

/// Everything that the operation and its path item describe; the operation's own counts.
pub(super) fn collect<'d>(
    source: &Source<'d>,
    site: &Site<'_, 'd>,
    converter: &mut Converter<'d>,
    warnings: &mut Vec<String>,
) -> Result<Parameters, Fault> {
    let shared =
        (site.item.get("parameters").copied(), format!("/paths/{}/parameters", refs::token(site.template)));
    let own = (site.value.get("parameters"), format!("{}/parameters", site.pointer));
    let mut described: Vec<(String, Location, &Value)> = Vec::new();
    for (list, pointer) in [shared, own] {
        for (index, value) in list.and_then(Value::as_array).into_iter().flatten().enumerate() {
            let pointer = format!("{pointer}/{index}");
            let value = resolved(source, value, &pointer)?;
            let Some((name, location)) = identity(value, &pointer)? else { continue };
            if described.len() == MAX_PARAMETERS {
                return Err(Fault::new(pointer, format!("there are more than {MAX_PARAMETERS} parameters")));
            }
            match described.iter_mut().find(|(n, l, _)| *n == name && *l == location) {
                Some(earlier) => earlier.2 = value,
                None => described.push((name, location, value)),
            }
        }
    }
    let mut parameters = Parameters { list: Vec::new(), properties: Map::new() };
    for (name, location, value) in described {
        if location == Location::Header && !is_sendable_header(&name) {
            if !IGNORED.contains(&name.to_ascii_lowercase().as_str()) {
                warnings.push(format!("the header field `{}` is not sent by arguments", shown(&name)));
            }
            continue;
        }
        let parameter = one(&parameters, name, location, value, warnings);
        let schema = schema(value, converter);
        parameters.properties.insert(parameter.argument.clone(), schema);
        parameters.list.push(parameter);
    }
    Ok(parameters)
}

fn shown(name: &str) -> String {
    name.chars().take(60).collect()
}

/// Name and place; none for one that OpenAPI 3 does not know and that need not be given.
fn identity(value: &Value, pointer: &str) -> Result<Option<(String, Location)>, Fault> {
    let Some(name) = value.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
        return Err(Fault::new(pointer, "the parameter has no name"));
    };
    let location = match value.get("in").and_then(Value::as_str) {
        Some("path") => Location::Path,
        Some("query") => Location::Query,
        Some("header") => Location::Header,
        Some("cookie") => Location::Cookie,
        other => {
            let place = other.map_or_else(|| "nowhere".into(), shown);
            return if value["required"] == Value::Bool(true) {
                Err(Fault::new(
                    pointer,
                    format!("the parameter `{}` belongs to an unknown place: {place}", shown(name)),
                ))
            } else {
                Ok(None)
            };
        }
    };
    Ok(Some((name.to_owned(), location)))
}

/// Whether an argument may write a header field of that name.
fn is_sendable_header(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    name.bytes().all(token)
        && !IGNORED.contains(&lower.as_str())
        && !FORBIDDEN.contains(&lower.as_str())
        && !lower.starts_with("proxy-")
        && !lower.starts_with("sec-")
        && !lower.starts_with("x-forwarded-")
}

fn one(
    parameters: &Parameters,
    name: String,
    location: Location,
    value: &Value,
    warnings: &mut Vec<String>,
) -> Parameter {
    let usual = match location {
        Location::Path | Location::Header => Style::Simple,
        Location::Query | Location::Cookie => Style::Form,
    };
    let stated = value.get("style").and_then(Value::as_str);
    let style = if value.get("schema").is_none() && value.get("content").is_some_and(Value::is_object) {
        Style::Json
    } else {
        stated.and_then(|style| known(style, location)).unwrap_or_else(|| {
            if let Some(style) = stated {
                warnings.push(format!(
                    "`{}` has no style `{}`; the usual one is used",
                    shown(&name),
                    shown(style)
                ));
            }
            usual
        })
    };
    Parameter {
        argument: parameters.argument(&name, location),
        explode: value.get("explode").and_then(Value::as_bool).unwrap_or(style == Style::Form),
        allow_reserved: location == Location::Query && value["allowReserved"] == Value::Bool(true),
        required: location == Location::Path || value["required"] == Value::Bool(true),
        name,
        location,
        style,
    }
}

fn known(style: &str, location: Location) -> Option<Style> {
    match (location, style) {
        (Location::Path | Location::Header, "simple") => Some(Style::Simple),
        (Location::Path, "label") => Some(Style::Label),
        (Location::Path, "matrix") => Some(Style::Matrix),
        (Location::Query | Location::Cookie, "form") => Some(Style::Form),
        (Location::Query, "spaceDelimited") => Some(Style::SpaceDelimited),
        (Location::Query, "pipeDelimited") => Some(Style::PipeDelimited),
        (Location::Query, "deepObject") => Some(Style::DeepObject),
        _ => None,
    }
}

/// The parameter's schema with what the parameter itself says about it.
fn schema<'d>(value: &'d Value, converter: &mut Converter<'d>) -> Value {
    let described = value.get("schema").or_else(|| {
        let content = value.get("content").and_then(Value::as_object);
        content.and_then(|content| content.values().next()).and_then(|media| media.get("schema"))
    });
    let mut schema = described.map_or_else(|| json!({}), |schema| converter.convert(schema));
    // Beside a schema the parameter's description is the better one; what is no object takes no description.
    if let Value::Object(members) = &mut schema
        && !members.contains_key("description")
        && let Some(text) = value.get("description").and_then(Value::as_str)
    {
        members.insert("description".into(), json!(crate::annotate::line(text, 400)));
    }
    schema
}
