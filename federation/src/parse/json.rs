//! JSON to a tree.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

use crate::document::{Node, Unfinished};

pub(super) fn read(text: &str) -> Result<Node<'_>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let node = Builder(&mut Unfinished::default()).deserialize(&mut reader)?;
    reader.end()?;
    Ok(node)
}

/// A member's name, borrowed where it can be.
struct Name<'s>(Cow<'s, str>);

impl<'s> Deserialize<'s> for Name<'s> {
    fn deserialize<D: Deserializer<'s>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameBuilder;
        impl<'s> Visitor<'s> for NameBuilder {
            type Value = Name<'s>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'s str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(NameBuilder)
    }
}

struct Builder<'a, 's>(&'a mut Unfinished<'s>);

impl<'s> DeserializeSeed<'s> for Builder<'_, 's> {
    type Value = Node<'s>;

    fn deserialize<D: Deserializer<'s>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'s> Visitor<'s> for Builder<'_, 's> {
    type Value = Node<'s>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Number::from_f64(value).map_or(Node::Null, Node::Number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'s str) -> Result<Self::Value, E> {
        Ok(Node::String(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Node::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'s>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let start = self.0.items.len();
        while let Some(item) = items.next_element_seed(Builder(self.0))? {
            self.0.items.push(item);
        }
        Ok(self.0.array(start))
    }

    fn visit_map<A: MapAccess<'s>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let start = self.0.members.len();
        while let Some(Name(name)) = members.next_key::<Name<'s>>()? {
            let value = members.next_value_seed(Builder(self.0))?;
            self.0.members.push((name, value));
        }
        Ok(self.0.object(start))
    }
}
