//! The answer to an introspection query (<https://spec.graphql.org/October2021/#sec-Introspection>) to a schema.

use super::{
    sdl,
    types::{Argument, Fault, Field, Kind, Schema, Text, Type, TypeRef},
};
use crate::document::Node as Tree;

/// Levels of lists and marks around a type.
const MAX_WRAPPERS: usize = 32;

/// The `__schema` of a document, with or without the `data` around it.
pub(super) fn find<'d>(root: &'d Tree<'d>) -> Option<&'d Tree<'d>> {
    let inside = root.get("data").and_then(|data| data.get("__schema"));
    [root.get("__schema"), inside].into_iter().flatten().find(|schema| schema.is_object())
}

pub(super) fn read<'d>(described: &'d Tree<'d>) -> Schema<'d> {
    let root = |name: &str| described[name]["name"].as_str().filter(|name| !name.is_empty());
    let mut schema = Schema {
        query: root("queryType"),
        mutation: root("mutationType"),
        subscription: root("subscriptionType"),
        ..Schema::default()
    };
    for (index, value) in items(&described["types"]).enumerate() {
        let Some(name) = value["name"].as_str().filter(|name| is_name(name)) else {
            schema.faults.push(Fault {
                type_name: None,
                field: None,
                reason: format!("/__schema/types/{index}: the type has no name"),
            });
            continue;
        };
        match kind(value) {
            Some(kind) => schema.add(name, Type { description: words(value), kind }),
            None => schema.faults.push(Fault {
                type_name: Some(name),
                field: None,
                reason: "it is of a kind that is not known".into(),
            }),
        }
    }
    schema
}

fn items<'d>(value: &'d Tree<'d>) -> impl Iterator<Item = &'d Tree<'d>> {
    value.as_array().into_iter().flatten()
}

/// Whether it can stand in a query; names of introspection are written into one.
fn is_name(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

fn names<'d>(value: &'d Tree<'d>) -> Vec<&'d str> {
    items(value).filter_map(|item| item["name"].as_str()).filter(|name| is_name(name)).collect()
}

fn words<'d>(value: &'d Tree<'d>) -> Option<Text<'d>> {
    value["description"].as_str().filter(|text| !text.is_empty()).map(Text::Plain)
}

fn kind<'d>(value: &'d Tree<'d>) -> Option<Kind<'d>> {
    Some(match value["kind"].as_str()? {
        "SCALAR" => {
            let link = value["specifiedByURL"].as_str().or_else(|| value["specifiedByUrl"].as_str());
            Kind::Scalar { specified_by: link.map(str::to_owned) }
        }
        "OBJECT" => {
            Kind::Object { fields: fields(&value["fields"]), interfaces: names(&value["interfaces"]) }
        }
        "INTERFACE" => Kind::Interface { fields: fields(&value["fields"]) },
        "UNION" => Kind::Union { members: names(&value["possibleTypes"]) },
        "ENUM" => Kind::Enum { values: names(&value["enumValues"]) },
        "INPUT_OBJECT" => Kind::Input {
            fields: arguments(&value["inputFields"]),
            one_of: value["isOneOf"].as_bool() == Some(true),
        },
        _ => return None,
    })
}

fn fields<'d>(list: &'d Tree<'d>) -> Vec<Field<'d>> {
    items(list)
        .filter_map(|value| {
            Some(Field {
                name: value["name"].as_str().filter(|name| is_name(name))?,
                description: words(value),
                arguments: arguments(&value["args"]),
                of: type_ref(&value["type"], 0),
                deprecated: value["isDeprecated"].as_bool() == Some(true),
            })
        })
        .collect()
}

fn arguments<'d>(list: &'d Tree<'d>) -> Vec<Argument<'d>> {
    items(list)
        .filter_map(|value| {
            Some(Argument {
                name: value["name"].as_str().filter(|name| is_name(name))?,
                description: words(value),
                of: type_ref(&value["type"], 0),
                default: value["defaultValue"].as_str().map(sdl::value),
                deprecated: value["isDeprecated"].as_bool() == Some(true),
            })
        })
        .collect()
}

fn type_ref<'d>(value: &'d Tree<'d>, depth: usize) -> TypeRef<'d> {
    if depth > MAX_WRAPPERS {
        return TypeRef::Missing;
    }
    let inner = || Box::new(type_ref(&value["ofType"], depth + 1));
    match value["kind"].as_str() {
        Some("LIST") => TypeRef::List(inner()),
        Some("NON_NULL") => match *inner() {
            // Two marks are one.
            TypeRef::NonNull(inner) => TypeRef::NonNull(inner),
            other => TypeRef::NonNull(Box::new(other)),
        },
        _ => value["name"].as_str().filter(|name| is_name(name)).map_or(TypeRef::Missing, TypeRef::Named),
    }
}
