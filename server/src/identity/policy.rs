//! Who may come where: the one table. What is not in it is answered to nobody.

use axum::http::Method;
use mtor_shared::identity::{Role, Scope};
use utoipa::openapi::{
    OpenApi, PathItem, SecurityRequirement,
    path::Operation,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::Caller;

/// Who may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, also without saying who they are.
    Everybody,
    /// Who is signed in, or sits at the machine of an unclaimed realm; no key.
    SignedIn,
    /// At least this role; a key needs the scope too.
    To(Role, Scope),
}

use Access::{Everybody, SignedIn, To};
use Role::{Operator, Person};
use Scope::{Admin, Catalogue, Credentials, Keys, Ledger, Models, Runs, Sources};

/// Method, path as the router writes it, who may come.
pub const TABLE: &[(&str, &str, Access)] = &[
    ("GET", "/healthz", Everybody),
    ("GET", "/readyz", Everybody),
    ("GET", "/metrics", To(Operator, Admin)),
    ("GET", "/.well-known/api-catalog", Everybody),
    ("GET", "/models/sha256/{hash}", Everybody),
    ("GET", "/api/catalogue", To(Person, Catalogue)),
    ("GET", "/api/catalogue/vectors", To(Person, Catalogue)),
    ("GET", "/api/catalogue/search", To(Person, Catalogue)),
    ("GET", "/api/catalogue/sources", To(Person, Catalogue)),
    ("POST", "/api/catalogue/sources", To(Operator, Sources)),
    ("GET", "/api/catalogue/sources/{id}", To(Person, Catalogue)),
    ("PATCH", "/api/catalogue/sources/{id}", To(Operator, Sources)),
    ("DELETE", "/api/catalogue/sources/{id}", To(Operator, Sources)),
    ("POST", "/api/catalogue/sources/{id}/scan", To(Operator, Sources)),
    ("GET", "/api/catalogue/sources/{id}/events", To(Person, Catalogue)),
    ("GET", "/api/catalogue/sources/{id}/operations", To(Person, Catalogue)),
    ("GET", "/api/catalogue/sources/{id}/skipped", To(Person, Catalogue)),
    ("GET", "/api/catalogue/sources/{id}/document", To(Operator, Sources)),
    ("GET", "/api/catalogue/operations/{source}/{operation}", To(Person, Catalogue)),
    ("POST", "/api/catalogue/operations/{source}/{operation}/dry-run", To(Person, Runs)),
    ("GET", "/api/credentials", To(Operator, Credentials)),
    ("POST", "/api/credentials", To(Operator, Credentials)),
    ("DELETE", "/api/credentials/{id}", To(Operator, Credentials)),
    // A provider sends the person here from its own site, so the session's cookie does not come along; `state` and the
    // cookie of the browser that began it say who it is.
    ("GET", "/api/credentials/oauth/callback/{source}", Everybody),
    ("POST", "/api/runs", To(Person, Runs)),
    ("GET", "/api/runs/{id}/events", To(Person, Runs)),
    ("DELETE", "/api/runs/{id}", To(Person, Runs)),
    ("GET", "/api/media", To(Person, Runs)),
    ("POST", "/v1/chat/completions", To(Person, Models)),
    ("POST", "/v1/embeddings", To(Person, Models)),
    ("POST", "/v1/images/generations", To(Person, Models)),
    ("POST", "/v1/audio/speech", To(Person, Models)),
    ("POST", "/v1/audio/transcriptions", To(Person, Models)),
    ("POST", "/v1/audio/translations", To(Person, Models)),
    ("GET", "/v1/models", To(Person, Models)),
    ("GET", "/v1/models/{*id}", To(Person, Models)),
    ("GET", "/api/gateway/decisions", To(Person, Models)),
    // Whoever knows the 128 random bits may know why.
    ("GET", "/api/gateway/decisions/{id}", To(Person, Models)),
    ("GET", "/api/gateway/targets", To(Operator, Models)),
    ("POST", "/api/ask", To(Person, Models)),
    ("POST", "/a2a", To(Person, Models)),
    ("POST", "/mcp", To(Person, Runs)),
    ("GET", "/.well-known/agent-card.json", Everybody),
    ("GET", "/api/identity", Everybody),
    ("POST", "/api/identity/challenges", Everybody),
    ("POST", "/api/identity/claim", Everybody),
    ("POST", "/api/identity/sessions", Everybody),
    ("GET", "/api/identity/sessions", SignedIn),
    ("POST", "/api/identity/sessions/rotate", SignedIn),
    ("DELETE", "/api/identity/sessions/{id}", SignedIn),
    ("GET", "/api/identity/people", To(Operator, Admin)),
    ("POST", "/api/identity/people", To(Operator, Admin)),
    ("PATCH", "/api/identity/people/{id}", To(Operator, Admin)),
    ("GET", "/api/keys", To(Person, Keys)),
    ("POST", "/api/keys", To(Person, Keys)),
    ("DELETE", "/api/keys/{id}", To(Person, Keys)),
    ("POST", "/api/keys/{id}/rotate", To(Person, Keys)),
    ("PUT", "/api/keys/{id}/limits", To(Person, Keys)),
    ("GET", "/api/ledger", To(Person, Ledger)),
    ("GET", "/api/ledger/entries", To(Person, Ledger)),
    ("GET", "/api/ledger/export", To(Person, Ledger)),
    ("GET", "/api/ledger/months", To(Person, Ledger)),
    // Whoever keeps it can tell later whether entries were changed.
    ("GET", "/api/ledger/head", Everybody),
    ("GET", "/api/ledger/prices", To(Person, Catalogue)),
    ("PUT", "/api/ledger/prices", To(Operator, Admin)),
    ("GET", "/api/ledger/accounts", To(Operator, Admin)),
    ("GET", "/api/ledger/limits", To(Operator, Admin)),
    ("PUT", "/api/ledger/limits", To(Operator, Admin)),
    ("POST", "/api/ledger/issues", To(Operator, Admin)),
    ("POST", "/api/ledger/transfers", SignedIn),
];

