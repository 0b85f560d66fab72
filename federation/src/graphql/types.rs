//! A GraphQL schema as both of its spellings give it. Names and words are borrowed from the document.

use std::collections::HashMap;

use serde_json::Value;

use crate::annotate;

/// A whole schema. Types that are referred to but not described are simply not in it.
#[derive(Default)]
pub(super) struct Schema<'d> {
    pub(super) query: Option<&'d str>,
    pub(super) mutation: Option<&'d str>,
    pub(super) subscription: Option<&'d str>,
    pub(super) types: HashMap<&'d str, Type<'d>>,
    /// The names of the types in the order of the document.
    pub(super) order: Vec<&'d str>,
    /// What could not be read.
    pub(super) faults: Vec<Fault<'d>>,
}

/// A part of a schema that could not be read.
pub(super) struct Fault<'d> {
    /// The type that it belongs to, where it belongs to one.
    pub(super) type_name: Option<&'d str>,
    /// Its field, where it is one.
    pub(super) field: Option<&'d str>,
    pub(super) reason: String,
}

pub(super) struct Type<'d> {
    pub(super) description: Option<Text<'d>>,
    pub(super) kind: Kind<'d>,
}

pub(super) enum Kind<'d> {
    /// Without the built-in ones, unless the document describes those too.
    Scalar {
        specified_by: Option<String>,
    },
    Object {
        fields: Vec<Field<'d>>,
        interfaces: Vec<&'d str>,
    },
    Interface {
        fields: Vec<Field<'d>>,
    },
    Union {
        members: Vec<&'d str>,
    },
    Enum {
        values: Vec<&'d str>,
    },
    Input {
        fields: Vec<Argument<'d>>,
        /// Exactly one field is given.
        one_of: bool,
    },
}

/// A field of an object or interface.
pub(super) struct Field<'d> {
    pub(super) name: &'d str,
    pub(super) description: Option<Text<'d>>,
    pub(super) arguments: Vec<Argument<'d>>,
    pub(super) of: TypeRef<'d>,
    pub(super) deprecated: bool,
}

/// An argument, or a field of an input object.
pub(super) struct Argument<'d> {
    pub(super) name: &'d str,
    pub(super) description: Option<Text<'d>>,
    pub(super) of: TypeRef<'d>,
    pub(super) default: Option<Value>,
    pub(super) deprecated: bool,
}

impl Argument<'_> {
    /// Whether a call without it is refused.
    pub(super) fn is_required(&self) -> bool {
        self.default.is_none() && matches!(self.of, TypeRef::NonNull(_))
    }
}

/// How a type is used.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum TypeRef<'d> {
    Named(&'d str),
    List(Box<TypeRef<'d>>),
    NonNull(Box<TypeRef<'d>>),
    /// The document does not say.
    Missing,
}

impl<'d> TypeRef<'d> {
    /// The type inside lists and marks; empty when the document does not say.
    pub(super) fn name(&self) -> &'d str {
        match self {
            Self::Named(name) => name,
            Self::List(inner) | Self::NonNull(inner) => inner.name(),
            Self::Missing => "",
        }
    }

    pub(super) fn is_list(&self) -> bool {
        match self {
            Self::List(_) => true,
            Self::NonNull(inner) => inner.is_list(),
            Self::Named(_) | Self::Missing => false,
        }
    }

    /// Without the outermost `!`.
    pub(super) fn nullable(&self) -> &Self {
        match self {
            Self::NonNull(inner) => inner,
            other => other,
        }
    }
}

/// As the type is written: `[ID!]!`.
impl std::fmt::Display for TypeRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::List(inner) => write!(f, "[{inner}]"),
            Self::NonNull(inner) => write!(f, "{inner}!"),
            Self::Missing => Ok(()),
        }
    }
}

/// Words of the document, read only where they are wanted.
#[derive(Clone, Copy)]
pub(super) enum Text<'d> {
    Plain(&'d str),
    /// A string of SDL with its quotation marks.
    Literal(&'d str),
}

impl Text<'_> {
    /// As one line of at most `limit` characters; none when there are no words.
    pub(super) fn line(self, limit: usize) -> Option<String> {
        let line = match self {
            Self::Plain(text) => annotate::line(text, limit),
            Self::Literal(literal) => annotate::line(&string(literal), limit),
        };
        (!line.is_empty()).then_some(line)
    }
}

