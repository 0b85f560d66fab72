//! Which fields a call asks for, and the schema of what comes back.
//!
//! A selection is written once, when a description is compiled: what tells a thing (ids, names, titles) first, then
//! its other plain fields, then what it is connected to, as deep and as much as the limits allow. Fields that need
//! arguments are left out; so are further pages, which cost a service much and a reader attention.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use super::{
    input::{built_in, choice, is_built_in, nullable, object, scalar},
    types::{Field, Kind, Schema, TypeRef},
};
use crate::document::Node;

/// Objects within objects, whatever the limits say; wrappers count here too.
const MAX_LEVELS: usize = 9;
/// Types of a union or interface that are asked for their own fields.
const MAX_FRAGMENTS: usize = 12;
/// Enumerations with more values are given as texts: a reader of an answer needs no list of all of them.
const MAX_ENUM: usize = 16;
const MAX_TEXT: usize = 120;

/// How much is asked for.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Objects within objects; those that only wrap others do not count.
    pub(super) depth: usize,
    /// Fields in all.
    pub(super) fields: usize,
    /// Whether the words about fields are kept.
    pub(super) texts: bool,
}

/// What is asked for, and what comes back.
pub(super) struct Selection<'d> {
    /// With its braces and a space before; empty for what has no fields.
    pub(super) text: String,
    /// JSON Schema of the answer.
    pub(super) schema: Node<'d>,
    /// About how many bytes of JSON the schema has.
    pub(super) bytes: usize,
}

pub(super) struct Selector<'s, 'd> {
    schema: &'s Schema<'d>,
    possible: HashMap<&'d str, Vec<&'d str>>,
    /// By type the fields that can be asked for without more ado; those that tell what it is come first.
    askable: HashMap<&'d str, Vec<&'s Field<'d>>>,
}

/// One selection while it is put together.
struct Walk<'s, 'd> {
    of: &'s Selector<'s, 'd>,
    texts: bool,
    bytes: usize,
    /// The types around what is selected.
    path: Vec<&'d str>,
}

/// The fields of one object, put together.
#[derive(Default)]
struct Members<'d> {
    text: String,
    properties: Vec<(Cow<'d, str>, Node<'d>)>,
    required: Vec<&'d str>,
}

/// The part that is left of the limits.
#[derive(Clone, Copy)]
struct Left {
    depth: usize,
    fields: usize,
}

impl<'s, 'd> Selector<'s, 'd> {
    pub(super) fn new(schema: &'s Schema<'d>) -> Self {
        let askable = schema.order.iter().map(|name| (*name, askable(fields(schema, name)))).collect();
        Self { schema, possible: schema.possible_types(), askable }
    }

    /// The selection for a value of that type.
    ///
    /// # Errors
    /// A reason when the type is not there or is none that can be answered.
    pub(super) fn select(&self, of: &TypeRef<'d>, limits: Limits) -> Result<Selection<'d>, String> {
        let mut walk = Walk { of: self, texts: limits.texts, bytes: 0, path: Vec::new() };
        if self.is_leaf(of.name()) {
            let schema = walk.leaf(of);
            return Ok(Selection { text: String::new(), schema, bytes: walk.bytes });
        }
        let name = of.name();
        match self.schema.types.get(name).map(|of| &of.kind) {
            None if name.is_empty() => return Err("the description does not say of which type it is".into()),
            None => return Err(format!("its type `{name}` is not described")),
            Some(Kind::Input { .. }) => return Err(format!("`{name}` is no type for an answer")),
            Some(_) => {}
        }
        let left = Left { depth: limits.depth, fields: limits.fields.max(1) };
        let members = walk.composite(name, left).unwrap_or_else(|| {
            let mut members = Members::default();
            walk.type_name(&mut members);
            members
        });
        let text = format!(" {{{} }}", members.text);
        Ok(Selection { text, schema: wrapped(of, members.schema()), bytes: walk.bytes })
    }

    fn is_leaf(&self, name: &str) -> bool {
        match self.schema.types.get(name) {
            Some(of) => matches!(of.kind, Kind::Scalar { .. } | Kind::Enum { .. }),
            None => is_built_in(name),
        }
    }

    /// The fields of a type that can be asked for without more ado.
    fn askable(&self, name: &str) -> &[&'s Field<'d>] {
        self.askable.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}

fn fields<'s, 'd>(schema: &'s Schema<'d>, name: &str) -> &'s [Field<'d>] {
    match schema.types.get(name).map(|of| &of.kind) {
        Some(Kind::Object { fields, .. } | Kind::Interface { fields }) => fields,
        _ => &[],
    }
}

fn askable<'s, 'd>(fields: &'s [Field<'d>]) -> Vec<&'s Field<'d>> {
    let plain = |field: &&Field<'d>| {
        !field.name.starts_with("__") && !field.arguments.iter().any(|argument| argument.is_required())
    };
    let mut fields: Vec<&Field<'d>> = fields.iter().filter(plain).collect();
    if fields.iter().any(|field| !field.deprecated) {
        fields.retain(|field| !field.deprecated);
    }
    fields.sort_by_key(|field| rank(field.name));
    fields
}

