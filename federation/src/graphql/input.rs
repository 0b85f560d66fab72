//! Input types as JSON Schema, and which arguments of a field can be given.

use std::collections::{HashMap, HashSet, VecDeque};

use super::types::{Argument, Field, Kind, Schema, TypeRef};
use crate::document::{Members, Node};

/// Texts of arguments are kept up to this many characters.
const MAX_TEXT: usize = 240;
/// The most arguments of one field.
pub(super) const MAX_ARGUMENTS: usize = 200;

/// A field of a root type with the arguments that can be given.
pub(super) struct Call<'s, 'd> {
    pub(super) field: &'s Field<'d>,
    pub(super) arguments: Vec<&'s Argument<'d>>,
    pub(super) warnings: Vec<String>,
}

/// Which input types can be written. One that needs a field of a type that is not there cannot, nor can one that
/// needs itself.
pub(super) struct Inputs<'s, 'd> {
    schema: &'s Schema<'d>,
    broken: HashMap<&'d str, String>,
}

impl<'s, 'd> Inputs<'s, 'd> {
    pub(super) fn new(schema: &'s Schema<'d>) -> Self {
        let mut inputs = Self { schema, broken: HashMap::new() };
        // What is broken breaks what needs it: until nothing more does, or the chain is absurd.
        for _ in 0..64 {
            let mut found = Vec::new();
            for name in &schema.order {
                let Some(Kind::Input { fields, one_of }) = schema.types.get(name).map(|of| &of.kind) else {
                    continue;
                };
                if inputs.broken.contains_key(name) {
                    continue;
                }
                let wrong = |field: &Argument<'d>| {
                    let reason = inputs.fault(&field.of)?;
                    Some(format!("`{name}.{}`: {reason}", field.name))
                };
                let fault = if fields.is_empty() {
                    Some(format!("`{name}` has no fields"))
                } else if *one_of {
                    let none_left = fields.iter().all(|field| inputs.fault(&field.of).is_some());
                    if none_left { fields.iter().find_map(wrong) } else { None }
                } else {
                    fields.iter().filter(|field| field.is_required()).find_map(wrong)
                };
                found.extend(fault.map(|fault| (*name, fault)));
            }
            if found.is_empty() {
                break;
            }
            inputs.broken.extend(found);
        }
        inputs
    }

    /// Why nothing of that type can be given.
    fn fault(&self, of: &TypeRef<'d>) -> Option<String> {
        let name = of.name();
        if name.is_empty() {
            return Some("the description does not say of which type it is".into());
        }
        if let Some(reason) = self.broken.get(name) {
            return Some(reason.clone());
        }
        match self.schema.types.get(name).map(|of| &of.kind) {
            Some(Kind::Scalar { .. } | Kind::Enum { .. } | Kind::Input { .. }) => None,
            Some(_) => Some(format!("`{name}` is no type for an argument")),
            None if is_built_in(name) => None,
            None => Some(format!("its type `{name}` is not described")),
        }
    }

    /// The arguments of a field, or the one that is at fault and why.
    pub(super) fn call(&self, field: &'s Field<'d>) -> Result<Call<'s, 'd>, (&'d str, String)> {
        let mut call = Call { field, arguments: Vec::new(), warnings: Vec::new() };
        for argument in &field.arguments {
            match self.fault(&argument.of) {
                None if call.arguments.len() < MAX_ARGUMENTS || argument.is_required() => {
                    call.arguments.push(argument);
                }
                Some(reason) if argument.is_required() => return Err((argument.name, reason)),
                fault => {
                    let reason = fault.unwrap_or_else(|| "there are too many arguments".into());
                    call.warnings.push(format!("the argument `{}` is left out: {reason}", argument.name));
                }
            }
        }
        Ok(call)
    }

    /// `or_null`: whether `null` says something else than leaving it out, as it does inside of input objects.
    pub(super) fn argument(&self, argument: &Argument<'d>, or_null: bool) -> Node<'d> {
        let mut schema = self.used(&argument.of, or_null);
        if let Node::Object(members) = &mut schema {
            if let Some(text) = argument.description.and_then(|text| text.line(MAX_TEXT)) {
                members.insert("description", Node::text(text));
            }
            if let Some(default) = &argument.default {
                members.insert("default", Node::from_value(default));
            }
            if argument.deprecated {
                members.insert("deprecated", Node::Bool(true));
            }
        }
        schema
    }

    fn used(&self, of: &TypeRef<'d>, or_null: bool) -> Node<'d> {
        let schema = match of.nullable() {
            TypeRef::List(items) => {
                object([("type", Node::text("array")), ("items", self.used(items, true))])
            }
            TypeRef::Named(name) => match built_in(name) {
                Some(schema) => schema,
                None if self.schema.types.contains_key(name) => {
                    object([("$ref", Node::text(format!("#/$defs/{name}")))])
                }
                None => Node::empty(),
            },
            TypeRef::NonNull(_) | TypeRef::Missing => Node::empty(),
        };
        if or_null && !matches!(of, TypeRef::NonNull(_)) { nullable(schema) } else { schema }
    }

    /// The schema of an input type; none for other types.
    fn named(&self, name: &str) -> Option<Node<'d>> {
        let described = self.schema.types.get(name)?;
        let mut schema = match &described.kind {
            Kind::Enum { values } => choice(values),
            Kind::Scalar { specified_by } => scalar(name, specified_by.as_deref()),
            Kind::Input { fields, one_of } => self.input_object(fields, *one_of),
            _ => return None,
        };
        if let (Some(text), Node::Object(members)) =
            (described.description.and_then(|text| text.line(MAX_TEXT)), &mut schema)
        {
            let text = match members.get("description").and_then(Node::as_str) {
                Some(own) => format!("{own}: {text}"),
                None => text,
            };
            members.insert("description", Node::text(text));
        }
        Some(schema)
    }

    fn input_object(&self, fields: &[Argument<'d>], one_of: bool) -> Node<'d> {
        let mut properties = Vec::with_capacity(fields.len());
        let mut required = Vec::new();
        for field in fields.iter().filter(|field| self.fault(&field.of).is_none()) {
            properties.push((field.name.into(), self.argument(field, !one_of)));
            if field.is_required() {
                required.push(field.name);
            }
        }
        let mut members = vec![
            ("type".into(), Node::text("object")),
            ("properties".into(), Node::object(properties)),
            ("additionalProperties".into(), Node::Bool(false)),
        ];
        if one_of {
            members.push(("minProperties".into(), Node::Number(1.into())));
            members.push(("maxProperties".into(), Node::Number(1.into())));
        } else if !required.is_empty() {
            members.push(("required".into(), Node::list(required.into_iter().map(Node::text))));
        }
        Node::object(members)
    }
}

/// The schemas of all input types, each made once.
pub(super) struct Definitions<'d> {
    types: HashMap<&'d str, Definition<'d>>,
}

struct Definition<'d> {
    schema: Node<'d>,
    /// What is left of it where there is no room: its type.
    kind: Node<'d>,
    /// Of its JSON text.
    bytes: usize,
    /// The input types in it.
    uses: Vec<&'d str>,
}

