//! Schemas of descriptions to JSON Schema 2020-12: bounded, recursion as `$ref` into `$defs`, nothing remote.
//!
//! Real descriptions hold keywords of the wrong type, types that do not exist and references that lead nowhere. A
//! keyword that makes no sense is dropped, never the schema around it: accepting too much is mended by the
//! provider's own answer, refusing what is right is not.
//!
//! What is referred to is converted once for the whole description ([`definitions`]); an operation takes from it what
//! it needs and what fits.

mod cycles;
mod definitions;
mod keywords;

use std::borrow::Cow;

pub(crate) use definitions::{Definitions, Size, View};

use crate::{
    document::{Members, Node, text_len},
    documents::Documents,
};

/// Levels of nesting that are kept within one schema.
const MAX_DEPTH: usize = 48;
/// Levels of a definition that is too large to be kept whole: its members and their types.
const SHALLOW_DEPTH: usize = 2;
/// In how much detail schemas may be written: how many bytes of a description are kept, and whether examples are.
/// Each is tried when the one before makes all schemas of a description too large.
pub(crate) const DETAILS: [Detail; 4] = [
    Detail { text: 2000, examples: true },
    Detail { text: 400, examples: true },
    Detail { text: 120, examples: false },
    Detail { text: 0, examples: false },
];

/// How much of what is for people is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Detail {
    /// Bytes of a description.
    text: usize,
    /// Whether there are examples.
    examples: bool,
}

/// Which specification a schema is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Swagger 2.0: a subset of an early JSON Schema.
    V20,
    /// 3.0: an extended subset of an early JSON Schema; what stands beside a `$ref` does not count.
    V30,
    /// 3.1: JSON Schema 2020-12.
    V31,
}

/// What a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What is sent: `readOnly` members are not asked for.
    Input,
    /// What is answered: `writeOnly` members are not expected.
    Output,
}

/// What schemas are converted by.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a, 'd> {
    pub(crate) documents: &'a Documents<'d>,
    pub(crate) dialect: Dialect,
    pub(crate) purpose: Purpose,
    pub(crate) detail: Detail,
}

/// Converts the schemas that stand in an operation itself.
pub(crate) struct Converter<'a, 'd> {
    rules: Rules<'a, 'd>,
    definitions: &'a mut Definitions<'d>,
    /// About how many bytes of JSON may come out; what is beyond becomes "anything".
    limit: usize,
    bytes: usize,
    depth: usize,
    /// Only members and their types.
    shallow: bool,
    /// Definitions that are referred to.
    pub(crate) references: Vec<u32>,
    /// How many bytes less each of [`DETAILS`] would take.
    pub(crate) savings: [usize; DETAILS.len()],
    /// Whether something was left out for want of room.
    pub(crate) cut: bool,
}

impl<'a, 'd> Converter<'a, 'd> {
    pub(crate) fn new(rules: Rules<'a, 'd>, definitions: &'a mut Definitions<'d>, limit: usize) -> Self {
        Self {
            rules,
            definitions,
            limit,
            bytes: 0,
            depth: MAX_DEPTH,
            shallow: false,
            references: Vec::new(),
            savings: [0; DETAILS.len()],
            cut: false,
        }
    }