/// Addresses that answer every method alike and are not described: nothing is behind them.
const NOTHING: [&str; 3] = ["/api/{*unknown}", "/models/{*unknown}", "/v1/{*unknown}"];

/// What the table says about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Who may come.
    Declared(Access),
    /// The address is known, for other methods.
    OtherMethod,
    /// Nobody has said who may come, so nobody may.
    Undeclared,
}

/// Looks a request up. `path` is the router's pattern.
pub fn verdict(method: &Method, path: &str) -> Verdict {
    if path == "/openapi.json" || NOTHING.contains(&path) {
        return Verdict::Declared(Everybody);
    }
    // HTTP's HEAD is answered by what answers GET.
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let mut known = false;
    for (declared, at, access) in TABLE {
        if *at == path {
            known = true;
            if *declared == method {
                return Verdict::Declared(*access);
            }
        }
    }
    if known { Verdict::OtherMethod } else { Verdict::Undeclared }
}

impl Access {
    /// Whether a caller may come.
    pub fn admits(self, caller: Option<&Caller>) -> bool {
        match (self, caller) {
            (Everybody, _) => true,
            (SignedIn | To(..), None) => false,
            (SignedIn, Some(caller)) => caller.key().is_none(),
            (To(role, scope), Some(caller)) => caller.may(role, scope),
        }
    }

    /// What is missing, for whoever was refused.
    pub fn wanted(self) -> String {
        match self {
            Everybody => String::new(),
            SignedIn => "This takes a session; an API key does not do.".to_owned(),
            To(role, scope) => {
                format!("This takes the role {role}, and of a key the scope {}.", scope.name())
            }
        }
    }
}

fn operations(item: &mut PathItem) -> [(&'static str, &mut Option<Operation>); 5] {
    [
        ("GET", &mut item.get),
        ("POST", &mut item.post),
        ("PUT", &mut item.put),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
    ]
}

/// Writes the table into the realm's own description: roles and scopes stand with the two ways to show who one is.
pub fn describe(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let Some(operation) = operation else { continue };
            let access = TABLE.iter().find(|(at_method, at, _)| at == path && *at_method == method);
            operation.security = match access {
                None => continue,
                Some((_, _, Everybody)) => Some(Vec::new()),
                Some((_, _, SignedIn)) => Some(requirements(&["session"], &[])),
                Some((_, _, To(role, scope))) => {
                    Some(requirements(&["session", "bearer"], &[role.name(), scope.name()]))
                }
            };
        }
    }
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let cookie = ApiKey::Cookie(ApiKeyValue::new("mtor_session"));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
}

fn requirements(schemes: &[&str], wanted: &[&str]) -> Vec<SecurityRequirement> {
    schemes.iter().map(|scheme| SecurityRequirement::new(*scheme, wanted.iter().copied())).collect()
}

/// Every operation of a description: method and path.
pub fn described(document: &OpenApi) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (path, item) in &document.paths.paths {
        let mut item = item.clone();
        for (method, operation) in operations(&mut item) {
            if operation.is_some() {
                all.push((method.to_owned(), path.clone()));
            }
        }
    }
    all
}
