//! Reads JSON Schema 2020-12 one level at a time, for forms and for people. References are followed when a level is
//! looked at, so a schema that contains itself is as deep as somebody looks and no deeper.

use serde_json::{Map, Value};

use super::view::{listed, plain};

/// References followed in a row, and schemas merged into one level.
const MOST_HOPS: usize = 16;

/// One level of a schema: references followed, `allOf` merged, null told apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// The keywords that hold here.
    pub keywords: Map<String, Value>,
    /// Whether null is a value too.
    pub nullable: bool,
}

/// What a value is, as a form or a reader needs to know it.
#[derive(Clone, Debug, PartialEq)]
pub enum Sort {
    /// One value and no other.
    Fixed(Value),
    /// One of a few values.
    Pick(Vec<Value>),
    /// Words.
    Text,
    /// A number; whole or not.
    Number {
        /// Whether it has no fraction.
        whole: bool,
    },
    /// Yes or no.
    Flag,
    /// Fields with names.
    Object,
    /// Any number of the same.
    List,
    /// One of several forms.
    OneOf(Vec<Value>),
    /// Anything.
    Any,
}

/// Reads a level of `schema`; `root` is what its references begin at.
pub fn level(root: &Value, schema: &Value) -> Level {
    let mut level = Level { keywords: Map::new(), nullable: false };
    let mut hops = MOST_HOPS;
    merge(&mut level, root, schema, &mut hops);
    level.nullable |= take_null(&mut level.keywords);
    for name in ["oneOf", "anyOf"] {
        let Some(Value::Array(forms)) = level.keywords.get_mut(name) else { continue };
        let all = forms.len();
        forms.retain(|form| form.get("type").and_then(Value::as_str) != Some("null"));
        level.nullable |= forms.len() < all;
        // One form that is left is no choice.
        if let [only] = forms.as_slice() {
            let only = only.clone();
            level.keywords.remove(name);
            merge(&mut level, root, &only, &mut hops);
            level.nullable |= take_null(&mut level.keywords);
        }
    }
    level
}

fn merge(level: &mut Level, root: &Value, schema: &Value, hops: &mut usize) {
    let Some(keywords) = schema.as_object() else { return };
    let Some(left) = hops.checked_sub(1) else { return };
    *hops = left;
    for (name, value) in keywords {
        match (name.as_str(), value) {
            ("$ref" | "allOf" | "$defs", _) => {}
            ("properties", Value::Object(more)) => {
                if let Value::Object(known) =
                    level.keywords.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()))
                {
                    for (name, schema) in more {
                        known.entry(name.clone()).or_insert_with(|| schema.clone());
                    }
                }
            }
            ("required", Value::Array(more)) => {
                if let Value::Array(known) =
                    level.keywords.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()))
                {
                    known.extend(more.iter().cloned());
                }
            }
            _ => {
                level.keywords.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    let target =
        keywords.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    if let Some(target) = target.and_then(|pointer| root.pointer(pointer)) {
        merge(level, root, target, hops);
    }
    for part in keywords.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        merge(level, root, part, hops);
    }
}

/// `["string", "null"]` becomes `string`; says whether null was among them.
fn take_null(keywords: &mut Map<String, Value>) -> bool {
    let mut found = false;
    if let Some(Value::Array(values)) = keywords.get_mut("enum") {
        let all = values.len();
        values.retain(|value| !value.is_null());
        found = values.len() < all;
    }
    let Some(Value::Array(types)) = keywords.get("type") else { return found };
    let left: Vec<Value> = types.iter().filter(|kind| *kind != "null").cloned().collect();
    found |= left.len() < types.len();
    match left.as_slice() {
        [one] => keywords.insert("type".into(), one.clone()),
        _ => keywords.insert("type".into(), Value::Array(left)),
    };
    found
}

impl Level {
    /// A keyword whose value is text.
    pub fn text(&self, keyword: &str) -> Option<&str> {
        self.keywords.get(keyword).and_then(Value::as_str)
    }

