//! The last word on the size of all schemas of a description together.

use serde_json::{Value, json};

use crate::{model::Operation, openapi::level};

/// Cuts the schemas of `operations` until all have at most `budget` bytes of JSON: answers before arguments, the inner
/// parts of the largest first. What is asked for stays the same, and arguments are checked by the service as well.
pub(super) fn bound(operations: &mut [Operation], budget: usize) {
    let inputs = total(operations.iter().map(|operation| &operation.capability.input));
    let outputs = total(operations.iter().map(|operation| &operation.capability.output));
    if inputs + outputs <= budget {
        return;
    }
    let reserved = outputs.min(budget / 4);
    fit(operations.iter_mut().map(|operation| &mut operation.capability.input), budget - reserved, "object");
    let taken = total(operations.iter().map(|operation| &operation.capability.input));
    let left = budget.saturating_sub(taken);
    fit(operations.iter_mut().map(|operation| &mut operation.capability.output), left, "");
}

fn total<'v>(schemas: impl Iterator<Item = &'v Value>) -> usize {
    schemas.map(bytes).sum()
}

fn bytes(schema: &Value) -> usize {
    struct Counter(usize);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // Counting cannot fail.
    let _ = serde_json::to_writer(&mut counter, schema);
    counter.0
}

/// Cuts the largest; what is left of a schema that fits in no part says at most of which type it is.
fn fit<'v>(schemas: impl Iterator<Item = &'v mut Value>, budget: usize, kind: &str) {
    let mut schemas: Vec<(usize, &mut Value)> = schemas.map(|schema| (bytes(schema), schema)).collect();
    for words in [true, false] {
        if schemas.iter().map(|(bytes, _)| bytes).sum::<usize>() <= budget {
            return;
        }
        let most = level(schemas.iter().map(|(bytes, _)| *bytes).collect(), budget);
        for (size, schema) in schemas.iter_mut().filter(|(size, _)| *size > most) {
            if words {
                strip(schema, 0);
                *size = bytes(schema);
                continue;
            }
            for depth in (0..4).rev() {
                prune(schema, depth);
                *size = bytes(schema);
                if *size <= most {
                    break;
                }
            }
            if *size > most {
                **schema = if kind.is_empty() { json!({}) } else { json!({"type": kind}) };
                *size = bytes(schema);
            }
        }
    }
}

/// Leaves out what is for people.
fn strip(schema: &mut Value, depth: usize) {
    if depth > 64 {
        return;
    }
    match schema {
        Value::Object(members) => {
            for keyword in ["description", "title", "examples"] {
                if members.get(keyword).is_some_and(|words| words.is_string() || words.is_array()) {
                    members.remove(keyword);
                }
            }
            members.values_mut().for_each(|inner| strip(inner, depth + 1));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| strip(inner, depth + 1)),
        _ => {}
    }
}

/// Leaves out the inner parts of schemas more than `depth` levels deep; a definition lies as deep as the schema itself.
fn prune(schema: &mut Value, depth: usize) {
    let Value::Object(members) = schema else { return };
    for (keyword, inner) in members.iter_mut() {
        match (keyword.as_str(), inner) {
            ("properties", Value::Object(properties)) => {
                properties.values_mut().for_each(|property| shorten(property, depth));
            }
            ("$defs", Value::Object(definitions)) => {
                definitions.values_mut().for_each(|definition| prune(definition, depth));
            }
            ("items", inner) => shorten(inner, depth),
            ("anyOf" | "oneOf" | "allOf", Value::Array(parts)) => {
                parts.iter_mut().for_each(|part| shorten(part, depth));
            }
            _ => {}
        }
    }
}

fn shorten(schema: &mut Value, depth: usize) {
    match depth.checked_sub(1) {
        Some(less) => prune(schema, less),
        None if schema.get("properties").is_some() || schema.get("items").is_some() => *schema = json!({}),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_is_cut_from_inside_out() {
        let leaf = json!({"type": "object", "properties": {"x": {"type": "string"}}});
        let mut large =
            json!({"type": "object", "properties": {"a": leaf, "b": leaf, "c": {"type": "string"}}});
        let mut small = json!({"type": "string", "description": "words"});
        fit([&mut large, &mut small].into_iter(), 130, "");
        assert_eq!(small, json!({"type": "string", "description": "words"}));
        assert_eq!(
            large,
            json!({"type": "object", "properties": {"a": {}, "b": {}, "c": {"type": "string"}}})
        );
    }

    #[test]
    fn however_little_room_there_is_it_is_enough() {
        let mut schemas = vec![json!({"type": "object", "properties": {"a": {"type": "string"}}}); 3];
        fit(schemas.iter_mut(), 60, "object");
        assert_eq!(schemas, vec![json!({"type": "object"}); 3]);
    }
}
