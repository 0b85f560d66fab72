//! The part of JSONPath (RFC 9535) that overlays use: names, indices, wildcards and `[?@.member=='text']`.

use serde_json::Value;

/// A parsed query.
pub(crate) struct Query {
    segments: Vec<Segment>,
}

enum Segment {
    Name(String),
    Index(usize),
    Every,
    /// Children whose member has that text.
    Where {
        member: String,
        text: String,
    },
}

/// Where a value is: member names, list indices.
pub(crate) type Place = Vec<Key>;

#[derive(Clone)]
pub(crate) enum Key {
    Member(String),
    Item(usize),
}

impl Query {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text.trim().strip_prefix('$').ok_or("it does not begin with `$`")?;
        let mut segments = Vec::new();
        while !rest.is_empty() {
            let (segment, after) = if let Some(after) = rest.strip_prefix('.') {
                dotted(after)?
            } else if let Some(after) = rest.strip_prefix('[') {
                bracketed(after.trim_start())?
            } else {
                return Err(format!("`{rest}` is neither `.name` nor `[…]`"));
            };
            segments.push(segment);
            rest = after;
        }
        Ok(Self { segments })
    }

    /// Every place that the query selects, in document order, at most `limit`.
    pub(crate) fn select(&self, root: &Value, limit: usize) -> Vec<Place> {
        let mut found: Vec<(Place, &Value)> = vec![(Vec::new(), root)];
        for segment in &self.segments {
            let mut next = Vec::new();
            for (place, value) in found {
                for (key, child) in segment.children(value) {
                    if next.len() < limit {
                        let mut place = place.clone();
                        place.push(key);
                        next.push((place, child));
                    }
                }
            }
            found = next;
        }
        found.into_iter().map(|(place, _)| place).collect()
    }
}

impl Segment {
    fn children<'v>(&self, value: &'v Value) -> Vec<(Key, &'v Value)> {
        match self {
            Self::Name(name) => {
                value.get(name).map(|child| (Key::Member(name.clone()), child)).into_iter().collect()
            }
            Self::Index(index) => {
                value.get(*index).map(|child| (Key::Item(*index), child)).into_iter().collect()
            }
            Self::Every => every(value),
            Self::Where { member, text } => {
                let mut children = every(value);
                children.retain(|(_, child)| child.get(member).and_then(Value::as_str) == Some(text));
                children
            }
        }
    }
}

fn every(value: &Value) -> Vec<(Key, &Value)> {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, child)| (Key::Member(name.clone()), child)).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, child)| (Key::Item(index), child)).collect()
        }
        _ => Vec::new(),
    }
}

fn dotted(text: &str) -> Result<(Segment, &str), String> {
    if let Some(after) = text.strip_prefix('*') {
        return Ok((Segment::Every, after));
    }
    let end = text.find(['.', '[']).unwrap_or(text.len());
    match &text[..end] {
        "" => Err("a dot is followed by no name; `..` is not supported".into()),
        name => Ok((Segment::Name(name.to_owned()), &text[end..])),
    }
}

fn bracketed(text: &str) -> Result<(Segment, &str), String> {
    let (segment, rest) = if let Some(after) = text.strip_prefix('*') {
        (Segment::Every, after)
    } else if let Some(after) = text.strip_prefix('?') {
        filter(after.trim_start())?
    } else if text.starts_with(['\'', '"']) {
        let (name, after) = quoted(text)?;
        (Segment::Name(name), after)
    } else {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let index = text[..end].parse().map_err(|_| format!("`[{text}` is not supported"))?;
        (Segment::Index(index), &text[end..])
    };
    let after = rest.trim_start().strip_prefix(']').ok_or("a `]` is missing")?;
    Ok((segment, after))
}

/// `@.member=='text'`, with or without parentheses around it.
fn filter(text: &str) -> Result<(Segment, &str), String> {
    let unsupported = || format!("the filter `{text}` is not supported; write `[?@.member=='text']`");
    let (inner, parenthesis) = match text.strip_prefix('(') {
        Some(inner) => (inner.trim_start(), true),
        None => (text, false),
    };
    let inner = inner.strip_prefix("@.").ok_or_else(unsupported)?;
    let (member, comparison) = inner.split_once("==").ok_or_else(unsupported)?;
    let member = member.trim();
    if member.is_empty() || !member.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_')) {
        return Err(unsupported());
    }
    let (value, rest) = quoted(comparison.trim_start())?;
    let rest = if parenthesis { rest.trim_start().strip_prefix(')').ok_or_else(unsupported)? } else { rest };
    Ok((Segment::Where { member: member.to_owned(), text: value }, rest))
}

/// A name in either kind of quotes; a backslash takes the next character as it is.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut chars = text.char_indices();
    let quote = match chars.next() {
        Some((_, quote @ ('\'' | '"'))) => quote,
        _ => return Err("a quotation mark is missing".into()),
    };
    let mut name = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.extend(chars.next().map(|(_, c)| c)),
            _ if c == quote => return Ok((name, &text[at + c.len_utf8()..])),
            _ => name.push(c),
        }
    }
    Err("a quotation mark is not closed".into())
}

/// The value at a place.
pub(crate) fn at_mut<'v>(root: &'v mut Value, place: &[Key]) -> Option<&'v mut Value> {
    place.iter().try_fold(root, |value, key| match key {
        Key::Member(name) => value.get_mut(name),
        Key::Item(index) => value.get_mut(*index),
    })
}

/// Takes the value at a place out of what holds it; the root stays.
pub(crate) fn remove(root: &mut Value, place: &[Key]) {
    let Some((last, parents)) = place.split_last() else { return };
    match (at_mut(root, parents), last) {
        (Some(Value::Object(members)), Key::Member(name)) => {
            members.remove(name);
        }
        (Some(Value::Array(items)), Key::Item(index)) if *index < items.len() => {
            items.remove(*index);
        }
        _ => {}
    }
}
