//! JSON Schema to rules: what a value may be, with its references resolved.

use std::{collections::HashMap, rc::Rc};

use mtor_shared::problem::{Problem, ProblemCode};
use serde_json::{Map, Value, json};

use super::{number::NumberRule, pattern::Pattern, text::TextRule};

/// Rules at most: a schema that unfolds to more is not one that a model of this size fills.
const RULES: usize = 20_000;
/// Schemas within schemas.
const DEPTH: usize = 64;
/// Levels of a value that its schema leaves open.
const OPEN_LEVELS: usize = 4;
/// What has no instance.
pub(super) const NEVER: usize = usize::MAX / 4;

/// The index of a rule.
pub(super) type RuleId = usize;

/// What a value may be.
#[derive(Debug)]
pub(super) enum Rule {
    /// One of several.
    Any(Vec<RuleId>),
    /// One of these texts of JSON.
    Literals(Vec<Vec<u8>>),
    /// A string.
    Text(TextRule),
    /// A number.
    Number(NumberRule),
    /// An array.
    List { item: RuleId, least: usize, most: usize },
    /// An object with these properties, in this order.
    Record(Vec<Field>),
    /// An object with any names.
    Map { value: RuleId, least: usize, most: usize },
}

/// A property.
#[derive(Debug)]
pub(super) struct Field {
    /// Its name with quotes and colon.
    pub(super) key: Vec<u8>,
    pub(super) value: RuleId,
    pub(super) required: bool,
}

/// A compiled schema; rule 0 is the answer.
#[derive(Debug)]
pub(super) struct Grammar {
    pub(super) rules: Vec<Rule>,
    /// Bytes of the shortest instance of each rule.
    pub(super) shortest: Vec<usize>,
    /// The names of a map.
    pub(super) names: TextRule,
}

impl Grammar {
    pub(super) fn compile(schema: &Value) -> Result<Self, Problem> {
        let mut compiler =
            Compiler { root: schema, rules: Vec::new(), known: HashMap::new(), open: HashMap::new() };
        let first = compiler.reserve()?;
        let rule = compiler.rule(schema, DEPTH)?;
        compiler.rules[first] = rule;
        let rules = compiler.rules;
        let shortest = shortest(&rules);
        if shortest[0] >= NEVER {
            return Err(Problem::new(
                ProblemCode::BadArgument,
                "No value fits the schema.",
                "Look at its bounds and required properties.",
            ));
        }
        Ok(Self { rules, shortest, names: TextRule { least: 1, most: Some(64), pattern: None } })
    }
}

struct Compiler<'a> {
    root: &'a Value,
    rules: Vec<Rule>,
    /// Rules of what `$ref` names, by reference.
    known: HashMap<String, RuleId>,
    /// Rules of values that a schema leaves open, by the levels that they may have.
    open: HashMap<usize, RuleId>,
}

/// Keywords that say nothing about what is valid, or that are read below.
const KNOWN: &[&str] = &[
    "$schema",
    "$id",
    "$anchor",
    "$comment",
    "$defs",
    "definitions",
    "$vocabulary",
    "title",
    "description",
    "default",
    "examples",
    "example",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentMediaType",
    "contentEncoding",
    "xml",
    "externalDocs",
    "discriminator",
    "nullable",
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minProperties",
    "maxProperties",
    "anyOf",
    "oneOf",
    "allOf",
    "$ref",
];

fn unsupported(what: impl std::fmt::Display) -> Problem {
    Problem::new(
        ProblemCode::Unsupported,
        format!("The schema uses {what}, which answers cannot be held to."),
        "Leave it out of the schema.",
    )
}

fn damaged(what: impl std::fmt::Display) -> Problem {
    Problem::new(ProblemCode::BadArgument, format!("The schema is damaged: {what}."), "Mend the schema.")
}

