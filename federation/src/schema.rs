//! Schemas of descriptions to JSON Schema 2020-12: bounded, recursion as `$ref` into `$defs`, nothing remote.
//!
//! Real descriptions hold keywords of the wrong type, types that do not exist and references that lead nowhere. A
//! keyword that makes no sense is dropped, never the schema around it: accepting too much is mended by the
//! provider's own answer, refusing what is right is not.

mod cycles;
mod keywords;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value, json};

use crate::openapi::{names, refs};

/// Levels of nesting that are kept within one schema.
const MAX_DEPTH: usize = 48;
/// How many times over the limit an operation's own schemas, outside definitions, may go.
const SPARED: usize = 16;
/// Levels of a definition that is too large to be kept whole: its members and their types.
const SHALLOW_DEPTH: usize = 2;

/// Which OpenAPI a schema is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
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

/// Converts schemas that share one set of definitions.
pub(crate) struct Converter<'d> {
    root: &'d Value,
    dialect: Dialect,
    purpose: Purpose,
    /// About how many bytes of JSON may come out; definitions beyond it become "anything".
    limit: usize,
    bytes: usize,
    /// Reference to the name of its definition.
    named: BTreeMap<String, String>,
    taken: BTreeSet<String>,
    waiting: VecDeque<(String, &'d Value)>,
    defs: BTreeMap<String, Value>,
    cut: bool,
    /// Whether only the outline of a definition is kept.
    shallow: bool,
    /// Whether what is converted is a definition, which is dropped when it does not fit.
    in_definition: bool,
    warnings: Vec<String>,
}

/// What came out beside the schemas themselves.
pub(crate) struct Finished {
    /// `$defs`; empty when nothing is referred to.
    pub(crate) defs: Map<String, Value>,
    /// About how many bytes of JSON came out.
    pub(crate) bytes: usize,
    /// What was dropped.
    pub(crate) warnings: Vec<String>,
}

impl<'d> Converter<'d> {
    pub(crate) fn new(root: &'d Value, dialect: Dialect, purpose: Purpose, limit: usize) -> Self {
        Self {
            root,
            dialect,
            purpose,
            limit,
            bytes: 0,
            named: BTreeMap::new(),
            taken: BTreeSet::new(),
            waiting: VecDeque::new(),
            defs: BTreeMap::new(),
            cut: false,
            shallow: false,
            in_definition: false,
            warnings: Vec::new(),
        }
    }

    /// Converts one schema; what it refers to is converted by [`Self::finish`].
    pub(crate) fn convert(&mut self, schema: &'d Value) -> Value {
        self.schema(schema, 0)
    }

    /// Converts what was referred to, nearest first.
    pub(crate) fn finish(mut self) -> Finished {
        self.in_definition = true;
        while let Some((name, schema)) = self.waiting.pop_front() {
            let converted = self.definition(schema);
            self.defs.insert(name, converted);
        }
        cycles::cut(&mut self.defs);
        if self.cut {
            self.warnings.push("the schema is cut: it is too large to be kept whole".into());
        }
        self.warnings.sort();
        self.warnings.dedup();
        Finished { defs: self.defs.into_iter().collect(), bytes: self.bytes, warnings: self.warnings }
    }

    /// A definition whole, else without words and inner parts, else as "anything": whatever still fits.
    fn definition(&mut self, schema: &'d Value) -> Value {
        for shallow in [false, true] {
            self.shallow = shallow;
            let (bytes, waiting) = (self.bytes, self.waiting.len());
            if bytes >= self.limit {
                break;
            }
            let converted = self.schema(schema, 0);
            if self.bytes <= self.limit {
                self.cut |= shallow;
                self.shallow = false;
                return converted;
            }
            self.bytes = bytes;
            let dropped: BTreeSet<String> = self.waiting.drain(waiting..).map(|(name, _)| name).collect();
            self.named.retain(|_, name| !dropped.contains(name));
            self.taken.retain(|name| !dropped.contains(name));
        }
        self.shallow = false;
        self.cut = true;
        json!({})
    }

    fn schema(&mut self, schema: &'d Value, depth: usize) -> Value {
        self.bytes += 4;
        if self.is_full(0) {
            return json!({});
        }
        match schema {
            Value::Bool(_) => schema.clone(),
            Value::Object(members) if depth < self.depth() => self.object(members, depth),
            Value::Object(_) => {
                self.cut = true;
                json!({})
            }
            _ => json!({}),
        }
    }

    /// Whether `more` bytes are too many; what stands in the operation itself is spared for long, but it too may be
    /// shared by many operations.
    fn is_full(&mut self, more: usize) -> bool {
        let end = if self.in_definition { self.limit } else { self.limit.saturating_mul(SPARED) };
        let full = self.bytes.saturating_add(more) > end;
        self.cut |= full;
        full
    }

    fn depth(&self) -> usize {
        if self.shallow { SHALLOW_DEPTH } else { MAX_DEPTH }
    }

