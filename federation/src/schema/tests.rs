use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::documents::Library;

/// A schema with its definitions, what was said about it, and how many bytes it may have.
fn converted(root: &Value, dialect: Dialect, schema: &Value, limit: usize) -> (Value, Vec<String>) {
    let mut root = if root.is_null() { json!({}) } else { root.clone() };
    root["x-schema"] = schema.clone();
    let others = BTreeMap::new();
    let library = Library::link(Node::from_value(&root), "", None, &others);
    let documents = library.documents();
    let rules = Rules { documents: &documents, dialect, purpose: Purpose::Input, detail: DETAILS[0] };
    let mut definitions = Definitions::default();
    let mut converter = Converter::new(rules, &mut definitions, limit);
    let node = converter.convert(&documents.root()["x-schema"]);
    let references = std::mem::take(&mut converter.references);
    definitions.settle(rules);
    let choice = definitions.choose(rules, node.json_len(), &references, limit);
    let view = definitions.look(&node, &choice);
    assert_eq!(view.json_len(), view.to_value().to_string().len());
    assert_eq!(serde_json::to_value(&view).expect("writes"), view.to_value());
    (view.to_value(), definitions.warnings.clone())
}

fn convert(root: &Value, dialect: Dialect, schema: &Value) -> (Value, Vec<String>) {
    converted(root, dialect, schema, 1 << 20)
}

fn v30(schema: Value) -> Value {
    convert(&Value::Null, Dialect::V30, &schema).0
}

#[test]
fn nullable_becomes_a_type() {
    for keyword in ["nullable", "x-nullable"] {
        assert_eq!(v30(json!({"type": "string", keyword: true})), json!({"type": ["string", "null"]}));
    }
    assert_eq!(
        v30(json!({"type": "string", "enum": ["a"], "nullable": true})),
        json!({"type": ["string", "null"], "enum": ["a", null]})
    );
    assert_eq!(
        v30(json!({"allOf": [{"type": "object"}], "nullable": true})),
        json!({"anyOf": [{"allOf": [{"type": "object"}]}, {"type": "null"}]})
    );
}

#[test]
fn a_reference_may_be_nullable() {
    let root = json!({"definitions": {"A": {"type": "string"}}});
    let schema = json!({"$ref": "#/definitions/A", "x-nullable": true});
    let (converted, _) = convert(&root, Dialect::V20, &schema);
    assert_eq!(converted["anyOf"], json!([{"$ref": "#/$defs/A"}, {"type": "null"}]));
}

#[test]
fn exclusive_bounds_become_numbers() {
    assert_eq!(
        v30(json!({"minimum": 1, "exclusiveMinimum": true, "maximum": 5, "exclusiveMaximum": false})),
        json!({"exclusiveMinimum": 1, "maximum": 5})
    );
}

#[test]
fn files_are_bytes_in_base64() {
    let bytes = json!({"type": "string", "contentEncoding": "base64"});
    assert_eq!(convert(&Value::Null, Dialect::V20, &json!({"type": "file"})).0, bytes);
    let binary = v30(json!({"type": "string", "format": "binary"}));
    assert_eq!(binary, json!({"type": "string", "contentEncoding": "base64", "format": "binary"}));
}

#[test]
fn an_enum_of_what_yaml_reads_as_numbers_is_one_of_texts() {
    let schema = json!({"type": "string", "enum": [1, true]});
    assert_eq!(v30(schema), json!({"type": "string", "enum": ["1", "true"]}));
    assert_eq!(v30(json!({"type": "integer", "enum": ["a"]})), json!({"enum": ["a"]}));
}

#[test]
fn recursion_stays_recursion() {
    let root = json!({"components": {"schemas": {"Tree": {
        "type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}
    }}}});
    let (converted, _) = convert(&root, Dialect::V30, &json!({"$ref": "#/components/schemas/Tree"}));
    assert_eq!(converted["$ref"], "#/$defs/Tree");
    assert_eq!(
        converted["$defs"]["Tree"]["properties"]["children"]["items"],
        json!({"$ref": "#/$defs/Tree"})
    );
}

