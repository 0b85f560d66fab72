//! References that lead back to themselves without going into a member or an item.
//!
//! `A: {$ref: A}` or `A: {allOf: [{$ref: A}]}` says nothing about a value, and a validator that follows it never
//! comes back. Such references are dropped; true recursion, through members and items, stays.

use std::collections::{BTreeSet, HashMap};

use crate::document::Node;

/// Keywords whose schemas apply to the same value.
const IN_PLACE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const IN_PLACE: [&str; 4] = ["not", "if", "then", "else"];
/// Where local references lead.
const DEFS: &str = "#/$defs/";

/// Drops every reference that closes a circle in place. The numbers of the definitions that had one.
pub(super) fn cut(definitions: &mut [(&str, &mut Node<'_>)]) -> Vec<usize> {
    let numbers: HashMap<&str, usize> =
        definitions.iter().enumerate().map(|(number, (name, _))| (*name, number)).collect();
    let edges: Vec<Vec<usize>> = definitions
        .iter()
        .map(|(_, schema)| {
            let mut targets = Vec::new();
            visit(schema, &mut |target| targets.extend(numbers.get(target)));
            targets
        })
        .collect();
    let closing: Vec<(usize, String)> = closing_edges(&edges)
        .into_iter()
        .filter_map(|(from, to)| definitions.get(to).map(|(name, _)| (from, format!("{DEFS}{name}"))))
        .collect();
    for (from, reference) in &closing {
        if let Some((_, schema)) = definitions.get_mut(*from) {
            drop_reference(schema, reference);
        }
    }
    closing.into_iter().map(|(from, _)| from).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

/// The edges that lead from a node to one that it was reached from: depth first, without recursion.
fn closing_edges(edges: &[Vec<usize>]) -> BTreeSet<(usize, usize)> {
    let mut marks = vec![Mark::New; edges.len()];
    let mut closing = BTreeSet::new();
    for start in 0..edges.len() {
        if marks[start] != Mark::New {
            continue;
        }
        marks[start] = Mark::Open;
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((node, next)) = path.pop() {
            let Some(target) = edges[node].get(next).copied() else {
                marks[node] = Mark::Done;
                continue;
            };
            path.push((node, next + 1));
            match marks[target] {
                Mark::Open => {
                    closing.insert((node, target));
                }
                Mark::Done => {}
                Mark::New => {
                    marks[target] = Mark::Open;
                    path.push((target, 0));
                }
            }
        }
    }
    closing
}

fn visit(schema: &Node<'_>, found: &mut impl FnMut(&str)) {
    let Node::Object(members) = schema else { return };
    for (keyword, inner) in members.iter() {
        match (keyword, inner) {
            ("$ref", Node::String(target)) => {
                if let Some(target) = target.strip_prefix(DEFS) {
                    found(target);
                }
            }
            (keyword, Node::Array(items)) if IN_PLACE_LISTS.contains(&keyword) => {
                items.iter().for_each(|item| visit(item, found));
            }
            (keyword, inner) if IN_PLACE.contains(&keyword) => visit(inner, found),
            ("dependentSchemas", Node::Object(schemas)) => {
                schemas.values().for_each(|schema| visit(schema, found))
            }
            _ => {}
        }
    }
}

fn drop_reference(schema: &mut Node<'_>, reference: &str) {
    let Node::Object(members) = schema else { return };
    if members.get("$ref").and_then(Node::as_str) == Some(reference) {
        members.remove("$ref");
    }
    for (keyword, inner) in members.iter_mut() {
        match inner {
            Node::Array(items) if IN_PLACE_LISTS.contains(&keyword) => {
                items.iter_mut().for_each(|item| drop_reference(item, reference));
            }
            inner if IN_PLACE.contains(&keyword) => drop_reference(inner, reference),
            Node::Object(schemas) if keyword == "dependentSchemas" => {
                schemas.iter_mut().for_each(|(_, schema)| drop_reference(schema, reference));
            }
            _ => {}
        }
    }
}
