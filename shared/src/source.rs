//! Descriptions that a realm was given: what they are, what became of them, and what a person decided about them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    capability::{Capability, CapabilityId, SideEffect},
    problem::Problem,
};

/// Names a source within a realm: the first half of the ids of its capabilities. 1 to 64 small letters, digits, `-`,
/// `.` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct SourceId(pub String);

impl std::fmt::Display for SourceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What `POST /api/catalogue/sources` takes. It answers at once; the work goes on in the background and is told by
/// `GET /api/catalogue/sources/{id}/events`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AddSource {
    /// Made from the description's title or host when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<SourceId>,
    /// Where the description comes from.
    pub from: Origin,
    /// Where the API is, for descriptions that do not say it (GraphQL, or no server in it): an absolute address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// Where a description comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Origin {
    /// It comes with MTOR.
    Builtin,
    /// It was fetched, and can be fetched again.
    Url {
        /// Absolute.
        url: String,
    },
    /// It was pasted or dropped as a file.
    Text {
        /// JSON, YAML or GraphQL; left out in answers.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        text: String,
        /// The file's name, where it was a file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
}

/// How far a source is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "stage", rename_all = "kebab-case")]
pub enum Stage {
    /// Being fetched.
    Fetching {
        /// Bytes so far, after decompression.
        done_bytes: u64,
        /// Of how many, where the server says it.
        total_bytes: Option<u64>,
    },
    /// Being compiled.
    Compiling {
        /// Bytes of the description; on the wire they stand beside those of [`Source::bytes`].
        #[serde(rename = "compiling_bytes")]
        bytes: u64,
    },
    /// Compiled; nothing of it can be called until somebody enables it.
    Preview,
    /// Its capabilities are in the catalogue.
    Enabled,
    /// It was enabled, and somebody took it out.
    Disabled,
    /// The description is another one than the one that was agreed to, which goes on as [`Source::enabled`] says.
    Changed {
        /// What is different.
        change: Change,
    },
    /// It cannot be fetched or compiled. What was agreed to before goes on as [`Source::enabled`] says.
    Failed {
        /// Why.
        problem: Problem,
    },
}

/// The difference between the description that was agreed to and the one that is there now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Change {
    /// SHA-256 of the new bytes, in small hexadecimal digits: what is agreed to.
    pub sha256: String,
    /// Capabilities that are new.
    pub added: Vec<CapabilityId>,
    /// Capabilities that are no longer there.
    pub removed: Vec<CapabilityId>,
    /// Capabilities of which inputs, outputs, address or effect are others, with words for what.
    pub altered: Vec<(CapabilityId, String)>,
    /// Hosts that were not called before.
    pub new_hosts: Vec<String>,
}

/// A source as a person sees it in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Source {
    /// Its name in the realm.
    pub id: SourceId,
    /// What the description calls itself.
    pub title: String,
    /// Where it comes from.
    pub origin: Origin,
    /// For example `OpenAPI 3.1`, `Swagger 2.0`, `GraphQL`; empty until it is compiled.
    pub format: String,
    /// How far it is.
    #[serde(flatten)]
    pub stage: Stage,
    /// Whether what was agreed to is offered and called: also while it is looked at again, while a change waits, and
    /// after a look that failed.
    pub enabled: bool,
    /// SHA-256 of the description that its capabilities come from; empty until there is one.
    pub sha256: String,
    /// Bytes of that description.
    pub bytes: u64,
    /// How many operations the description has.
    pub operations: u32,
    /// How many of them can be called.
    pub capabilities: u32,
    /// How many cannot, each with a reason.
    pub skipped: u32,
    /// Every host that its capabilities call.
    pub hosts: Vec<String>,
    /// Security schemes that its operations name.
    pub schemes: Vec<Scheme>,
    /// Where the API is, if somebody said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The overlay, if somebody wrote one: YAML or JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlay: Option<String>,
    /// Capabilities that were taken out.
    #[serde(default)]
    pub disabled: BTreeSet<CapabilityId>,
    /// Seconds between two looks whether the description has changed; none where it is looked at on demand alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescan_s: Option<u32>,
    /// When it was last looked at, in milliseconds since 1970.
    pub scanned_at_ms: u64,
    /// Milliseconds that compiling took.
    pub compile_ms: u32,
    /// What was compiled in spite of a fault.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// A security scheme of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Scheme {
    /// Its name in the description.
    pub name: String,
    /// What it is, for a person: `API key in the header X-Key`, `bearer token`, `OAuth 2 (client credentials)`.
    pub label: String,
    /// Which kinds of credential meet it.
    pub accepts: Vec<crate::credential::Kind>,
    /// Scopes that operations ask for.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// What `PATCH /api/catalogue/sources/{id}` takes; what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ChangeSource {
    /// Puts its capabilities into the catalogue or takes them out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Agrees to the changed description with this SHA-256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept: Option<String>,
    /// Single capabilities, in (true) or out (false).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub operations: BTreeMap<CapabilityId, bool>,
    /// An OpenAPI Overlay; empty removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlay: Option<String>,
    /// Where the API is; empty means what the description says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Seconds between two looks, at least 60; 0 means on demand alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rescan_s: Option<u32>,
}