impl<'a> Compiler<'a> {
    fn reserve(&mut self) -> Result<RuleId, Problem> {
        self.add(Rule::Any(Vec::new()))
    }

    fn add(&mut self, rule: Rule) -> Result<RuleId, Problem> {
        if self.rules.len() >= RULES {
            return Err(unsupported("too many parts"));
        }
        self.rules.push(rule);
        Ok(self.rules.len() - 1)
    }

    fn compile(&mut self, schema: &Value, depth: usize) -> Result<RuleId, Problem> {
        if let Some(Value::String(reference)) = schema.get("$ref")
            && schema.as_object().is_some_and(|object| object.keys().all(|key| is_annotation(key)))
        {
            return self.reference(reference, depth);
        }
        let rule = self.rule(schema, depth)?;
        self.add(rule)
    }

    fn reference(&mut self, reference: &str, depth: usize) -> Result<RuleId, Problem> {
        if let Some(id) = self.known.get(reference) {
            return Ok(*id);
        }
        // Known before it is compiled: it may name itself.
        let id = self.reserve()?;
        self.known.insert(reference.to_owned(), id);
        let target = self.resolve(reference)?.clone();
        let rule = self.rule(&target, depth)?;
        self.rules[id] = rule;
        Ok(id)
    }

    fn resolve(&self, reference: &str) -> Result<&'a Value, Problem> {
        let pointer = reference
            .strip_prefix('#')
            .ok_or_else(|| unsupported(format_args!("a reference to another document ({reference})")))?;
        self.root.pointer(pointer).ok_or_else(|| damaged(format_args!("nothing is at {reference}")))
    }

    fn rule(&mut self, schema: &Value, depth: usize) -> Result<Rule, Problem> {
        let depth = depth.checked_sub(1).ok_or_else(|| unsupported("too many levels"))?;
        let object = match schema {
            Value::Bool(true) => return Ok(Rule::Any(vec![self.anything(OPEN_LEVELS)?])),
            Value::Bool(false) => return Ok(Rule::Literals(Vec::new())),
            Value::Object(object) => self.flat(object, depth)?,
            _ => return Err(damaged("a schema is neither an object nor a flag")),
        };
        if let Some(key) = object.keys().find(|key| !KNOWN.contains(&key.as_str()) && !key.starts_with("x-"))
        {
            return Err(unsupported(format_args!("“{key}”")));
        }
        if let Some(value) = object.get("const") {
            return self.literals(&object, std::slice::from_ref(value));
        }
        if let Some(values) = object.get("enum") {
            let values = values.as_array().ok_or_else(|| damaged("“enum” is no list"))?;
            return self.literals(&object, values);
        }
        for key in ["anyOf", "oneOf"] {
            let Some(branches) = object.get(key) else { continue };
            let branches = branches.as_array().ok_or_else(|| damaged(format_args!("“{key}” is no list")))?;
            let mut rest = object.clone();
            rest.remove(key);
            let mut rules = Vec::new();
            for branch in branches {
                // What stands beside the branches holds for each of them.
                let both = if rest.keys().all(|key| is_annotation(key)) {
                    branch.clone()
                } else {
                    json!({"allOf": [branch, rest]})
                };
                rules.push(self.compile(&both, depth)?);
            }
            return Ok(Rule::Any(rules));
        }
        let mut types: Vec<&str> = match object.get("type") {
            None => guessed_types(&object),
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(_) => return Err(damaged("“type” is neither a name nor a list")),
        };
        if object.get("nullable") == Some(&Value::Bool(true)) && !types.contains(&"null") {
            types.push("null");
        }
        if types.is_empty() {
            return Ok(Rule::Any(vec![self.anything(OPEN_LEVELS)?]));
        }
        // Every integer is a number.
        if types.contains(&"number") {
            types.retain(|name| *name != "integer");
        }
        let mut rules = Vec::new();
        for name in types {
            rules.push(self.typed(name, &object, depth)?);
        }
        match rules.pop() {
            Some(rule) if rules.is_empty() => Ok(rule),
            last => {
                let ids =
                    rules.into_iter().chain(last).map(|rule| self.add(rule)).collect::<Result<_, _>>()?;
                Ok(Rule::Any(ids))
            }
        }
    }

    /// A schema with its `allOf` and a reference beside other keywords put into one.
    fn flat(&self, object: &Map<String, Value>, depth: usize) -> Result<Map<String, Value>, Problem> {
        let depth = depth.checked_sub(1).ok_or_else(|| unsupported("too many levels"))?;
        let mut whole = object.clone();
        let mut parts = Vec::new();
        if let Some(Value::String(reference)) = whole.remove("$ref") {
            parts.push(self.resolve(&reference)?.clone());
        }
        if let Some(all) = whole.remove("allOf") {
            let all = all.as_array().ok_or_else(|| damaged("“allOf” is no list"))?;
            parts.extend(all.iter().cloned());
        }
        for part in parts {
            match part {
                Value::Bool(true) => {}
                Value::Object(part) => merge(&mut whole, self.flat(&part, depth)?)?,
                _ => return Err(unsupported("“allOf” with something that is no object")),
            }
        }
        Ok(whole)
    }

    /// The values of `enum` or `const` that the rest of the schema allows, as far as types tell.
    fn literals(&mut self, object: &Map<String, Value>, values: &[Value]) -> Result<Rule, Problem> {
        let nullable = object.get("nullable") == Some(&Value::Bool(true));
        let fits = |value: &Value| {
            let named = |name: &str| is_of_type(value, name) || nullable && value.is_null();
            match object.get("type") {
                Some(Value::String(name)) => named(name),
                Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(named),
                _ => true,
            }
        };
        let texts = values.iter().filter(|value| fits(value)).map(|value| value.to_string().into_bytes());
        Ok(Rule::Literals(texts.collect()))
    }

    fn typed(&mut self, name: &str, object: &Map<String, Value>, depth: usize) -> Result<Rule, Problem> {
        Ok(match name {
            "null" => Rule::Literals(vec![b"null".to_vec()]),
            "boolean" => Rule::Literals(vec![b"true".to_vec(), b"false".to_vec()]),
            "string" => Rule::Text(text(object)?),
            "integer" | "number" => Rule::Number(number(object, name == "integer")?),
            "array" => self.list(object, depth)?,
            "object" => self.record(object, depth)?,
            other => return Err(damaged(format_args!("there is no type “{other}”"))),
        })
    }

    fn list(&mut self, object: &Map<String, Value>, depth: usize) -> Result<Rule, Problem> {
        if object.contains_key("prefixItems") {
            return Err(unsupported("“prefixItems”"));
        }
        let item = match object.get("items") {
            Some(items) => self.compile(items, depth)?,
            None => self.anything(OPEN_LEVELS - 1)?,
        };
        let (least, mut most) =
            (count(object, "minItems")?.unwrap_or(0), count(object, "maxItems")?.unwrap_or(NEVER));
        if object.get("uniqueItems") == Some(&Value::Bool(true)) {
            // One item is unlike all others.
            most = most.min(1);
        }
        Ok(Rule::List { item, least, most })
    }

    fn record(&mut self, object: &Map<String, Value>, depth: usize) -> Result<Rule, Problem> {
        let empty = Map::new();
        let properties = match object.get("properties") {
            None => &empty,
            Some(Value::Object(properties)) => properties,
            Some(_) => return Err(damaged("“properties” is no object")),
        };
        let required: Vec<&str> = match object.get("required") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let more = object.get("additionalProperties");
        let (least, most) = (count(object, "minProperties")?, count(object, "maxProperties")?);
        if properties.is_empty() && required.is_empty() && more != Some(&Value::Bool(false)) {
            let value = match more {
                Some(schema) if *schema != Value::Bool(true) => self.compile(schema, depth)?,
                _ => self.anything(OPEN_LEVELS - 1)?,
            };
            // Names are not compared with each other: one is unlike all others.
            return Ok(match (least.unwrap_or(0), most.unwrap_or(1).min(1)) {
                (least, most) if least > most => return Err(unsupported("“minProperties” without names")),
                (least, most) => Rule::Map { value, least, most },
            });
        }
        let mut fields = Vec::new();
        for (name, schema) in properties {
            let required = required.contains(&name.as_str());
            // An optional property that cannot be held to its schema is left out.
            let value = match self.compile(schema, depth) {
                Err(problem) if problem.code == ProblemCode::Unsupported && !required => continue,
                other => other?,
            };
            fields.push(Field { key: key(name), value, required });
        }
        for name in required.iter().filter(|name| !properties.contains_key(**name)) {
            let value = match more {
                Some(Value::Bool(false)) => return Ok(Rule::Literals(Vec::new())),
                Some(schema) if *schema != Value::Bool(true) => self.compile(schema, depth)?,
                _ => self.anything(OPEN_LEVELS - 1)?,
            };
            fields.push(Field { key: key(name), value, required: true });
        }
        if least.is_some_and(|least| least > required.len()) {
            // The simplest way to have enough of them.
            let mut lacking = least.unwrap_or(0) - required.len();
            for field in fields.iter_mut().filter(|field| !field.required) {
                if lacking > 0 {
                    field.required = true;
                    lacking -= 1;
                }
            }
            if lacking > 0 {
                return Err(unsupported("“minProperties” beyond the named ones"));
            }
        }
        if let Some(most) = most.filter(|most| *most < fields.len()) {
            let mut spare = most.saturating_sub(fields.iter().filter(|field| field.required).count());
            fields.retain(|field| {
                field.required
                    || spare.checked_sub(1).is_some_and(|left| {
                        spare = left;
                        true
                    })
            });
        }
        Ok(Rule::Record(fields))
    }

    /// Any value with so many levels.
    fn anything(&mut self, levels: usize) -> Result<RuleId, Problem> {
        if let Some(id) = self.open.get(&levels) {
            return Ok(*id);
        }
        let mut rules = vec![
            Rule::Text(TextRule::default()),
            Rule::Number(NumberRule::default()),
            Rule::Literals(["null", "true", "false"].map(|word| word.as_bytes().to_vec()).to_vec()),
        ];
        if levels > 0 {
            let inner = self.anything(levels - 1)?;
            rules.push(Rule::List { item: inner, least: 0, most: NEVER });
            rules.push(Rule::Map { value: inner, least: 0, most: 1 });
        }
        let ids = rules.into_iter().map(|rule| self.add(rule)).collect::<Result<_, _>>()?;
        let id = self.add(Rule::Any(ids))?;
        self.open.insert(levels, id);
        Ok(id)
    }
}

