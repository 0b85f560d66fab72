//! OpenAPI Overlay 1.0 and 1.1 (<https://spec.openapis.org/overlay/v1.1.0.html>): changes laid over a description.

mod path;

use serde_json::{Map, Value};

use crate::{document::Node, model::CompileError, parse};

/// The most places that one action may change.
const MAX_TARGETS: usize = 10_000;

/// A document with an overlay laid over it.
///
/// # Errors
/// As [`apply`].
pub(crate) fn laid_over<'s>(
    root: &Node<'_>,
    overlay: &str,
    warnings: &mut Vec<String>,
) -> Result<Node<'s>, CompileError> {
    let mut value = root.to_value();
    apply(&mut value, overlay, warnings)?;
    Ok(Node::from_value(&value))
}

/// Applies an overlay document's actions in order. An action that selects nothing becomes a warning.
///
/// # Errors
/// [`CompileError::Overlay`] when it is no overlay, or an action of it is malformed.
fn apply(root: &mut Value, overlay: &str, warnings: &mut Vec<String>) -> Result<(), CompileError> {
    let error = |what: String| CompileError::Overlay(what);
    let text = parse::clean(overlay);
    let overlay = parse::document(&text).map_err(|cause| error(cause.to_string()))?.to_value();
    match overlay.get("overlay") {
        Some(Value::String(version)) if version.starts_with("1.") => {}
        _ => return Err(error("it has no `overlay: 1.0.0` or `1.1.0`".into())),
    }
    let actions = overlay["actions"].as_array().ok_or_else(|| error("it has no list `actions`".into()))?;
    for (index, action) in actions.iter().enumerate() {
        let at = |what: String| error(format!("/actions/{index}: {what}"));
        let target = action["target"].as_str().ok_or_else(|| at("`target` is no text".into()))?;
        let query = path::Query::parse(target).map_err(|cause| at(format!("target `{target}`: {cause}")))?;
        let places = query.select(root, MAX_TARGETS);
        if places.is_empty() {
            warnings.push(format!("overlay /actions/{index}: `{target}` selects nothing"));
            continue;
        }
        if action["remove"].as_bool() == Some(true) {
            // From the back, so that the places of list items before stay true.
            for place in places.iter().rev() {
                path::remove(root, place);
            }
        } else if let Some(update) = action.get("update") {
            for place in &places {
                if let Some(value) = path::at_mut(root, place) {
                    merge(value, update);
                }
            }
        } else {
            return Err(at("it has neither `update` nor `remove`".into()));
        }
    }
    Ok(())
}

/// Objects are merged member by member, lists grow at the end, anything else is replaced. An update of a list that
/// is no list itself becomes its last item.
fn merge(target: &mut Value, update: &Value) {
    match (target, update) {
        (Value::Object(target), Value::Object(update)) => merge_members(target, update),
        (Value::Array(target), Value::Array(update)) => target.extend(update.iter().cloned()),
        (Value::Array(target), update) => target.push(update.clone()),
        (target, update) => *target = update.clone(),
    }
}

fn merge_members(target: &mut Map<String, Value>, update: &Map<String, Value>) {
    for (name, value) in update {
        match target.get_mut(name) {
            // Inside an object a list is extended only by a list; another kind of value replaces it.
            Some(Value::Array(_)) if !value.is_array() => {
                target.insert(name.clone(), value.clone());
            }
            Some(present) => merge(present, value),
            None => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(root: Value, actions: Value) -> (Value, Vec<String>) {
        let mut root = root;
        let mut warnings = Vec::new();
        let overlay = json!({"overlay": "1.0.0", "info": {}, "actions": actions});
        apply(&mut root, &overlay.to_string(), &mut warnings).expect("applies");
        (root, warnings)
    }

    #[test]
    fn updates_are_merged_and_lists_grow() {
        let (root, warnings) = applied(
            json!({"paths": {"/x": {"get": {"tags": ["a"], "summary": "old"}}}}),
            json!([{"target": "$.paths['/x'].get", "update": {"tags": ["b"], "summary": "new", "x-mtor": {"card": "books"}}}]),
        );
        let get = json!({"tags": ["a", "b"], "summary": "new", "x-mtor": {"card": "books"}});
        assert_eq!(root, json!({"paths": {"/x": {"get": get}}}));
        assert!(warnings.is_empty());
    }

    #[test]
    fn an_operation_can_be_selected_by_its_id() {
        let root = json!({"paths": {"/x": {"get": {"operationId": "a"}, "post": {"operationId": "b"}}}});
        for target in ["$.paths[*][?(@.operationId=='b')]", "$.paths.*[?@.operationId == \"b\"]"] {
            let (changed, _) = applied(root.clone(), json!([{"target": target, "update": {"y": 1}}]));
            assert_eq!(changed["paths"]["/x"]["post"]["y"], 1, "{target}");
            assert_eq!(changed["paths"]["/x"]["get"].get("y"), None, "{target}");
        }
    }

    #[test]
    fn removing_list_items_does_not_shift_the_others() {
        let (root, _) = applied(json!({"l": [1, 2, 3]}), json!([{"target": "$.l[*]", "remove": true}]));
        assert_eq!(root, json!({"l": []}));
    }

    #[test]
    fn a_target_that_selects_nothing_is_a_warning() {
        let (root, warnings) = applied(json!({"a": 1}), json!([{"target": "$.b", "update": {}}]));
        assert_eq!(root, json!({"a": 1}));
        assert_eq!(warnings, ["overlay /actions/0: `$.b` selects nothing"]);
    }

    #[test]
    fn what_is_malformed_is_named() {
        let cases = [
            ("{}", "overlay"),
            ("{overlay: 1.0.0}", "actions"),
            ("{overlay: 1.0.0, actions: [{target: 'a.b', update: {}}]}", "/actions/0"),
            ("{overlay: 1.0.0, actions: [{target: '$..b', update: {}}]}", "/actions/0"),
            ("{overlay: 1.0.0, actions: [{target: '$'}]}", "update"),
        ];
        for (overlay, named) in cases {
            let error = apply(&mut json!({}), overlay, &mut vec![]).expect_err(overlay).to_string();
            assert!(error.contains(named), "{overlay}: {error}");
        }
    }
}
