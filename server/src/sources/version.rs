//! One version of a description, compiled: what a catalogue offers of it and what a person sees about it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, OnceLock},
    time::Instant,
};

use mtor_federation::{Compiled, Location, OauthGrant, Operation, SchemeKind};
use mtor_shared::{
    capability::{Capability, CapabilityId},
    credential::Kind,
    problem::{Problem, ProblemCode},
    source::{OperationLine, Scheme, SkippedOperation, SourceId},
};
use sha2::{Digest, Sha256};
use url::Url;

use crate::{
    search::{meaning::Meanings, words},
    storage::sources::Description,
};

/// See the module.
pub struct Version {
    /// SHA-256 of the texts, in hexadecimal.
    pub sha256: String,
    /// Bytes of the texts.
    pub bytes: u64,
    /// What the description calls itself.
    pub title: String,
    /// For example `OpenAPI 3.1`.
    pub format: String,
    /// What can be called, in the order of the description.
    pub operations: Vec<Arc<Operation>>,
    /// What is made of several calls.
    pub compositions: Vec<Capability>,
    places: HashMap<CapabilityId, usize>,
    /// What cannot be called.
    pub skipped: Vec<SkippedOperation>,
    /// What was compiled in spite of a fault.
    pub warnings: Vec<String>,
    /// Sentences that none of it answers.
    pub background: Vec<String>,
    /// Every host that is called.
    pub hosts: Vec<String>,
    /// Security schemes that operations name.
    pub schemes: Vec<Scheme>,
    /// How long compiling took.
    pub compile_ms: u32,
    /// For search by words; documents are numbered as by [`Version::number`].
    pub words: words::Index,
    /// For search by meaning, once it is computed.
    pub meanings: OnceLock<Meanings>,
}

