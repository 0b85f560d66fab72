//! All of YAML to a tree: anchors, merges, tags, complex keys. Slower than [`super::plain`], which has had its try.

use std::{borrow::Cow, collections::HashMap};

use granit_parser::{Event, Options, Parser, ScalarStyle, StrInput};
use serde_json::Number;

use super::MAX_DEPTH;
use crate::document::Node;

/// Nodes that aliases may add, whatever the size of the text.
const SPARED_NODES: usize = 200_000;

pub(super) type Error = String;

/// Reads the first document of a stream.
pub(super) fn read(text: &str) -> Result<Node<'_>, Error> {
    let mut options = Options::default();
    options.emit_comments = false;
    let mut reader = Reader {
        events: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        // Without aliases there is no text with more nodes than bytes.
        nodes_left: text.len() + SPARED_NODES,
    };
    loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentStart(..) => {}
            Event::StreamEnd | Event::DocumentEnd => return Ok(Node::Null),
            event => return reader.node(event, 0),
        }
    }
}

struct Reader<'s> {
    events: Parser<'s, StrInput<'s>>,
    anchors: HashMap<usize, (Node<'s>, usize)>,
    nodes_left: usize,
}

impl<'s> Reader<'s> {
    fn next(&mut self) -> Result<Event<'s>, Error> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Anchor(..), _))) => {}
                Some(Ok((event, _))) => return Ok(event),
                Some(Err(error)) => return Err(error.to_string()),
                None => return Err("the document ends too soon".into()),
            }
        }
    }

    fn spend(&mut self, nodes: usize) -> Result<(), Error> {
        self.nodes_left = self
            .nodes_left
            .checked_sub(nodes)
            .ok_or("its aliases repeat too much: it grows beyond its own size")?;
        Ok(())
    }

    fn node(&mut self, event: Event<'s>, depth: usize) -> Result<Node<'s>, Error> {
        if depth > MAX_DEPTH {
            return Err(format!("it is nested more than {MAX_DEPTH} levels deep"));
        }
        self.spend(1)?;
        let before = self.nodes_left;
        let (node, anchor) = match event {
            Event::Alias(anchor) => {
                let (node, count) =
                    self.anchors.get(&anchor).cloned().ok_or("an alias stands inside its own anchor")?;
                self.spend(count)?;
                return Ok(node);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_ref().and_then(|tag| tag.core_suffix().map(str::to_owned));
                let node = match (style, tag.as_deref()) {
                    (_, Some("str" | "binary" | "timestamp")) => Node::String(text),
                    (ScalarStyle::Plain, _) | (_, Some("int" | "float" | "bool" | "null")) => plain(text),
                    _ => Node::String(text),
                };
                (node, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => items.push(self.node(event, depth + 1)?),
                    }
                }
                (Node::Array(items.into_boxed_slice()), anchor)
            }
            Event::MappingStart(_, anchor, _) => (self.mapping(depth)?, anchor),
            Event::UnresolvedAlias(name) => return Err(format!("the alias `*{name}` has no anchor")),
            _ => return Err("a value is missing".into()),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), before - self.nodes_left));
        }
        Ok(node)
    }

    fn mapping(&mut self, depth: usize) -> Result<Node<'s>, Error> {
        let mut members: Vec<(Cow<'s, str>, Node<'s>)> = Vec::new();
        let mut merged: Vec<Node<'s>> = Vec::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => break,
                Event::Scalar(text, style, anchor, _) => {
                    self.spend(1)?;
                    let is_merge = style == ScalarStyle::Plain && text == "<<";
                    if anchor != 0 {
                        self.anchors.insert(anchor, (Node::String(text.clone()), 1));
                    }
                    if is_merge { None } else { Some(text) }
                }
                event => Some(match self.node(event, depth + 1)? {
                    Node::String(text) => text,
                    // A list or an object as a name: its JSON text.
                    other => Cow::Owned(other.to_value().to_string()),
                }),
            };
            let event = self.next()?;
            let value = self.node(event, depth + 1)?;
            match key {
                Some(key) => members.push((key, value)),
                None => merged.push(value),
            }
        }
        if !merged.is_empty() {
            // What the mapping itself says counts, then the first of what is merged.
            let mut all: Vec<(Cow<'s, str>, Node<'s>)> = Vec::new();
            let lists = merged.into_iter().flat_map(|node| match node {
                Node::Array(items) => items.into_vec(),
                other => vec![other],
            });
            for source in lists.collect::<Vec<_>>().into_iter().rev() {
                if let Node::Object(inherited) = source {
                    all.extend(inherited.into_entries());
                }
            }
            all.append(&mut members);
            members = all;
        }
        Ok(Node::object(members))
    }
}

/// A scalar without quotation marks, by YAML 1.2's core schema.
pub(super) fn plain(text: Cow<'_, str>) -> Node<'_> {
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => return Node::Null,
        "true" | "True" | "TRUE" => return Node::Bool(true),
        "false" | "False" | "FALSE" => return Node::Bool(false),
        _ => {}
    }
    number(&text).map_or(Node::String(text), Node::Number)
}

fn number(text: &str) -> Option<Number> {
    let first = *text.as_bytes().first()?;
    if !(first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.')) {
        return None;
    }
    let (sign, digits) = match first {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if let Some(hex) = digits.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(|n| Number::from(sign * n));
    }
    if let Some(octal) = digits.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok().map(|n| Number::from(sign * n));
    }
    let body = digits.as_bytes();
    let is_float = |b: &u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+');
    if !body.iter().all(is_float) || !body.iter().any(u8::is_ascii_digit) {
        return None;
    }
    if body.iter().all(u8::is_ascii_digit) {
        if let Ok(n) = text.strip_prefix('+').unwrap_or(text).parse::<i64>() {
            return Some(n.into());
        }
        if let Ok(n) = digits.parse::<u64>()
            && sign == 1
        {
            return Some(n.into());
        }
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}
