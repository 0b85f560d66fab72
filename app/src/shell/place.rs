//! Where a person is, as the part of the address behind `#` says it: back, forward and a reload keep it.

use super::chat::{ConversationId, NodeId};
use mtor_shared::{capability::CapabilityId, source::SourceId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stays as it is in a segment or a value.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A place in the shell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Questions and answers.
    #[default]
    Stream,
    /// Every source, and a search in all of them.
    Federation {
        /// What is searched for.
        query: String,
    },
    /// One source.
    Source {
        /// Which.
        source: SourceId,
        /// Which side of it.
        tab: Tab,
        /// What its operations are searched for.
        query: String,
    },
    /// One operation.
    Operation(CapabilityId),
    /// A conversation that has not begun.
    Chat,
    /// One conversation.
    Talk {
        /// Which.
        id: ConversationId,
        /// A message in it that was looked for.
        at: Option<NodeId>,
    },
    /// Models on this device.
    Models,
}

/// A part of the shell, as the header names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Questions and answers.
    Ask,
    /// Conversations.
    Chat,
    /// Sources.
    Federation,
    /// Models on this device.
    Models,
}

/// A side of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// What it can do.
    #[default]
    Operations,
    /// What it cannot, and why.
    Skipped,
    /// What it is called with.
    Credentials,
    /// How it is read: overlay, address, schedule.
    Settings,
}

impl Tab {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Operations, Self::Skipped, Self::Credentials, Self::Settings];

    /// Where it is in [`Tab::ALL`].
    pub fn place_in_order(self) -> usize {
        self as usize
    }

    /// As addresses have it.
    fn name(self) -> &'static str {
        match self {
            Self::Operations => "operations",
            Self::Skipped => "skipped",
            Self::Credentials => "credentials",
            Self::Settings => "settings",
        }
    }
}

/// A text as a segment of a path or a value of a query.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl Place {
    /// Reads the part of an address behind `#`; none where it names something else than a place.
    pub fn parse(fragment: &str) -> Option<Self> {
        let (path, query) = fragment.split_once('?').unwrap_or((fragment, ""));
        let value = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.into_iter().find(|(known, _)| *known == name).map(|(_, value)| decoded(value))
        };
        let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        match segments.as_slice() {
            [""] => Some(Self::Stream),
            ["chat"] | ["chat", ""] => Some(Self::Chat),
            ["chat", id] => {
                let at = value("at").and_then(|number| number.parse().ok()).map(NodeId);
                Some(Self::Talk { id: ConversationId(decoded(id)), at })
            }
            ["models"] | ["models", ""] => Some(Self::Models),
            ["federation"] | ["federation", ""] => {
                Some(Self::Federation { query: value("q").unwrap_or_default() })
            }
            ["federation", source] => {
                let named = value("show").unwrap_or_default();
                let tab = Tab::ALL.into_iter().find(|tab| tab.name() == named).unwrap_or_default();
                let query = value("q").unwrap_or_default();
                Some(Self::Source { source: SourceId(decoded(source)), tab, query })
            }
            ["federation", source, operation] => {
                Some(Self::Operation(CapabilityId(format!("{}/{}", decoded(source), decoded(operation)))))
            }
            _ => None,
        }
    }

    /// A source, seen from its first side.
    pub fn source(source: &SourceId) -> Self {
        Self::side(source, Tab::Operations)
    }

    /// A side of a source.
    pub fn side(source: &SourceId, tab: Tab) -> Self {
        Self::Source { source: source.clone(), tab, query: String::new() }
    }

    /// All sources.
    pub fn federation() -> Self {
        Self::Federation { query: String::new() }
    }

    /// The address, with its `#`.
    pub fn address(&self) -> String {
        match self {
            Self::Stream => "#/".to_owned(),
            Self::Chat => "#/chat".to_owned(),
            Self::Talk { id, at: None } => format!("#/chat/{}", encoded(&id.0)),
            Self::Talk { id, at: Some(at) } => format!("#/chat/{}?at={}", encoded(&id.0), at.0),
            Self::Models => "#/models".to_owned(),
            Self::Federation { query } if query.is_empty() => "#/federation".to_owned(),
            Self::Federation { query } => format!("#/federation?q={}", encoded(query)),
            Self::Source { source, tab, query } => {
                let mut address = format!("#/federation/{}", encoded(&source.0));
                let mut separator = '?';
                if *tab != Tab::Operations {
                    address.push_str(&format!("?show={}", tab.name()));
                    separator = '&';
                }
                if !query.is_empty() {
                    address.push_str(&format!("{separator}q={}", encoded(query)));
                }
                address
            }
            Self::Operation(id) => {
                let (source, operation) = halves(id);
                format!("#/federation/{}/{}", encoded(source), encoded(operation))
            }
        }
    }

    /// A conversation.
    pub fn talk(id: &ConversationId) -> Self {
        Self::Talk { id: id.clone(), at: None }
    }

    /// The part of the shell that it is in.
    pub fn room(&self) -> Room {
        match self {
            Self::Stream => Room::Ask,
            Self::Federation { .. } | Self::Source { .. } | Self::Operation(_) => Room::Federation,
            Self::Chat | Self::Talk { .. } => Room::Chat,
            Self::Models => Room::Models,
        }
    }

    /// The source that is looked at, also through one of its operations.
    pub fn of_source(&self) -> Option<SourceId> {
        match self {
            Self::Stream | Self::Federation { .. } | Self::Chat | Self::Talk { .. } | Self::Models => None,
            Self::Source { source, .. } => Some(source.clone()),
            Self::Operation(id) => Some(SourceId(halves(id).0.to_owned())),
        }
    }
}

/// Source and operation of a capability.
pub fn halves(id: &CapabilityId) -> (&str, &str) {
    id.0.split_once('/').unwrap_or((&id.0, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_again_by_its_address() {
        let source = SourceId("pets-1.0".into());
        let searched =
            Place::Source { source: source.clone(), tab: Tab::Skipped, query: "a&b=c #ä?".into() };
        for place in [
            Place::Stream,
            Place::federation(),
            Place::Federation { query: "list / all".into() },
            Place::source(&source),
            Place::side(&source, Tab::Settings),
            searched,
            Place::Chat,
            Place::talk(&ConversationId("0001-ab".into())),
            Place::Talk { id: ConversationId("0001-ab".into()), at: Some(NodeId(7)) },
            Place::Models,
            Place::Operation("pets-1.0/GET /pets/{id}?x".into()),
        ] {
            let address = place.address();
            assert_eq!(Place::parse(address.trim_start_matches('#')), Some(place), "{address}");
        }
    }

    #[test]
    fn an_anchor_in_the_page_is_no_place() {
        assert_eq!(Place::parse("prompt"), None);
        assert_eq!(Place::parse("/nowhere/else"), None);
        assert_eq!(Place::parse(""), Some(Place::Stream));
    }
}