/// How much a field tells what its object is; 0 tells most.
fn rank(name: &str) -> u8 {
    match name {
        "id" => 0,
        "name" | "title" | "displayName" | "fullName" | "label" => 1,
        "slug" | "login" | "username" | "key" | "code" | "handle" | "number" | "email" | "uuid" | "_id" => 2,
        "url" | "description" | "summary" | "status" | "state" | "type" | "kind" | "message" | "value" => 3,
        _ => 4,
    }
}

/// Types that only hold others: a page of a list, an edge of a connection, the answer to a mutation.
fn is_wrapper(name: &str) -> bool {
    ["Connection", "Edge", "Payload", "Result", "Response", "Page"].iter().any(|end| name.ends_with(end))
}

fn is_paged(field: &Field<'_>) -> bool {
    let has = |name: &str| field.arguments.iter().any(|argument| argument.name == name);
    let many = field.of.is_list() || field.of.name().ends_with("Connection");
    many && ["first", "last", "limit", "take", "perPage", "pageSize"].iter().any(|name| has(name))
}

fn wrapped<'d>(of: &TypeRef<'_>, inner: Node<'d>) -> Node<'d> {
    let schema = match of.nullable() {
        TypeRef::List(items) => object([("type", Node::text("array")), ("items", wrapped(items, inner))]),
        _ => inner,
    };
    if matches!(of, TypeRef::NonNull(_)) { schema } else { nullable(schema) }
}

impl<'d> Members<'d> {
    fn has(&self, name: &str) -> bool {
        self.properties.iter().any(|(known, _)| known == name)
    }

    fn schema(self) -> Node<'d> {
        let mut members =
            vec![("type".into(), Node::text("object")), ("properties".into(), Node::object(self.properties))];
        if !self.required.is_empty() {
            members.push(("required".into(), Node::list(self.required.into_iter().map(Node::text))));
        }
        Node::object(members)
    }
}

