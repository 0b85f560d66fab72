//! GraphQL schemas to the model: introspection results and SDL. Each field of the query and mutation types is an
//! operation; what is wrong with a type costs only the fields that need it.
//!
//! A schema says nothing about where it is served, who may ask and what is asked for. The address is that of an
//! overlay's `servers`, else the one that the schema came from; the fields to ask for are chosen in `selection`.
//! Overlays are laid over an outline of the schema: `$.Query.user` is where the `x-mtor` of a field goes,
//! `$` where `info`, `servers`, `security` and `x-mtor` of the whole go.

mod answer;
mod bound;
mod input;
mod introspection;
mod sdl;
mod selection;
#[cfg(test)]
mod tests;
mod types;

use std::collections::BTreeMap;

use mtor_shared::capability::{Capability, CapabilityId, Provider, Residency, SideEffect};
use serde_json::{Value, json};
use url::Url;

use self::{
    bound::{Whole, bound},
    input::{Call, Definitions, Inputs, Kept},
    selection::{Limits, Selector},
    types::{Field, Schema},
};
use crate::{
    annotate::{self, OperationNotes},
    document::Node,
    documents::Library,
    model::{CompileError, Compiled, GraphQlCall, Operation, PathPart, Skipped, host},
    openapi::{Each, Source, names, security},
    overlay, parse,
    schema::{Dialect, View},
};

pub(crate) use answer::{answer, body};

/// Stands for the address where nobody names one; by RFC 6761 such a name never leads anywhere.
const NO_ENDPOINT: &str = "https://endpoint.invalid/graphql";
/// All schemas together stay below this many times the description: what is asked for is chosen so that its schemas
/// come to no more, or to no more than the floor, for GraphQL is terse; then `bound` has the last word.
const GROWTH: usize = 4;
const FLOOR_BYTES: usize = 128 * 1024;
/// About how many bytes of JSON the arguments of one field may become at first.
const INPUT_BYTES: usize = 256 * 1024;
/// However many fields there are, the arguments of one may have this many bytes before definitions are cut.
const MIN_INPUT_BYTES: usize = 512;
/// How much is asked for at first, and where that makes too much of a large schema.
const LIMITS: [Limits; 3] = [
    Limits { depth: 3, fields: 60, texts: true },
    Limits { depth: 2, fields: 30, texts: false },
    Limits { depth: 1, fields: 8, texts: false },
];
const MAX_WARNINGS: usize = 200;

/// Whether a JSON or YAML document is the answer to an introspection query.
pub(crate) fn is_introspection(root: &Node<'_>) -> bool {
    introspection::find(root).is_some()
}

/// Whether a text is a schema in SDL.
pub(crate) fn is_sdl(text: &str) -> bool {
    sdl::is_sdl(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Where a description comes from, and what is laid over it.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) source_id: &'a str,
    pub(crate) overlay: Option<&'a str>,
    pub(crate) base: Option<&'a str>,
    /// The size of the description.
    pub(crate) bytes: usize,
}

/// What is left when the operations were handed over, and the notes of the overlay.
pub(crate) type Rest = (Compiled, annotate::DocumentNotes);

pub(crate) fn compile_introspection(
    root: &Node<'_>,
    origin: Origin<'_>,
    each: &mut Each<'_>,
) -> Result<Rest, CompileError> {
    let schema = introspection::find(root)
        .map(introspection::read)
        .ok_or_else(|| CompileError::Format("no GraphQL introspection".into()))?;
    compile(&schema, origin, each)
}

pub(crate) fn compile_sdl(text: &str, origin: Origin<'_>, each: &mut Each<'_>) -> Result<Rest, CompileError> {
    compile(&sdl::read(text.strip_prefix('\u{feff}').unwrap_or(text)), origin, each)
}

/// The two kinds of operation that are called.
#[derive(Clone, Copy)]
struct Root {
    /// As a query writes it.
    word: &'static str,
    /// The member of the outline.
    member: &'static str,
    side_effect: SideEffect,
}

