//! What a sentence says about arguments that no example shows: by their types first, then by asking a language model,
//! whose answer counts only as far as the sentence bears it out.

use serde_json::{Map, Number, Value, json};
use time::Date;

use super::{
    dates::{dates, small_number},
    fill,
};
use crate::{
    capability::Capability,
    generation::{Message, Prompt, Request, Role, Sampling},
    words::{folded, stem},
};

/// Arguments that a model is asked about at most: required ones come first.
const ASKED: usize = 10;
/// Tokens of an answer: more than ten arguments of a sentence take.
const MAX_TOKENS: u32 = 256;
/// Characters of an argument's description that the model gets.
const DESCRIPTION: usize = 120;

/// Arguments that the sentence gives by the capability's examples and by their types: dates, options, addresses, and
/// a number where only one argument can take it.
pub fn extract(capability: &Capability, text: &str, today: Date) -> Map<String, Value> {
    let mut found = fill(capability, text);
    let mut dates = dates(text, today).into_iter();
    let numbers = numbers(text);
    let properties: Vec<(&str, &Value)> = properties(capability).collect();
    let is_number = |schema: &Value| matches!(kind(schema), Some("integer" | "number"));
    let for_numbers = properties.iter().filter(|(name, schema)| {
        is_number(schema) && capability.required().any(|required| required == *name)
    });
    let only_number = (for_numbers.count() == 1 && numbers.len() == 1).then(|| numbers[0].clone());
    for (name, schema) in properties {
        if found.contains_key(name) {
            continue;
        }
        let value = if let Some(options) = options(schema) {
            option(options, text)
        } else {
            match (kind(schema), schema["format"].as_str()) {
                (Some("string"), Some("date")) => dates.next().map(|date| json!(date.to_string())),
                (Some("string"), Some("email")) => piece(text, |piece| {
                    piece.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
                }),
                (Some("string"), Some("uri" | "url")) => {
                    piece(text, |piece| piece.starts_with("https://") || piece.starts_with("http://"))
                }
                (Some("integer" | "number"), _) if capability.required().any(|required| required == name) => {
                    only_number.clone().filter(|number| fits(schema, number))
                }
                _ => None,
            }
        };
        if let Some(value) = value {
            found.insert(name.to_owned(), value);
        }
    }
    found
}

/// What to ask a language model about the arguments that are not known yet; none when there are no more.
///
/// The answer is an object with every one of them, null where the sentence does not say it.
pub fn ask(capability: &Capability, text: &str, today: Date, known: &Map<String, Value>) -> Option<Request> {
    let asked = asked(capability, known);
    if asked.is_empty() {
        return None;
    }
    let mut fields = Map::new();
    let mut lines = String::new();
    for (name, schema) in &asked {
        fields.insert((*name).to_owned(), or_null(schema));
        lines.push_str(&line(name, schema));
    }
    let names: Vec<&str> = asked.iter().map(|(name, _)| *name).collect();
    let schema = json!({
        "type": "object",
        "properties": fields,
        "required": names,
        "additionalProperties": false,
    });
    let say = |role, content: String| Message { role, content };
    let messages = vec![
        say(
            Role::System,
            "You read the arguments of a function out of a sentence. Copy words and numbers exactly as the sentence \
             has them. An argument that the sentence does not mention is null. Answer in JSON."
                .to_owned(),
        ),
        say(Role::User, question(
            "Find flights",
            "- from: string. Departure city\n- to: string. Arrival city\n- passengers: integer\n- cabin: one of economy, business\n",
            "2025-03-04",
            "book me two seats from Oslo to Rome",
        )),
        say(Role::Assistant, r#"{"from": "Oslo", "to": "Rome", "passengers": 2, "cabin": null}"#.to_owned()),
        say(Role::User, question(&heading(capability), &lines, &today.to_string(), text)),
    ];
    Some(Request {
        prompt: Prompt::Messages { messages },
        max_tokens: MAX_TOKENS,
        sampling: Sampling::default(),
        stop: Vec::new(),
        schema: Some(schema),
    })
}

/// What is known with a model's answer: what the sentence does not bear out is left out.
pub fn accept(
    capability: &Capability,
    text: &str,
    today: Date,
    known: Map<String, Value>,
    answer: &str,
) -> Map<String, Value> {
    let Ok(Value::Object(answer)) = crate::wire::read(answer) else { return known };
    let mut all = known;
    for (name, schema) in asked(capability, &all) {
        let name = name.to_owned();
        if let Some(value) = answer.get(&name).and_then(|value| grounded(&name, schema, value, text, today)) {
            all.insert(name, value);
        }
    }
    all
}

fn properties(capability: &Capability) -> impl Iterator<Item = (&str, &Value)> {
    let properties = capability.input.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema))
}

