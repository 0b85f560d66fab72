use serde_json::{Value, json};

use super::*;

fn convert(root: &Value, dialect: Dialect, schema: &Value) -> (Value, Finished) {
    let mut converter = Converter::new(root, dialect, Purpose::Input, 1 << 20);
    let converted = converter.convert(schema);
    (converted, converter.finish())
}

fn v30(schema: Value) -> Value {
    convert(&Value::Null, Dialect::V30, &schema).0
}

#[test]
fn nullable_becomes_a_type() {
    assert_eq!(v30(json!({"type": "string", "nullable": true})), json!({"type": ["string", "null"]}));
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
fn exclusive_bounds_become_numbers() {
    assert_eq!(
        v30(json!({"minimum": 1, "exclusiveMinimum": true, "maximum": 5, "exclusiveMaximum": false})),
        json!({"exclusiveMinimum": 1, "maximum": 5})
    );
}

#[test]
fn recursion_stays_recursion() {
    let root = json!({"components": {"schemas": {"Tree": {
        "type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}
    }}}});
    let schema = json!({"$ref": "#/components/schemas/Tree"});
    let (top, finished) = convert(&root, Dialect::V30, &schema);
    assert_eq!(top, json!({"$ref": "#/$defs/Tree"}));
    assert_eq!(finished.defs["Tree"]["properties"]["children"]["items"], json!({"$ref": "#/$defs/Tree"}));
}

#[test]
fn a_reference_in_place_to_itself_is_dropped() {
    let root = json!({"components": {"schemas": {
        "A": {"allOf": [{"$ref": "#/components/schemas/B"}]},
        "B": {"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "string"}]},
        "C": {"$ref": "#/components/schemas/C"}
    }}});
    let schema = json!({"allOf": [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/C"}]});
    let (_, finished) = convert(&root, Dialect::V31, &schema);
    assert_eq!(finished.defs["B"], json!({"anyOf": [{}, {"type": "string"}]}));
    assert_eq!(finished.defs["C"], json!({}));
}

#[test]
fn a_dangling_reference_is_named_and_accepts_anything() {
    let (top, finished) = convert(&json!({}), Dialect::V31, &json!({"$ref": "#/components/schemas/Gone"}));
    assert_eq!(top, json!({}));
    assert_eq!(
        finished.warnings,
        ["`$ref` to `#/components/schemas/Gone` leads nowhere; anything is accepted there"]
    );
}

#[test]
fn names_of_definitions_do_not_collide() {
    let root = json!({"a": {"X": {"type": "string"}}, "b": {"X": {"type": "integer"}}});
    let schema = json!({"anyOf": [{"$ref": "#/a/X"}, {"$ref": "#/b/X"}]});
    let (top, finished) = convert(&root, Dialect::V31, &schema);
    assert_eq!(top, json!({"anyOf": [{"$ref": "#/$defs/X"}, {"$ref": "#/$defs/X-2"}]}));
    assert_eq!(finished.defs["X-2"], json!({"type": "integer"}));
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
fn a_large_schema_is_cut_with_a_warning() {
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
    let mut converter = Converter::new(&root, Dialect::V31, Purpose::Output, 4000);
    converter.convert(&schema);
    let finished = converter.finish();
    assert!(finished.bytes < 5000, "{}", finished.bytes);
    assert!(finished.warnings.iter().any(|warning| warning.contains("cut")));
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