/// SHA-256 of a description's texts: of its own bytes, or of the digests of all where it refers to others.
pub fn digest(description: &Description) -> String {
    let own = Sha256::digest(description.text.as_bytes());
    if description.others.is_empty() {
        return hex(&own);
    }
    let mut all = Sha256::new();
    all.update(own);
    for (address, text) in &description.others {
        all.update(Sha256::digest(address.as_bytes()));
        all.update(Sha256::digest(text.as_bytes()));
    }
    hex(&all.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compiles. Takes its time: not for an asynchronous task's own thread. With the version come the absolute addresses
/// of documents that the description refers to and that are not among its `others`.
///
/// # Errors
/// The problem that a person sees.
pub fn compile(
    id: &SourceId,
    description: &Description,
    overlay: Option<&str>,
    endpoint: Option<&str>,
) -> Result<(Version, Vec<String>), Problem> {
    let began = Instant::now();
    let base = endpoint.or(description.base.as_deref());
    let input = mtor_federation::Input {
        source_id: &id.0,
        document: &description.text,
        overlay,
        base,
        location: description.base.as_deref(),
        others: &description.others,
    };
    let mut compiled = mtor_federation::compile_input(&input).map_err(|error| {
        let problem = |title: String, advice: &str| Problem::new(ProblemCode::BadRequest, title, advice);
        match &error {
            mtor_federation::CompileError::Overlay(_) => {
                problem(format!("The overlay does not fit: {error}."), "Change the overlay or remove it.")
            }
            mtor_federation::CompileError::TooLarge { .. } => Problem::new(
                ProblemCode::TooLarge,
                format!("The description is too large: {error}."),
                "Give a smaller part of it.",
            ),
            _ => problem(
                format!("This is no description that MTOR reads: {error}."),
                "Give an OpenAPI or GraphQL description as JSON, YAML or SDL.",
            ),
        }
    })?;
    if let Some(endpoint) = endpoint {
        settle_at(&mut compiled, endpoint);
    }
    let wanted = std::mem::take(&mut compiled.missing);
    Ok((Version::new(compiled, description, began), wanted))
}

/// A description without servers is at the whole address that a person gave, and not only on its host.
fn settle_at(compiled: &mut Compiled, endpoint: &str) {
    let Ok(url) = Url::parse(endpoint) else { return };
    let origin = url.origin().ascii_serialization();
    let wanted = endpoint.trim_end_matches('/');
    let mut used = false;
    for operation in &mut compiled.operations {
        used |= operation.server.starts_with(&origin);
        // A GraphQL schema is compiled for its whole address already.
        if operation.server == origin && operation.graphql.is_none() {
            operation.server = wanted.to_owned();
        }
    }
    if !used && !compiled.operations.is_empty() {
        compiled
            .warnings
            .push(format!("the address {endpoint} is not used: the description names its own servers"));
    }
}

impl Version {
    /// A description that comes with MTOR.
    pub fn builtin(compiled: Compiled, document: &str) -> Self {
        let description = Description { text: document.to_owned(), ..Description::default() };
        Self::new(compiled, &description, Instant::now())
    }

    fn new(compiled: Compiled, description: &Description, began: Instant) -> Self {
        let Compiled {
            title,
            format: compiled_format,
            operations,
            compositions,
            skipped,
            incoming,
            warnings,
            background,
            ..
        } = compiled;
        let hosts: BTreeSet<String> =
            operations.iter().flat_map(|operation| operation.capability.provider.hosts.clone()).collect();
        let schemes = schemes(&operations);
        let words = words::Index::of(
            operations
                .iter()
                .map(words::Document::operation)
                .chain(compositions.iter().map(words::Document::composition)),
        );
        let ids = operations.iter().map(|operation| &operation.capability).chain(&compositions);
        let places = ids.enumerate().map(|(number, capability)| (capability.id.clone(), number)).collect();
        let others: usize = description.others.values().map(String::len).sum();
        Self {
            sha256: digest(description),
            bytes: (description.text.len() + others) as u64,
            title,
            format: written(&compiled_format),
            operations: operations.into_iter().map(Arc::new).collect(),
            compositions,
            places,
            skipped: skipped
                .into_iter()
                // What the provider calls is listed, and is nothing to call.
                .chain(incoming)
                .map(|mtor_federation::Skipped { operation, pointer, reason, .. }| SkippedOperation {
                    operation,
                    pointer,
                    reason,
                })
                .collect(),
            warnings,
            background,
            hosts: hosts.into_iter().collect(),
            schemes,
            words,
            meanings: OnceLock::new(),
            compile_ms: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX),
        }
    }

    /// How many capabilities there are.
    pub fn len(&self) -> usize {
        self.operations.len() + self.compositions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Operations first, then compositions; their place is their number.
    pub fn capabilities(&self) -> impl Iterator<Item = &Capability> {
        self.operations.iter().map(|operation| &operation.capability).chain(&self.compositions)
    }

    /// The capability of that number.
    pub fn at(&self, number: usize) -> Option<&Capability> {
        match self.operations.get(number) {
            Some(operation) => Some(&operation.capability),
            None => self.compositions.get(number - self.operations.len()),
        }
    }

    /// The number of a capability.
    pub fn number(&self, id: &CapabilityId) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The capability of that name.
    pub fn capability(&self, id: &CapabilityId) -> Option<&Capability> {
        self.at(self.number(id)?)
    }

    /// How a capability that is one call is called.
    pub fn operation(&self, id: &CapabilityId) -> Option<&Arc<Operation>> {
        self.operations.get(self.number(id)?)
    }

    /// A capability as it is listed; none when there is none of that number.
    pub fn line(&self, number: usize, enabled: bool) -> Option<OperationLine> {
        let capability = self.at(number)?;
        let operation = self.operations.get(number);
        let steps = || {
            let plan = capability.plan.iter().flat_map(|plan| &plan.steps);
            plan.filter_map(|step| self.operation(&step.capability))
        };
        Some(OperationLine {
            id: capability.id.clone(),
            title: capability.title.clone(),
            summary: capability.summary.clone(),
            method: operation.map(|operation| operation.method.clone()).unwrap_or_default(),
            path: operation.map(|operation| operation.template.clone()).unwrap_or_default(),
            side_effect: capability.side_effect,
            enabled,
            needs_credential: match operation {
                Some(operation) => needs_credential(operation),
                None => steps().any(|operation| needs_credential(operation)),
            },
            score: None,
        })
    }
}

fn needs_credential(operation: &Operation) -> bool {
    !operation.security.is_empty()
        && operation.security.iter().all(|requirement| !requirement.schemes.is_empty())
}

/// Every scheme once, with all the scopes that are asked for.
fn schemes(operations: &[Operation]) -> Vec<Scheme> {
    let mut found: BTreeMap<&str, (&SchemeKind, BTreeSet<&str>)> = BTreeMap::new();
    let uses = operations.iter().flat_map(|operation| &operation.security).flat_map(|r| &r.schemes);
    for scheme in uses {
        let (_, scopes) = found.entry(&scheme.name).or_insert((&scheme.kind, BTreeSet::new()));
        scopes.extend(scheme.scopes.iter().map(String::as_str));
    }
    found
        .into_iter()
        .map(|(name, (kind, scopes))| Scheme {
            name: name.to_owned(),
            label: label(kind),
            accepts: accepts(kind),
            scopes: scopes.into_iter().map(str::to_owned).collect(),
        })
        .collect()
}

/// What a scheme is, for a person.
fn label(kind: &SchemeKind) -> String {
    match kind {
        SchemeKind::ApiKey { location, parameter } => match location {
            Location::Header => format!("API key in the header {parameter}"),
            Location::Query => format!("API key in the query parameter {parameter}"),
            Location::Cookie => format!("API key in the cookie {parameter}"),
            Location::Path => format!("API key in the path parameter {parameter}"),
        },
        SchemeKind::Http { scheme } => match scheme.as_str() {
            "bearer" => "bearer token".to_owned(),
            "basic" => "user name and password".to_owned(),
            other => format!("HTTP authentication {other}, which MTOR does not do"),
        },
        SchemeKind::Oauth2 { flows } => {
            let names: Vec<&str> = flows
                .iter()
                .map(|flow| match flow.grant {
                    OauthGrant::AuthorizationCode => "authorization code",
                    OauthGrant::ClientCredentials => "client credentials",
                    OauthGrant::Password => "password",
                    OauthGrant::Implicit => "implicit",
                })
                .collect();
            if names.is_empty() { "OAuth 2".to_owned() } else { format!("OAuth 2 ({})", names.join(", ")) }
        }
        SchemeKind::OpenIdConnect { .. } => "OpenID Connect".to_owned(),
        SchemeKind::MutualTls => "client certificate, which MTOR does not do".to_owned(),
        SchemeKind::Unknown => "a scheme that the description does not explain".to_owned(),
    }
}

/// Which kinds of credential meet a scheme. A token that a person has is taken wherever one is obtained.
pub fn accepts(kind: &SchemeKind) -> Vec<Kind> {
    match kind {
        SchemeKind::ApiKey { location: Location::Path, .. } => Vec::new(),
        SchemeKind::ApiKey { .. } => vec![Kind::ApiKey],
        SchemeKind::Http { scheme } => match scheme.as_str() {
            "bearer" => vec![Kind::Bearer],
            "basic" => vec![Kind::Basic],
            _ => Vec::new(),
        },
        SchemeKind::Oauth2 { .. } => vec![Kind::ClientCredentials, Kind::AuthorizationCode, Kind::Bearer],
        SchemeKind::OpenIdConnect { .. } => vec![Kind::AuthorizationCode, Kind::Bearer],
        SchemeKind::MutualTls | SchemeKind::Unknown => Vec::new(),
    }
}

/// The compiler's name of a format as people write it.
fn written(format: &str) -> String {
    match format.split_once('-') {
        Some(("openapi", version)) => format!("OpenAPI {version}"),
        Some(("swagger", version)) => format!("Swagger {version}"),
        _ if format == "graphql" => "GraphQL".to_owned(),
        _ => format.to_owned(),
    }
}