const QUERY: Root = Root { word: "query", member: "Query", side_effect: SideEffect::Read };
const MUTATION: Root = Root { word: "mutation", member: "Mutation", side_effect: SideEffect::Write };

/// Operations go to `each`, one after another.
fn compile(schema: &Schema<'_>, origin: Origin<'_>, each: &mut Each<'_>) -> Result<Rest, CompileError> {
    let mut warnings = Vec::new();
    let outline = outline(schema);
    let mut outline = parse::document(&outline)?;
    if let Some(overlay) = origin.overlay {
        outline = overlay::laid_over(&outline, overlay, &mut warnings)?;
    }
    let endpoint = endpoint(&outline, origin.base, &mut warnings)?;
    let notes = annotate::DocumentNotes::read(outline.get("x-mtor").map(Node::to_value))?;
    let title = outline["info"]["title"].as_str().map(|title| annotate::line(title, 120)).unwrap_or_default();
    let others = BTreeMap::new();
    let library = Library::link(outline, "", None, &others);
    let documents = library.documents();
    let source = Source {
        id: origin.source_id,
        root: documents.root(),
        documents: &documents,
        dialect: Dialect::V31,
        base: None,
        title: if title.is_empty() { origin.source_id.to_owned() } else { title },
        notes: notes.clone(),
    };

    let mut skipped = Vec::new();
    let inputs = Inputs::new(schema);
    let roots = [(QUERY, schema.query), (MUTATION, schema.mutation)]
        .map(|(root, name)| (root, calls(root, schema.root(name), &inputs, &mut skipped)));
    if roots.iter().all(|(_, calls)| calls.is_empty()) {
        warnings.push("there is no query or mutation type with fields that can be called".into());
    }
    let compiler = Compiler {
        source: &source,
        endpoint: &endpoint,
        selector: Selector::new(schema),
        definitions: Definitions::new(&inputs),
        inputs: &inputs,
    };
    let budget = origin.bytes.saturating_mul(GROWTH).max(FLOOR_BYTES);
    let count = roots.iter().map(|(_, calls)| calls.len()).sum::<usize>().max(1);
    let shared = (budget / 2 / count).max(MIN_INPUT_BYTES);
    let plans =
        [(LIMITS[0], INPUT_BYTES, budget), (LIMITS[1], shared, budget), (LIMITS[2], shared / 2, usize::MAX)];
    let found =
        plans.into_iter().find_map(|(limits, input, most)| compiler.operations(&roots, limits, input, most));
    let (made, more, found) = found.unwrap_or_default();
    compiler.hand_over(made, origin.bytes.saturating_mul(GROWTH), each);
    skipped.extend(more);
    faults(schema, &mut skipped, &mut warnings);
    for field in schema.root(schema.subscription) {
        skipped.push(Skipped {
            operation: format!("subscription {}", field.name),
            pointer: format!("/Subscription/{}", field.name),
            reason: "a subscription is a stream of events, which is listed but not called".into(),
        });
    }
    let (kept, rest) = found.split_at(found.len().min(MAX_WARNINGS));
    warnings.extend_from_slice(kept);
    if !rest.is_empty() {
        warnings.push(format!("{} more warnings", rest.len()));
    }
    let compiled = Compiled {
        title: source.title.clone(),
        format: "graphql".to_owned(),
        operations: Vec::new(),
        compositions: Vec::new(),
        skipped,
        incoming: Vec::new(),
        missing: Vec::new(),
        warnings,
        background: source.notes.background.clone(),
    };
    Ok((compiled, notes))
}

/// What overlays are laid over.
fn outline(schema: &Schema<'_>) -> String {
    let fields = |name| {
        let fields = schema.root(name).iter().map(|field| (field.name.to_owned(), json!({})));
        Value::Object(fields.collect())
    };
    json!({"info": {}, "Query": fields(schema.query), "Mutation": fields(schema.mutation)}).to_string()
}