/// Arguments that a sentence can say and that are not known yet, required ones first.
fn asked<'a>(capability: &'a Capability, known: &Map<String, Value>) -> Vec<(&'a str, &'a Value)> {
    let is_required = |name: &str| capability.required().any(|required| required == name);
    let (mut asked, others): (Vec<_>, Vec<_>) = properties(capability)
        .filter(|(name, schema)| {
            !known.contains_key(*name) && schema.get("const").is_none() && {
                options(schema).is_some()
                    || matches!(kind(schema), Some("string" | "integer" | "number" | "boolean"))
                    || (kind(schema) == Some("array") && is_plain(&schema["items"]))
            }
        })
        .partition(|(name, _)| is_required(name));
    asked.extend(others);
    asked.truncate(ASKED);
    asked
}

fn is_plain(schema: &Value) -> bool {
    matches!(kind(schema), Some("string" | "integer" | "number"))
}

/// The type of a schema, where it has one besides null.
fn kind(schema: &Value) -> Option<&str> {
    match &schema["type"] {
        Value::String(kind) => Some(kind),
        Value::Array(kinds) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            kinds.next().filter(|_| kinds.next().is_none())
        }
        _ => None,
    }
}

/// The words that are allowed, where only some are.
fn options(schema: &Value) -> Option<Vec<&str>> {
    let options: Vec<&str> = schema.get("enum")?.as_array()?.iter().filter_map(Value::as_str).collect();
    (!options.is_empty()).then_some(options)
}

/// The schema that an answer has for an argument: only what constrains what a model writes.
fn or_null(schema: &Value) -> Value {
    if let Some(options) = options(schema) {
        let all: Vec<Value> = options.into_iter().map(Value::from).chain([Value::Null]).collect();
        return json!({ "enum": all });
    }
    match kind(schema) {
        Some("array") => json!({
            "anyOf": [
                { "type": "array", "items": { "type": kind(&schema["items"]) }, "minItems": 1, "maxItems": 8 },
                { "type": "null" },
            ]
        }),
        kind => json!({ "type": [kind, "null"] }),
    }
}

fn heading(capability: &Capability) -> String {
    let summary: String = capability.summary.chars().take(DESCRIPTION).collect();
    if summary.is_empty() || summary == capability.title {
        capability.title.clone()
    } else {
        format!("{}. {summary}", capability.title)
    }
}

fn line(name: &str, schema: &Value) -> String {
    let what = match options(schema) {
        Some(options) => format!("one of {}", options.join(", ")),
        None => match kind(schema) {
            Some("array") => format!("list of {}", kind(&schema["items"]).unwrap_or("string")),
            kind => schema["format"].as_str().or(kind).unwrap_or("string").to_owned(),
        },
    };
    let said = schema["description"].as_str().or(schema["title"].as_str()).unwrap_or_default();
    let said: String = said.lines().next().unwrap_or_default().chars().take(DESCRIPTION).collect();
    if said.is_empty() { format!("- {name}: {what}\n") } else { format!("- {name}: {what}. {said}\n") }
}

fn question(heading: &str, arguments: &str, today: &str, text: &str) -> String {
    format!("Function: {heading}\nArguments:\n{arguments}Today: {today}\nSentence: {text}")
}