/// Keywords beside which another one is as if it stood alone.
fn is_annotation(key: &str) -> bool {
    key.starts_with("x-")
        || matches!(
            key,
            "$ref"
                | "$schema"
                | "$id"
                | "$comment"
                | "$defs"
                | "definitions"
                | "title"
                | "description"
                | "default"
                | "examples"
                | "example"
                | "deprecated"
                | "readOnly"
                | "writeOnly"
                | "discriminator"
                | "externalDocs"
        )
}

/// The types that the keywords are about, where none is named.
fn guessed_types(object: &Map<String, Value>) -> Vec<&'static str> {
    let any = |keys: &[&str]| keys.iter().any(|key| object.contains_key(*key));
    let mut types = Vec::new();
    if any(&["properties", "required", "additionalProperties", "minProperties", "maxProperties"]) {
        types.push("object");
    }
    if any(&["items", "minItems", "maxItems", "uniqueItems", "prefixItems"]) {
        types.push("array");
    }
    if any(&["minLength", "maxLength", "pattern", "format"]) {
        types.push("string");
    }
    if any(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) {
        types.push("number");
    }
    types
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

fn key(name: &str) -> Vec<u8> {
    let mut key = Value::from(name).to_string().into_bytes();
    key.push(b':');
    key
}

fn count(object: &Map<String, Value>, key: &str) -> Result<Option<usize>, Problem> {
    match object.get(key) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(count) if count >= 0.0 && count.fract() == 0.0 => Ok(Some((count as usize).min(NEVER))),
            _ => Err(damaged(format_args!("“{key}” is no count"))),
        },
    }
}

