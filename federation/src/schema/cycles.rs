//! References that lead back to themselves without going into a member or an item.
//!
//! `A: {$ref: A}` or `A: {allOf: [{$ref: A}]}` says nothing about a value, and a validator that follows it never
//! comes back. Such references are dropped; true recursion, through members and items, stays.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Keywords whose schemas apply to the same value.
const IN_PLACE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const IN_PLACE: [&str; 4] = ["not", "if", "then", "else"];

/// Drops every reference that closes a circle in place.
pub(super) fn cut(defs: &mut BTreeMap<String, Value>) {
    let edges: BTreeMap<String, Vec<String>> = defs
        .iter()
        .map(|(name, schema)| {
            let mut targets = Vec::new();
            visit(schema, &mut |target| targets.push(target.to_owned()));
            (name.clone(), targets)
        })
        .collect();
    for (from, to) in closing_edges(&edges) {
        if let Some(schema) = defs.get_mut(&from) {
            drop_reference(schema, &format!("#/$defs/{to}"));
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Open,
    Done,
}

/// The edges that lead from a node to one that it was reached from: depth first, without recursion.
fn closing_edges(edges: &BTreeMap<String, Vec<String>>) -> BTreeSet<(String, String)> {
    let mut marks: BTreeMap<&str, Mark> = BTreeMap::new();
    let mut closing = BTreeSet::new();
    for start in edges.keys() {
        if marks.contains_key(start.as_str()) {
            continue;
        }
        marks.insert(start, Mark::Open);
        let mut path: Vec<(&str, usize)> = vec![(start, 0)];
        while let Some((node, next)) = path.pop() {
            let Some(target) = edges.get(node).and_then(|targets| targets.get(next)) else {
                marks.insert(node, Mark::Done);
                continue;
            };
            path.push((node, next + 1));
            match marks.get(target.as_str()) {
                Some(Mark::Open) => {
                    closing.insert((node.to_owned(), target.clone()));
                }
                Some(Mark::Done) => {}
                None => {
                    marks.insert(target, Mark::Open);
                    path.push((target, 0));
                }
            }
        }
    }
    closing
}

fn visit(schema: &Value, found: &mut impl FnMut(&str)) {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/"))
    {
        found(target);
    }
    for keyword in IN_PLACE_LISTS {
        for inner in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
            visit(inner, found);
        }
    }
    for inner in IN_PLACE.iter().filter_map(|keyword| schema.get(keyword)) {
        visit(inner, found);
    }
    for inner in
        schema.get("dependentSchemas").and_then(Value::as_object).into_iter().flat_map(|m| m.values())
    {
        visit(inner, found);
    }
}

fn drop_reference(schema: &mut Value, reference: &str) {
    let Value::Object(members) = schema else { return };
    if members.get("$ref").and_then(Value::as_str) == Some(reference) {
        members.remove("$ref");
    }
    for (keyword, inner) in members.iter_mut() {
        if IN_PLACE_LISTS.contains(&keyword.as_str()) {
            inner.as_array_mut().into_iter().flatten().for_each(|schema| drop_reference(schema, reference));
        } else if IN_PLACE.contains(&keyword.as_str()) {
            drop_reference(inner, reference);
        } else if keyword == "dependentSchemas" {
            inner
                .as_object_mut()
                .into_iter()
                .flat_map(|m| m.values_mut())
                .for_each(|s| drop_reference(s, reference));
        }
    }
}
