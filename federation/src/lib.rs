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

pub use model::{
    Body, BodyKind, CompileError, Compiled, GraphQlCall, HttpRequest, Location, OauthFlow, OauthGrant,
    Operation, Parameter, PathPart, Requirement, SchemeKind, SchemeUse, Skipped, Style,
};
pub use request::{ArgumentError, request};
pub use response::{MAX_RESPONSE_BYTES, ResponseError, response};

/// Compiles an OpenAPI 3.0 or 3.1 description in JSON or YAML, or a GraphQL schema: SDL, or the answer to an
/// introspection query.
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
    if !openapi::names::is_source_id(source_id) {
        return Err(CompileError::SourceId(source_id.chars().take(80).collect()));
    }
    let origin = graphql::Origin { source_id, overlay, base, bytes: document.len() };
    if document.len() <= parse::MAX_DOCUMENT_BYTES && graphql::is_sdl(document) {
        return graphql::compile_sdl(document, origin);
    }
    let mut root = parse::document(document)?;
    if graphql::is_introspection(&root) {
        return graphql::compile_introspection(&root, origin);
    }
    let mut warnings = Vec::new();
    if let Some(overlay) = overlay {
        overlay::apply(&mut root, overlay, &mut warnings)?;
    }
    openapi::compile(source_id, &root, document.len(), base, warnings)
}
