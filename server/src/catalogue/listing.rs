//! The part of the catalogue that every shell gets in one piece: small, however many operations there are.

use std::{cmp::Reverse, sync::Arc};

use mtor_shared::{capability::Capability, catalogue::Catalogue as Listing};
use serde_json::{Map, Value, json};

use super::Shelf;

/// A larger input schema is reduced to what a form and the filling of slots need.
const INPUT_BYTES: usize = 4 * 1024;
/// The longest description of one argument in a reduced schema.
const DESCRIPTION_CHARS: usize = 120;
/// The most values of one argument that a reduced schema lists.
const ENUM_VALUES: usize = 24;
/// What of an argument's schema stays in a reduced one, if it is plain.
const KEPT: [&str; 14] = [
    "type",
    "title",
    "format",
    "default",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "pattern",
    "const",
    "multipleOf",
    "x-mtor",
];

/// Lists what is offered: what comes with MTOR, then what was enabled last, until there are enough.
pub(super) fn of<'a>(realm: &str, shelves: impl Iterator<Item = &'a Arc<Shelf>>, listed: usize) -> Listing {
    let mut shelves: Vec<&Arc<Shelf>> = shelves.filter(|shelf| shelf.enabled).collect();
    shelves.sort_by_key(|shelf| (!shelf.builtin, Reverse(shelf.enabled_at_ms)));
    let mut listing = Listing { realm: realm.to_owned(), ..Listing::default() };
    for shelf in shelves {
        listing.background.extend(shelf.version.background.iter().cloned());
        let room = listed.saturating_sub(listing.capabilities.len());
        let offered = shelf.version.capabilities().filter(|capability| shelf.offers(&capability.id));
        listing.capabilities.extend(offered.take(room).map(small));
    }
    listing.background.sort();
    listing.background.dedup();
    listing
}

/// A capability without what a shell asks for when it needs it.
fn small(capability: &Capability) -> Capability {
    let large = capability.input.to_string().len() > INPUT_BYTES;
    let input = if large { reduced(&capability.input) } else { capability.input.clone() };
    Capability { input, output: json!({}), ..capability.clone() }
}

/// The arguments with their plain properties, without anything nested.
fn reduced(input: &Value) -> Value {
    let mut small = shallow(input, true);
    if small.to_string().len() > INPUT_BYTES {
        small = shallow(input, false);
    }
    small
}

fn shallow(input: &Value, described: bool) -> Value {
    let properties = input.get("properties").and_then(Value::as_object).into_iter().flatten();
    let properties: Map<String, Value> =
        properties.map(|(name, schema)| (name.clone(), plain(schema, described))).collect();
    let mut small = Map::from_iter([
        ("type".to_owned(), json!("object")),
        ("properties".to_owned(), Value::Object(properties)),
    ]);
    for kept in ["required", "additionalProperties"] {
        if let Some(value) = input.get(kept).filter(|value| !value.is_object()) {
            small.insert(kept.to_owned(), value.clone());
        }
    }
    Value::Object(small)
}

fn plain(schema: &Value, described: bool) -> Value {
    let Some(members) = schema.as_object() else { return schema.clone() };
    let mut small = Map::new();
    for name in KEPT {
        if let Some(value) = members.get(name).filter(|value| !value.is_object()) {
            small.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(values) = members.get("enum").and_then(Value::as_array)
        && values.len() <= ENUM_VALUES
    {
        small.insert("enum".to_owned(), json!(values));
    }
    if let Some(text) = members.get("description").and_then(Value::as_str).filter(|_| described) {
        let text: String = text.chars().take(DESCRIPTION_CHARS).collect();
        small.insert("description".to_owned(), Value::String(text));
    }
    // A list of plain things is still one field of a form.
    if let Some(items) =
        members.get("items").and_then(|items| items.get("type")).filter(|kind| kind.is_string())
    {
        small.insert("items".to_owned(), json!({"type": items}));
    }
    Value::Object(small)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_input_keeps_its_arguments_and_loses_what_is_nested() {
        let deep: Map<String, Value> = (0..200)
            .map(|n| (format!("p{n}"), json!({"type": "string", "description": "x".repeat(40)})))
            .collect();
        let input = json!({
            "type": "object",
            "properties": {
                "place": {"type": "string", "title": "Place", "description": "y".repeat(500)},
                "body": {"type": "object", "properties": deep},
                "days": {"type": "array", "items": {"type": "integer"}},
                "other": {"$ref": "#/$defs/o"}
            },
            "required": ["place"],
            "$defs": {"o": {"type": "string"}}
        });
        let small = reduced(&input);
        assert!(small.to_string().len() < INPUT_BYTES, "{small}");
        assert_eq!(small["required"], json!(["place"]));
        assert_eq!(small["properties"]["place"]["title"], "Place");
        assert_eq!(small["properties"]["body"], json!({"type": "object"}));
        assert_eq!(small["properties"]["days"], json!({"type": "array", "items": {"type": "integer"}}));
        assert_eq!(small["properties"]["other"], json!({}));
        assert_eq!(small.get("$defs"), None);
    }
}