    /// What a value is.
    pub fn sort(&self) -> Sort {
        let list = |name: &str| self.keywords.get(name).and_then(Value::as_array).cloned();
        if let Some(value) = self.keywords.get("const") {
            return Sort::Fixed(value.clone());
        }
        if let Some(values) = list("enum") {
            return Sort::Pick(values);
        }
        match self.text("type") {
            Some("string") => Sort::Text,
            Some("number") => Sort::Number { whole: false },
            Some("integer") => Sort::Number { whole: true },
            Some("boolean") => Sort::Flag,
            Some("array") => Sort::List,
            _ if self.keywords.contains_key("properties") => Sort::Object,
            _ => match list("oneOf").or_else(|| list("anyOf")) {
                Some(forms) if forms.len() > 1 => Sort::OneOf(forms),
                _ if self.text("type") == Some("object") => Sort::Object,
                _ => Sort::Any,
            },
        }
    }

    /// Names of fields, those without which nothing works first, each with its schema and whether it is one of them.
    pub fn fields(&self) -> Vec<(&String, &Value, bool)> {
        let required = self.keywords.get("required").and_then(Value::as_array);
        let needs = |name: &String| required.is_some_and(|all| all.iter().any(|one| one == name));
        let fields = self.keywords.get("properties").and_then(Value::as_object).into_iter().flatten();
        let (mut first, rest): (Vec<_>, Vec<_>) =
            fields.map(|(name, schema)| (name, schema, needs(name))).partition(|(_, _, required)| *required);
        first.extend(rest);
        first
    }

    /// The schema of an item.
    pub fn items(&self) -> Value {
        self.keywords.get("items").cloned().unwrap_or(Value::Bool(true))
    }

    /// What it is, in words: `text, a date`, `list of whole number`, `one of “cat”, “dog”`.
    pub fn words(&self, root: &Value) -> String {
        let mut words = match self.sort() {
            Sort::Fixed(value) => format!("always “{}”", plain(&value)),
            Sort::Pick(values) => {
                let shown: Vec<String> = values.iter().take(6).map(plain).collect();
                let more = values.len().saturating_sub(6);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("one of {}{more}", shown.join(" · "))
            }
            Sort::Text => match self.text("format") {
                Some("date") => "date".to_owned(),
                Some("date-time") => "date and time".to_owned(),
                Some("binary" | "byte") => "file".to_owned(),
                Some(format) => format!("text ({format})"),
                None => "text".to_owned(),
            },
            Sort::Number { whole: true } => "whole number".to_owned(),
            Sort::Number { whole: false } => "number".to_owned(),
            Sort::Flag => "yes or no".to_owned(),
            Sort::Object => "object".to_owned(),
            Sort::List => {
                let item = level(root, &self.items());
                match item.sort() {
                    Sort::List => "list of lists".to_owned(),
                    Sort::Object => "list of objects".to_owned(),
                    Sort::Any => "list".to_owned(),
                    _ => format!("list of {}", item.words(root)),
                }
            }
            Sort::OneOf(forms) => format!("one of {} forms", forms.len()),
            Sort::Any => "anything".to_owned(),
        };
        let bounds = self.bounds();
        if !bounds.is_empty() {
            words = format!("{words}, {}", listed(&bounds));
        }
        if self.nullable { format!("{words}, or none") } else { words }
    }

    fn bounds(&self) -> Vec<String> {
        let pairs = [
            ("minimum", "at least ", ""),
            ("maximum", "at most ", ""),
            ("minLength", "at least ", " characters"),
            ("maxLength", "at most ", " characters"),
            ("minItems", "at least ", " items"),
            ("maxItems", "at most ", " items"),
        ];
        let bound = |(keyword, before, after): (&str, &str, &str)| {
            let number = self.keywords.get(keyword).filter(|bound| bound.is_number())?;
            Some(format!("{before}{number}{after}"))
        };
        pairs.into_iter().filter_map(bound).collect()
    }
}

/// One line of a schema as a person reads it; what is below it is read when it is opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The field's name; empty for an item or a form.
    pub name: String,
    /// What it is.
    pub words: String,
    /// What it means.
    pub note: String,
    /// Whether nothing works without it.
    pub required: bool,
    /// The schema to open, where there is something below.
    pub below: Option<Value>,
}