fn text(object: &Map<String, Value>) -> Result<TextRule, Problem> {
    let (least, most) = (count(object, "minLength")?.unwrap_or(0), count(object, "maxLength")?);
    let pattern = match (object.get("pattern"), object.get("format").and_then(Value::as_str)) {
        (Some(Value::String(expression)), _) => Some(
            Pattern::found(expression)
                .ok_or_else(|| unsupported(format_args!("the pattern “{expression}”")))?,
        ),
        (Some(_), _) => return Err(damaged("“pattern” is no text")),
        (None, Some(format)) => match format_pattern(format) {
            Some(expression) => Pattern::whole(&expression),
            None => None,
        },
        (None, None) => None,
    };
    Ok(TextRule { least, most, pattern: pattern.map(Rc::new) })
}

/// What a format looks like; none for those that only describe.
fn format_pattern(format: &str) -> Option<String> {
    let date = "[12][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))";
    let clock = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]";
    let zone = "(?:Z|[+-](?:0[0-9]|1[0-4]):(?:00|30|45))";
    let host = "[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?)";
    Some(match format {
        "date" => date.to_owned(),
        "time" => format!("{clock}{zone}"),
        "date-time" => format!("{date}T{clock}{zone}"),
        "email" => format!("[A-Za-z0-9_+-]+(?:\\.[A-Za-z0-9_+-]+)*@{host}{{1,4}}"),
        "hostname" => format!("{host}{{0,4}}"),
        "ipv4" => {
            let part = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
            format!("{part}(?:\\.{part}){{3}}")
        }
        "uuid" => "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".to_owned(),
        "uri" | "url" => format!("https?://{host}{{1,4}}(?:/[A-Za-z0-9._~/-]*)?"),
        _ => return None,
    })
}

