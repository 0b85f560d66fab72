use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Writes an answer of at most `room` bytes, choosing among the allowed ones as `choices` say.
fn write(schema: &Value, room: usize, choices: &mut impl Iterator<Item = u8>) -> String {
    let mut constraint = Constraint::new(schema).unwrap();
    assert!(constraint.missing() <= room);
    let mut text = Vec::new();
    while text.len() < room {
        let left = room - text.len() - 1;
        let allowed: Vec<u8> = (0..=255).filter(|byte| constraint.allows(&[*byte], left)).collect();
        let choice = usize::from(choices.next().unwrap_or(0));
        if allowed.is_empty() || constraint.is_complete() && choice % 3 == 0 {
            break;
        }
        let byte = allowed[choice % allowed.len()];
        constraint.accept(&[byte]).unwrap();
        text.push(byte);
    }
    let text = String::from_utf8(text).unwrap();
    assert!(constraint.is_complete(), "{text}");
    text
}

fn schemas() -> Vec<Value> {
    vec![
        json!({"type": "object", "properties": {
            "city": {"type": "string", "minLength": 1, "maxLength": 20},
            "days": {"type": "integer", "minimum": 1, "maximum": 16},
            "units": {"enum": ["metric", "imperial", null, 3]},
            "hourly": {"type": "boolean"}},
            "required": ["city", "units"], "additionalProperties": false}),
        json!({"type": "array", "items": {"type": "number", "minimum": -1.5, "exclusiveMaximum": 90}, "minItems": 2, "maxItems": 4}),
        json!({"anyOf": [{"type": "null"}, {"type": "string", "pattern": "^[A-Z]{3}$"}, {"const": {"a": [1, "ü"]}}]}),
        json!({"type": "object", "properties": {"when": {"type": "string", "format": "date-time"},
            "mail": {"type": "string", "format": "email"}, "id": {"type": "string", "format": "uuid"}},
            "required": ["when"]}),
        json!({"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}}}),
        json!({"allOf": [{"type": "object", "properties": {"a": {"type": "integer", "multipleOf": 5, "minimum": 11}}},
            {"required": ["a", "b"], "properties": {"b": {"type": ["string", "null"], "maxLength": 3}}}]}),
        json!({"type": "object", "additionalProperties": {"type": "integer"}}),
        json!({"type": "object", "properties": {"x": {}, "list": {"type": "array", "uniqueItems": true}}}),
        json!(true),
        json!({"type": "object", "minProperties": 1, "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}),
        json!({"type": "string", "minLength": 2, "maxLength": 4}),
        json!({"type": "integer", "exclusiveMinimum": -120, "maximum": -100}),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_is_chosen_is_valid_json_that_fits_the_schema_and_the_room(
        index in 0usize..12, room in 60usize..160, choices in prop::collection::vec(any::<u8>(), 200)
    ) {
        let schema = &schemas()[index];
        let text = write(schema, room, &mut choices.into_iter());
        prop_assert!(text.len() <= room);
        let value: Value = serde_json::from_str(&text).map_err(|error| {
            TestCaseError::fail(format!("{text}: {error}"))
        })?;
        prop_assert!(jsonschema::is_valid(schema, &value), "{} does not fit {}", text, schema);
    }
}

fn accepts(schema: &Value, text: &str) -> bool {
    let mut constraint = Constraint::new(schema).unwrap();
    for byte in text.bytes() {
        if !constraint.allows(&[byte], 1000) {
            return false;
        }
        constraint.accept(&[byte]).unwrap();
    }
    constraint.is_complete()
}

#[test]
fn what_a_model_writes_by_habit_is_allowed() {
    let schema = &schemas()[0];
    for text in [
        r#"{"city": "Lisbon", "days": 3, "hourly": false, "units": "metric"}"#,
        r#"{"city":"São Tomé \"quoted\"","units":3}"#,
        r#"{"city": "東京", "units": null}"#,
    ] {
        assert!(accepts(schema, text), "{text}");
    }
    for text in [
        r#"{"city": "", "units": 3}"#,
        r#"{"city": "Lisbon"}"#,
        r#"{"city": "Lisbon", "units": "metric", "more": 1}"#,
        r#"{"city": "Lisbon", "days": 17, "units": 3}"#,
        r#"{"city": "Lisbon",}"#,
        "{\"city\": \"a\nb\", \"units\": 3}",
        r#"  {"city": "Lisbon", "units": 3}"#,
    ] {
        assert!(!accepts(schema, text), "{text}");
    }
}

#[test]
fn a_token_of_several_bytes_is_allowed_as_a_whole_or_not_at_all() {
    let mut constraint = Constraint::new(&schemas()[0]).unwrap();
    assert!(constraint.allows(br#"{"city": ""#, 100));
    assert!(!constraint.allows(br#"{"town"#, 100));
    assert!(!constraint.allows(b"", 100), "a token without bytes steers the model");
    constraint.accept(br#"{"city": "Li"#).unwrap();
    assert!(constraint.allows(br#"sbon", "units": "#, 100));
    assert!(!constraint.allows(br#"sbon"}"#, 100), "units are required");
    // `","units":3}` is the shortest way out.
    assert_eq!(constraint.missing(), r#"","units":3}"#.len());
    assert!(constraint.allows(b"s", 12));
    assert!(!constraint.allows(b"s", 11), "no room for the rest would be left");
    assert!(constraint.allows(b"\"", 11));
}

#[test]
fn what_cannot_be_promised_is_refused_by_name() {
    let refused = |schema: Value| Constraint::new(&schema).err().map(|problem| (problem.code, problem.title));
    for (schema, word) in [
        (json!({"not": {"type": "string"}}), "not"),
        (json!({"type": "object", "required": ["a"], "properties": {"a": {"if": {}}}}), "if"),
        (json!({"type": "string", "pattern": "^(?=a)"}), "(?=a)"),
        (json!({"$ref": "https://example.org/other.json"}), "another document"),
        (json!({"type": "array", "prefixItems": []}), "prefixItems"),
    ] {
        let (code, title) = refused(schema).unwrap();
        assert_eq!(code, ProblemCode::Unsupported, "{title}");
        assert!(title.contains(word), "{title}");
    }
    for schema in
        [json!(false), json!({"type": "integer", "minimum": 3, "maximum": 2}), json!({"enum": []}), json!(7)]
    {
        assert_eq!(refused(schema.clone()).unwrap().0, ProblemCode::BadArgument, "{schema}");
    }
    // What is optional and cannot be promised is left out.
    let schema = json!({"type": "object", "properties": {"a": {"not": {}}, "b": {"const": 1}}});
    assert!(accepts(&schema, r#"{"b": 1}"#) && accepts(&schema, "{}") && !accepts(&schema, r#"{"a": 1}"#));
}

#[test]
fn a_reference_to_itself_ends_when_the_room_does() {
    let schema = json!({"$ref": "#/$defs/n", "$defs": {"n": {"type": "array", "minItems": 1, "items":
        {"anyOf": [{"$ref": "#/$defs/n"}, {"type": "integer"}]}}}});
    let text = write(&schema, 40, &mut std::iter::repeat(b'['));
    assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
    let endless = json!({"$ref": "#/$defs/n", "$defs": {"n": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/n"}}}});
    assert!(Constraint::new(&endless).is_err());
}
