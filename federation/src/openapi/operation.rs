//! One operation.

use std::borrow::Cow;

use mtor_shared::capability::{Capability, CapabilityId, Provider, Residency, SideEffect};
use serde_json::Value;

use super::{
    Fault, Site, Source, Tables, body, budget::Allowance, names, parameters, security, servers, template,
};
use crate::{
    annotate::{self, OperationNotes},
    document::Node,
    model::{Location, Operation, host},
    schema::{Converter, Rules, Size},
};

/// An operation while it is put together: itself without its schemas, and these.
pub(super) struct Draft<'d> {
    pub(super) operation: Operation,
    pub(super) input: Side<'d>,
    pub(super) output: Side<'d>,
    pub(super) warnings: Vec<String>,
}

/// The schema of one direction.
pub(super) struct Side<'d> {
    pub(super) schema: Node<'d>,
    /// How many bytes of JSON it is.
    pub(super) bytes: usize,
    /// Definitions that it refers to.
    pub(super) references: Vec<u32>,
    /// How many bytes less it has in each detail.
    pub(super) savings: Size,
    /// Whether something was left out for want of room.
    pub(super) cut: bool,
}

impl<'d> Side<'d> {
    fn new(schema: Node<'d>, converter: Converter<'_, 'd>) -> Self {
        let Converter { references, savings, cut, .. } = converter;
        let bytes = schema.json_len();
        Self { schema, bytes, references, savings, cut }
    }
}

pub(super) fn draft<'d>(
    source: &Source<'_, 'd>,
    site: &Site<'d>,
    tables: &mut Tables<'d>,
    allowance: &Allowance,
    input_rules: Rules<'_, 'd>,
    output_rules: Rules<'_, 'd>,
) -> Result<Draft<'d>, Fault> {
    let pointer = &site.pointer;
    if !site.value.is_object() {
        return Err(Fault::new(pointer, "the operation is no object"));
    }
    let mut warnings = Vec::new();
    let notes = OperationNotes::read(site.value.get("x-mtor").map(Node::to_value))
        .map_err(|reason| Fault::new(format!("{pointer}/x-mtor"), reason))?;
    let server = servers::choose(source, site, &mut warnings)?;

    let mut converter = Converter::new(input_rules, &mut tables.input, allowance.input.bytes);
    let mut parameters = parameters::collect(source, site, &mut converter, &mut warnings)?;
    let path = template::parts(site.template, &mut parameters, &mut warnings);
    template::check(&server, &path).map_err(|reason| Fault::new(pointer, reason))?;
    let body = body::request(source, site, &mut converter, &parameters, &mut warnings)?;

    let acceptable = parameters::acceptable(&parameters);

    let mut properties = parameters.properties;
    let mut required: Vec<String> =
        parameters.list.iter().filter(|p| p.required).map(|p| p.argument.clone()).collect();
    let body = body.map(|(body, schema)| {
        properties.push((Cow::Owned(body.argument.clone()), schema));
        if body.required {
            required.push(body.argument.clone());
        }
        body
    });
    let input = Side::new(input_schema(properties, required), converter);

    let mut converter = Converter::new(output_rules, tables.output(), allowance.output.bytes);
    let answer = body::answer(source, site, &mut converter, &mut warnings);
    let output = Side::new(answer.schema, converter);
    let asked = if answer.accept.is_empty() { "application/json" } else { answer.accept.as_str() };
    let accept = match acceptable.first() {
        Some(first) if !acceptable.iter().any(|name| name == asked) => first.clone(),
        _ => answer.accept,
    };

    let operation = Operation {
        capability: capability(source, site, notes, &server),
        operation_id: site.value.get("operationId").and_then(Node::as_str).map(str::to_owned),
        tags: tags(site.value),
        server,
        method: site.method.clone(),
        template: site.template.to_owned(),
        path,
        parameters: parameters.list,
        body,
        accept,
        empty_answer: answer.empty,
        security: security::requirements(source.documents, site.value),
        graphql: None,
    };
    Ok(Draft { operation, input, output, warnings })
}

/// What the operation is grouped under; enough of it to be found by.
fn tags(operation: &Node<'_>) -> Vec<String> {
    const MOST: usize = 16;
    let list = operation.get("tags").and_then(Node::as_array).unwrap_or_default();
    list.iter().filter_map(Node::as_str).take(MOST).map(|tag| annotate::line(tag, 80)).collect()
}

fn input_schema<'d>(properties: Vec<(Cow<'d, str>, Node<'d>)>, mut required: Vec<String>) -> Node<'d> {
    required.sort();
    let mut members = vec![(Cow::Borrowed("type"), Node::text("object"))];
    if !properties.is_empty() {
        members.push(("properties".into(), Node::object(properties)));
    }
    if !required.is_empty() {
        members.push(("required".into(), Node::list(required.into_iter().map(Node::text))));
    }
    members.push(("additionalProperties".into(), Node::Bool(false)));
    Node::object(members)
}

/// The capability without its schemas.
fn capability(source: &Source<'_, '_>, site: &Site<'_>, notes: OperationNotes, server: &str) -> Capability {
    let text =
        |name: &str| site.value.get(name).and_then(Node::as_str).filter(|text| !text.trim().is_empty());
    let own_name = || names::humanise(&site.name);
    let title =
        notes.title.unwrap_or_else(|| text("summary").map_or_else(own_name, |text| annotate::line(text, 80)));
    let summary = notes
        .summary
        .or_else(|| text("description").or_else(|| text("summary")).map(|text| annotate::line(text, 400)))
        .unwrap_or_else(|| title.clone());
    let side_effect = notes.side_effect.unwrap_or(match site.method.as_str() {
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
        input: Value::Null,
        output: Value::Null,
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
pub(super) struct Parameters<'d> {
    /// In the order of the description.
    pub(super) list: Vec<crate::model::Parameter>,
    /// Their schemas by argument.
    pub(super) properties: Vec<(Cow<'d, str>, Node<'d>)>,
    /// What Swagger 2.0 puts among the parameters and other dialects into the body.
    pub(super) in_body: Vec<BodyParameter<'d>>,
}

/// A parameter of Swagger 2.0 that goes into the body.
pub(super) struct BodyParameter<'d> {
    /// What it is called.
    pub(super) name: &'d str,
    /// Whether it is a field of a form, or else the whole body.
    pub(super) is_field: bool,
    /// Its description.
    pub(super) value: &'d Node<'d>,
}

impl Parameters<'_> {
    /// Whether an argument of that name is there.
    pub(super) fn has(&self, argument: &str) -> bool {
        self.properties.iter().any(|(taken, _)| taken == argument)
    }

    /// A name for an argument that no other has: the parameter's own, else with its place before it.
    pub(super) fn argument(&self, name: &str, location: Location) -> String {
        let placed = format!("{}_{name}", location.name());
        let numbered = (2..).map(|n: u32| format!("{name}_{n}"));
        [name.to_owned(), placed]
            .into_iter()
            .chain(numbered)
            .find(|name| !self.has(name))
            .unwrap_or_else(|| name.to_owned())
    }
}
