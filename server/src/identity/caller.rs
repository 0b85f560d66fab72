//! Who makes a request, as the one check found out.

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};
use mtor_shared::{
    identity::{Grant, KeyId, PersonId, Role, Scope, SessionId},
    ledger::Subject,
    problem::{Problem, ProblemCode},
};

use crate::{error::ApiError, state::AppState};

/// What a caller showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// Nothing: they sit at the machine of a realm that nobody has claimed.
    Machine,
    /// A session, by cookie or bearer.
    Session(SessionId),
    /// An API key, and the keys that it descends from, nearest first.
    Key(KeyId, Vec<KeyId>),
}

/// A known caller; as an extractor it refuses the others. Routes say in [`super::policy`] who may come, so a handler
/// asks only for what depends on the request: `allow_capability`, `allow_model`, whose something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub(super) person: PersonId,
    pub(super) role: Role,
    pub(super) grant: Grant,
    pub(super) via: Via,
}

/// What somebody is told who is not known.
pub(super) fn unknown_caller(claimed: bool) -> ApiError {
    let advice = if claimed {
        "Sign in, or send an API key: Authorization: Bearer …"
    } else {
        "Nobody has claimed this realm. Its operator claims it with the token that it prints when it starts."
    };
    ApiError::new(Problem::new(ProblemCode::Unauthorized, "The realm does not know who asks.", advice))
}

impl Caller {
    /// Whoever sits at a machine whose realm nobody has claimed: they may do everything.
    pub fn machine() -> Self {
        Self { person: PersonId::local(), role: Role::Sysop, grant: Grant::everything(), via: Via::Machine }
    }

    /// Who pays, and whose things these are.
    pub fn person(&self) -> &PersonId {
        &self.person
    }

    /// What they may do.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What the session or key may be used for.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// What they showed.
    pub fn via(&self) -> &Via {
        &self.via
    }

    /// The key that they showed.
    pub fn key(&self) -> Option<&KeyId> {
        match &self.via {
            Via::Key(key, _) => Some(key),
            Via::Machine | Via::Session(_) => None,
        }
    }

    /// Whose limits count: the key's, those of the keys that it descends from, the person's.
    pub fn subjects(&self) -> Vec<Subject> {
        let keys: Vec<&KeyId> = match &self.via {
            Via::Key(key, ancestors) => std::iter::once(key).chain(ancestors).collect(),
            Via::Machine | Via::Session(_) => Vec::new(),
        };
        let keys = keys.into_iter().cloned().map(Subject::Key);
        keys.chain([Subject::Person(self.person.clone())]).collect()
    }

    /// Whether they are at least this, with a credential for this.
    pub fn may(&self, role: Role, scope: Scope) -> bool {
        self.role >= role && self.grant.has(scope)
    }

    /// Refuses a capability that the key is not for.
    ///
    /// # Errors
    /// 403, naming the capability.
    pub fn allow_capability(&self, id: &str) -> Result<(), ApiError> {
        if self.grant.capabilities.allow(id) { Ok(()) } else { Err(not_for("the capability", id)) }
    }

    /// Refuses a model that the key is not for.
    ///
    /// # Errors
    /// 403, naming the model.
    pub fn allow_model(&self, name: &str) -> Result<(), ApiError> {
        if self.grant.models.allow(name) { Ok(()) } else { Err(not_for("the model", name)) }
    }
}

fn not_for(what: &str, name: &str) -> ApiError {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    ApiError::new(Problem::new(
        ProblemCode::Forbidden,
        format!("This key is not for {what} {shown}."),
        "Use another key, or mint one for it.",
    ))
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| unknown_caller(state.identity.is_claimed()))
    }
}

impl OptionalFromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Option<Self>, ApiError> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