    /// Converts one schema; what it refers to is converted by the definitions.
    pub(crate) fn convert(&mut self, schema: &'d Node<'d>) -> Node<'d> {
        self.schema(schema, 0)
    }

    /// A text of the description for people, as far as it is kept.
    pub(crate) fn text(&mut self, text: &'d str) -> Option<Node<'d>> {
        let full = text_len(text);
        for (saving, detail) in self.savings.iter_mut().zip(DETAILS) {
            let kept = if detail.text == 0 { 0 } else { keywords::clip(text, detail.text).len() + 16 };
            *saving += (full + 16).saturating_sub(kept.max(16 * usize::from(detail.text > 0)));
        }
        let allowed = self.rules.detail.text;
        (allowed > 0 && !self.shallow).then(|| Node::text(keywords::clip(text, allowed)))
    }

    fn schema(&mut self, schema: &'d Node<'d>, depth: usize) -> Node<'d> {
        self.bytes += 4;
        if self.is_full(0) {
            return Node::empty();
        }
        match schema {
            Node::Bool(value) => Node::Bool(*value),
            Node::Object(members) if depth < self.depth => self.object(members, depth),
            Node::Object(_) => {
                self.cut = true;
                Node::empty()
            }
            _ => Node::empty(),
        }
    }

    /// Whether `more` bytes are too many.
    fn is_full(&mut self, more: usize) -> bool {
        let full = self.bytes.saturating_add(more) > self.limit;
        self.cut |= full;
        full
    }

    fn object(&mut self, members: &'d Members<'d>, depth: usize) -> Node<'d> {
        let mut out: Vec<(Cow<'d, str>, Node<'d>)> = Vec::with_capacity(members.len());
        // Nothing here is extended from outside, so a dynamic reference leads where a plain one would.
        let reference = match self.rules.dialect {
            Dialect::V31 => members.get("$ref").or_else(|| members.get("$dynamicRef")),
            Dialect::V20 | Dialect::V30 => members.get("$ref"),
        };
        if let Some(reference) = reference.and_then(Node::as_str) {
            if let Some(target) = self.reference(reference) {
                out.push(("$ref".into(), target));
            }
            if self.rules.dialect != Dialect::V31 {
                // What stands beside a reference does not count, except what real descriptions mean by it.
                for keyword in ["nullable", "x-nullable"] {
                    if members.get(keyword).is_some_and(Node::is_true) {
                        return keywords::nullable(Members::new(out));
                    }
                }
                return Node::object(out);
            }
        }
        for (keyword, value) in members.iter() {
            self.keyword(&mut out, members, keyword, value, depth);
        }
        self.required(&mut out, members);
        if self.is_full(0) {
            // Members may be missing by now, so others than those that are left have to be taken.
            out.retain(|(keyword, _)| {
                !matches!(keyword.as_ref(), "additionalProperties" | "unevaluatedProperties")
            });
        }
        let mut out = Members::new(out);
        keywords::fit_enum_and_type(&mut out);
        if members.get("nullable").or_else(|| members.get("x-nullable")).is_some_and(Node::is_true) {
            keywords::nullable(out)
        } else {
            Node::Object(out)
        }
    }

    fn keyword(
        &mut self,
        out: &mut Vec<(Cow<'d, str>, Node<'d>)>,
        members: &'d Members<'d>,
        keyword: &'d str,
        value: &'d Node<'d>,
        depth: usize,
    ) {
        let converted = match keyword {
            "properties" | "patternProperties" | "dependentSchemas" => {
                self.map_of_schemas(keyword, value, depth)
            }
            "items" if matches!(value, Node::Array(_)) => {
                if let Some(list) = self.list_of_schemas(value, depth) {
                    out.push(("prefixItems".into(), list));
                }
                None
            }
            "additionalProperties"
            | "items"
            | "not"
            | "if"
            | "then"
            | "else"
            | "contains"
            | "propertyNames"
            | "unevaluatedItems"
            | "unevaluatedProperties"
                if matches!(value, Node::Object(_) | Node::Bool(_)) =>
            {
                Some(self.schema(value, depth + 1))
            }
            // With a discriminator the alternatives are told apart by a member, and often overlap otherwise.
            "oneOf" if members.contains("discriminator") => {
                if let Some(list) = self.list_of_schemas(value, depth) {
                    out.push(("anyOf".into(), list));
                }
                None
            }
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => self.list_of_schemas(value, depth),
            "exclusiveMinimum" | "exclusiveMaximum" if matches!(value, Node::Bool(_)) => None,
            "minimum" | "maximum" => {
                let (exclusive, bound) = keywords::bound(keyword, members, value);
                if let Some(bound) = bound {
                    self.bytes += 24;
                    out.push((exclusive.into(), bound));
                }
                None
            }
            "title" | "description" => match value {
                Node::String(text) if keyword == "description" => self.text(text),
                Node::String(text) if !self.shallow => Some(Node::text(keywords::clip(text, 200))),
                _ => None,
            },
            "example" | "examples" | "x-example" => self.example(out, keyword, value),
            "default" if self.shallow => None,
            "enum" | "const" if self.is_full(value.json_len()) => None,
            "type" if value.as_str() == Some("file") => {
                out.push(("type".into(), Node::text("string")));
                out.push(("contentEncoding".into(), Node::text("base64")));
                None
            }
            // JSON carries bytes in no other way; 3.1 may say so in JSON Schema's own words.
            "format"
                if matches!(value.as_str(), Some("binary" | "byte"))
                    && !members.contains("contentEncoding") =>
            {
                out.push(("contentEncoding".into(), Node::text("base64")));
                keywords::plain(keyword, value)
            }
            _ => keywords::plain(keyword, value),
        };
        if let Some(converted) = converted {
            self.bytes += keyword.len() + 4 + keywords::own_bytes(&converted);
            out.push((Cow::Borrowed(keyword), converted));
        }
    }

    /// `example` becomes a list of one; kept while there is room for what is for people.
    fn example(
        &mut self,
        out: &mut Vec<(Cow<'d, str>, Node<'d>)>,
        keyword: &str,
        value: &'d Node<'d>,
    ) -> Option<Node<'d>> {
        if out.iter().any(|(name, _)| name == "examples") {
            return None;
        }
        if let Some(examples) = self.kept_examples(keywords::examples(keyword, value)?) {
            out.push(("examples".into(), examples));
        }
        None
    }

    /// A value as the only example.
    pub(crate) fn examples(&mut self, value: &'d Node<'d>) -> Option<Node<'d>> {
        self.kept_examples(keywords::examples("example", value)?)
    }

    fn kept_examples(&mut self, examples: Node<'d>) -> Option<Node<'d>> {
        if self.shallow {
            return None;
        }
        let bytes = examples.json_len() + 12;
        for (saving, detail) in self.savings.iter_mut().zip(DETAILS) {
            *saving += if detail.examples { 0 } else { bytes };
        }
        if !self.rules.detail.examples {
            return None;
        }
        self.bytes += bytes;
        Some(examples)
    }

    fn map_of_schemas(&mut self, keyword: &str, value: &'d Node<'d>, depth: usize) -> Option<Node<'d>> {
        let members = value.as_object()?;
        let mut out = Vec::with_capacity(members.len());
        for (name, schema) in members.iter() {
            if keyword == "patternProperties" && !keywords::is_usable_pattern(name) {
                continue;
            }
            if self.is_full(name.len()) {
                break;
            }
            self.bytes += name.len() + 4;
            out.push((Cow::Borrowed(name), self.schema(schema, depth + 1)));
        }
        Some(Node::object(out))
    }

    /// None also when it does not fit: an alternative that is left out would refuse what is right.
    fn list_of_schemas(&mut self, value: &'d Node<'d>, depth: usize) -> Option<Node<'d>> {
        let items = value.as_array()?;
        let mut list = Vec::with_capacity(items.len());
        for schema in items {
            list.push(self.schema(schema, depth + 1));
            if self.is_full(0) {
                return None;
            }
        }
        if list.is_empty() { None } else { Some(Node::list(list)) }
    }

    /// `required`, without the members that this direction does not carry.
    fn required(&mut self, out: &mut Vec<(Cow<'d, str>, Node<'d>)>, members: &'d Members<'d>) {
        let Some(list) = members.get("required").and_then(Node::as_array) else { return };
        if self.is_full(list.len() * 4) {
            return;
        }
        let flag = match self.rules.purpose {
            Purpose::Input => "readOnly",
            Purpose::Output => "writeOnly",
        };
        let documents = self.rules.documents;
        let elsewhere = |name: &str| {
            described(documents, members, name, 0)
                .and_then(|property| documents.resolve(property).ok())
                .is_some_and(|property| property.get(flag).is_some_and(Node::is_true))
        };
        let mut names: Vec<&'d str> =
            list.iter().filter_map(Node::as_str).filter(|name| !elsewhere(name)).collect();
        names.sort_unstable();
        names.dedup();
        if !names.is_empty() {
            self.bytes += names.iter().map(|name| name.len() + 3).sum::<usize>() + 12;
            out.push(("required".into(), Node::list(names.into_iter().map(Node::text))));
        }
    }

    /// The local reference that stands for one of the document; none when it leads nowhere.
    fn reference(&mut self, reference: &'d str) -> Option<Node<'d>> {
        let number = self.definitions.number(self.rules.documents, reference)?;
        self.references.push(number);
        let target = format!("#/$defs/{}", self.definitions.name(number));
        self.bytes += target.len() + 8;
        Some(Node::text(target))
    }
}

/// What describes a member: the schema's own `properties`, or those of what it is made of.
fn described<'d>(
    documents: &Documents<'d>,
    members: &'d Members<'d>,
    name: &str,
    depth: usize,
) -> Option<&'d Node<'d>> {
    const MAX_LEVELS: usize = 4;
    let own = members.get("properties").and_then(|properties| properties.get(name));
    if own.is_some() || depth == MAX_LEVELS {
        return own;
    }
    let parts = members.get("allOf").and_then(Node::as_array).unwrap_or_default();
    parts.iter().find_map(|part| {
        let members = documents.resolve(part).ok()?.as_object()?;
        described(documents, members, name, depth + 1)
    })
}

#[cfg(test)]
mod tests;
