//! One operation.

use std::collections::BTreeMap;

use mtor_shared::capability::{Capability, CapabilityId, Provider, Residency, SideEffect};
use serde_json::{Map, Value, json};

use super::{Fault, Source, body, names, parameters, refs, security, servers, template};
use crate::{
    annotate::{self, OperationNotes},
    model::{Location, Operation, host},
    schema::{Converter, Purpose},
};

/// Where an operation stands in its document.
pub(super) struct Site<'a, 'd> {
    /// Its path as written.
    pub(super) template: &'d str,
    /// Its method in capitals.
    pub(super) method: &'a str,
    /// The second half of its id.
    pub(super) name: &'a str,
    /// The path item around it.
    pub(super) item: &'a BTreeMap<&'d str, &'d Value>,
    /// Itself.
    pub(super) value: &'d Value,
    /// JSON Pointer to itself.
    pub(super) pointer: String,
}

/// An operation and what it took.
pub(super) struct One {
    pub(super) operation: Operation,
    /// About how many bytes of JSON its schemas have.
    pub(super) bytes: usize,
    pub(super) warnings: Vec<String>,
}

pub(super) fn compile<'d>(source: &Source<'d>, site: &Site<'_, 'd>) -> Result<One, Fault> {
    let pointer = &site.pointer;
    if !site.value.is_object() {
        return Err(Fault::new(pointer, "the operation is no object"));
    }
    let mut warnings = Vec::new();
    let notes =
        OperationNotes::read(site.value).map_err(|reason| Fault::new(format!("{pointer}/x-mtor"), reason))?;
    let server = servers::choose(source, site)?;

    let mut converter = Converter::new(source.root, source.dialect, Purpose::Input, source.schema_bytes / 2);
    let mut parameters = parameters::collect(source, site, &mut converter, &mut warnings)?;
    let path = template::parts(site.template, &mut parameters, &mut warnings);
    template::check(&server, &path).map_err(|reason| Fault::new(pointer, reason))?;
    let body = body::request(source, site, &mut converter, &parameters.list, &mut warnings)?;

    let mut properties = parameters.properties;
    let mut required: Vec<String> =
        parameters.list.iter().filter(|p| p.required).map(|p| p.argument.clone()).collect();
    let body = body.map(|(body, schema)| {
        properties.insert(body.argument.clone(), schema);
        if body.required {
            required.push(body.argument.clone());
        }
        body
    });
    let finished = converter.finish();
    let mut bytes = finished.bytes;
    warnings.extend(finished.warnings);
    let input = input_schema(properties, required, finished.defs);

    let mut converter = Converter::new(source.root, source.dialect, Purpose::Output, source.schema_bytes / 2);
    let (output, empty_answer) = body::answer(source, site, &mut converter, &mut warnings);
    let finished = converter.finish();
    bytes += finished.bytes;
    warnings.extend(finished.warnings);
    let output = with_defs(output, finished.defs);

    let capability = capability(source, site, notes, &server, input, output);
    let operation = Operation {
        capability,
        operation_id: site.value.get("operationId").and_then(Value::as_str).map(str::to_owned),
        server,
        method: site.method.to_owned(),
        template: site.template.to_owned(),
        path,
        parameters: parameters.list,
        body,
        empty_answer,
        security: security::requirements(source.root, site.value),
        graphql: None,
    };
    Ok(One { operation, bytes, warnings })
}

fn input_schema(
    properties: Map<String, Value>,
    mut required: Vec<String>,
    defs: Map<String, Value>,
) -> Value {
    required.sort();
    let mut input = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        input["required"] = json!(required);
    }
    with_defs(input, defs)
}

fn with_defs(schema: Value, defs: Map<String, Value>) -> Value {
    match schema {
        Value::Object(mut members) if !defs.is_empty() => {
            members.insert("$defs".into(), Value::Object(defs));
            Value::Object(members)
        }
        other => other,
    }
}

fn capability(
    source: &Source<'_>,
    site: &Site<'_, '_>,
    notes: OperationNotes,
    server: &str,
    input: Value,
    output: Value,
) -> Capability {
    let text =
        |name: &str| site.value.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let own_name = || names::humanise(site.name);
    let title =
        notes.title.unwrap_or_else(|| text("summary").map_or_else(own_name, |text| annotate::line(text, 80)));
    let summary = notes
        .summary
        .or_else(|| text("description").or_else(|| text("summary")).map(|text| annotate::line(text, 400)))
        .unwrap_or_else(|| title.clone());
    let side_effect = notes.side_effect.unwrap_or(match site.method {
        "GET" | "HEAD" | "OPTIONS" | "TRACE" => SideEffect::Read,
        _ => SideEffect::Irreversible,
    });
    Capability {
        id: CapabilityId(format!("{}/{}", source.id, site.name)),
        title,
        summary,
        provider: Provider {
            hosts: host(server).into_iter().collect(),
            ..source.notes.provider(&source.title)
        },
        input,
        output,
        side_effect,
        residency: notes.residency.unwrap_or(Residency::Provider),
        examples: notes.examples,
        card: notes.card,
        objective_ms: notes.objective_ms,
        price_micro: notes.price_micro,
        plan: None,
    }
}

/// The parameters of an operation while it is put together.
pub(super) struct Parameters {
    /// In the order of the description.
    pub(super) list: Vec<crate::model::Parameter>,
    /// Their schemas by argument.
    pub(super) properties: Map<String, Value>,
}

impl Parameters {
    /// A name for an argument that no other has: the parameter's own, else with its place before it.
    pub(super) fn argument(&self, name: &str, location: Location) -> String {
        let taken = |name: &String| self.properties.contains_key(name);
        let placed = format!("{}_{name}", location.name());
        let numbered = (2..).map(|n: u32| format!("{name}_{n}"));
        [name.to_owned(), placed]
            .into_iter()
            .chain(numbered)
            .find(|name| !taken(name))
            .unwrap_or_else(|| name.to_owned())
    }
}

/// Follows references; a broken one is a fault of the operation.
pub(super) fn resolved<'d>(source: &Source<'d>, value: &'d Value, pointer: &str) -> Result<&'d Value, Fault> {
    refs::resolve(source.root, value).map_err(|reason| Fault::new(pointer, reason))
}