/// The fields of a root that have arguments which can be given.
fn calls<'s, 'd>(
    root: Root,
    fields: &'s [Field<'d>],
    inputs: &Inputs<'s, 'd>,
    skipped: &mut Vec<Skipped>,
) -> Vec<Call<'s, 'd>> {
    let mut calls = Vec::new();
    for field in fields.iter().filter(|field| !field.name.starts_with("__")) {
        match inputs.call(field) {
            Ok(call) => calls.push(call),
            Err((argument, reason)) => skipped.push(Skipped {
                operation: format!("{} {}", root.word, field.name),
                pointer: format!("/{}/{}/{argument}", root.member, field.name),
                reason: format!("the argument `{argument}` cannot be given: {reason}"),
            }),
        }
    }
    calls
}

/// What could not be read: a root field is an operation that is skipped, anything else a warning.
fn faults(schema: &Schema<'_>, skipped: &mut Vec<Skipped>, warnings: &mut Vec<String>) {
    let mut told = 0;
    for fault in &schema.faults {
        let root = [(QUERY, schema.query), (MUTATION, schema.mutation)]
            .into_iter()
            .find(|(_, name)| fault.type_name.is_some() && fault.type_name == *name);
        match (root, fault.field) {
            (Some((root, _)), Some(field)) => skipped.push(Skipped {
                operation: format!("{} {field}", root.word),
                pointer: format!("/{}/{field}", root.member),
                reason: fault.reason.clone(),
            }),
            _ => {
                told += 1;
                if told <= MAX_WARNINGS {
                    let place = match (fault.type_name, fault.field) {
                        (Some(name), Some(field)) => format!("{name}.{field}: "),
                        (Some(name), None) => format!("{name}: "),
                        (None, _) => String::new(),
                    };
                    warnings.push(format!("{place}{}", fault.reason));
                }
            }
        }
    }
    if told > MAX_WARNINGS {
        warnings.push(format!("{} more faults", told - MAX_WARNINGS));
    }
}

/// Where the service answers.
struct Endpoint {
    /// Scheme, host and port.
    server: String,
    /// The path with what follows it, already encoded.
    path: String,
}

/// The address of the overlay's first server, else the base where it can be the service's own, else one beside it.
fn endpoint(
    outline: &Node<'_>,
    base: Option<&str>,
    warnings: &mut Vec<String>,
) -> Result<Endpoint, CompileError> {
    let base = base.and_then(|base| Url::parse(base).ok()).filter(is_http);
    let first = outline.get("servers").and_then(Node::as_array).and_then(|servers| servers.first());
    let stated = first.and_then(|server| server.get("url")).and_then(Node::as_str);
    let url = match (stated, base) {
        (Some(stated), base) => {
            let url = base.map_or_else(|| Url::parse(stated), |base| base.join(stated));
            url.ok().filter(is_http).ok_or_else(|| {
                CompileError::Overlay(format!(
                    "/servers/0: `{}` is no address that is reached by HTTP",
                    annotate::line(stated, 120)
                ))
            })?
        }
        (None, Some(base)) if is_file(&base) => {
            let url = base.join("/graphql").unwrap_or(base);
            warnings.push(format!(
                "the address of the service is not known; {url} is taken, an overlay's `servers` names another"
            ));
            url
        }
        (None, Some(base)) => base,
        (None, None) => {
            warnings.push(
                "the address of the service is not known, so nothing can be called; name it in an overlay's `servers`"
                    .into(),
            );
            Url::parse(NO_ENDPOINT).map_err(|error| CompileError::Format(error.to_string()))?
        }
    };
    let mut url = url;
    url.set_fragment(None);
    let path = &url[url::Position::BeforePath..];
    Ok(Endpoint { server: url[..url::Position::BeforePath].to_owned(), path: path.to_owned() })
}

fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
}

