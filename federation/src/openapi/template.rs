//! Path templates in pieces.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::operation::Parameters;
use crate::{
    document::Node,
    model::{Location, Parameter, PathPart, Style},
};

/// What stays as it is in the literal parts of a path: what neither ends it nor changes when it is read again.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'?');

/// Splits a template. A placeholder that no parameter describes becomes a text that has to be given.
pub(super) fn parts(
    template: &str,
    parameters: &mut Parameters<'_>,
    warnings: &mut Vec<String>,
) -> Vec<PathPart> {
    // Some descriptions tell operations apart by fragments, which are never sent.
    let mut rest = template.split_once('#').map_or(template, |(path, _)| path);
    let mut parts = Vec::new();
    let mut in_query = false;
    let mut literal = if rest.starts_with('/') { String::new() } else { "/".to_owned() };
    while let Some((before, name, after)) = placeholder(rest) {
        literal.push_str(&encode(before));
        if !literal.is_empty() {
            parts.push(PathPart::Literal(std::mem::take(&mut literal)));
        }
        in_query |= before.contains('?');
        parts.push(PathPart::Parameter(index(name, in_query, parameters, warnings)));
        rest = after;
    }
    literal.push_str(&encode(rest));
    if !literal.is_empty() {
        parts.push(PathPart::Literal(literal));
    }
    parts
}

fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let open = text.find('{')?;
    let close = open + text[open..].find('}')?;
    Some((&text[..open], &text[open + 1..close], &text[close + 1..]))
}

fn index(name: &str, in_query: bool, parameters: &mut Parameters<'_>, warnings: &mut Vec<String>) -> usize {
    // Some write what a placeholder takes into its name: `{+path}`, `{path*}`, `{path:.*}`.
    let plain = name.trim_start_matches(['+', '*', '#']);
    let plain = plain.split(':').next().unwrap_or_default().trim_end_matches(['*', '+', '?', '.']);
    for name in [name, plain] {
        let described =
            |parameter: &Parameter| parameter.location == Location::Path && parameter.name == name;
        if let Some(index) = parameters.list.iter().position(described) {
            return index;
        }
    }
    // `/search?q={q}` with `q` described as a parameter of the query: it is written where the template has it, once.
    let is_same = |parameter: &Parameter| parameter.location == Location::Query && parameter.name == name;
    if let Some(index) = parameters.list.iter().position(is_same).filter(|_| in_query) {
        let parameter = &mut parameters.list[index];
        parameter.location = Location::Path;
        parameter.required = true;
        if parameter.style != Style::Json {
            (parameter.style, parameter.explode) = (Style::Simple, false);
        }
        return index;
    }
    warnings.push(format!("`{{{name}}}` of the path is not described; it is taken as text"));
    let argument = parameters.argument(name, Location::Path);
    let schema = Node::object(vec![("type".into(), Node::text("string"))]);
    parameters.properties.push((argument.clone().into(), schema));
    parameters.list.push(Parameter {
        argument,
        name: name.to_owned(),
        location: Location::Path,
        style: Style::Simple,
        explode: false,
        allow_reserved: false,
        required: true,
    });
    parameters.list.len() - 1
}

/// Encodes a literal part; what is encoded already stays.
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        encoded.extend(utf8_percent_encode(&rest[..at], PATH));
        let digits = rest.as_bytes().get(at + 1..at + 3);
        let whole = digits.is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        encoded.push_str(if whole { "%" } else { "%25" });
        rest = &rest[at + 1..];
    }
    encoded.extend(utf8_percent_encode(rest, PATH));
    encoded
}

/// Refuses a path that becomes another one when it is read as an address: `..` in it, for example.
pub(super) fn check(server: &str, parts: &[PathPart]) -> Result<(), String> {
    let mut url = server.to_owned();
    for part in parts {
        match part {
            PathPart::Literal(literal) => url.push_str(literal),
            PathPart::Parameter(_) => url.push('x'),
        }
    }
    match Url::parse(&url) {
        Ok(parsed) if parsed.as_str() == url => Ok(()),
        _ => Err("the path changes when it is read as an address".into()),
    }
}