fn number(object: &Map<String, Value>, integer: bool) -> Result<NumberRule, Problem> {
    let value = |key: &str| object.get(key).and_then(Value::as_f64);
    let mut rule = NumberRule { integer, ..NumberRule::default() };
    rule.least = value("minimum").unwrap_or(rule.least);
    rule.most = value("maximum").unwrap_or(rule.most);
    // A number in the standard of 2020, a flag beside the bound in that of OpenAPI 3.0.
    match object.get("exclusiveMinimum") {
        Some(Value::Bool(flag)) => rule.above = *flag,
        Some(Value::Number(bound)) => {
            let bound = bound.as_f64().unwrap_or(rule.least);
            if bound >= rule.least {
                (rule.least, rule.above) = (bound, true);
            }
        }
        _ => {}
    }
    match object.get("exclusiveMaximum") {
        Some(Value::Bool(flag)) => rule.below = *flag,
        Some(Value::Number(bound)) => {
            let bound = bound.as_f64().unwrap_or(rule.most);
            if bound <= rule.most {
                (rule.most, rule.below) = (bound, true);
            }
        }
        _ => {}
    }
    if let Some(step) = value("multipleOf") {
        if step <= 0.0 {
            return Err(damaged("“multipleOf” is not above zero"));
        }
        if step.fract() == 0.0 && step < 1e15 {
            // Multiples of whole numbers are whole numbers.
            rule.integer = true;
            rule.step = Some(step as i64);
        } else if step.recip().fract() != 0.0 || !integer {
            return Err(unsupported("“multipleOf” of a part of one"));
        }
    }
    Ok(rule)
}

