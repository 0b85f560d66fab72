//! `x-mtor`: what an overlay says about a document and its operations, and the capabilities that it composes.

use std::collections::BTreeSet;

use mtor_shared::{
    capability::{Capability, CapabilityId, CardKind, Provider, Residency, SideEffect},
    plan::{Binding, Plan},
    slots::Example,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::{CompileError, Compiled, Operation, Skipped};

/// What a document's compositions share.
pub(crate) struct Provenance<'a> {
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) notes: &'a DocumentNotes,
}

/// `x-mtor` of an operation.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OperationNotes {
    pub(crate) title: Option<String>,
    pub(crate) summary: Option<String>,
    pub(crate) examples: Vec<Example>,
    pub(crate) side_effect: Option<SideEffect>,
    pub(crate) residency: Option<Residency>,
    pub(crate) card: CardKind,
    pub(crate) objective_ms: Option<u32>,
    pub(crate) price_micro: u64,
}

impl OperationNotes {
    /// What stands in `x-mtor`.
    pub(crate) fn read(notes: Option<Value>) -> Result<Self, String> {
        notes.map_or_else(
            || Ok(Self::default()),
            |notes| Self::deserialize(notes).map_err(|error| error.to_string()),
        )
    }
}

/// `x-mtor` of a document.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DocumentNotes {
    provider: ProviderNotes,
    compositions: Vec<Value>,
    pub(crate) background: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ProviderNotes {
    name: Option<String>,
    home: Option<String>,
    attribution: Option<String>,
}

/// One capability made of several calls.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompositionNotes {
    id: String,
    title: String,
    summary: String,
    /// JSON Schema 2020-12 of the arguments.
    input: Value,
    /// JSON Schema 2020-12 of the result; that of the last step where it is not given.
    output: Option<Value>,
    plan: Plan,
    #[serde(default)]
    examples: Vec<Example>,
    #[serde(default)]
    card: CardKind,
    side_effect: Option<SideEffect>,
    residency: Option<Residency>,
    objective_ms: Option<u32>,
    price_micro: Option<u64>,
}

impl DocumentNotes {
    /// What stands in the document's `x-mtor`.
    pub(crate) fn read(notes: Option<Value>) -> Result<Self, CompileError> {
        let Some(notes) = notes else { return Ok(Self::default()) };
        Self::deserialize(notes).map_err(|error| CompileError::Overlay(format!("/x-mtor: {error}")))
    }

    /// The provider without its hosts.
    pub(crate) fn provider(&self, title: &str) -> Provider {
        Provider {
            name: self.provider.name.clone().unwrap_or_else(|| title.to_owned()),
            hosts: Vec::new(),
            home: self.provider.home.clone(),
            attribution: self.provider.attribution.clone(),
        }
    }
}

/// Words of a description as one line of at most `limit` characters, without control characters.
pub(crate) fn line(text: &str, limit: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut line = String::new();
    let mut length = 0;
    for word in words {
        let space = usize::from(!line.is_empty());
        let word_length = word.chars().take(limit).count();
        if length + space + word_length >= limit {
            if line.is_empty() {
                line.extend(word.chars().take(limit.saturating_sub(1)));
            }
            line.push('…');
            break;
        }
        line.push_str(if space == 1 { " " } else { "" });
        line.push_str(word);
        length += space + word_length;
    }
    line
}

/// Adds the compositions of the document; a malformed one is skipped by name.
pub(crate) fn compose(source: &Provenance<'_>, compiled: &mut Compiled) {
    for (index, value) in source.notes.compositions.iter().enumerate() {
        match composition(source, compiled, value) {
            Ok(capability) => compiled.compositions.push(capability),
            Err(reason) => compiled.skipped.push(Skipped {
                operation: value["id"].as_str().unwrap_or("a composition").to_owned(),
                pointer: format!("/x-mtor/compositions/{index}"),
                reason,
            }),
        }
    }
}

fn composition(source: &Provenance<'_>, compiled: &Compiled, value: &Value) -> Result<Capability, String> {
    let notes = CompositionNotes::deserialize(value).map_err(|error| error.to_string())?;
    let id = CapabilityId(qualified(source.id, &notes.id));
    if compiled.capabilities().any(|other| other.id == id) {
        return Err(format!("another capability is named {id}"));
    }
    let mut plan = notes.plan;
    plan.check().map_err(|error| error.to_string())?;
    let inputs = &notes.input["properties"];
    let mut operations = Vec::new();
    for step in &mut plan.steps {
        step.capability = CapabilityId(qualified(source.id, &step.capability.0));
        let operation = compiled
            .operation(&step.capability)
            .ok_or_else(|| format!("step {} calls {}, which is not there", step.id, step.capability))?;
        check_arguments(operation, step, inputs)?;
        operations.push(operation);
    }
    let hosts: BTreeSet<String> =
        operations.iter().flat_map(|o| o.capability.provider.hosts.clone()).collect();
    let last = operations.last().map(|operation| operation.capability.output.clone());
    let gravest =
        operations.iter().map(|operation| operation.capability.side_effect).max_by_key(|s| gravity(*s));
    let price =
        operations.iter().map(|operation| operation.capability.price_micro).fold(0, u64::saturating_add);
    Ok(Capability {
        id,
        title: notes.title,
        summary: notes.summary,
        provider: Provider { hosts: hosts.into_iter().collect(), ..source.notes.provider(source.title) },
        input: notes.input,
        output: notes.output.or(last).unwrap_or_else(|| json!({})),
        side_effect: notes.side_effect.or(gravest).unwrap_or_default(),
        residency: notes.residency.unwrap_or(Residency::Provider),
        examples: notes.examples,
        card: notes.card,
        objective_ms: notes.objective_ms,
        price_micro: notes.price_micro.unwrap_or(price),
        plan: Some(plan),
    })
}

fn qualified(source_id: &str, id: &str) -> String {
    if id.contains('/') { id.to_owned() } else { format!("{source_id}/{id}") }
}

fn gravity(side_effect: SideEffect) -> u8 {
    match side_effect {
        SideEffect::Read => 0,
        SideEffect::Write => 1,
        SideEffect::Irreversible => 2,
    }
}

/// Every argument is one that the operation takes, every needed one is bound, every input exists.
fn check_arguments(
    operation: &Operation,
    step: &mtor_shared::plan::Step,
    inputs: &Value,
) -> Result<(), String> {
    let known = &operation.capability.input["properties"];
    for (name, binding) in &step.args {
        if known.get(name).is_none() {
            return Err(format!("step {} binds {name}, which {} does not take", step.id, step.capability));
        }
        if let Binding::Input(input) = binding
            && inputs.get(input).is_none()
        {
            return Err(format!("step {} uses the input {input}, which is not described", step.id));
        }
    }
    match operation.capability.required().find(|name| !step.args.contains_key(*name)) {
        Some(name) => Err(format!("step {} does not bind {name}, which {} needs", step.id, step.capability)),
        None => Ok(()),
    }
}
