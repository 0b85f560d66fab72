//! The one internal model: what every kind of description is turned into, and what requests are made from.

use std::collections::BTreeSet;

use mtor_shared::capability::{Capability, CapabilityId};
use serde::{Deserialize, Serialize};
use url::Url;

/// A whole description, compiled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compiled {
    /// What the description calls itself.
    pub title: String,
    /// What it is written in: `swagger-2.0`, `openapi-3.1`, `graphql` …
    #[serde(default)]
    pub format: String,
    /// Every operation that can be called, in the order of their paths.
    pub operations: Vec<Operation>,
    /// Capabilities that the overlay composes out of operations; each has a plan.
    pub compositions: Vec<Capability>,
    /// What could not be compiled, with the reason.
    pub skipped: Vec<Skipped>,
    /// What the provider calls, not the other way round: webhooks and callbacks.
    #[serde(default)]
    pub incoming: Vec<Skipped>,
    /// Other documents that this one refers to and that were not at hand, by absolute address where it can be told.
    #[serde(default)]
    pub missing: Vec<String>,
    /// What was compiled in spite of a fault in the description.
    pub warnings: Vec<String>,
    /// Sentences that none of the capabilities answers.
    pub background: Vec<String>,
}

impl Compiled {
    /// The operation of that name: a capability id, its part after the slash, or the description's `operationId`.
    pub fn find(&self, name: &str) -> Option<&Operation> {
        let by_id = |operation: &&Operation| {
            let id = operation.capability.id.0.as_str();
            id == name || id.split_once('/').is_some_and(|(_, own)| own == name)
        };
        self.operations.iter().find(by_id).or_else(|| {
            self.operations.iter().find(|operation| operation.operation_id.as_deref() == Some(name))
        })
    }

    /// The operation that a step of a plan calls.
    pub fn operation(&self, id: &CapabilityId) -> Option<&Operation> {
        self.operations.iter().find(|operation| &operation.capability.id == id)
    }

    /// Everything that goes into a catalogue: operations first, then compositions.
    pub fn capabilities(&self) -> impl Iterator<Item = &Capability> {
        self.operations.iter().map(|operation| &operation.capability).chain(&self.compositions)
    }

    /// Sends what would go to the origin `from` (`https://api.example.org`) to `to`, an absolute address whose
    /// path goes before the server's own. For a mirror of a service, or a stand-in for it.
    ///
    /// Returns how many operations were moved.
    ///
    /// # Errors
    /// [`url::ParseError`] when one of the two is no absolute address.
    pub fn move_origin(&mut self, from: &str, to: &str) -> Result<usize, url::ParseError> {
        let from = Url::parse(from)?;
        let to = Url::parse(to)?;
        let mut moved = 0;
        for operation in &mut self.operations {
            let Ok(server) = Url::parse(&operation.server) else { continue };
            if server.origin() != from.origin() {
                continue;
            }
            let mut target = to.clone();
            let path = format!("{}{}", to.path().trim_end_matches('/'), server.path());
            target.set_path(path.trim_end_matches('/'));
            operation.server = target.as_str().trim_end_matches('/').to_owned();
            moved += 1;
        }
        let hosts = |urls: &[&str]| {
            urls.iter().filter_map(|url| host(url)).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        };
        for operation in &mut self.operations {
            operation.capability.provider.hosts = hosts(&[&operation.server]);
        }
        for composition in &mut self.compositions {
            let steps = composition.plan.iter().flat_map(|plan| &plan.steps);
            let servers: Vec<&str> = steps
                .filter_map(|step| self.operations.iter().find(|o| o.capability.id == step.capability))
                .map(|operation| operation.server.as_str())
                .collect();
            composition.provider.hosts = hosts(&servers);
        }
        Ok(moved)
    }
}

/// Host of an absolute address, with the port where it is not the scheme's own.
pub(crate) fn host(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// One operation of a description: the capability that a person sees, and how it is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Its face; the id is `source/operation`.
    pub capability: Capability,
    /// The `operationId` as the description has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// What the description groups it under.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Absolute address that the path is appended to, without a slash at the end.
    pub server: String,
    /// HTTP method in capitals.
    pub method: String,
    /// The path as the description writes it, for people.
    pub template: String,
    /// The path (and, in some descriptions, the beginning of a query) in pieces.
    pub path: Vec<PathPart>,
    /// Parameters other than the body, in the order of the description.
    pub parameters: Vec<Parameter>,
    /// The body, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// The media type to ask for; empty for JSON.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub accept: String,
    /// Whether an answer without a body is a success: the description promises none.
    #[serde(default)]
    pub empty_answer: bool,
    /// Alternatives, one of which has to be met; none, or one that is empty, means that no credential is needed.
    #[serde(default)]
    pub security: Vec<Requirement>,
    /// What is sent in place of a body where it is a field of a GraphQL schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graphql: Option<GraphQlCall>,
}

/// A call of one root field of a GraphQL schema; the arguments are its variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphQlCall {
    /// The GraphQL document, written when the schema was compiled: nothing of an argument gets into it.
    pub query: String,
    /// The name of the one operation in it.
    pub operation_name: String,
    /// The member of `data` that holds the answer.
    pub field: String,
}

/// A piece of a path template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathPart {
    /// Sent as it is; already encoded.
    Literal(String),
    /// The index in [`Operation::parameters`] of what goes here.
    Parameter(usize),
}

