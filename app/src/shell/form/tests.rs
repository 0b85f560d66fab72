use serde_json::json;

use super::*;

fn typed(text: &str) -> Change {
    Change::Typed(text.to_owned())
}

fn order() -> Value {
    json!({
        "$defs": {"item": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string"}, "amount": {"type": "integer", "title": "How many"}}}},
        "type": "object", "required": ["kind", "items"],
        "properties": {
            "kind": {"enum": ["now", "later"], "title": "When"},
            "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
            "note": {"type": ["string", "null"]},
            "express": {"type": "boolean"},
            "to": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}},
            "by": {"oneOf": [
                {"title": "Card", "type": "object", "required": ["number"], "properties": {"number": {"type": "string"}}},
                {"title": "Account", "type": "integer"}]}
        }
    })
}

/// Where the argument of that name is.
fn at(form: &Form, name: &str) -> usize {
    form.fields.iter().position(|field| field.name == name).expect("an argument of that name")
}

#[test]
fn what_is_required_comes_first_and_is_complained_about_when_it_is_empty() {
    let form = Form::new(&order(), &json!({}));
    assert_eq!(
        (form.fields[0].required, form.fields[1].required, form.fields[2].required),
        (true, true, false)
    );
    let reading = form.read();
    assert_eq!(reading.empty, [(vec![at(&form, "kind")], "“When” is still empty.".to_owned())]);
    assert!(form.complaints().is_empty(), "nobody has asked for it yet");
    let strict = Form { strict: true, ..form };
    assert_eq!(strict.complaints().len(), 1);
}

#[test]
fn known_arguments_come_back_as_they_were() {
    let known = json!({"kind": "later", "items": [{"name": "tea", "amount": 2}, {"name": "milk"}], "note": null,
        "express": false, "to": {"city": "Porto"}, "by": 7});
    let form = Form::new(&order(), &known);
    let reading = form.read();
    assert_eq!(Value::Object(reading.args.clone()), known);
    assert!(reading.is_whole());
    let Kind::OneOf { chosen: Some((which, _)), .. } = &form.fields[at(&form, "by")].kind else {
        panic!("chosen")
    };
    assert_eq!(*which, 1, "the form that fits the value");
}

#[test]
fn a_list_grows_and_shrinks_and_says_which_item_is_wrong() {
    let mut form = Form::new(&order(), &json!({"kind": "now"}));
    let items = at(&form, "items");
    assert!(form.apply(&[items], Change::Added));
    assert!(form.apply(&[items], Change::Added));
    assert!(!form.apply(&[items, 0, 0], typed("tea")), "typing draws nothing anew");
    form.apply(&[items, 1, 0], typed("milk"));
    form.apply(&[items, 1, 1], typed("two"));
    let reading = form.read();
    assert_eq!(reading.wrong, [(vec![items, 1, 1], "“How many” takes a whole number.".to_owned())]);
    assert!(form.apply(&[items], Change::TookOut(0)));
    form.apply(&[items, 0, 1], typed("2"));
    assert_eq!(form.read().args["items"], json!([{"name": "milk", "amount": 2}]));
}

#[test]
fn what_is_optional_is_left_out_until_it_is_opened() {
    let mut form = Form::new(&order(), &json!({"kind": "now"}));
    let to = at(&form, "to");
    assert!(!form.read().args.contains_key("to"));
    form.apply(&[to], Change::Added);
    assert_eq!(form.read().empty, [(vec![to, 0], "“city” is still empty.".to_owned())]);
    form.apply(&[to, 0], typed("Porto"));
    assert_eq!(form.read().args["to"], json!({"city": "Porto"}));
    form.apply(&[to], Change::LeftOut);
    assert!(!form.read().args.contains_key("to"));
}

#[test]
fn another_form_has_other_controls() {
    let mut form = Form::new(&order(), &json!({"kind": "now"}));
    let by = at(&form, "by");
    form.apply(&[by], Change::Chose(Some(0)));
    form.apply(&[by, 0, 0], typed("4111"));
    assert_eq!(form.read().args["by"], json!({"number": "4111"}));
    form.apply(&[by], Change::Chose(Some(1)));
    form.apply(&[by, 0], typed("12"));
    assert_eq!(form.read().args["by"], json!(12));
    form.apply(&[by], Change::Chose(None));
    assert!(!form.read().args.contains_key("by"));
}

#[test]
fn nothing_can_be_a_value() {
    let mut form = Form::new(&order(), &json!({"kind": "now"}));
    let note = at(&form, "note");
    assert!(!form.read().args.contains_key("note"));
    form.apply(&[note], Change::Null(true));
    assert_eq!(form.read().args["note"], Value::Null);
}

#[test]
fn a_schema_without_end_becomes_json_where_it_is_too_deep() {
    let schema = json!({"$defs": {"node": {"type": "object", "required": ["next"],
        "properties": {"next": {"$ref": "#/$defs/node"}}}}, "$ref": "#/$defs/node"});
    let form = Form::new(&schema, &json!({}));
    let mut path = vec![0];
    while let Some(Control { kind: Kind::Object { .. }, .. }) = form.control(&path) {
        path.push(0);
    }
    assert!(matches!(form.control(&path), Some(Control { kind: Kind::Json { .. }, .. })));
    assert_eq!(path.len(), DEEPEST + 1);
}

#[test]
fn a_problem_is_shown_at_the_argument_that_it_names() {
    let mut form = Form::new(&order(), &json!({"kind": "now"}));
    assert!(form.blame("When: must be one of two."));
    let kind = at(&form, "kind");
    assert_eq!(form.complaints(), [(vec![kind], "When: must be one of two.".to_owned())]);
    form.apply(&[kind], Change::Chose(Some(1)));
    assert!(form.complaints().is_empty(), "a change answers it");
    assert!(!form.blame("The realm is not reachable."));
}

#[test]
fn numbers_are_kept_exactly() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "number"}, "i": {"type": "integer"}}});
    let mut form = Form::new(&schema, &json!({}));
    let (n, i) = (at(&form, "n"), at(&form, "i"));
    for (words, value) in
        [("9007199254740993", json!(9_007_199_254_740_993_i64)), ("0.5", json!(0.5)), (" 3 ", json!(3))]
    {
        form.apply(&[n], typed(words));
        assert_eq!(form.read().args["n"], value);
    }
    form.apply(&[i], typed("1.5"));
    assert_eq!(form.read().wrong.len(), 1);
}
