//! From an API's own description to capabilities, and from a capability's arguments to an HTTP request and back.
//!
//! Everything here is pure: no I/O, no clock, no randomness. Descriptions, arguments and answers come from
//! strangers, so every input is bounded and nothing that they hold can make this room panic or a request
//! leave the server that the description names.
//!
//! The way through: [`compile()`] reads a document (`parse`), lays an overlay over it (`overlay`), and turns each
//! operation into an [`Operation`] (`openapi`, `graphql`, `schema`) with the capability that a person sees (`annotate`).
//! [`request()`] checks arguments and writes the request; [`response()`] reads the answer.

mod annotate;
mod document;
mod documents;
pub mod example;
mod graphql;
mod model;
mod openapi;
mod overlay;
mod parse;
pub mod pilots;
mod request;
mod response;
mod schema;

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use url::Url;

use crate::{document::Node, documents::Library};

pub use model::{
    Body, BodyKind, CompileError, Compiled, GraphQlCall, HttpRequest, Location, OauthFlow, OauthGrant,
    Operation, Parameter, Part, PathPart, Requirement, SchemeKind, SchemeUse, Skipped, Style,
};
pub use request::{ArgumentError, request};
pub use response::{MAX_RESPONSE_BYTES, ResponseError, response};

/// Everything that a compilation takes.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The first half of every capability id.
    pub source_id: &'a str,
    /// The description, JSON or YAML.
    pub document: &'a str,
    /// An OpenAPI Overlay document (<https://spec.openapis.org/overlay/v1.0.0>) that may add `x-mtor` objects.
    pub overlay: Option<&'a str>,
    /// The address that relative server addresses, and a description without any, are resolved against.
    pub base: Option<&'a str>,
    /// The address that the description itself was read from, against which its references are resolved.
    pub location: Option<&'a str>,
    /// Other documents that it may refer to, by absolute address.
    pub others: &'a BTreeMap<String, String>,
}

/// An operation while it is handed over: its schemas are not written out yet.
pub struct Found<'v, 'd> {
    /// The operation; its capability has null in place of its schemas.
    pub operation: Operation,
    /// JSON Schema 2020-12 of the arguments.
    pub input: Shape<'v, 'd>,
    /// JSON Schema 2020-12 of the answer.
    pub output: Shape<'v, 'd>,
}

impl Found<'_, '_> {
    /// The operation with its schemas.
    pub fn complete(self) -> Operation {
        let mut operation = self.operation;
        operation.capability.input = self.input.0.to_value();
        operation.capability.output = self.output.0.to_value();
        operation
    }
}

/// A schema that can be written without being built first.
pub struct Shape<'v, 'd>(&'v schema::View<'v, 'd>);

impl Shape<'_, '_> {
    /// How many bytes of JSON it is.
    pub fn json_len(&self) -> usize {
        self.0.json_len()
    }
}

impl Serialize for Shape<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Compiles a description: Swagger 2.0, OpenAPI 3.0 or 3.1 in JSON or YAML, or a GraphQL schema: SDL, or the answer to
/// an introspection query.
///
/// `source_id` is the first half of every capability id; `overlay` is an OpenAPI Overlay document
/// (<https://spec.openapis.org/overlay/v1.0.0>) that may add `x-mtor` objects.
///
/// # Errors
/// [`CompileError`] when the document as a whole cannot be read. What is wrong with one operation is in
/// [`Compiled::skipped`] instead.
pub fn compile(source_id: &str, document: &str, overlay: Option<&str>) -> Result<Compiled, CompileError> {
    compile_at(source_id, document, overlay, None)
}

/// Like [`compile`], with the address that the document was fetched from: relative server addresses, and a
/// document that names no server at all, are resolved against it. For a GraphQL schema it is the address of the service,
/// unless the overlay's `servers` names one.
///
/// # Errors
/// As [`compile`].
pub fn compile_at(
    source_id: &str,
    document: &str,
    overlay: Option<&str>,
    base: Option<&str>,
) -> Result<Compiled, CompileError> {
    compile_input(&Input { source_id, document, overlay, base, location: base, others: &BTreeMap::new() })
}

/// Like [`compile`], with everything that a compilation may take.
///
/// What is missing is in [`Compiled::missing`]: who may do I/O gets it, bounded in number and size, puts it into
/// [`Input::others`] and compiles again.
///
/// # Errors
/// As [`compile`].
pub fn compile_input(input: &Input<'_>) -> Result<Compiled, CompileError> {
    let mut operations = Vec::new();
    let (mut compiled, notes) = run(input, &mut |found| operations.push(found.complete()))?;
    compiled.operations = operations;
    let title = compiled.title.clone();
    annotate::compose(
        &annotate::Provenance { id: input.source_id, title: &title, notes: &notes },
        &mut compiled,
    );
    Ok(compiled)
}

/// Compiles, and hands over one operation after another instead of keeping them all: for catalogues that are written
/// while they are made. What is returned has no operations, and no compositions.
///
/// # Errors
/// As [`compile`].
pub fn visit(input: &Input<'_>, each: &mut dyn FnMut(Found<'_, '_>)) -> Result<Compiled, CompileError> {
    run(input, each).map(|(compiled, _)| compiled)
}

fn run(
    input: &Input<'_>,
    each: &mut dyn FnMut(Found<'_, '_>),
) -> Result<(Compiled, annotate::DocumentNotes), CompileError> {
    let source_id = input.source_id;
    if !openapi::names::is_source_id(source_id) {
        return Err(CompileError::SourceId(source_id.chars().take(80).collect()));
    }
    let mut give = |operation: Operation, given: &schema::View<'_, '_>, answered: &schema::View<'_, '_>| {
        each(Found { operation, input: Shape(given), output: Shape(answered) });
    };
    let origin =
        graphql::Origin { source_id, overlay: input.overlay, base: input.base, bytes: input.document.len() };
    if input.document.len() <= parse::MAX_DOCUMENT_BYTES && graphql::is_sdl(input.document) {
        return graphql::compile_sdl(input.document, origin, &mut give);
    }
    let text = parse::clean(input.document);
    let mut root = parse::document(&text)?;
    if graphql::is_introspection(&root) {
        return graphql::compile_introspection(&root, origin, &mut give);
    }
    let mut warnings = Vec::new();
    if let Some(overlay) = input.overlay {
        root = overlay::laid_over(&root, overlay, &mut warnings)?;
    }
    let dialect = openapi::dialect(&root, &mut warnings)?;
    let notes = annotate::DocumentNotes::read(root.get("x-mtor").map(Node::to_value))?;
    let title = root["info"]["title"].as_str().map(|title| annotate::line(title, 120)).unwrap_or_default();
    let library = Library::link(root, &text, input.location, input.others);
    warnings.extend(library.warnings.iter().cloned());
    let documents = library.documents();
    let source = openapi::Source {
        id: source_id,
        documents: &documents,
        root: documents.root(),
        dialect,
        base: input.base.and_then(|base| Url::parse(base).ok()),
        notes,
        title: if title.is_empty() { source_id.to_owned() } else { title },
    };
    let mut compiled = openapi::compile(&source, &text, warnings, &mut give);
    compiled.missing = library.missing.iter().cloned().collect();
    Ok((compiled, source.notes))
}
