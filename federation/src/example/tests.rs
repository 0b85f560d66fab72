use serde_json::{Value, json};

use super::*;
use crate::compile;

fn all(schema: Value) -> Value {
    value(&schema, Fill::All)
}

#[test]
fn what_is_required_or_everything_is_filled_in() {
    let schema = json!({"type": "object", "required": ["a"], "properties": {
        "a": {"type": "integer", "minimum": 5}, "b": {"type": "string", "format": "date"}, "c": {"readOnly": true}
    }});
    assert_eq!(value(&schema, Fill::Required), json!({"a": 5}));
    assert_eq!(value(&schema, Fill::All), json!({"a": 5, "b": "2024-01-01"}));
}

#[test]
fn what_the_description_gives_comes_first() {
    assert_eq!(all(json!({"type": "string", "examples": ["Rome"]})), json!("Rome"));
    assert_eq!(all(json!({"type": "integer", "default": 3, "examples": ["x"]})), json!(3));
    assert_eq!(all(json!({"type": "string", "enum": ["a", "b"], "default": "b"})), json!("a"));
    let not_a_date = json!({"type": "string", "format": "date", "examples": ["soon"]});
    assert_eq!(all(not_a_date), json!("2024-01-01"));
    assert_eq!(all(json!({"const": 7, "type": "integer"})), json!(7));
}

#[test]
fn bounds_hold() {
    assert_eq!(all(json!({"type": "string", "minLength": 10, "maxLength": 12})), json!("examplexxx"));
    assert_eq!(all(json!({"type": "string", "maxLength": 3})), json!("ple"));
    assert_eq!(all(json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1})), json!(0.5));
    assert_eq!(all(json!({"type": "integer", "multipleOf": 60, "minimum": 61})), json!(120));
    assert_eq!(all(json!({"type": "integer", "maximum": -3})), json!(-3));
    let list = all(json!({"type": "array", "minItems": 3, "uniqueItems": true, "items": {"type": "string"}}));
    assert_eq!(list, json!(["example", "example2", "example3"]));
}

#[test]
fn patterns_are_matched() {
    for (pattern, expected) in [
        ("^[A-Z]{3}-\\d{2,4}$", "AAA-00"),
        ("^(?:a|b)c?$", "a"),
        ("^\\+[1-9][0-9]{4,}$", "+10000"),
        ("[^a-z ]", "A"),
    ] {
        assert_eq!(all(json!({"type": "string", "pattern": pattern})), json!(expected), "{pattern}");
    }
    let long = all(json!({"type": "string", "pattern": "^[a-z]+$", "minLength": 6}));
    assert_eq!(long, json!("aaaaaa"));
}

#[test]
fn composition_and_references_are_followed_and_end() {
    let schema = json!({
        "allOf": [{"$ref": "#/$defs/Node"}, {"required": ["extra"], "properties": {"extra": {"type": "boolean"}}}],
        "$defs": {"Node": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string"}, "next": {"$ref": "#/$defs/Node"}, "all": {"type": "array", "items": {"$ref": "#/$defs/Node"}}
        }}}
    });
    assert_eq!(all(schema), json!({"name": "example", "extra": true}));
    let endless = json!({"$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/$defs/A"}}}}});
    assert!(all(endless).is_object());
}

#[test]
fn arguments_fit_the_schema_or_there_are_none() {
    let document = json!({"openapi": "3.1.0", "servers": [{"url": "https://a.test"}], "paths": {
        "/a": {"post": {"requestBody": {"required": true, "content": {"application/json": {"schema": {"oneOf": [
            {"type": "object", "properties": {"x": {"type": "string"}}},
            {"type": "object", "required": ["y"], "properties": {"y": {"type": "string"}}}
        ]}}}}}},
        "/b": {"get": {"parameters": [{"name": "q", "in": "query", "required": true, "schema": {"type": "string", "not": {}}}]}}
    }});
    let compiled = compile("t", &document.to_string(), None).expect("compiles");
    assert!(arguments(&compiled.operations[0], Fill::Required).is_some());
    assert_eq!(arguments(&compiled.operations[1], Fill::All), None);
}
