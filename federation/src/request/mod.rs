//! Arguments to an HTTP request. No argument can change where the request goes.
//!
//! Values are encoded by the place that they go to, so that nothing in them ends that place. What encoding cannot
//! make safe is refused: `.` and `..` in a path, which every reader of addresses resolves even when encoded, and
//! control characters in header fields. The finished address is parsed again and held against the server.

mod body;
mod style;
mod validate;

pub(crate) use validate::check;

use mtor_shared::problem::{Problem, ProblemCode};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    documents::token,
    graphql,
    model::{HttpRequest, Location, Operation, Parameter, PathPart},
};

/// The longest address that is sent.
const MAX_URL_BYTES: usize = 32 * 1024;

/// Why arguments make no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {reason}; {advice}")]
pub struct ArgumentError {
    /// JSON Pointer to the argument at fault; `/place`.
    pub pointer: String,
    /// What is wrong with it.
    pub reason: String,
    /// What to give instead.
    pub advice: String,
}

impl ArgumentError {
    fn new(pointer: impl Into<String>, reason: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), reason: reason.into(), advice: advice.into() }
    }

    /// About one argument by name.
    fn of(argument: &str, reason: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(format!("/{}", token(argument)), reason, advice)
    }

    /// The same in words for a person; `title` is what the argument is called in front of one.
    pub fn problem(&self, title: &str) -> Problem {
        let mut advice = self.advice.clone();
        if let Some(first) = advice.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Problem::new(ProblemCode::BadArgument, format!("{title}: {}.", self.reason), format!("{advice}."))
    }

    /// The argument at fault; empty when it is all of them together.
    pub fn argument(&self) -> String {
        let first = self.pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
        first.replace("~1", "/").replace("~0", "~")
    }
}

/// Writes the request of a call.
///
/// An optional argument that is `null` counts as not given.
///
/// # Errors
/// [`ArgumentError`] when the arguments do not fit the capability's input schema, or cannot be sent safely.
pub fn request(operation: &Operation, args: &Map<String, Value>) -> Result<HttpRequest, ArgumentError> {
    let args = given(operation, args);
    validate::check(&operation.capability.input, &args)?;
    let mut url = operation.server.clone();
    url.push_str(&path(operation, &args)?);
    let query = query(operation, &args)?;
    if !query.is_empty() {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(&query);
    }
    check_target(operation, &url)?;
    let mut headers = headers(operation, &args)?;
    if let Some(call) = &operation.graphql {
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        let body = Some(graphql::body(call, &args));
        return Ok(HttpRequest { method: operation.method.clone(), url, headers, body });
    }
    let body = match &operation.body {
        Some(body) => match args.get(&body.argument) {
            Some(value) => {
                let (content_type, bytes) = body::encode(body, value)?;
                headers.push(("Content-Type".to_owned(), content_type));
                Some(bytes)
            }
            None => None,
        },
        None => None,
    };
    Ok(HttpRequest { method: operation.method.clone(), url, headers, body })
}

