//! Arguments against a capability's input schema, with words for what does not fit.

use jsonschema::{Draft, PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Map, Value};

use super::ArgumentError;

/// Compiled regular expressions may take this many bytes.
const MAX_REGEX_BYTES: usize = 1024 * 1024;
/// Names and values are quoted up to this many characters.
const MAX_QUOTED: usize = 120;

/// Checks the arguments of a call.
pub(crate) fn check(schema: &Value, args: &Map<String, Value>) -> Result<(), ArgumentError> {
    let validator = build(schema)?;
    let args = Value::Object(args.clone());
    // Of several faults the one that is easiest to mend comes first: something is missing.
    let mut errors = validator.iter_errors(&args);
    let Some(first) = errors.next() else { return Ok(()) };
    let is_missing =
        |error: &ValidationError<'_>| matches!(error.kind(), ValidationErrorKind::Required { .. });
    let chosen = if is_missing(&first) { first } else { errors.take(50).find(is_missing).unwrap_or(first) };
    Err(explain(schema, &chosen))
}

/// Nothing is fetched: compiled schemas have local references only, and the crate is built without resolvers.
fn build(schema: &Value) -> Result<Validator, ArgumentError> {
    let options = || {
        let patterns = PatternOptions::regex().size_limit(MAX_REGEX_BYTES).dfa_size_limit(MAX_REGEX_BYTES);
        jsonschema::options().with_draft(Draft::Draft202012).with_pattern_options(patterns).offline()
    };
    options().build(schema).or_else(|_| {
        // A pattern of another dialect of regular expressions; without it the rest still holds.
        let mut plain = schema.clone();
        drop_patterns(&mut plain, 0);
        options().build(&plain).map_err(|_| {
            ArgumentError::new(
                "",
                "the description's schema of the arguments cannot be used",
                "tell the realm's owner",
            )
        })
    })
}

fn drop_patterns(schema: &mut Value, depth: usize) {
    if depth > 128 {
        return;
    }
    match schema {
        Value::Object(members) => {
            if members.get("pattern").is_some_and(Value::is_string) {
                members.remove("pattern");
            }
            if members.get("patternProperties").is_some_and(Value::is_object) {
                members.remove("patternProperties");
            }
            members.values_mut().for_each(|value| drop_patterns(value, depth + 1));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| drop_patterns(value, depth + 1)),
        _ => {}
    }
}

fn quoted(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= MAX_QUOTED {
        text
    } else {
        text.chars().take(MAX_QUOTED).chain(['…']).collect()
    }
}

fn explain(schema: &Value, error: &ValidationError<'_>) -> ArgumentError {
    let at = error.instance_path().to_string();
    let new = |reason: String, advice: String| ArgumentError::new(at.clone(), reason, advice);
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let pointer = format!("{at}/{}", crate::documents::token(name));
            ArgumentError::new(pointer, "it is missing", format!("give {}", wanted(schema, &at, name)))
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let name = unexpected.first().map(String::as_str).unwrap_or_default();
            let known: Vec<&str> = schema["properties"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
                .take(20)
                .collect();
            let advice = match (at.as_str(), known.as_slice()) {
                ("", []) => "leave it out; there are no arguments".to_owned(),
                ("", known) => format!("leave it out; the arguments are {}", known.join(", ")),
                _ => "leave it out".to_owned(),
            };
            let pointer = format!("{at}/{}", crate::documents::token(name));
            ArgumentError::new(pointer, "nothing of that name is taken", advice)
        }
        ValidationErrorKind::Type { .. } => {
            let wanted = error.masked_with("it").to_string();
            let wanted =
                wanted.strip_prefix("it is not of type ").map_or(wanted.clone(), |t| t.replace('"', ""));
            new(
                format!("{} is not of type {wanted}", quoted(error.instance())),
                format!("give a value of type {wanted}"),
            )
        }
        ValidationErrorKind::Enum { options } => new(
            format!("{} is not among the choices", quoted(error.instance())),
            format!("give one of {}", quoted(options)),
        ),
        ValidationErrorKind::Minimum { limit } => {
            new(format!("{} is too small", quoted(error.instance())), format!("give at least {limit}"))
        }
        ValidationErrorKind::Maximum { limit } => {
            new(format!("{} is too large", quoted(error.instance())), format!("give at most {limit}"))
        }
        ValidationErrorKind::MinLength { limit } => {
            new("it is too short".into(), format!("give at least {limit} characters"))
        }
        ValidationErrorKind::MaxLength { limit } => {
            new("it is too long".into(), format!("give at most {limit} characters"))
        }
        ValidationErrorKind::MinItems { limit } => {
            new("there are too few".into(), format!("give at least {limit}"))
        }
        ValidationErrorKind::MaxItems { limit } => {
            new("there are too many".into(), format!("give at most {limit}"))
        }
        ValidationErrorKind::Pattern { pattern } => new(
            format!("{} has not the right form", quoted(error.instance())),
            format!("give a text that matches {}", quoted(&Value::String(pattern.clone()))),
        ),
        _ => {
            let words: String = error.masked_with("it").to_string().chars().take(2 * MAX_QUOTED).collect();
            new(words, "give a value that the schema allows".into())
        }
    }
}

/// What is expected for an argument that is missing: its description or its type.
fn wanted(schema: &Value, at: &str, name: &str) -> String {
    let property = if at.is_empty() { &schema["properties"][name] } else { &Value::Null };
    match (property["description"].as_str(), property["type"].as_str()) {
        (Some(words), _) => words.trim_end_matches('.').chars().take(MAX_QUOTED).collect(),
        (None, Some(name)) => format!("a value of type {name}"),
        _ => "a value".to_owned(),
    }
}
