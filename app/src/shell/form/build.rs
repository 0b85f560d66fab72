//! Controls from schemas, filled with what is known.

use std::sync::Arc;

use serde_json::Value;

use super::{Control, DEEPEST, Kind, TextSort};
use crate::shell::{
    schema::{self, Level, Sort},
    view::plain,
};

/// Controls for the fields of an object.
pub(super) fn fields(root: &Value, schema: &Value, known: Option<&Value>, depth: usize) -> Vec<Control> {
    let level = schema::level(root, schema);
    let field = |(name, schema, required): (&String, &Value, bool)| {
        let known = known.and_then(|known| known.get(name));
        control(root, schema, name.clone(), required, known, depth)
    };
    level.fields().into_iter().map(field).collect()
}

/// A control for a value of that schema. What is required is there from the start, as far as it is not too deep.
pub(super) fn control(
    root: &Value,
    schema: &Value,
    name: String,
    required: bool,
    known: Option<&Value>,
    depth: usize,
) -> Control {
    let level = schema::level(root, schema);
    let is_null = level.nullable && known.is_some_and(Value::is_null);
    let known = known.filter(|known| !known.is_null());
    Control {
        title: level.text("title").unwrap_or(&name).to_owned(),
        note: level.text("description").unwrap_or_default().to_owned(),
        words: level.words(root),
        required,
        nullable: level.nullable,
        is_null,
        depth,
        kind: kind(root, schema, &level, required, known, depth),
        name,
    }
}

fn kind(
    root: &Value,
    schema: &Value,
    level: &Level,
    required: bool,
    known: Option<&Value>,
    depth: usize,
) -> Kind {
    let too_deep = depth >= DEEPEST;
    match level.sort() {
        Sort::Fixed(value) => Kind::Fixed(value),
        Sort::Pick(options) => {
            let chosen = known.and_then(|known| options.iter().position(|option| option == known));
            Kind::Pick { options, chosen }
        }
        Sort::Text => Kind::Text { typed: known.map(plain).unwrap_or_default(), sort: text_sort(level) },
        Sort::Number { whole } => Kind::Number { typed: known.map(plain).unwrap_or_default(), whole },
        Sort::Flag => Kind::Flag(known.and_then(Value::as_bool)),
        Sort::Object if !too_deep && level.keywords.contains_key("properties") => {
            let open = (required || known.is_some()).then(|| fields(root, schema, known, depth + 1));
            Kind::Object { open, schema: Arc::new(schema.clone()) }
        }
        Sort::List if !too_deep => {
            let item = level.items();
            let items = known.and_then(Value::as_array);
            let open = (required || items.is_some()).then(|| {
                let items = items.into_iter().flatten();
                items.map(|known| control(root, &item, String::new(), true, Some(known), depth + 1)).collect()
            });
            Kind::List { open, item: Arc::new(item) }
        }
        Sort::OneOf(forms) if !too_deep => {
            let named = forms.into_iter().enumerate();
            let forms: Vec<_> =
                named.map(|(index, form)| (schema::form_name(root, &form, index), form)).collect();
            let chosen = match known {
                Some(known) => Some(forms.iter().position(|(_, form)| fits(root, form, known)).unwrap_or(0)),
                None => required.then_some(0),
            };
            let chosen = chosen.and_then(|index| {
                let (_, form) = forms.get(index)?;
                Some((index, vec![form_control(root, form, known, depth)]))
            });
            Kind::OneOf { forms: Arc::new(forms), chosen }
        }
        Sort::Object | Sort::List | Sort::OneOf(_) | Sort::Any => {
            let typed = known.and_then(|known| serde_json::to_string_pretty(known).ok()).unwrap_or_default();
            Kind::Json { typed }
        }
    }
}

/// The control of one of several forms.
pub(super) fn form_control(root: &Value, form: &Value, known: Option<&Value>, depth: usize) -> Control {
    control(root, form, String::new(), true, known, depth + 1)
}

/// As much of an example as one begins with: what is required, and nothing that somebody would have to take out again.
pub fn sensible(schema: &Value, example: &Value) -> Value {
    needed(schema, schema, example, 0)
}

fn needed(root: &Value, schema: &Value, example: &Value, depth: usize) -> Value {
    let level = schema::level(root, schema);
    match (level.sort(), example) {
        (Sort::Object, Value::Object(fields))
            if depth <= DEEPEST && level.keywords.contains_key("properties") =>
        {
            let required = level.fields().into_iter().filter(|(_, _, required)| *required);
            let field = |(name, schema, _): (&String, &Value, bool)| {
                Some((name.clone(), needed(root, schema, fields.get(name)?, depth + 1)))
            };
            Value::Object(required.filter_map(field).collect())
        }
        (Sort::List, Value::Array(items)) if depth <= DEEPEST => {
            let item = level.items();
            Value::Array(items.iter().map(|example| needed(root, &item, example, depth + 1)).collect())
        }
        _ => example.clone(),
    }
}

/// Whether a value can be of that form: by its type, and for objects by the names of the fields and fixed values.
fn fits(root: &Value, form: &Value, value: &Value) -> bool {
    let level = schema::level(root, form);
    match (level.sort(), value) {
        (Sort::Fixed(fixed), value) => &fixed == value,
        (Sort::Pick(options), value) => options.contains(value),
        (Sort::Text, value) => value.is_string(),
        (Sort::Number { whole }, value) => {
            if whole {
                value.is_i64() || value.is_u64()
            } else {
                value.is_number()
            }
        }
        (Sort::Flag, value) => value.is_boolean(),
        (Sort::List, value) => value.is_array(),
        (Sort::Object, Value::Object(fields)) => {
            level.fields().into_iter().all(|(name, schema, required)| {
                match (fields.get(name), schema.get("const")) {
                    (Some(value), Some(fixed)) => value == fixed,
                    (found, _) => found.is_some() || !required,
                }
            })
        }
        (Sort::Object, _) => false,
        (Sort::OneOf(_) | Sort::Any, _) => true,
    }
}

fn text_sort(level: &Level) -> TextSort {
    let longest = level.keywords.get("maxLength").and_then(Value::as_u64);
    match level.text("format") {
        Some("date") => TextSort::Date,
        Some("uri" | "url") => TextSort::Url,
        Some("email") => TextSort::Email,
        Some("binary" | "byte") => TextSort::Lines,
        _ if longest.is_some_and(|longest| longest > 200) => TextSort::Lines,
        _ => TextSort::Line,
    }
}