#[test]
fn a_reference_in_place_to_itself_is_dropped() {
    let root = json!({"components": {"schemas": {
        "A": {"allOf": [{"$ref": "#/components/schemas/B"}]},
        "B": {"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "string"}]},
        "C": {"$ref": "#/components/schemas/C"}
    }}});
    let schema = json!({"allOf": [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/C"}]});
    let (converted, _) = convert(&root, Dialect::V31, &schema);
    assert_eq!(converted["$defs"]["B"], json!({"anyOf": [{}, {"type": "string"}]}));
    assert_eq!(converted["$defs"]["C"], json!({}));
}

#[test]
fn a_dangling_reference_is_named_and_accepts_anything() {
    let (converted, warnings) =
        convert(&json!({}), Dialect::V31, &json!({"$ref": "#/components/schemas/Gone"}));
    assert_eq!(converted, json!({}));
    assert_eq!(warnings, ["`$ref` to `#/components/schemas/Gone` leads nowhere; anything is accepted there"]);
}

#[test]
fn a_bare_name_leads_to_a_definition() {
    let root = json!({"definitions": {"Pet": {"type": "string"}}});
    let (converted, _) = convert(&root, Dialect::V20, &json!({"$ref": "Pet"}));
    assert_eq!(converted, json!({"$ref": "#/$defs/Pet", "$defs": {"Pet": {"type": "string"}}}));
}

#[test]
fn names_of_definitions_do_not_collide() {
    let root = json!({"a": {"X": {"type": "string"}}, "b": {"X": {"type": "integer"}}});
    let schema = json!({"anyOf": [{"$ref": "#/a/X"}, {"$ref": "#/b/X"}]});
    let (converted, _) = convert(&root, Dialect::V31, &schema);
    assert_eq!(converted["anyOf"], json!([{"$ref": "#/$defs/X"}, {"$ref": "#/$defs/X-2"}]));
    assert_eq!(converted["$defs"]["X-2"], json!({"type": "integer"}));
}

#[test]
fn keywords_of_the_wrong_type_are_dropped_alone() {
    let schema = json!({
        "type": "strnig", "required": true, "minLength": "3", "maxLength": -1, "enum": [], "pattern": "(?=x)",
        "properties": {"a": {"type": "int"}}, "items": 7, "multipleOf": 0, "x-more": {}
    });
    assert_eq!(v30(schema), json!({"minLength": 3, "properties": {"a": {"type": "integer"}}}));
}

#[test]
fn what_the_other_side_fills_in_is_not_asked_for() {
    let schema = json!({"required": ["id", "name"], "properties": {"id": {"readOnly": true}, "name": {}}});
    assert_eq!(v30(schema)["required"], json!(["name"]));
}

#[test]
fn a_large_schema_is_cut_to_its_limit() {
    let mut schemas = serde_json::Map::new();
    for n in 0..500 {
        let next = format!("#/components/schemas/S{}", n + 1);
        schemas.insert(
            format!("S{n}"),
            json!({"properties": {"next": {"$ref": next}}, "description": "d".repeat(300)}),
        );
    }
    schemas.insert("S500".into(), json!({}));
    let root = json!({"components": {"schemas": schemas}});
    let schema = json!({"$ref": "#/components/schemas/S0"});
    let (cut, _) = converted(&root, Dialect::V31, &schema, 4000);
    let bytes = cut.to_string().len();
    assert!((3000..=4000).contains(&bytes), "{bytes}");
    assert!(cut["$defs"]["S0"]["description"].is_string());
    // Every reference that is left leads somewhere.
    let text = cut.to_string();
    for reference in text.split("#/$defs/").skip(1) {
        let name = reference.split('"').next().expect("a name");
        assert!(cut["$defs"].get(name).is_some(), "{name}");
    }
}

#[test]
fn deep_nesting_ends() {
    let mut schema = json!({});
    for _ in 0..100 {
        schema = json!({"items": schema});
    }
    let converted = v30(schema).to_string();
    assert_eq!(converted.matches("items").count(), MAX_DEPTH);
}
