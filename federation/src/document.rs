//! The tree that a description is read into: strings borrowed from its text, members in its order.
//!
//! A description of 4 MB has half a million nodes. `serde_json::Value` with its maps takes fifteen times the bytes of
//! the text; this tree takes about four, and most of its strings none at all.

use std::{borrow::Cow, collections::HashSet, ops::Index};

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Number, Value};

/// Objects with up to this many members are searched for repeated names pair by pair.
const FEW: usize = 16;

/// One value of a description.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Node<'s> {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'s, str>),
    Array(Box<[Node<'s>]>),
    Object(Members<'s>),
}

/// The members of an object, in the order of the text; of several with one name the last one counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Members<'s>(Box<[(Cow<'s, str>, Node<'s>)]>);

/// Lists and objects that are being read: one place for all of them, so that each is allocated once and in its size.
#[derive(Default)]
pub(crate) struct Unfinished<'s> {
    pub(crate) items: Vec<Node<'s>>,
    pub(crate) members: Vec<(Cow<'s, str>, Node<'s>)>,
}

impl<'s> Unfinished<'s> {
    /// The list of the items from `start` on.
    pub(crate) fn array(&mut self, start: usize) -> Node<'s> {
        Node::Array(self.items.drain(start..).collect())
    }

    /// The object of the members from `start` on.
    pub(crate) fn object(&mut self, start: usize) -> Node<'s> {
        Node::object(self.members.drain(start..).collect())
    }
}

static NULL: Node<'static> = Node::Null;