/// The lines below a schema.
pub fn lines(root: &Value, schema: &Value) -> Vec<Line> {
    let here = level(root, schema);
    match here.sort() {
        Sort::Object => here
            .fields()
            .into_iter()
            .map(|(name, schema, required)| line(root, name.clone(), schema, required))
            .collect(),
        Sort::List => {
            let items = here.items();
            // A list of objects opens to their fields at once.
            match level(root, &items).sort() {
                Sort::Object | Sort::List | Sort::OneOf(_) => lines(root, &items),
                _ => vec![line(root, String::new(), &items, false)],
            }
        }
        Sort::OneOf(forms) => forms
            .iter()
            .enumerate()
            .map(|(index, form)| line(root, form_name(root, form, index), form, false))
            .collect(),
        _ => vec![line(root, String::new(), schema, false)],
    }
}

/// What one of several forms is called.
pub fn form_name(root: &Value, form: &Value, index: usize) -> String {
    let named = level(root, form).text("title").map(str::to_owned);
    let referred = || {
        let reference = form.get("$ref").and_then(Value::as_str)?;
        reference.rsplit('/').next().map(str::to_owned)
    };
    named.or_else(referred).unwrap_or_else(|| format!("form {}", index + 1))
}

fn line(root: &Value, name: String, schema: &Value, required: bool) -> Line {
    let here = level(root, schema);
    let has_below = match here.sort() {
        Sort::Object => {
            here.keywords.get("properties").and_then(Value::as_object).is_some_and(|all| !all.is_empty())
        }
        Sort::List => {
            matches!(level(root, &here.items()).sort(), Sort::Object | Sort::List | Sort::OneOf(_))
        }
        Sort::OneOf(_) => true,
        _ => false,
    };
    Line {
        name,
        words: here.words(root),
        note: here.text("description").unwrap_or_default().to_owned(),
        required,
        below: has_below.then(|| schema.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_that_contains_itself_is_read_one_level_at_a_time() {
        let root = json!({"$defs": {"node": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string"}, "next": {"$ref": "#/$defs/node"}}}}, "$ref": "#/$defs/node"});
        let top = lines(&root, &root);
        assert_eq!(top.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(), ["name", "next"]);
        let below = lines(&root, top[1].below.as_ref().expect("something below"));
        assert_eq!(below, top);
    }

    #[test]
    fn a_reference_to_itself_ends() {
        let root = json!({"$defs": {"a": {"$ref": "#/$defs/a"}}});
        assert_eq!(level(&root, &json!({"$ref": "#/$defs/a"})).sort(), Sort::Any);
    }

    #[test]
    fn null_is_told_apart_however_it_is_written() {
        for schema in [
            json!({"type": ["string", "null"]}),
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
            json!({"oneOf": [{"type": "null"}, {"type": "string"}]}),
        ] {
            let level = level(&schema, &schema);
            assert_eq!((level.sort(), level.nullable), (Sort::Text, true), "{schema}");
        }
    }

    #[test]
    fn all_of_is_one_object_with_the_fields_of_each() {
        let schema = json!({"allOf": [
            {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            {"properties": {"b": {"type": "boolean"}}}]});
        let level = level(&schema, &schema);
        let fields: Vec<_> =
            level.fields().into_iter().map(|(name, _, needs)| (name.clone(), needs)).collect();
        assert_eq!(fields, [("a".to_owned(), true), ("b".to_owned(), false)]);
    }

    #[test]
    fn words_say_type_bounds_and_choices() {
        let words = |schema: Value| level(&schema, &schema).words(&schema);
        assert_eq!(
            words(json!({"type": "integer", "minimum": 1, "maximum": 9})),
            "whole number, at least 1 and at most 9"
        );
        assert_eq!(words(json!({"enum": ["cat", "dog", null]})), "one of cat · dog, or none");
        assert_eq!(
            words(json!({"type": "array", "items": {"type": "string", "format": "date"}})),
            "list of date"
        );
    }
}