/// The text of a string of SDL, given with its quotation marks. Indentation of block strings stays.
pub(super) fn string(literal: &str) -> String {
    if let Some(block) = literal.strip_prefix("\"\"\"") {
        return block.strip_suffix("\"\"\"").unwrap_or(block).replace("\\\"\"\"", "\"\"\"");
    }
    // The escapes are JSON's but for `\u{…}`, which then stays as it is.
    serde_json::from_str(literal).unwrap_or_else(|_| literal.trim_matches('"').to_owned())
}

impl<'d> Schema<'d> {
    /// The root type of that name with its fields; nothing when the schema has none.
    pub(super) fn root(&self, name: Option<&'d str>) -> &[Field<'d>] {
        match name.and_then(|name| self.types.get(name)).map(|of| &of.kind) {
            Some(Kind::Object { fields, .. } | Kind::Interface { fields }) => fields,
            _ => &[],
        }
    }

    /// The object types that a value of a union or interface can have, by name.
    pub(super) fn possible_types(&self) -> HashMap<&'d str, Vec<&'d str>> {
        let mut possible: HashMap<&str, Vec<&str>> = HashMap::new();
        for name in &self.order {
            match self.types.get(name).map(|of| &of.kind) {
                Some(Kind::Object { interfaces, .. }) => {
                    for interface in interfaces {
                        possible.entry(interface).or_default().push(name);
                    }
                }
                Some(Kind::Union { members }) => {
                    let is_object = |member: &&&str| {
                        matches!(self.types.get(**member).map(|of| &of.kind), Some(Kind::Object { .. }))
                    };
                    possible.entry(name).or_default().extend(members.iter().filter(is_object));
                }
                _ => {}
            }
        }
        possible
    }

    /// Adds a type; what is described twice is put together, and what contradicts itself counts as first described.
    pub(super) fn add(&mut self, name: &'d str, mut added: Type<'d>) {
        use std::collections::hash_map::Entry;
        added.kind.keep_first();
        let present = match self.types.entry(name) {
            Entry::Vacant(vacant) => {
                vacant.insert(added);
                self.order.push(name);
                return;
            }
            Entry::Occupied(present) => present.into_mut(),
        };
        present.description = present.description.or(added.description);
        match (&mut present.kind, added.kind) {
            (
                Kind::Object { fields, interfaces },
                Kind::Object { fields: more, interfaces: more_interfaces },
            ) => {
                extend(fields, more, |field| field.name);
                extend(interfaces, more_interfaces, |name| name);
            }
            (Kind::Interface { fields }, Kind::Interface { fields: more }) => {
                extend(fields, more, |field| field.name);
            }
            (Kind::Union { members }, Kind::Union { members: more }) => extend(members, more, |name| name),
            (Kind::Enum { values }, Kind::Enum { values: more }) => extend(values, more, |name| name),
            (Kind::Input { fields, one_of }, Kind::Input { fields: more, one_of: also }) => {
                extend(fields, more, |field| field.name);
                *one_of |= also;
            }
            (Kind::Scalar { .. }, Kind::Scalar { .. }) => {}
            _ => self.faults.push(Fault {
                type_name: Some(name),
                field: None,
                reason: "it is described twice, as different kinds of type; the first counts".into(),
            }),
        }
    }
}

impl<'d> Kind<'d> {
    /// Of what has one name, the first counts.
    fn keep_first(&mut self) {
        if let Self::Object { interfaces, .. } = self {
            keep_first(interfaces, |name| name);
        }
        match self {
            Self::Object { fields, .. } | Self::Interface { fields } => {
                keep_first(fields, |field| field.name);
                for field in fields {
                    keep_first(&mut field.arguments, |argument| argument.name);
                }
            }
            Self::Union { members } => keep_first(members, |name| name),
            Self::Enum { values } => keep_first(values, |name| name),
            Self::Input { fields, .. } => keep_first(fields, |field| field.name),
            Self::Scalar { .. } => {}
        }
    }
}

fn keep_first<'d, T>(list: &mut Vec<T>, name: impl Fn(&T) -> &'d str) {
    if list.len() > 1 {
        let mut seen = std::collections::HashSet::with_capacity(list.len());
        list.retain(|item| seen.insert(name(item)));
    }
}

/// Appends those whose name is not there yet.
fn extend<'d, T>(list: &mut Vec<T>, more: Vec<T>, name: impl Fn(&T) -> &'d str) {
    let taken: std::collections::HashSet<&str> = list.iter().map(&name).collect();
    list.extend(more.into_iter().filter(|item| !taken.contains(name(item))));
}