/// Whether it is the address of a document rather than of a service.
fn is_file(url: &Url) -> bool {
    let last = url.path().rsplit('/').next().unwrap_or_default();
    ["graphql", "graphqls", "gql", "json", "yaml", "yml", "txt"]
        .iter()
        .any(|end| last.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case(end)))
}

/// What all fields of a schema share.
struct Compiler<'a, 's, 'd> {
    source: &'a Source<'a, 'a>,
    endpoint: &'a Endpoint,
    selector: Selector<'s, 'd>,
    definitions: Definitions<'d>,
    inputs: &'a Inputs<'s, 'd>,
}

type Found<'d> = (Vec<Made<'d>>, Vec<Skipped>, Vec<String>);

/// An operation without its schemas, and these.
struct Made<'d> {
    operation: Operation,
    /// Of the arguments, without the definitions that it refers to.
    input: Node<'d>,
    definitions: Vec<Kept<'d>>,
    output: Node<'d>,
}

impl<'s, 'd> Compiler<'_, 's, 'd> {
    /// Every field; none when the schemas come to more than `most` bytes.
    fn operations(
        &self,
        roots: &[(Root, Vec<Call<'s, 'd>>)],
        limits: Limits,
        input_bytes: usize,
        most: usize,
    ) -> Option<Found<'d>> {
        let mut names = names::Names::default();
        let (mut made, mut skipped, mut warnings) = Found::default();
        let mut bytes = 0;
        for (root, calls) in roots {
            for call in calls {
                let name = names.operation(Some(call.field.name), root.word, call.field.name);
                let label = format!("{} {}", root.word, call.field.name);
                match self.operation(*root, call, &name, limits, input_bytes) {
                    Ok((operation, used, told)) => {
                        bytes += used;
                        warnings.extend(told.into_iter().map(|warning| format!("{label}: {warning}")));
                        made.push(operation);
                    }
                    Err(reason) => skipped.push(Skipped {
                        operation: label,
                        pointer: format!("/{}/{}", root.member, call.field.name),
                        reason,
                    }),
                }
                if bytes > most {
                    return None;
                }
            }
        }
        Some((made, skipped, warnings))
    }

    /// The schema of the arguments with its definitions.
    fn given<'v>(&'v self, input: &'v Node<'d>, definitions: &'v [Kept<'d>]) -> View<'v, 'd> {
        let definitions = definitions.iter().map(|kept| {
            let (schema, bytes) = self.definitions.schema(kept).unzip();
            (kept.name, schema, bytes.unwrap_or(2))
        });
        View::new(input, input.json_len(), definitions, false)
    }

    /// Hands everything over; where all schemas together have more than `most` bytes, less of them.
    fn hand_over(&self, made: Vec<Made<'d>>, most: usize, each: &mut Each<'_>) {
        let bytes =
            |made: &Made<'d>| self.given(&made.input, &made.definitions).json_len() + made.output.json_len();
        if made.iter().map(bytes).sum::<usize>() <= most {
            for Made { operation, input, definitions, output } in made {
                each(operation, &self.given(&input, &definitions), &View::of(&output));
            }
            return;
        }
        let (operations, mut schemas): (Vec<Operation>, Vec<Whole<'d>>) = made
            .into_iter()
            .map(|made| {
                let Made { operation, mut input, definitions, output } = made;
                let definitions: Vec<_> = definitions
                    .iter()
                    .filter_map(|kept| Some((kept.name.into(), self.definitions.schema(kept)?.0.clone())))
                    .collect();
                if let (Node::Object(members), false) = (&mut input, definitions.is_empty()) {
                    members.insert("$defs", Node::object(definitions));
                }
                (operation, Whole { input, output })
            })
            .unzip();
        bound(&mut schemas, most);
        for (operation, Whole { input, output }) in operations.into_iter().zip(&schemas) {
            each(operation, &View::of(input), &View::of(output));
        }
    }

    fn operation(
        &self,
        root: Root,
        call: &Call<'s, 'd>,
        name: &str,
        limits: Limits,
        input_bytes: usize,
    ) -> Result<(Made<'d>, usize, Vec<String>), String> {
        let field = call.field;
        let own = &self.source.root[root.member][field.name];
        let notes = OperationNotes::read(own.get("x-mtor").map(Node::to_value))?;
        let selection = self.selector.select(&field.of, limits)?;
        let mut warnings = call.warnings.clone();

        let properties = call
            .arguments
            .iter()
            .map(|argument| (argument.name.into(), self.inputs.argument(argument, false)))
            .collect();
        let required: Vec<&'d str> = call
            .arguments
            .iter()
            .filter(|argument| argument.is_required())
            .map(|argument| argument.name)
            .collect();
        let types = call.arguments.iter().map(|argument| argument.of.name());
        let (definitions, bytes, cut) = self.definitions.of(types, input_bytes);
        if cut {
            warnings.push("the schema of the arguments is cut: it is too large to be kept whole".into());
        }
        let mut members = vec![
            ("type".into(), Node::text("object")),
            ("properties".into(), Node::object(properties)),
            ("additionalProperties".into(), Node::Bool(false)),
        ];
        if !required.is_empty() {
            members.push(("required".into(), Node::list(required.into_iter().map(Node::text))));
        }
        let input = Node::object(members);
        let bytes = bytes + input.json_len();
        let words = field.description.and_then(|text| text.line(400));
        let title = notes.title.unwrap_or_else(|| names::humanise(name));
        let summary = notes.summary.or(words).unwrap_or_else(|| title.clone());
        let capability = Capability {
            id: CapabilityId(format!("{}/{name}", self.source.id)),
            summary: if field.deprecated { format!("Deprecated. {summary}") } else { summary },
            title,
            provider: Provider {
                hosts: host(&self.endpoint.server).into_iter().collect(),
                ..self.source.notes.provider(&self.source.title)
            },
            input: Value::Null,
            output: Value::Null,
            side_effect: notes.side_effect.unwrap_or(root.side_effect),
            residency: notes.residency.unwrap_or(Residency::Provider),
            examples: notes.examples,
            card: notes.card,
            objective_ms: notes.objective_ms,
            price_micro: notes.price_micro,
            plan: None,
        };
        let operation = Operation {
            capability,
            operation_id: Some(format!("{}.{}", root.member, field.name)),
            tags: Vec::new(),
            server: self.endpoint.server.clone(),
            method: "POST".to_owned(),
            template: format!("{}.{}", root.member, field.name),
            path: vec![PathPart::Literal(self.endpoint.path.clone())],
            parameters: Vec::new(),
            body: None,
            accept: String::new(),
            empty_answer: false,
            security: security::requirements(self.source.documents, own),
            graphql: Some(GraphQlCall {
                query: document(root, call, &selection.text),
                operation_name: field.name.to_owned(),
                field: field.name.to_owned(),
            }),
        };
        let made = Made { operation, input, definitions, output: selection.schema };
        Ok((made, selection.bytes + bytes, warnings))
    }
}

/// `query user($id: ID!) { user(id: $id) { id name } }`
fn document(root: Root, call: &Call<'_, '_>, selection: &str) -> String {
    let name = call.field.name;
    if call.arguments.is_empty() {
        return format!("{} {name} {{ {name}{selection} }}", root.word);
    }
    let list = |each: &dyn Fn(&types::Argument<'_>) -> String| {
        call.arguments.iter().map(|argument| each(argument)).collect::<Vec<_>>().join(", ")
    };
    let variables = list(&|argument| {
        // A variable may be left out where the argument has a default, whatever the argument's own type.
        let of = if argument.is_required() { &argument.of } else { argument.of.nullable() };
        format!("${}: {of}", argument.name)
    });
    let arguments = list(&|argument| format!("{0}: ${0}", argument.name));
    format!("{} {name}({variables}) {{ {name}({arguments}){selection} }}", root.word)
}