impl<'d> Definitions<'d> {
    pub(super) fn new(inputs: &Inputs<'_, 'd>) -> Self {
        let definition = |name: &&'d str| {
            let schema = inputs.named(name)?;
            let uses = match inputs.schema.types.get(name).map(|of| &of.kind) {
                Some(Kind::Input { fields, .. }) => fields.iter().map(|field| field.of.name()).collect(),
                _ => Vec::new(),
            };
            let kind = schema.get("type").map(|kind| object([("type", kind.clone())]));
            let kind = kind.unwrap_or_else(Node::empty);
            Some((*name, Definition { bytes: schema.json_len(), schema, kind, uses }))
        };
        Self { types: inputs.schema.order.iter().filter_map(definition).collect() }
    }

    /// Those types and what they use, nearest first; what goes over `limit` bytes is only named. With it the bytes, and
    /// whether something went over.
    pub(super) fn of(
        &self,
        types: impl Iterator<Item = &'d str>,
        limit: usize,
    ) -> (Vec<Kept<'d>>, usize, bool) {
        let mut waiting: VecDeque<&'d str> = types.collect();
        let mut seen: HashSet<&str> = HashSet::new();
        let (mut kept, mut bytes, mut cut) = (Vec::new(), 0_usize, false);
        while let Some(name) = waiting.pop_front() {
            let Some(definition) = self.types.get(name).filter(|_| !is_built_in(name)) else {
                continue;
            };
            if !seen.insert(name) {
                continue;
            }
            let whole = bytes.saturating_add(definition.bytes) <= limit;
            if whole {
                waiting.extend(&definition.uses);
                bytes += name.len() + 4 + definition.bytes;
            } else {
                cut = true;
                bytes += name.len() + 22;
            }
            kept.push(Kept { name, whole });
        }
        kept.sort_unstable_by_key(|kept| kept.name);
        (kept, bytes, cut)
    }

    /// The schema of a definition as far as it is kept, and its bytes.
    pub(super) fn schema(&self, kept: &Kept<'d>) -> Option<(&Node<'d>, usize)> {
        let definition = self.types.get(kept.name)?;
        Some(if kept.whole {
            (&definition.schema, definition.bytes)
        } else {
            (&definition.kind, definition.kind.json_len())
        })
    }
}

