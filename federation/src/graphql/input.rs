//! Input types as JSON Schema, and which arguments of a field can be given.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::{Map, Value, json};

use super::types::{Argument, Field, Kind, Schema, TypeRef};

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
            None if built_in(name).is_some() => None,
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
    pub(super) fn argument(&self, argument: &Argument<'d>, or_null: bool) -> Value {
        let mut schema = self.used(&argument.of, or_null);
        if let Value::Object(members) = &mut schema {
            if let Some(text) = argument.description.and_then(|text| text.line(MAX_TEXT)) {
                members.insert("description".into(), Value::String(text));
            }
            if let Some(default) = &argument.default {
                members.insert("default".into(), default.clone());
            }
            if argument.deprecated {
                members.insert("deprecated".into(), Value::Bool(true));
            }
        }
        schema
    }

    fn used(&self, of: &TypeRef<'d>, or_null: bool) -> Value {
        let schema = match of.nullable() {
            TypeRef::List(items) => json!({"type": "array", "items": self.used(items, true)}),
            TypeRef::Named(name) => {
                if self.schema.types.contains_key(name) && built_in(name).is_none() {
                    json!({"$ref": format!("#/$defs/{name}")})
                } else {
                    built_in(name).unwrap_or_else(|| json!({}))
                }
            }
            TypeRef::NonNull(_) | TypeRef::Missing => json!({}),
        };
        if or_null && !matches!(of, TypeRef::NonNull(_)) { nullable(schema) } else { schema }
    }

    /// The schema of an input type; none for other types.
    fn named(&self, name: &str) -> Option<Value> {
        let described = self.schema.types.get(name)?;
        let mut schema = match &described.kind {
            Kind::Enum { values } => json!({"type": "string", "enum": values}),
            Kind::Scalar { specified_by } => scalar(name, specified_by.as_deref()),
            Kind::Input { fields, one_of } => self.input_object(fields, *one_of),
            _ => return None,
        };
        if let (Some(text), Value::Object(members)) =
            (described.description.and_then(|text| text.line(MAX_TEXT)), &mut schema)
        {
            let text = match members.get("description").and_then(Value::as_str) {
                Some(own) => format!("{own}: {text}"),
                None => text,
            };
            members.insert("description".into(), Value::String(text));
        }
        Some(schema)
    }

    fn input_object(&self, fields: &[Argument<'d>], one_of: bool) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in fields.iter().filter(|field| self.fault(&field.of).is_none()) {
            properties.insert(field.name.to_owned(), self.argument(field, !one_of));
            if field.is_required() {
                required.push(field.name);
            }
        }
        let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
        if one_of {
            schema["minProperties"] = json!(1);
            schema["maxProperties"] = json!(1);
        } else if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    }
}

/// The schemas of all input types, each made once.
pub(super) struct Definitions<'d> {
    types: HashMap<&'d str, Definition<'d>>,
}

struct Definition<'d> {
    schema: Value,
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
            Some((*name, Definition { bytes: schema.to_string().len(), schema, uses }))
        };
        Self { types: inputs.schema.order.iter().filter_map(definition).collect() }
    }

    /// `$defs` for those types and what they use, nearest first; what goes over `limit` bytes is only named.
    /// With it the bytes, and whether something went over.
    pub(super) fn of(
        &self,
        types: impl Iterator<Item = &'d str>,
        limit: usize,
    ) -> (Map<String, Value>, usize, bool) {
        let mut waiting: VecDeque<&str> = types.collect();
        let mut seen: HashSet<&str> = HashSet::new();
        let (mut defs, mut bytes, mut cut) = (Map::new(), 0_usize, false);
        while let Some(name) = waiting.pop_front() {
            let Some(definition) = self.types.get(name).filter(|_| built_in(name).is_none()) else {
                continue;
            };
            if !seen.insert(name) {
                continue;
            }
            if bytes.saturating_add(definition.bytes) > limit {
                cut = true;
                let kind = definition.schema.get("type").map(|kind| json!({"type": kind}));
                defs.insert(name.to_owned(), kind.unwrap_or_else(|| json!({})));
                bytes += name.len() + 22;
            } else {
                waiting.extend(&definition.uses);
                defs.insert(name.to_owned(), definition.schema.clone());
                bytes += name.len() + 4 + definition.bytes;
            }
        }
        (defs, bytes, cut)
    }
}

/// GraphQL's own scalars.
pub(super) fn built_in(name: &str) -> Option<Value> {
    Some(match name {
        "Int" => json!({"type": "integer", "format": "int32"}),
        "Float" => json!({"type": "number"}),
        "String" => json!({"type": "string"}),
        "Boolean" => json!({"type": "boolean"}),
        "ID" => json!({"type": ["string", "integer"]}),
        _ => return None,
    })
}

/// A scalar of the service's own: what is right for it only the service knows, so the schema names it and hints.
pub(super) fn scalar(name: &str, specified_by: Option<&str>) -> Value {
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
    let mut schema = json!({"description": match specified_by {
        Some(link) => format!("Scalar {name} ({link})"),
        None => format!("Scalar {name}"),
    }});
    if let Some(format) = format {
        schema["format"] = json!(format);
    }
    schema
}

/// The schema, or `null`.
pub(super) fn nullable(mut schema: Value) -> Value {
    let members = match &mut schema {
        Value::Object(members) if members.is_empty() => return schema,
        Value::Object(members) => members,
        _ => return schema,
    };
    if members.contains_key("$ref") {
        return json!({"anyOf": [schema, {"type": "null"}]});
    }
    match members.get_mut("type") {
        Some(Value::Array(types)) => types.push(json!("null")),
        Some(one @ Value::String(_)) => *one = json!([one.take(), "null"]),
        _ => return schema,
    }
    if let Some(Value::Array(values)) = members.get_mut("enum") {
        values.push(Value::Null);
    }
    schema
}