fn given(operation: &Operation, args: &Map<String, Value>) -> Map<String, Value> {
    let required: Vec<&str> = operation.capability.required().collect();
    let counts = |name: &String, value: &Value| !value.is_null() || required.contains(&name.as_str());
    args.iter()
        .filter(|(name, value)| counts(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn path(operation: &Operation, args: &Map<String, Value>) -> Result<String, ArgumentError> {
    let mut path = String::new();
    // Where each argument begins and ends, to name the one that makes a dot segment.
    let mut spans: Vec<(usize, usize, &Parameter)> = Vec::new();
    for part in &operation.path {
        match part {
            PathPart::Literal(literal) => path.push_str(literal),
            PathPart::Parameter(index) => {
                let Some(parameter) = operation.parameters.get(*index) else { continue };
                let start = path.len();
                if let Some(value) = args.get(&parameter.argument) {
                    path.push_str(&style::path(parameter, value)?);
                }
                if path.len() == start {
                    return Err(ArgumentError::of(
                        &parameter.argument,
                        "it is empty, and a part of the address",
                        "give at least one character",
                    ));
                }
                spans.push((start, path.len(), parameter));
            }
        }
    }
    check_segments(&path, &spans)?;
    Ok(path)
}

/// Refuses segments that mean "here" or "one up", whichever way they are written.
fn check_segments(path: &str, spans: &[(usize, usize, &Parameter)]) -> Result<(), ArgumentError> {
    let path = path.split('?').next().unwrap_or_default();
    let mut start = 0;
    for segment in path.split('/') {
        let end = start + segment.len();
        let decoded = percent_encoding::percent_decode_str(segment).collect::<Vec<u8>>();
        if decoded == b"." || decoded == b".." {
            let argument = spans.iter().find(|(from, to, _)| *from <= end && *to >= start);
            let name = argument.map_or("", |(_, _, parameter)| parameter.argument.as_str());
            return Err(ArgumentError::of(
                name,
                "`.` and `..` mean another place in an address",
                "give a value with other characters in it",
            ));
        }
        start = end + 1;
    }
    Ok(())
}

fn query(operation: &Operation, args: &Map<String, Value>) -> Result<String, ArgumentError> {
    let mut pairs = Vec::new();
    for (parameter, value) in present(operation, args, Location::Query) {
        pairs.extend(style::query(parameter, value)?);
    }
    Ok(pairs.join("&"))
}

fn present<'a>(
    operation: &'a Operation,
    args: &'a Map<String, Value>,
    location: Location,
) -> impl Iterator<Item = (&'a Parameter, &'a Value)> {
    operation
        .parameters
        .iter()
        .filter(move |parameter| parameter.location == location)
        .filter_map(|parameter| args.get(&parameter.argument).map(|value| (parameter, value)))
}

fn headers(operation: &Operation, args: &Map<String, Value>) -> Result<Vec<(String, String)>, ArgumentError> {
    let accept = if operation.accept.is_empty() { "application/json" } else { &operation.accept };
    let mut headers = vec![("Accept".to_owned(), accept.to_owned())];
    let sends_body = operation.body.as_ref().is_some_and(|body| args.contains_key(&body.argument));
    for (parameter, value) in present(operation, args, Location::Header) {
        let value = style::header(parameter, value)?;
        if parameter.name.eq_ignore_ascii_case("accept") {
            headers[0].1 = value;
        } else if !(sends_body && parameter.name.eq_ignore_ascii_case("content-type")) {
            headers.push((parameter.name.clone(), value));
        }
    }
    // Some services want to be told the type of a body that is not there.
    let is_type = |name: &str| name.eq_ignore_ascii_case("content-type");
    if !sends_body
        && operation.parameters.iter().any(|p| p.location == Location::Header && is_type(&p.name))
        && !headers.iter().any(|(name, _)| is_type(name))
    {
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
    }
    let mut cookies = Vec::new();
    for (parameter, value) in present(operation, args, Location::Cookie) {
        cookies.extend(style::query(parameter, value)?);
    }
    if !cookies.is_empty() {
        headers.push(("Cookie".to_owned(), cookies.join("; ")));
    }
    Ok(headers)
}

/// The last check, on the address that will be dialled: the same scheme, host and port as the server's, and the very
/// same text after it has been read, so that no other reader sees another address.
fn check_target(operation: &Operation, url: &str) -> Result<(), ArgumentError> {
    if url.len() > MAX_URL_BYTES {
        return Err(ArgumentError::new(
            "",
            format!("the address has {} KB; at most {} are sent", url.len() / 1024, MAX_URL_BYTES / 1024),
            "give shorter values",
        ));
    }
    let same = |url: &Url, server: &Url| {
        url.scheme() == server.scheme()
            && url.host_str() == server.host_str()
            && url.port_or_known_default() == server.port_or_known_default()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
    };
    match (Url::parse(url), Url::parse(&operation.server)) {
        (Ok(parsed), Ok(server)) if same(&parsed, &server) && parsed.as_str() == url => Ok(()),
        _ => Err(ArgumentError::new("", "these arguments lead to another address", "give other values")),
    }
}

#[cfg(test)]
mod tests;
