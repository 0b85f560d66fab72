//! From controls to arguments, with a complaint at each control that holds no value.

use serde_json::{Map, Number, Value};

use super::{Control, Form, Kind, Path};

/// Arguments, and what is wrong with them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// What could be read.
    pub args: Map<String, Value>,
    /// What is typed and no value: where, and in words.
    pub wrong: Vec<(Path, String)>,
    /// What is required and empty.
    pub empty: Vec<(Path, String)>,
}

impl Reading {
    /// Whether these are all the arguments that there have to be, each a value.
    pub fn is_whole(&self) -> bool {
        self.wrong.is_empty() && self.empty.is_empty()
    }
}

impl Form {
    /// Reads what is in it.
    pub fn read(&self) -> Reading {
        let mut reading = Reading::default();
        let mut path = Path::new();
        reading.args = object(&self.fields, &mut path, &mut reading);
        reading
    }

    /// What to say at which control.
    pub fn complaints(&self) -> Vec<(Path, String)> {
        let mut reading = self.read();
        let mut all = std::mem::take(&mut reading.wrong);
        if self.strict {
            all.append(&mut reading.empty);
        }
        all.extend(self.said.clone());
        all
    }
}

fn object(fields: &[Control], path: &mut Path, reading: &mut Reading) -> Map<String, Value> {
    let mut map = Map::new();
    for (index, field) in fields.iter().enumerate() {
        path.push(index);
        if let Some(value) = value(field, path, reading) {
            map.insert(field.name.clone(), value);
        }
        path.pop();
    }
    map
}

/// The value in a control; none where there is none, which is complained about when there has to be one.
fn value(control: &Control, path: &mut Path, reading: &mut Reading) -> Option<Value> {
    if control.is_null {
        return Some(Value::Null);
    }
    let found = match &control.kind {
        Kind::Text { typed, .. } => Some(Value::String(typed.clone())).filter(|_| !typed.is_empty()),
        Kind::Number { typed, whole } => match typed.trim() {
            "" => None,
            typed => match number(typed, *whole) {
                Some(number) => Some(number),
                None => {
                    return wrong(control, path, reading, if *whole { "a whole number" } else { "a number" });
                }
            },
        },
        Kind::Flag(chosen) => chosen.map(Value::Bool),
        Kind::Pick { options, chosen } => chosen.and_then(|index| options.get(index).cloned()),
        Kind::Fixed(fixed) => control.required.then(|| fixed.clone()),
        Kind::Object { open, .. } => open.as_ref().map(|fields| Value::Object(object(fields, path, reading))),
        Kind::List { open, .. } => open.as_ref().map(|items| {
            let mut values = Vec::new();
            for (index, item) in items.iter().enumerate() {
                path.push(index);
                values.extend(value(item, path, reading));
                path.pop();
            }
            Value::Array(values)
        }),
        Kind::OneOf { chosen, .. } => chosen.as_ref().and_then(|(_, inner)| {
            path.push(0);
            let found = inner.first().and_then(|inner| value(inner, path, reading));
            path.pop();
            found
        }),
        Kind::Json { typed } => match typed.trim() {
            "" => None,
            typed => match mtor_shared::wire::read(typed) {
                Ok(value) => Some(value),
                Err(_) => return wrong(control, path, reading, "JSON"),
            },
        },
    };
    if found.is_none() && control.required && !matches!(control.kind, Kind::OneOf { chosen: Some(_), .. }) {
        reading.empty.push((path.clone(), format!("{} is still empty.", quoted(control))));
    }
    found
}

fn wrong(control: &Control, path: &Path, reading: &mut Reading, expected: &str) -> Option<Value> {
    reading.wrong.push((path.clone(), format!("{} takes {expected}.", quoted(control))));
    None
}

fn quoted(control: &Control) -> String {
    if control.title.is_empty() { "This".to_owned() } else { format!("“{}”", control.title) }
}

fn number(typed: &str, whole: bool) -> Option<Value> {
    if let Ok(number) = typed.parse::<i64>() {
        return Some(number.into());
    }
    if let Ok(number) = typed.parse::<u64>() {
        return Some(number.into());
    }
    if whole { None } else { typed.parse().ok().and_then(Number::from_f64).map(Value::Number) }
}
