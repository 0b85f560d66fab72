//! The last word on the size of all schemas of a description together.

use super::input::object;
use crate::{document::Node, openapi::level};

/// The schemas of one operation, with all that they refer to in them.
pub(super) struct Whole<'d> {
    pub(super) input: Node<'d>,
    pub(super) output: Node<'d>,
}

/// Cuts schemas until all have at most `budget` bytes of JSON: answers before arguments, the inner parts of the largest
/// first. What is asked for stays the same, and arguments are checked by the service as well.
pub(super) fn bound(schemas: &mut [Whole<'_>], budget: usize) {
    let total = |of: fn(&Whole<'_>) -> usize, schemas: &[Whole<'_>]| schemas.iter().map(of).sum::<usize>();
    let outputs = total(|whole| whole.output.json_len(), schemas);
    let reserved = outputs.min(budget / 4);
    fit(schemas.iter_mut().map(|whole| &mut whole.input), budget - reserved, "object");
    let taken = total(|whole| whole.input.json_len(), schemas);
    fit(schemas.iter_mut().map(|whole| &mut whole.output), budget.saturating_sub(taken), "");
}

/// Cuts the largest; what is left of a schema that fits in no part says at most of which type it is.
fn fit<'v, 'd: 'v>(schemas: impl Iterator<Item = &'v mut Node<'d>>, budget: usize, kind: &'static str) {
    let mut schemas: Vec<(usize, &mut Node<'d>)> =
        schemas.map(|schema| (schema.json_len(), schema)).collect();
    for words in [true, false] {
        if schemas.iter().map(|(bytes, _)| bytes).sum::<usize>() <= budget {
            return;
        }
        let most = level(schemas.iter().map(|(bytes, _)| *bytes).collect(), budget);
        for (size, schema) in schemas.iter_mut().filter(|(size, _)| *size > most) {
            if words {
                strip(schema, 0);
                *size = schema.json_len();
                continue;
            }
            for depth in (0..4).rev() {
                prune(schema, depth);
                *size = schema.json_len();
                if *size <= most {
                    break;
                }
            }
            if *size > most {
                **schema = if kind.is_empty() { Node::empty() } else { object([("type", Node::text(kind))]) };
                *size = schema.json_len();
            }
        }
    }
}

/// Leaves out what is for people.
fn strip(schema: &mut Node<'_>, depth: usize) {
    if depth > 64 {
        return;
    }
    match schema {
        Node::Object(members) => {
            for keyword in ["description", "title", "examples"] {
                if matches!(members.get(keyword), Some(Node::String(_) | Node::Array(_))) {
                    members.remove(keyword);
                }
            }
            members.iter_mut().for_each(|(_, inner)| strip(inner, depth + 1));
        }
        Node::Array(items) => items.iter_mut().for_each(|inner| strip(inner, depth + 1)),
        _ => {}
    }
}

/// Leaves out the inner parts of schemas more than `depth` levels deep; a definition lies as deep as the schema itself.
fn prune(schema: &mut Node<'_>, depth: usize) {
    let Node::Object(members) = schema else { return };
    for (keyword, inner) in members.iter_mut() {
        match (keyword, inner) {
            ("properties", Node::Object(properties)) => {
                properties.iter_mut().for_each(|(_, property)| shorten(property, depth));
            }
            ("$defs", Node::Object(definitions)) => {
                definitions.iter_mut().for_each(|(_, definition)| prune(definition, depth));
            }
            ("items", inner) => shorten(inner, depth),
            ("anyOf" | "oneOf" | "allOf", Node::Array(parts)) => {
                parts.iter_mut().for_each(|part| shorten(part, depth));
            }
            _ => {}
        }
    }
}

fn shorten(schema: &mut Node<'_>, depth: usize) {
    match depth.checked_sub(1) {
        Some(less) => prune(schema, less),
        None if schema.get("properties").is_some() || schema.get("items").is_some() => {
            *schema = Node::empty()
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_largest_is_cut_from_inside_out() {
        let leaf = json!({"type": "object", "properties": {"x": {"type": "string"}}});
        let mut large = Node::from_value(
            &json!({"type": "object", "properties": {"a": leaf, "b": leaf, "c": {"type": "string"}}}),
        );
        let mut small = Node::from_value(&json!({"type": "string", "description": "words"}));
        fit([&mut large, &mut small].into_iter(), 130, "");
        assert_eq!(small.to_value(), json!({"type": "string", "description": "words"}));
        assert_eq!(
            large.to_value(),
            json!({"type": "object", "properties": {"a": {}, "b": {}, "c": {"type": "string"}}})
        );
    }

    #[test]
    fn however_little_room_there_is_it_is_enough() {
        let schema = Node::from_value(&json!({"type": "object", "properties": {"a": {"type": "string"}}}));
        let mut schemas = vec![schema; 3];
        fit(schemas.iter_mut(), 60, "object");
        assert!(schemas.iter().all(|schema| schema.to_value() == json!({"type": "object"})));
    }
}