/// Adds the keywords of one schema to another that must hold too.
fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) -> Result<(), Problem> {
    for (key, value) in from {
        let Some(there) = into.get_mut(&key) else {
            into.insert(key, value);
            continue;
        };
        if *there == value || is_annotation(&key) {
            continue;
        }
        match (key.as_str(), there, value) {
            ("properties", Value::Object(there), Value::Object(more)) => {
                for (name, schema) in more {
                    match there.get_mut(&name) {
                        Some(both) => *both = json!({"allOf": [both.take(), schema]}),
                        None => {
                            there.insert(name, schema);
                        }
                    }
                }
            }
            ("required", Value::Array(there), Value::Array(more)) => {
                there.extend(more.into_iter().filter(|name| !there.contains(name)).collect::<Vec<_>>());
            }
            ("enum", Value::Array(there), Value::Array(more)) => there.retain(|value| more.contains(value)),
            ("type", there, more) => {
                let names = |value: &Value| match value {
                    Value::Array(names) => names.clone(),
                    one => vec![one.clone()],
                };
                let (mut both, more) = (names(there), names(&more));
                both.retain(|name| {
                    more.contains(name) || name == "integer" && more.contains(&json!("number"))
                });
                *there = Value::Array(both);
            }
            ("minimum" | "minLength" | "minItems" | "minProperties", there, more) => {
                if more.as_f64() > there.as_f64() {
                    *there = more;
                }
            }
            ("maximum" | "maxLength" | "maxItems" | "maxProperties", there, more) => {
                if more.as_f64() < there.as_f64() {
                    *there = more;
                }
            }
            ("additionalProperties", there, Value::Bool(false)) => *there = Value::Bool(false),
            ("additionalProperties", Value::Bool(false), _) | (_, _, Value::Null) => {}
            (key, ..) => return Err(unsupported(format_args!("“allOf” with two kinds of “{key}”"))),
        }
    }
    Ok(())
}

/// Bytes of the shortest instance of each rule: from what needs no other upwards, as rules may name themselves.
fn shortest(rules: &[Rule]) -> Vec<usize> {
    let mut shortest = vec![NEVER; rules.len()];
    loop {
        let mut changed = false;
        for (id, rule) in rules.iter().enumerate() {
            let length = match rule {
                Rule::Any(rules) => rules.iter().map(|rule| shortest[*rule]).min().unwrap_or(NEVER),
                Rule::Literals(texts) => texts.iter().map(Vec::len).min().unwrap_or(NEVER),
                Rule::Text(rule) => {
                    let impossible = rule.most.is_some_and(|most| {
                        most < rule.least
                            || rule.pattern.as_ref().is_some_and(|pattern| pattern.missing(0) > most)
                    });
                    if impossible { NEVER } else { 1 + super::text::TextState::START.missing(rule) }
                }
                Rule::Number(rule) => super::number::NumberState::START.missing(rule).unwrap_or(NEVER),
                Rule::List { least, most, .. } if least > most => NEVER,
                Rule::List { item, least, .. } => {
                    2 + least.saturating_mul(shortest[*item]).saturating_add(least.saturating_sub(1))
                }
                Rule::Record(fields) => {
                    let required = fields.iter().filter(|field| field.required);
                    let inner = required.map(|field| field.key.len() + 1 + shortest[field.value]);
                    1 + inner.fold(0usize, usize::saturating_add).max(1)
                }
                // `{"x":` and the value.
                Rule::Map { value, least, .. } => {
                    2 + least.saturating_mul(4 + shortest[*value]).saturating_add(least.saturating_sub(1))
                }
            }
            .min(NEVER);
            if length < shortest[id] {
                shortest[id] = length;
                changed = true;
            }
        }
        if !changed {
            return shortest;
        }
    }
}