    fn object(&mut self, members: &'d Map<String, Value>, depth: usize) -> Value {
        let mut out = Map::new();
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            if let Some(target) = self.reference(reference) {
                out.insert("$ref".into(), Value::String(target));
            }
            if self.dialect == Dialect::V30 {
                return Value::Object(out);
            }
        }
        for (keyword, value) in members {
            self.keyword(&mut out, members, keyword, value, depth);
        }
        self.required(&mut out, members);
        if self.is_full(0) {
            // Members may be missing by now, so others than those that are left have to be taken.
            out.retain(|keyword, _| {
                !matches!(keyword.as_str(), "additionalProperties" | "unevaluatedProperties")
            });
        }
        keywords::fit_enum_and_type(&mut out);
        if members.get("nullable") == Some(&Value::Bool(true)) {
            keywords::nullable(out)
        } else {
            Value::Object(out)
        }
    }

    fn keyword(
        &mut self,
        out: &mut Map<String, Value>,
        members: &'d Map<String, Value>,
        keyword: &str,
        value: &'d Value,
        depth: usize,
    ) {
        let converted = match keyword {
            "properties" | "patternProperties" | "dependentSchemas" => {
                self.map_of_schemas(keyword, value, depth)
            }
            "items" if value.is_array() => {
                if let Some(list) = self.list_of_schemas(value, depth) {
                    out.insert("prefixItems".into(), list);
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
                if value.is_object() || value.is_boolean() =>
            {
                Some(self.schema(value, depth + 1))
            }
            // With a discriminator the alternatives are told apart by a member, and often overlap otherwise.
            "oneOf" if members.contains_key("discriminator") => {
                if let Some(list) = self.list_of_schemas(value, depth) {
                    out.insert("anyOf".into(), list);
                }
                None
            }
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => self.list_of_schemas(value, depth),
            "exclusiveMinimum" | "exclusiveMaximum" if value.is_boolean() => None,
            "minimum" | "maximum" => {
                let (exclusive, bound) = keywords::bound(keyword, members, value);
                if let Some(bound) = bound {
                    self.bytes += 24;
                    out.insert(exclusive.into(), bound);
                }
                None
            }
            "title" | "description" | "default" | "example" | "examples" if self.shallow => None,
            "enum" | "const" if self.is_full(keywords::own_bytes(keyword, value)) => None,
            _ => keywords::plain(keyword, value),
        };
        if let Some(converted) = converted {
            self.bytes += keyword.len() + 4 + keywords::own_bytes(keyword, &converted);
            let name = if keyword == "example" { "examples" } else { keyword };
            out.entry(name).or_insert(converted);
        }
    }

    fn map_of_schemas(&mut self, keyword: &str, value: &'d Value, depth: usize) -> Option<Value> {
        let mut out = Map::new();
        for (name, schema) in value.as_object()? {
            if keyword == "patternProperties" && !keywords::is_usable_pattern(name) {
                continue;
            }
            if self.is_full(name.len()) {
                break;
            }
            self.bytes += name.len() + 4;
            out.insert(name.clone(), self.schema(schema, depth + 1));
        }
        Some(Value::Object(out))
    }

    /// None also when it does not fit: an alternative that is left out would refuse what is right.
    fn list_of_schemas(&mut self, value: &'d Value, depth: usize) -> Option<Value> {
        let mut list = Vec::new();
        for schema in value.as_array()? {
            list.push(self.schema(schema, depth + 1));
            if self.is_full(0) {
                return None;
            }
        }
        if list.is_empty() { None } else { Some(Value::Array(list)) }
    }

    /// `required`, without the members that this direction does not carry.
    fn required(&mut self, out: &mut Map<String, Value>, members: &Map<String, Value>) {
        let Some(list) = members.get("required").and_then(Value::as_array) else { return };
        if self.is_full(list.len() * 4) {
            return;
        }
        let flag = match self.purpose {
            Purpose::Input => "readOnly",
            Purpose::Output => "writeOnly",
        };
        let elsewhere = |name: &str| {
            let property = members.get("properties").and_then(|properties| properties.get(name));
            property
                .and_then(|property| refs::resolve(self.root, property).ok())
                .is_some_and(|property| property.get(flag) == Some(&Value::Bool(true)))
        };
        let mut names: Vec<&str> =
            list.iter().filter_map(Value::as_str).filter(|name| !elsewhere(name)).collect();
        names.sort_unstable();
        names.dedup();
        if !names.is_empty() {
            self.bytes += names.iter().map(|name| name.len() + 3).sum::<usize>() + 12;
            out.insert("required".into(), json!(names));
        }
    }

    /// The local reference that stands for one of the document; none when it leads nowhere.
    fn reference(&mut self, reference: &str) -> Option<String> {
        if !self.named.contains_key(reference) {
            let target = match refs::lookup(self.root, reference) {
                Ok(target) => target,
                Err(broken) => {
                    self.warnings.push(format!("{broken}; anything is accepted there"));
                    return None;
                }
            };
            let name = self.definition_name(reference);
            self.named.insert(reference.to_owned(), name.clone());
            self.waiting.push_back((name, target));
        }
        let name = self.named.get(reference)?;
        self.bytes += name.len() + 20;
        Some(format!("#/$defs/{name}"))
    }

    fn definition_name(&mut self, reference: &str) -> String {
        let last = reference.rsplit('/').next().unwrap_or_default();
        let slug = names::slug(&last.replace("~1", "/").replace("~0", "~"));
        let base = if slug.is_empty() { "schema".to_owned() } else { slug };
        let mut name = base.clone();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{base}-{number}");
            number += 1;
        }
        name
    }
}

#[cfg(test)]
mod tests;
