//! Parameters in path, query, header and cookie.

use std::{borrow::Cow, collections::HashMap};

use super::{
    Fault, Site, Source,
    operation::{BodyParameter, Parameters},
};
use crate::{
    document::Node,
    documents::token,
    model::{Location, Parameter, Style},
    schema::{Converter, Dialect},
};

/// Header fields that other parts of a description decide as well. OpenAPI 3 wants parameters of these names ignored,
/// but where they are described services ask for them: the first two are sent by themselves, an argument overrides them.
const NEGOTIATED: [&str; 2] = ["accept", "content-type"];
const AUTHORIZATION: &str = "authorization";
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

/// Where a parameter goes, with those that Swagger 2.0 has in its body.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Outside(Location),
    Body,
    Field,
}

/// Everything that the operation and its path item describe; the operation's own counts.
pub(super) fn collect<'d>(
    source: &Source<'_, 'd>,
    site: &Site<'d>,
    converter: &mut Converter<'_, 'd>,
    warnings: &mut Vec<String>,
) -> Result<Parameters<'d>, Fault> {
    let shared = (site.item("parameters"), || format!("/paths/{}/parameters", token(site.template)));
    let own = (site.value.get("parameters"), || format!("{}/parameters", site.pointer));
    let mut described: Vec<(&'d str, Place, &'d Node<'d>)> = Vec::new();
    let mut seen: HashMap<(&'d str, Place), usize> = HashMap::new();
    let lists: [(Option<&'d Node<'d>>, &dyn Fn() -> String); 2] = [(shared.0, &shared.1), (own.0, &own.1)];
    for (list, pointer) in lists {
        if list.is_some_and(|list| !matches!(list, Node::Array(_) | Node::Null)) {
            warnings.push(format!("{} is no list; no parameter is taken from it", pointer()));
        }
        for (index, value) in list.and_then(Node::as_array).into_iter().flatten().enumerate() {
            let pointer = || format!("{}/{index}", pointer());
            // What a reference that leads nowhere stands for is not known, so nothing can be sent for it.
            let value = match source.documents.resolve(value) {
                Ok(value) => value,
                Err(broken) => {
                    warnings.push(format!("{}: {broken}; the parameter is left out", pointer()));
                    continue;
                }
            };
            let Some((name, place)) = identity(source.dialect, value, &pointer)? else {
                warnings
                    .push(format!("{}: it belongs to no known place; the parameter is left out", pointer()));
                continue;
            };
            if source.dialect != Dialect::V20 && !matches!(place, Place::Outside(_)) {
                let title = "a body is described in `requestBody` since OpenAPI 3; the parameter is left out";
                warnings.push(format!("{}: {title}", pointer()));
                continue;
            }
            if described.len() == MAX_PARAMETERS {
                return Err(Fault::new(
                    pointer(),
                    format!("there are more than {MAX_PARAMETERS} parameters"),
                ));
            }
            match seen.get(&(name, place)) {
                Some(earlier) => described[*earlier].2 = value,
                None => {
                    seen.insert((name, place), described.len());
                    described.push((name, place, value));
                }
            }
        }
    }
    let mut parameters = Parameters { list: Vec::new(), properties: Vec::new(), in_body: Vec::new() };
    for (name, place, value) in described {
        let location = match place {
            Place::Outside(location) => location,
            place => {
                parameters.in_body.push(BodyParameter { name, is_field: place == Place::Field, value });
                continue;
            }
        };
        let name = name.to_owned();
        if location == Location::Header && !is_sendable_header(&name) {
            warnings.push(format!("the header field `{}` is not sent by arguments", shown(&name)));
            continue;
        }
        let mut parameter = one(source.dialect, &parameters, name, location, value, warnings);
        let mut schema = schema(source.dialect, value, converter);
        if location == Location::Header {
            let lower = parameter.name.to_ascii_lowercase();
            parameter.required &= !NEGOTIATED.contains(&lower.as_str());
            if let (AUTHORIZATION, Node::Object(members)) = (lower.as_str(), &mut schema) {
                // A secret: not shown, not given as an example.
                members.insert("format", Node::text("password"));
                members.insert("writeOnly", Node::Bool(true));
            }
        }
        parameters.properties.push((Cow::Owned(parameter.argument.clone()), schema));
        parameters.list.push(parameter);
    }
    Ok(parameters)
}

fn shown(name: &str) -> String {
    name.chars().take(60).collect()
}

/// Name and place; none for one that the dialect does not know and that need not be given.
fn identity<'d>(
    dialect: Dialect,
    value: &'d Node<'d>,
    pointer: &dyn Fn() -> String,
) -> Result<Option<(&'d str, Place)>, Fault> {
    let place = match (value.get("in").and_then(Node::as_str), dialect) {
        (Some("path"), _) => Place::Outside(Location::Path),
        (Some("query"), _) => Place::Outside(Location::Query),
        (Some("header"), _) => Place::Outside(Location::Header),
        (Some("cookie"), _) => Place::Outside(Location::Cookie),
        // The body needs no name.
        (Some("body"), _) => {
            return Ok(Some((value.get("name").and_then(Node::as_str).unwrap_or("body"), Place::Body)));
        }
        (Some("formData" | "form"), _) => Place::Field,
        (other, _) => {
            let place = other.map_or_else(|| "nowhere".into(), shown);
            let name = value.get("name").and_then(Node::as_str).map(shown).unwrap_or_default();
            return if value["required"].is_true() {
                Err(Fault::new(
                    pointer(),
                    format!("the parameter `{name}` belongs to an unknown place: {place}"),
                ))
            } else {
                Ok(None)
            };
        }
    };
    let Some(name) = value.get("name").and_then(Node::as_str).filter(|name| !name.is_empty()) else {
        return Err(Fault::new(pointer(), "the parameter has no name"));
    };
    Ok(Some((name, place)))
}