/// An operation in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationLine {
    /// Its name in the realm.
    pub id: CapabilityId,
    /// Its name for a person.
    pub title: String,
    /// What it does.
    pub summary: String,
    /// In capitals; empty for one that is made of several.
    pub method: String,
    /// The path as the description writes it.
    pub path: String,
    /// What a call changes.
    pub side_effect: SideEffect,
    /// Whether it is in the catalogue.
    pub enabled: bool,
    /// Whether it needs a credential.
    pub needs_credential: bool,
    /// How well it fits what was searched for, 0 to 1; the order of a list otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
}

/// What `GET /api/catalogue/sources/{id}/operations` and `GET /api/catalogue/search` answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationPage {
    /// At most as many as were asked for.
    pub operations: Vec<OperationLine>,
    /// How many there are altogether.
    pub total: u32,
    /// Milliseconds that the search took in the realm.
    #[serde(default)]
    pub elapsed_ms: f32,
    /// Whether the meaning was compared, and not the words alone.
    #[serde(default)]
    pub by_meaning: bool,
}

/// An operation that cannot be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SkippedOperation {
    /// As the description names it: `GET /pets/{id}`.
    pub operation: String,
    /// JSON Pointer (RFC 6901) to what is at fault.
    pub pointer: String,
    /// What is wrong.
    pub reason: String,
}

/// What `GET /api/catalogue/operations/{id}` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationDetail {
    /// All of it, schemas included.
    pub capability: Capability,
    /// As in lists.
    pub line: OperationLine,
    /// The source.
    pub source: SourceId,
    /// Absolute address that the path is appended to; empty for one that is made of several.
    pub server: String,
    /// Alternatives of schemes, one of which has to be met; each is a list of names in [`Source::schemes`].
    pub security: Vec<Vec<String>>,
    /// Arguments that the schema allows, made from its examples, defaults and types: something to begin with.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub example: Value,
}

/// What `POST /api/catalogue/operations/{id}/dry-run` takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DryRun {
    /// The arguments, an object.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub args: Value,
}

/// The request that would be sent. Credentials are shown as `•••`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShownRequest {
    /// In capitals.
    pub method: String,
    /// Absolute.
    pub url: String,
    /// In the order in which they are sent.
    pub headers: Vec<(String, String)>,
    /// Text as it is; what is no text is described in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Schemes that no stored credential meets, by name: the call would be refused.
    #[serde(default)]
    pub missing: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_in_any_stage_crosses_the_wire() {
        let problem = Problem::new(crate::problem::ProblemCode::BadRequest, "No.", "");
        for stage in [
            Stage::Fetching { done_bytes: 1, total_bytes: None },
            Stage::Compiling { bytes: 1 },
            Stage::Preview,
            Stage::Enabled,
            Stage::Disabled,
            Stage::Changed { change: Change { sha256: "0".into(), ..Change::default() } },
            Stage::Failed { problem },
        ] {
            let source = Source {
                id: SourceId("s".into()),
                title: String::new(),
                origin: Origin::Text { text: String::new(), name: None },
                format: String::new(),
                stage,
                enabled: true,
                sha256: String::new(),
                bytes: 2,
                operations: 0,
                capabilities: 0,
                skipped: 0,
                hosts: Vec::new(),
                schemes: Vec::new(),
                endpoint: None,
                overlay: None,
                disabled: BTreeSet::new(),
                rescan_s: None,
                scanned_at_ms: 0,
                compile_ms: 0,
                warnings: Vec::new(),
            };
            let text = serde_json::to_string(&source).expect("serialises");
            assert_eq!(serde_json::from_str::<Source>(&text).expect(&text), source);
        }
    }
}
