//! What a GGUF file says about itself.

use std::collections::HashMap;

use mtor_shared::problem::Problem;

use crate::weights::unreadable;

/// Keys and values of the header.
#[derive(Clone, Debug, Default)]
pub struct Metadata(pub(super) HashMap<String, Value>);

/// A value; integers of every width are one kind, and so are floats.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any unsigned or signed integer.
    Integer(i128),
    /// 32 or 64 bits in the file.
    Float(f64),
    /// A flag.
    Bool(bool),
    /// Text; what is not UTF-8 was replaced.
    Text(String),
    /// An array of texts.
    Texts(Strings),
    /// An array of integers or flags.
    Integers(Vec<i64>),
    /// An array of floats.
    Floats(Vec<f32>),
}

/// Many short texts in one piece of memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Strings {
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    /// Adds one at the end.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The one at `index`.
    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start =
            index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        self.text.get(start..end)
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl Metadata {
    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Takes the value under `key` out.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key)
    }

    /// The text under `key`.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The flag under `key`.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The number under `key`.
    pub fn float(&self, key: &str) -> Option<f32> {
        match self.get(key)? {
            Value::Float(value) => Some(*value as f32),
            Value::Integer(value) => Some(*value as f32),
            _ => None,
        }
    }

    /// The count under `key`, if there is one.
    pub fn count(&self, key: &str) -> Option<usize> {
        match self.get(key)? {
            Value::Integer(value) => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The count under `key`, which must lie in `1..=limit`.
    ///
    /// # Errors
    ///
    /// When it is missing or out of range.
    pub fn size(&self, key: &str, limit: usize) -> Result<usize, Problem> {
        let size = self.count(key).ok_or_else(|| unreadable(format_args!("the header has no {key}")))?;
        if size == 0 || size > limit {
            return Err(unreadable(format_args!("{key} is {size}, and sensible are 1 to {limit}")));
        }
        Ok(size)
    }
}