/// The option that the sentence names; none where it names several, of which none holds the others.
fn option(options: Vec<&str>, text: &str) -> Option<Value> {
    let named: Vec<&str> = options.into_iter().filter(|option| says(text, option)).collect();
    let longest = *named.iter().max_by_key(|option| option.len())?;
    named.iter().all(|other| longest.contains(other)).then(|| json!(longest))
}

/// Whether the words of `phrase` stand in the sentence, one behind the other, whatever joins them: `top_rated` is said
/// by `the top rated ones`.
fn says(text: &str, phrase: &str) -> bool {
    let apart = |text: &str| folded(&text.replace(['_', '-', '/'], " "));
    let (sentence, phrase) = (apart(text), apart(phrase));
    !phrase.is_empty()
        && sentence
            .windows(phrase.len())
            .any(|window| window.iter().zip(&phrase).all(|(a, b)| stem(a) == stem(b)))
}

/// The first piece between blanks that is what is wanted.
fn piece(text: &str, is: impl Fn(&str) -> bool) -> Option<Value> {
    text.split_whitespace()
        .map(|piece| {
            piece.trim_matches(|c: char| matches!(c, '<' | '>' | '"' | '(' | ')' | ',' | '.' | '?' | '!'))
        })
        .find(|piece| is(piece))
        .map(|piece| json!(piece))
}

/// Numbers that the sentence names, in digits or as a word up to twenty.
fn numbers(text: &str) -> Vec<Value> {
    let number = |word: String| -> Option<Value> {
        let digits = word.trim_start_matches(['$', '€', '£']).trim_end_matches('%');
        if digits.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            let digits = digits.replace(',', "");
            return digits
                .parse::<i64>()
                .map(Value::from)
                .ok()
                .or_else(|| digits.parse().ok().and_then(Number::from_f64).map(Value::Number));
        }
        small_number(&word).map(Value::from)
    };
    text.split_whitespace()
        .map(|piece| {
            piece.trim_matches(|c: char| !c.is_alphanumeric() && c != '-' && c != '$').to_lowercase()
        })
        .filter_map(number)
        .collect()
}

/// Whether a number is of the schema's type and within its bounds.
fn fits(schema: &Value, number: &Value) -> bool {
    let within = |bound: &str, ok: fn(f64, f64) -> bool| {
        schema[bound].as_f64().is_none_or(|bound| number.as_f64().is_some_and(|number| ok(number, bound)))
    };
    (kind(schema) != Some("integer") || number.is_i64() || number.is_u64())
        && within("minimum", |number, bound| number >= bound)
        && within("maximum", |number, bound| number <= bound)
}

/// The value as far as the sentence says it.
fn grounded(name: &str, schema: &Value, value: &Value, text: &str, today: Date) -> Option<Value> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::String(value) if options(schema).is_some() => {
            // An option may be meant by other words; what it is about has to be said.
            let options = options(schema)?;
            let is_said = says(text, value) || about(name, schema, text);
            options.contains(&value.as_str()).then_some(())?;
            is_said.then(|| json!(value))
        }
        Value::String(value) if schema["format"] == "date" => {
            dates(text, today).iter().any(|date| date.to_string() == *value).then(|| json!(value))
        }
        Value::String(value) => {
            let sentence = folded(text);
            let words = folded(value);
            let is_said = !words.is_empty()
                && words.iter().all(|word| sentence.iter().any(|said| stem(said) == stem(word)));
            (is_said || text.contains(value.as_str()) && !value.is_empty()).then(|| json!(value))
        }
        Value::Number(_) => {
            let said = numbers(text).iter().any(|number| number.as_f64() == value.as_f64());
            (said && fits(schema, value)).then(|| value.clone())
        }
        Value::Bool(_) => about(name, schema, text).then(|| value.clone()),
        Value::Array(values) => {
            let items = &schema["items"];
            let kept: Vec<Value> =
                values.iter().filter_map(|value| grounded(name, items, value, text, today)).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
    }
}