impl<'s, 'd> Walk<'s, 'd> {
    fn leaf(&mut self, of: &TypeRef<'d>) -> Node<'d> {
        let name = of.name();
        let inner = match self.of.schema.types.get(name).map(|of| &of.kind) {
            Some(Kind::Enum { values }) if values.len() <= MAX_ENUM => {
                self.bytes += values.iter().map(|value| value.len() + 3).sum::<usize>();
                choice(values)
            }
            Some(Kind::Enum { .. }) => object([("type", Node::text("string")), ("title", Node::text(name))]),
            // An id is answered as text, whatever it was asked with.
            _ if name == "ID" => object([("type", Node::text("string"))]),
            _ => built_in(name).unwrap_or_else(|| scalar(name, None)),
        };
        self.bytes += 28;
        wrapped(of, inner)
    }

    fn type_name(&mut self, members: &mut Members<'d>) {
        self.bytes += 40;
        members.text.push_str(" __typename");
        members.properties.push(("__typename".into(), object([("type", Node::text("string"))])));
    }

    fn add(&mut self, members: &mut Members<'d>, field: &Field<'d>, inner: &str, mut schema: Node<'d>) {
        self.bytes += field.name.len() + 6;
        members.text.push(' ');
        members.text.push_str(field.name);
        members.text.push_str(inner);
        if self.texts
            && let Node::Object(schema) = &mut schema
            && let Some(text) = field.description.and_then(|text| text.line(MAX_TEXT))
        {
            self.bytes += text.len() + 17;
            schema.insert("description", Node::text(text));
        }
        members.properties.push((field.name.into(), schema));
        if matches!(field.of, TypeRef::NonNull(_)) {
            self.bytes += field.name.len() + 3;
            members.required.push(field.name);
        }
    }

    /// The fields of a type; none when there is nothing to ask for.
    fn composite(&mut self, name: &'d str, left: Left) -> Option<Members<'d>> {
        self.bytes += 40;
        let around = self.path.contains(&name) || self.path.len() >= MAX_LEVELS;
        let mut members = Members::default();
        let possible = self.of.possible.get(name);
        let is_object = matches!(self.of.schema.types.get(name)?.kind, Kind::Object { .. });
        if around || left.depth == 0 {
            self.identity(&mut members, name, left.fields.min(3));
            if members.text.is_empty() && !is_object && !around {
                self.type_name(&mut members);
            }
            return (!members.text.is_empty()).then_some(members);
        }
        self.path.push(name);
        if !is_object {
            self.type_name(&mut members);
        }
        let room = if is_object || possible.is_none() { left.fields } else { left.fields.div_ceil(2) };
        let used = self.members(&mut members, name, Left { fields: room, ..left });
        if let (false, Some(possible)) = (is_object, possible) {
            self.fragments(&mut members, possible, Left { fields: left.fields.saturating_sub(used), ..left });
        }
        self.path.pop();
        (!members.text.is_empty()).then_some(members)
    }

    /// Only what tells what it is.
    fn identity(&mut self, members: &mut Members<'d>, name: &'d str, most: usize) {
        let fields = self.of.askable(name);
        let leafs = fields.iter().filter(|field| self.of.is_leaf(field.of.name()) && rank(field.name) < 4);
        for field in leafs.take(most.max(1)) {
            let schema = self.leaf(&field.of);
            self.add(members, field, "", schema);
        }
    }

    /// The fields of an object or interface; how many of them were asked for.
    fn members(&mut self, members: &mut Members<'d>, name: &'d str, left: Left) -> usize {
        let fields = self.of.askable(name);
        let (leafs, others): (Vec<_>, Vec<_>) =
            fields.iter().copied().partition(|field| self.of.is_leaf(field.of.name()));
        // Plain fields leave room for what is connected, which on wrappers is all that counts.
        let share = if others.is_empty() { left.fields } else { left.fields.div_ceil(2).max(3) };
        let mut used = 0;
        for field in leafs.iter().take(share) {
            let schema = self.leaf(&field.of);
            self.add(members, field, "", schema);
            used += 1;
        }
        let has_nodes = others.iter().any(|field| field.name == "nodes");
        let root = self.path.len() <= 1;
        let mut others: Vec<_> = others
            .into_iter()
            .filter(|field| !(field.name == "edges" && has_nodes))
            .filter(|field| field.name != "pageInfo" || root)
            .filter(|field| !is_paged(field))
            .collect();
        // What is one comes before what is many, but for the list that a page is made for.
        others.sort_by_key(|field| !is_wrapper(name) && field.of.is_list());
        let count = others.len();
        for (index, field) in others.into_iter().enumerate() {
            let room = left.fields.saturating_sub(used) / (count - index);
            if left.fields <= used + 1 {
                break;
            }
            let depth = if is_wrapper(name) { left.depth } else { left.depth - 1 };
            if let Some(inner) = self.composite(field.of.name(), Left { depth, fields: room.max(2) }) {
                let text = format!(" {{{} }}", inner.text);
                used +=
                    1 + inner.text.split(' ').filter(|word| word.starts_with(char::is_alphabetic)).count();
                let schema = wrapped(&field.of, inner.schema());
                self.add(members, field, &text, schema);
            }
        }
        used
    }

    /// What the types of a union or interface have beside the common fields. Answers to two fragments go into one
    /// object, so a field that another type has with another shape gets a name of its own.
    fn fragments(&mut self, members: &mut Members<'d>, possible: &[&'d str], left: Left) {
        let common = members.properties.len();
        let mut shapes: HashMap<&str, &TypeRef<'d>> = HashMap::new();
        let mut aliases: HashSet<String> = HashSet::new();
        let mut room = left.fields;
        let count = possible.len().min(MAX_FRAGMENTS);
        for (index, name) in possible.iter().take(MAX_FRAGMENTS).enumerate() {
            let share = (room / (count - index)).min(12);
            let fields = self.of.askable(name);
            let mut text = String::new();
            let own = fields
                .iter()
                .filter(|field| {
                    self.of.is_leaf(field.of.name())
                        && !members.properties[..common].iter().any(|(known, _)| known == field.name)
                })
                .copied()
                .take(share)
                .collect::<Vec<_>>();
            for field in own {
                let schema = self.leaf(&field.of);
                self.bytes += field.name.len() + 6;
                let same = *shapes.entry(field.name).or_insert(&field.of) == &field.of;
                let key: Cow<'d, str> =
                    if same { field.name.into() } else { format!("{name}_{}", field.name).into() };
                // A key that is taken by something else than the same field of another fragment.
                if aliases.contains(key.as_ref()) || (!same && members.has(&key)) {
                    continue;
                }
                if same {
                    text.push_str(&format!(" {key}"));
                } else {
                    text.push_str(&format!(" {key}: {}", field.name));
                    aliases.insert(key.to_string());
                }
                if !members.has(&key) {
                    members.properties.push((key, schema));
                }
                room = room.saturating_sub(1);
            }
            if !text.is_empty() {
                members.text.push_str(&format!(" ... on {name} {{{text} }}"));
            }
        }
    }
}
