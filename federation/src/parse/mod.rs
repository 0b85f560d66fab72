//! Texts of strangers to a tree, bounded.
//!
//! JSON goes through `serde_json`, YAML through a reader for the plain part of the language in which descriptions are
//! written ([`plain`]); what is not plain goes through a reader for the whole language ([`yaml`]).

mod json;
mod plain;
mod yaml;

use std::borrow::Cow;

use crate::{document::Node, model::CompileError};

/// The most bytes of a description or an overlay that are read.
pub(crate) const MAX_DOCUMENT_BYTES: usize = 64 * 1024 * 1024;
/// Levels of nesting.
const MAX_DEPTH: usize = 128;
/// Parser messages are quoted up to this many characters.
const MAX_MESSAGE_CHARS: usize = 240;

/// The text as the readers want it: no byte order mark, no carriage returns.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Between the lines of JSON they mean nothing.
    if is_json(text) || memchr::memchr(b'\r', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// Reads JSON or YAML that [`clean`] has been over.
///
/// # Errors
/// [`CompileError::TooLarge`] or [`CompileError::Syntax`].
pub(crate) fn document(text: &str) -> Result<Node<'_>, CompileError> {
    if text.len() > MAX_DOCUMENT_BYTES {
        return Err(CompileError::TooLarge { bytes: text.len(), limit: MAX_DOCUMENT_BYTES });
    }
    if is_json(text) {
        // Flow-style YAML begins like JSON, so only both failing says something; JSON's message is the clearer one.
        return json::read(text).or_else(|json| yaml::read(text).map_err(|_| syntax(&json)));
    }
    if let Some(node) = plain::read(text) {
        return Ok(node);
    }
    yaml::read(text).or_else(|error| match without_tabs(text) {
        Some(text) => {
            yaml::read(&text).map(|node| Node::from_value(&node.to_value())).map_err(|_| syntax(&error))
        }
        None => Err(syntax(&error)),
    })
}

/// YAML forbids tabs in indentation, and people write them.
fn without_tabs(text: &str) -> Option<String> {
    let indented = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    if !text.lines().any(|line| line[..indented(line)].contains('\t')) {
        return None;
    }
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.lines() {
        let (indentation, rest) = line.split_at(indented(line));
        out.push_str(&indentation.replace('\t', "  "));
        out.push_str(rest);
        out.push('\n');
    }
    Some(out)
}

fn syntax(error: &dyn std::fmt::Display) -> CompileError {
    let line = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    CompileError::Syntax(line.chars().take(MAX_MESSAGE_CHARS).collect())
}

#[cfg(test)]
mod tests;