/// Whether an argument may write a header field of that name.
fn is_sendable_header(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    name.bytes().all(token)
        && !FORBIDDEN.contains(&lower.as_str())
        && !lower.starts_with("proxy-")
        && !lower.starts_with("sec-")
        && !lower.starts_with("x-forwarded-")
}

fn one(
    dialect: Dialect,
    parameters: &Parameters<'_>,
    name: String,
    location: Location,
    value: &Node<'_>,
    warnings: &mut Vec<String>,
) -> Parameter {
    let usual = match location {
        Location::Path | Location::Header => Style::Simple,
        Location::Query | Location::Cookie => Style::Form,
    };
    if dialect == Dialect::V20 {
        let (style, explode) = collection(value, location);
        return Parameter {
            argument: parameters.argument(&name, location),
            explode,
            allow_reserved: false,
            required: location == Location::Path || value["required"].is_true(),
            name,
            location,
            style,
        };
    }
    let stated = value.get("style").and_then(Node::as_str);
    let style = if value.get("schema").is_none() && value.get("content").is_some_and(Node::is_object) {
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
        explode: value.get("explode").and_then(Node::as_bool).unwrap_or(style == Style::Form),
        allow_reserved: location == Location::Query && value["allowReserved"].is_true(),
        required: location == Location::Path || value["required"].is_true(),
        name,
        location,
        style,
    }
}

/// Swagger 2.0's `collectionFormat` as a style, and whether items are repeated.
pub(super) fn collection(value: &Node<'_>, location: Location) -> (Style, bool) {
    let plain = match location {
        Location::Path | Location::Header => Style::Simple,
        Location::Query | Location::Cookie => Style::Form,
    };
    match value.get("collectionFormat").and_then(Node::as_str) {
        Some("multi") if matches!(location, Location::Query | Location::Cookie) => (Style::Form, true),
        Some("ssv") => (Style::SpaceDelimited, false),
        Some("tsv") => (Style::TabDelimited, false),
        Some("pipes") => (Style::PipeDelimited, false),
        _ => (plain, false),
    }
}

pub(super) fn known(style: &str, location: Location) -> Option<Style> {
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
pub(super) fn schema<'d>(
    dialect: Dialect,
    value: &'d Node<'d>,
    converter: &mut Converter<'_, 'd>,
) -> Node<'d> {
    let described = value.get("schema").or_else(|| {
        let content = value.get("content").and_then(Node::as_object);
        content.and_then(|content| content.values().next()).and_then(|media| media.get("schema"))
    });
    let mut schema = match described {
        Some(schema) => converter.convert(schema),
        // Swagger 2.0 writes the schema's keywords beside the parameter's own, and others do so by mistake.
        None if dialect == Dialect::V20 || value.get("type").is_some() => converter.convert(value),
        None => Node::empty(),
    };
    // Beside a schema the parameter's own words are the better ones; what is no object takes none.
    if let Node::Object(members) = &mut schema {
        if !members.contains("description")
            && let Some(text) =
                value.get("description").and_then(Node::as_str).filter(|text| !text.is_empty())
            && let Some(text) = converter.text(text)
        {
            members.insert("description", text);
        }
        if !members.contains("examples")
            && let Some(example) = example(value)
            && let Some(examples) = converter.examples(example)
        {
            members.insert("examples", examples);
        }
    }
    schema
}

/// The media types that the parameter `Accept` has to choose from, its default first.
pub(super) fn acceptable(parameters: &Parameters<'_>) -> Vec<String> {
    let is_accept = |parameter: &&Parameter| {
        parameter.location == Location::Header && parameter.name.eq_ignore_ascii_case("accept")
    };
    let Some(parameter) = parameters.list.iter().find(is_accept) else { return Vec::new() };
    let own = parameters.properties.iter().find(|(argument, _)| *argument == parameter.argument);
    let Some((_, schema)) = own else { return Vec::new() };
    let choices = schema.get("enum").and_then(Node::as_array).unwrap_or_default();
    let default = schema.get("default").and_then(Node::as_str);
    let is_sendable =
        |text: &&str| !text.is_empty() && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    default
        .into_iter()
        .chain(choices.iter().filter_map(Node::as_str))
        .filter(is_sendable)
        .map(str::to_owned)
        .collect()
}

/// A parameter's own example.
fn example<'d>(value: &'d Node<'d>) -> Option<&'d Node<'d>> {
    let first =
        || value.get("examples").and_then(Node::as_object).and_then(|examples| examples.values().next());
    value.get("example").or_else(|| first().and_then(|example: &Node<'_>| example.get("value")))
}