impl<'s> Members<'s> {
    pub(crate) fn new(mut members: Vec<(Cow<'s, str>, Node<'s>)>) -> Self {
        let repeated = if members.len() <= FEW {
            (1..members.len()).any(|at| members[..at].iter().any(|(name, _)| *name == members[at].0))
        } else {
            let mut seen = HashSet::with_capacity(members.len());
            !members.iter().all(|(name, _)| seen.insert(name.as_ref()))
        };
        if repeated {
            let mut places = std::collections::HashMap::new();
            let mut kept: Vec<(Cow<'s, str>, Node<'s>)> = Vec::with_capacity(members.len());
            for (name, value) in members {
                match places.get(&name) {
                    Some(at) => {
                        let entry: &mut (Cow<'s, str>, Node<'s>) = &mut kept[*at];
                        entry.1 = value;
                    }
                    None => {
                        places.insert(name.clone(), kept.len());
                        kept.push((name, value));
                    }
                }
            }
            members = kept;
        }
        Self(members.into_boxed_slice())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node<'s>> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Node<'s>> {
        self.0.iter_mut().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Node<'s>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Node<'s>)> {
        self.0.iter_mut().map(|entry| (entry.0.as_ref(), &mut entry.1))
    }

    pub(crate) fn into_entries(self) -> impl Iterator<Item = (Cow<'s, str>, Node<'s>)> {
        self.0.into_vec().into_iter()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Node<'s>> {
        self.0.iter().map(|(_, value)| value)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn insert(&mut self, name: impl Into<Cow<'s, str>>, value: Node<'s>) {
        let name = name.into();
        match self.get_mut(&name) {
            Some(present) => *present = value,
            None => {
                let mut members = std::mem::take(&mut self.0).into_vec();
                members.push((name, value));
                self.0 = members.into_boxed_slice();
            }
        }
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        let mut members = std::mem::take(&mut self.0).into_vec();
        members.retain(|(name, _)| keep(name));
        self.0 = members.into_boxed_slice();
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.retain(|own| own != name);
    }
}

impl<'s> Node<'s> {
    pub(crate) fn text(text: impl Into<Cow<'s, str>>) -> Self {
        Self::String(text.into())
    }

    pub(crate) fn object(members: Vec<(Cow<'s, str>, Node<'s>)>) -> Self {
        Self::Object(Members::new(members))
    }

    pub(crate) fn empty() -> Self {
        Self::Object(Members::default())
    }

    pub(crate) fn list(items: impl IntoIterator<Item = Node<'s>>) -> Self {
        Self::Array(items.into_iter().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node<'s>> {
        self.as_object().and_then(|members| members.get(name))
    }

    pub(crate) fn as_object(&self) -> Option<&Members<'s>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn as_array(&self) -> Option<&[Node<'s>]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// The text of a string, or what a number or a truth value looks like.
    pub(crate) fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::String(text) => Some(Cow::Borrowed(text)),
            Self::Number(number) => Some(Cow::Owned(number.to_string())),
            Self::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            _ => None,
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::String(text) => Value::String(text.to_string()),
            Self::Array(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// A value that borrows nothing.
    pub(crate) fn from_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::String(Cow::Owned(text.clone())),
            Value::Array(items) => Self::list(items.iter().map(Self::from_value)),
            Value::Object(members) => Self::object(
                members
                    .iter()
                    .map(|(name, value)| (Cow::Owned(name.clone()), Self::from_value(value)))
                    .collect(),
            ),
        }
    }

    /// The same with every string borrowed from this one.
    pub(crate) fn borrowed(&'s self) -> Node<'s> {
        match self {
            Self::Null => Self::Null,
            Self::Bool(value) => Self::Bool(*value),
            Self::Number(number) => Self::Number(number.clone()),
            Self::String(text) => Self::String(Cow::Borrowed(text)),
            Self::Array(items) => Self::list(items.iter().map(Self::borrowed)),
            Self::Object(members) => Self::Object(Members(
                members
                    .0
                    .iter()
                    .map(|(name, value)| (Cow::Borrowed(name.as_ref()), value.borrowed()))
                    .collect(),
            )),
        }
    }

    /// How many bytes its JSON text has.
    pub(crate) fn json_len(&self) -> usize {
        match self {
            Self::Null => 4,
            Self::Bool(value) => 5 - usize::from(*value),
            Self::Number(number) => number_len(number),
            Self::String(text) => text_len(text),
            Self::Array(items) => items.iter().map(Self::json_len).sum::<usize>() + 1 + items.len().max(1),
            Self::Object(members) => {
                members.iter().map(|(name, value)| text_len(name) + 1 + value.json_len()).sum::<usize>()
                    + 1
                    + members.len().max(1)
            }
        }
    }
}

fn number_len(number: &Number) -> usize {
    match number.as_u64() {
        Some(value) => value.checked_ilog10().unwrap_or_default() as usize + 1,
        None => number.to_string().len(),
    }
}

/// How many bytes a string has as JSON text.
pub(crate) fn text_len(text: &str) -> usize {
    let escaped = |b: u8| match b {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 1,
        0..=31 => 5,
        _ => 0,
    };
    text.len() + 2 + text.bytes().map(escaped).sum::<usize>()
}

impl<'s> Index<&str> for Node<'s> {
    type Output = Node<'s>;

    /// The member of that name, or null.
    fn index(&self, name: &str) -> &Node<'s> {
        self.get(name).unwrap_or(&NULL)
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members.iter() {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_length_of_json_is_known_beforehand() {
        let value =
            json!({"a": [1, -2, 1.5, 1e300, null, true, false, 0, 10, u64::MAX], "é\n\u{1}\"": {}, "b": []});
        let node = Node::from_value(&value);
        assert_eq!(node.json_len(), value.to_string().len());
        assert_eq!(node.to_value(), value);
    }

    #[test]
    fn the_last_of_several_members_with_one_name_counts_in_the_place_of_the_first() {
        for others in [2, 50] {
            let mut members: Vec<(Cow<'_, str>, Node<'_>)> = vec![("a".into(), Node::Bool(false))];
            members.extend((0..others).map(|n| (format!("n{n}").into(), Node::Null)));
            members.push(("a".into(), Node::Bool(true)));
            let object = Members::new(members);
            assert_eq!(object.len(), others + 1);
            assert_eq!(object.iter().next(), Some(("a", &Node::Bool(true))));
        }
    }

    #[test]
    fn a_node_is_small() {
        assert!(size_of::<Node<'_>>() <= 24, "{}", size_of::<Node<'_>>());
    }
}
