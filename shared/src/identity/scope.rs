//! What a credential may be used for. A session has every scope; an API key has those that it was minted with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A group of the realm's routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Reads what the realm offers.
    Catalogue,
    /// Starts, follows and stops runs of capabilities.
    Runs,
    /// Asks language models and other models.
    Models,
    /// Adds and changes sources and providers.
    Sources,
    /// Gives and removes credentials of sources.
    Credentials,
    /// Mints, lists and revokes keys.
    Keys,
    /// Reads the owner's balance and entries.
    Ledger,
    /// Whatever operators do: people, prices, limits, credits.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Catalogue,
        Self::Runs,
        Self::Models,
        Self::Sources,
        Self::Credentials,
        Self::Keys,
        Self::Ledger,
        Self::Admin,
    ];

    /// The form on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Catalogue => "catalogue",
            Self::Runs => "runs",
            Self::Models => "models",
            Self::Sources => "sources",
            Self::Credentials => "credentials",
            Self::Keys => "keys",
            Self::Ledger => "ledger",
            Self::Admin => "admin",
        }
    }
}

/// Which names are meant: every one, or those of a list. An entry that ends with `*` stands for whatever begins
/// with the rest of it: `open-meteo/*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<BTreeSet<String>>", into = "Option<BTreeSet<String>>")]
pub enum Names {
    /// Every name.
    #[default]
    Every,
    /// These.
    Only(BTreeSet<String>),
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Names {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        <Option<Vec<String>> as utoipa::PartialSchema>::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Names {}

impl From<Option<BTreeSet<String>>> for Names {
    fn from(names: Option<BTreeSet<String>>) -> Self {
        names.map_or(Self::Every, Self::Only)
    }
}

impl From<Names> for Option<BTreeSet<String>> {
    fn from(names: Names) -> Self {
        match names {
            Names::Every => None,
            Names::Only(names) => Some(names),
        }
    }
}

/// Whether everything that `inner` stands for is within what `outer` stands for.
fn covers(outer: &str, inner: &str) -> bool {
    match outer.strip_suffix('*') {
        Some(begin) => inner.strip_suffix('*').unwrap_or(inner).starts_with(begin),
        None => outer == inner,
    }
}

impl Names {
    /// Whether a name is among them.
    pub fn allow(&self, name: &str) -> bool {
        match self {
            Self::Every => true,
            // A name is no pattern, whatever it ends with.
            Self::Only(names) => names.iter().any(|known| match known.strip_suffix('*') {
                Some(begin) => name.starts_with(begin),
                None => known == name,
            }),
        }
    }

    /// Whether every name of `inner` is among them.
    pub fn cover(&self, inner: &Self) -> bool {
        match (self, inner) {
            (Self::Every, _) => true,
            (Self::Only(_), Self::Every) => false,
            (Self::Only(outer), Self::Only(inner)) => {
                inner.iter().all(|inner| outer.iter().any(|outer| covers(outer, inner)))
            }
        }
    }
}

/// What a credential may be used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Groups of routes.
    pub scopes: BTreeSet<Scope>,
    /// Capabilities by their ids; left out, every one.
    #[serde(default)]
    pub capabilities: Names,
    /// Models by their names; left out, every one.
    #[serde(default)]
    pub models: Names,
}

/// What somebody wants to hand on without having it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Escalation {
    /// A scope.
    #[error("the scope {}", .0.name())]
    Scope(Scope),
    /// Capabilities.
    #[error("capabilities beyond its own")]
    Capabilities,
    /// Models.
    #[error("models beyond its own")]
    Models,
}

impl Grant {
    /// Everything: what a session may do, within its person's role.
    pub fn everything() -> Self {
        Self { scopes: Scope::ALL.into(), capabilities: Names::Every, models: Names::Every }
    }

    /// Whether it has a scope.
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Whether `inner` may be handed on by whoever has this one.
    ///
    /// # Errors
    /// The first thing that `inner` has and this one has not.
    pub fn hand_on(&self, inner: &Self) -> Result<(), Escalation> {
        if let Some(scope) = inner.scopes.difference(&self.scopes).next() {
            return Err(Escalation::Scope(*scope));
        }
        if !self.capabilities.cover(&inner.capabilities) {
            return Err(Escalation::Capabilities);
        }
        if !self.models.cover(&inner.models) {
            return Err(Escalation::Models);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only(names: &[&str]) -> Names {
        Names::Only(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_pattern_stands_for_what_begins_with_it() {
        let names = only(&["open-meteo/*", "shop/list"]);
        for good in ["open-meteo/weather", "open-meteo/", "shop/list"] {
            assert!(names.allow(good), "{good}");
        }
        for bad in ["open-meteo", "shop/list/all", "shop/", "", "other/x"] {
            assert!(!names.allow(bad), "{bad}");
        }
        assert!(only(&[]).cover(&only(&[])) && !only(&[]).allow(""));
    }

    #[test]
    fn what_one_has_not_one_does_not_hand_on() {
        let own = Grant {
            scopes: [Scope::Runs, Scope::Keys].into(),
            capabilities: only(&["shop/*"]),
            models: only(&["small"]),
        };
        assert_eq!(own.hand_on(&own), Ok(()));
        let more = Grant { scopes: [Scope::Runs, Scope::Admin].into(), ..own.clone() };
        assert_eq!(own.hand_on(&more), Err(Escalation::Scope(Scope::Admin)));
        for wide in [Names::Every, only(&["shop*"]), only(&["*"]), only(&["shop/list", "other/x"])] {
            let more = Grant { capabilities: wide.clone(), ..own.clone() };
            assert_eq!(own.hand_on(&more), Err(Escalation::Capabilities), "{wide:?}");
        }
        let more = Grant { models: Names::Every, ..own.clone() };
        assert_eq!(own.hand_on(&more), Err(Escalation::Models));
        let less =
            Grant { scopes: [Scope::Runs].into(), capabilities: only(&["shop/a*"]), models: only(&[]) };
        assert_eq!(own.hand_on(&less), Ok(()));
    }

    proptest! {
        #[test]
        fn whoever_is_handed_less_is_allowed_nothing_more(
            outer in proptest::collection::btree_set("[ab/]{0,3}\\*?", 0..4),
            inner in proptest::collection::btree_set("[ab/]{0,3}\\*?", 0..4),
            name in "[ab/*]{0,5}",
        ) {
            let (outer, inner) = (Names::Only(outer), Names::Only(inner));
            if outer.cover(&inner) && inner.allow(&name) {
                prop_assert!(outer.allow(&name));
            }
        }
    }
}
