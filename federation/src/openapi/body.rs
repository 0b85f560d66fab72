//! What is sent in a body, and what is answered.

use serde_json::{Value, json};

use super::{
    Fault, Source,
    operation::{Site, resolved},
    refs,
};
use crate::{
    model::{Body, BodyKind, Parameter},
    schema::Converter,
};

/// The body of the request with its schema.
pub(super) fn request<'d>(
    source: &Source<'d>,
    site: &Site<'_, 'd>,
    converter: &mut Converter<'d>,
    parameters: &[Parameter],
    warnings: &mut Vec<String>,
) -> Result<Option<(Body, Value)>, Fault> {
    let pointer = format!("{}/requestBody", site.pointer);
    let Some(value) = site.value.get("requestBody").filter(|value| value.is_object()) else {
        return Ok(None);
    };
    let value = resolved(source, value, &pointer)?;
    let required = value["required"] == Value::Bool(true);
    let offered = value.get("content").and_then(Value::as_object);
    let chosen = offered
        .into_iter()
        .flatten()
        .filter_map(|(name, media)| kind(name).map(|(rank, kind)| (rank, name, kind, media)))
        .min_by_key(|(rank, ..)| *rank);
    let Some((_, name, kind, media)) = chosen else {
        let names: Vec<&str> = offered.into_iter().flatten().map(|(name, _)| name.as_str()).take(4).collect();
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
    let schema = media.get("schema").map_or_else(|| json!({}), |schema| converter.convert(schema));
    let taken = |name: &str| parameters.iter().any(|parameter| parameter.argument == name);
    let argument = ["body", "request_body", "request_body_"].into_iter().find(|name| !taken(name));
    let argument = argument.ok_or_else(|| Fault::new(&pointer, "no argument name is left for the body"))?;
    let media_type = if name.contains('*') { "application/json".to_owned() } else { essence(name) };
    Ok(Some((Body { argument: argument.to_owned(), media_type, kind, required }, schema)))
}

fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// How a media type is written, the ones to prefer with a lower number.
fn kind(media_type: &str) -> Option<(u8, BodyKind)> {
    let essence = essence(media_type);
    let is_token = essence.bytes().all(|b| b.is_ascii_alphanumeric() || b"/+-._*".contains(&b));
    match essence.as_str() {
        _ if !is_token => None,
        "application/json" => Some((0, BodyKind::Json)),
        name if is_json(name) => Some((1, BodyKind::Json)),
        "*/*" | "application/*" => Some((2, BodyKind::Json)),
        "application/x-www-form-urlencoded" => Some((3, BodyKind::Form)),
        name if name.starts_with("text/") && !name.contains('*') => Some((4, BodyKind::Text)),
        _ => None,
    }
}

fn is_json(essence: &str) -> bool {
    essence.ends_with("+json") || essence.ends_with("/json") || essence.contains("json;")
}

/// The schema of a successful answer, and whether one without a body is a success.
pub(super) fn answer<'d>(
    source: &Source<'d>,
    site: &Site<'_, 'd>,
    converter: &mut Converter<'d>,
    warnings: &mut Vec<String>,
) -> (Value, bool) {
    let Some(responses) = site.value.get("responses").and_then(Value::as_object) else {
        return (json!({}), true);
    };
    let success = |status: &str| status.len() == 3 && status.starts_with('2');
    let mut names: Vec<&String> = responses.keys().filter(|status| success(status)).collect();
    if names.is_empty() {
        names.extend(responses.keys().filter(|status| *status == "default"));
    }
    let mut schema = None;
    let mut empty = names.is_empty();
    for name in names {
        let answer = match responses.get(name).map(|answer| refs::resolve(source.root, answer)) {
            Some(Ok(answer)) => answer,
            Some(Err(broken)) => {
                warnings.push(format!("answer {name}: {broken}"));
                empty = true;
                continue;
            }
            None => continue,
        };
        let content = answer.get("content").and_then(Value::as_object).filter(|content| !content.is_empty());
        let Some(content) = content else {
            empty = true;
            continue;
        };
        let json = content.iter().find(|(name, _)| matches!(kind(name), Some((0..=2, _))));
        if let (None, Some((_, media))) = (&schema, json) {
            schema = media.get("schema").map(|schema| converter.convert(schema));
        }
    }
    (schema.unwrap_or_else(|| json!({})), empty)
}