/// One parameter other than the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// The argument that it is given by: its name, unless another parameter has the same.
    pub argument: String,
    /// What it is called in the request.
    pub name: String,
    /// Where it goes.
    pub location: Location,
    /// How it is written.
    pub style: Style,
    /// Whether each item or property is a parameter of its own.
    pub explode: bool,
    /// Whether characters with a meaning in addresses stay as they are where that is harmless.
    #[serde(default)]
    pub allow_reserved: bool,
    /// Whether it has to be given.
    pub required: bool,
}

/// Where a parameter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Location {
    /// Into the path.
    Path,
    /// Behind the question mark.
    Query,
    /// Into a header field of its own.
    Header,
    /// Into the `Cookie` header field.
    Cookie,
}

impl Location {
    /// As descriptions write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// How a value is written; OpenAPI's names, which are those of RFC 6570 where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// `a,b`
    Simple,
    /// `.a.b`
    Label,
    /// `;name=a`
    Matrix,
    /// `name=a`
    Form,
    /// `a b`, the space encoded
    SpaceDelimited,
    /// `a|b`, the bar encoded
    PipeDelimited,
    /// `a⇥b`, the tab encoded: Swagger 2.0's `tsv`
    TabDelimited,
    /// `name[key]=a`
    DeepObject,
    /// The value as JSON text: a parameter described by `content`.
    Json,
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// The argument that it is given by.
    pub argument: String,
    /// The `Content-Type` to send.
    pub media_type: String,
    /// How it is written.
    pub kind: BodyKind,
    /// Whether it has to be given.
    pub required: bool,
    /// The fields of a form that are known beforehand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// The name of XML's outermost element.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub root: String,
}

/// One field of a form, as far as the description says how it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What it is called.
    pub name: String,
    /// The media type of its content, where it is not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// How lists and objects are written, where it is not the usual way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<Style>,
    /// Whether each item or property is a field of its own.
    pub explode: bool,
    /// Whether characters with a meaning in addresses stay as they are where that is harmless.
    #[serde(default)]
    pub allow_reserved: bool,
    /// Whether it is bytes, which are given in base64 and sent as they are.
    #[serde(default)]
    pub binary: bool,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BodyKind {
    /// JSON text.
    Json,
    /// `application/x-www-form-urlencoded`: one pair a property, one an item for lists, JSON text for objects.
    Form,
    /// `multipart/form-data`: one part a property, one an item for lists, JSON text for objects.
    Multipart,
    /// A string as it is.
    Text,
    /// A string as it is, or an object as XML: an element a property.
    Xml,
    /// Bytes, given in base64.
    Binary,
}

/// Schemes that have to be met together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Requirement {
    /// All of them.
    pub schemes: Vec<SchemeUse>,
}

/// One security scheme, as an operation uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemeUse {
    /// Its name in the description.
    pub name: String,
    /// What it is.
    pub kind: SchemeKind,
    /// Scopes that are needed.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// What a security scheme is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum SchemeKind {
    /// A key in a parameter.
    ApiKey {
        /// Where the key goes.
        location: Location,
        /// What the parameter is called.
        parameter: String,
    },
    /// A scheme of the `Authorization` header field, in small letters: `basic`, `bearer` …
    Http {
        /// The scheme.
        scheme: String,
    },
    /// OAuth 2, with the flows by which a token is obtained.
    Oauth2 {
        /// In the order of [`OauthGrant`]; none where the description names none that is known.
        #[serde(default)]
        flows: Vec<OauthFlow>,
    },
    /// OpenID Connect.
    OpenIdConnect {
        /// Where its configuration is.
        url: String,
    },
    /// A client certificate.
    MutualTls,
    /// Named by an operation, but not described, or in a way that is not known here.
    Unknown,
}

/// One way to obtain an OAuth 2 token. Addresses are as the description has them, so they may be relative or wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OauthFlow {
    /// Which way.
    pub grant: OauthGrant,
    /// Where a person agrees; empty for grants without one.
    #[serde(default)]
    pub authorization_url: String,
    /// Where a token is issued; empty for the implicit grant.
    #[serde(default)]
    pub token_url: String,
    /// Where a token is renewed, when that is another place.
    #[serde(default)]
    pub refresh_url: String,
}

/// The grants of OAuth 2 that descriptions name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OauthGrant {
    /// RFC 6749, 4.1.
    AuthorizationCode,
    /// RFC 6749, 4.4.
    ClientCredentials,
    /// RFC 6749, 4.3.
    Password,
    /// RFC 6749, 4.2.
    Implicit,
}

/// Something that could not be compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The operation as a person finds it in the description: `GET /pets/{id}`, or the name of a composition.
    pub operation: String,
    /// JSON Pointer (RFC 6901) to the part that is at fault.
    pub pointer: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Why a document as a whole is not compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The name for the source cannot be part of an id.
    #[error("`{0}` cannot name a source: use small letters, digits, `-`, `.` and `_`, at most 64")]
    SourceId(String),
    /// Too many bytes.
    #[error("the document has {bytes} bytes; at most {limit} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// What is read.
        limit: usize,
    },
    /// Neither JSON nor YAML.
    #[error("the document is neither JSON nor YAML: {0}")]
    Syntax(String),
    /// A format that is not read.
    #[error("the document is {0}; Swagger 2.0, OpenAPI 3.0, 3.1 and GraphQL are read")]
    Format(String),
    /// The overlay is not one.
    #[error("the overlay cannot be used: {0}")]
    Overlay(String),
}

/// A request, ready to be sent by whoever may do I/O.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// In capitals.
    pub method: String,
    /// Absolute; its scheme, host and port are those of [`Operation::server`].
    pub url: String,
    /// Names in the description's case; values hold no control characters.
    pub headers: Vec<(String, String)>,
    /// The body, where there is one.
    pub body: Option<Vec<u8>>,
}
