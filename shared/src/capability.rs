//! What MTOR can do: one capability is something with typed inputs that can be asked for in a sentence.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{plan::Plan, slots::Example};

/// Names a capability within a realm: `source/operation`, for example `open-meteo/forecast`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct CapabilityId(pub String);

impl std::fmt::Display for CapabilityId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for CapabilityId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

/// What a call changes in the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SideEffect {
    /// Nothing: it may be repeated after a break.
    Read,
    /// Something that can be changed back.
    Write,
    /// Something that cannot; what a description does not say counts as this.
    #[default]
    Irreversible,
}

/// How far the data of a call travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Residency {
    /// It stays in the tab.
    Device,
    /// It goes to the realm.
    Realm,
    /// It goes to the provider's host.
    Provider,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Provider {
    /// Name for a person, for example `Open-Meteo`.
    pub name: String,
    /// Every host that a call of this capability may reach.
    pub hosts: Vec<String>,
    /// Where a person reads about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    /// Words that the provider's licence wants shown with its data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<String>,
}

/// The shape in which a result is shown; a shell that does not know it shows [`CardKind::Data`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CardKind {
    /// Conditions now, the coming hours and days: Open-Meteo's forecast shape.
    Weather,
    /// Title, picture, first lines: the Wikimedia page summary shape.
    Article,
    /// A list of books: Open Library's search shape.
    Books,
    /// Meanings of a word: the Free Dictionary shape.
    Definition,
    /// Any JSON as a foldable tree.
    #[default]
    #[serde(other)]
    Data,
}

/// Something that MTOR can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Capability {
    /// Its name in the realm.
    pub id: CapabilityId,
    /// Its name for a person, for example `Weather forecast`.
    pub title: String,
    /// What it does, in a sentence or two.
    pub summary: String,
    /// Who answers.
    pub provider: Provider,
    /// JSON Schema 2020-12 of the arguments, an object.
    pub input: Value,
    /// JSON Schema 2020-12 of the result.
    pub output: Value,
    /// What a call changes.
    pub side_effect: SideEffect,
    /// Where data goes.
    pub residency: Residency,
    /// Sentences that ask for it, with their slots marked.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub examples: Vec<Example>,
    /// How the result is shown.
    #[serde(default)]
    pub card: CardKind,
    /// Declared latency objective in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective_ms: Option<u32>,
    /// Declared price of one call in millionths of a $9000 credit.
    #[serde(default)]
    pub price_micro: u64,
    /// How it is done when it takes more than its own one call; the realm expands it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
}

impl Capability {
    /// Names of the arguments without which a call is refused, as the schema lists them.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        self.input.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// What to call an argument in front of a person: its schema's `title`, else its name.
    pub fn argument_title<'a>(&'a self, name: &'a str) -> &'a str {
        self.input["properties"][name]["title"].as_str().unwrap_or(name)
    }
}
