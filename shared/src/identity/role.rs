//! What kind of caller somebody is.

use serde::{Deserialize, Serialize};

/// Each role may do what those before it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Asks for things, and pays for them.
    #[default]
    Person,
    /// Also answers, and earns.
    Provider,
    /// Also decides what the realm offers, to whom, and at what price.
    Operator,
    /// Also makes operators; the one who claimed the realm.
    Sysop,
}

impl Role {
    /// All of them, from the least to the most.
    pub const ALL: [Self; 4] = [Self::Person, Self::Provider, Self::Operator, Self::Sysop];

    /// The form on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Provider => "provider",
            Self::Operator => "operator",
            Self::Sysop => "sysop",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