/// Whether the sentence speaks of the argument: a word of its name, or of what it is called in front of a person.
fn about(name: &str, schema: &Value, text: &str) -> bool {
    let sentence = folded(text);
    let title = schema["title"].as_str().unwrap_or_default();
    let mut apart = String::new();
    for c in name.chars() {
        if c.is_uppercase() {
            apart.push(' ');
        }
        apart.push(if matches!(c, '_' | '-' | '.') { ' ' } else { c });
    }
    let names = folded(&apart).into_iter().chain(folded(title));
    let small = ["is", "has", "include", "the", "of", "with", "only", "a"];
    names
        .filter(|word| !small.contains(&word.as_str()))
        .any(|word| sentence.iter().any(|said| stem(said) == stem(&word)))
}

#[cfg(test)]
mod tests {
    use time::Month;

    use super::*;
    use crate::testing::capability;

    fn today() -> Date {
        Date::from_calendar_date(2026, Month::November, 22).unwrap()
    }

    fn stay() -> Capability {
        let mut stay = capability("rooms/search", "city", &[]);
        stay.input = json!({
            "type": "object",
            "required": ["city", "guests"],
            "properties": {
                "arrival": {"type": "string", "format": "date"},
                "departure": {"type": "string", "format": "date"},
                "city": {"type": "string", "description": "Where to stay"},
                "guests": {"type": "integer", "minimum": 1, "maximum": 9},
                "sort": {"type": ["string", "null"], "enum": ["price", "top_rated", null]},
                "pets": {"type": "boolean"},
                "mail": {"type": "string", "format": "email"},
                "amenities": {"type": "array", "items": {"type": "string"}},
                "options": {"type": "object"},
            },
        });
        stay
    }

    const SENTENCE: &str = "a room in Lisbon with a pool and breakfast for two from tomorrow to next Friday, top rated, to ada@example.org";

    #[test]
    fn types_alone_find_dates_options_addresses_and_the_one_number() {
        let found = Value::Object(extract(&stay(), SENTENCE, today()));
        assert_eq!(
            found,
            json!({
                "arrival": "2026-11-23", "departure": "2026-11-27", "guests": 2, "sort": "top_rated",
                "mail": "ada@example.org",
            })
        );
        assert_eq!(extract(&stay(), "rooms for twelve", today()).get("guests"), None);
    }

    #[test]
    fn the_model_is_asked_for_the_rest_and_null_is_always_possible() {
        let known = extract(&stay(), SENTENCE, today());
        let request = ask(&stay(), SENTENCE, today(), &known).unwrap();
        let schema = request.schema.unwrap();
        assert_eq!(schema["required"], json!(["city", "amenities", "pets"]));
        assert_eq!(schema["properties"]["city"], json!({"type": ["string", "null"]}));
        let all: Map<String, Value> =
            ["city", "guests", "sort", "pets", "mail", "amenities", "arrival", "departure"]
                .map(|name| (name.to_owned(), Value::Null))
                .into_iter()
                .collect();
        assert!(ask(&stay(), SENTENCE, today(), &all).is_none());
    }

    #[test]
    fn what_the_sentence_does_not_say_is_not_believed() {
        let answer = r#"{"city": "Lisbon", "pets": true, "amenities": ["pool", "sauna", "breakfast"]}"#;
        let known = extract(&stay(), SENTENCE, today());
        let all = Value::Object(accept(&stay(), SENTENCE, today(), known, answer));
        assert_eq!((&all["city"], &all["amenities"]), (&json!("Lisbon"), &json!(["pool", "breakfast"])));
        assert_eq!(all.get("pets"), None);
        let invented = r#"{"city": "Porto", "guests": 7, "sort": "price", "pets": null, "mail": 5}"#;
        assert_eq!(
            Value::Object(accept(&stay(), "somewhere with my pet", today(), Map::new(), invented)),
            json!({})
        );
        let pets = accept(&stay(), "with my pet", today(), Map::new(), r#"{"pets": true}"#);
        assert_eq!(pets["pets"], true);
        assert!(accept(&stay(), "x", today(), Map::new(), "no JSON").is_empty());
    }
}