/// A definition that a schema takes along.
pub(super) struct Kept<'d> {
    pub(super) name: &'d str,
    whole: bool,
}

/// An object of few members.
pub(super) fn object<'d, const N: usize>(members: [(&'static str, Node<'d>); N]) -> Node<'d> {
    Node::Object(Members::new(members.into_iter().map(|(name, value)| (name.into(), value)).collect()))
}

/// One of some texts.
pub(super) fn choice<'d>(values: &[&'d str]) -> Node<'d> {
    let values = values.iter().copied().map(Node::text);
    object([("type", Node::text("string")), ("enum", Node::list(values))])
}

/// Whether it is one of GraphQL's own scalars.
pub(super) fn is_built_in(name: &str) -> bool {
    matches!(name, "Int" | "Float" | "String" | "Boolean" | "ID")
}

/// GraphQL's own scalars.
pub(super) fn built_in<'d>(name: &str) -> Option<Node<'d>> {
    let of = |kind: &'static str| ("type", Node::text(kind));
    Some(match name {
        "Int" => object([of("integer"), ("format", Node::text("int32"))]),
        "Float" => object([of("number")]),
        "String" => object([of("string")]),
        "Boolean" => object([of("boolean")]),
        "ID" => object([("type", Node::list(["string", "integer"].map(Node::text)))]),
        _ => return None,
    })
}

/// A scalar of the service's own: what is right for it only the service knows, so the schema names it and hints.
pub(super) fn scalar<'d>(name: &str, specified_by: Option<&str>) -> Node<'d> {
    let lower = name.to_ascii_lowercase();
    let format = match lower.as_str() {
        "datetime" | "datetimeiso" | "timestamptz" | "iso8601datetime" => Some("date-time"),
        "date" | "iso8601date" => Some("date"),
        "time" => Some("time"),
        "uri" | "url" => Some("uri"),
        "uuid" => Some("uuid"),
        "email" | "emailaddress" => Some("email"),
        _ => None,
    };
    let words = (
        "description",
        Node::text(match specified_by {
            Some(link) => format!("Scalar {name} ({link})"),
            None => format!("Scalar {name}"),
        }),
    );
    match format {
        Some(format) => object([words, ("format", Node::text(format))]),
        None => object([words]),
    }
}

/// The schema, or `null`.
pub(super) fn nullable(mut schema: Node<'_>) -> Node<'_> {
    let null = || Node::text("null");
    let Node::Object(members) = &mut schema else { return schema };
    if members.contains("$ref") {
        let other = object([("type", null())]);
        return object([("anyOf", Node::list([schema, other]))]);
    }
    match members.get_mut("type") {
        Some(Node::Array(types)) => {
            let mut all = std::mem::take(types).into_vec();
            all.push(null());
            *types = all.into_boxed_slice();
        }
        Some(one @ Node::String(_)) => *one = Node::list([std::mem::take(one), null()]),
        _ => return schema,
    }
    if let Some(Node::Array(values)) = members.get_mut("enum") {
        let mut all = std::mem::take(values).into_vec();
        all.push(Node::Null);
        *values = all.into_boxed_slice();
    }
    schema
}
