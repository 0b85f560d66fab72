//! Everything in a description that schemas refer to, converted once, and the part of it that an operation takes.

use std::collections::{HashMap, HashSet, VecDeque};

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::{Converter, DETAILS, MAX_DEPTH, Rules, SHALLOW_DEPTH, cycles};
use crate::{
    document::{Node, text_len},
    documents::Documents,
    openapi::names,
};

/// Bytes of JSON that something would have in each of [`DETAILS`].
pub(crate) type Size = [usize; DETAILS.len()];

/// Into less than this no part of a definition fits.
const LEAST_ROOM: usize = 48;
/// One definition may have this many bytes.
const MAX_BYTES: usize = 512 * 1024;

/// Definitions that operations share.
#[derive(Default)]
pub(crate) struct Definitions<'d> {
    numbers: HashMap<&'d str, Option<u32>>,
    list: Vec<Definition<'d>>,
    taken: HashSet<String>,
    /// How many are converted.
    done: usize,
    /// When each was last taken, so that none is taken twice.
    stamps: Vec<u32>,
    stamp: u32,
    /// What was dropped.
    pub(crate) warnings: Vec<String>,
}

struct Definition<'d> {
    name: String,
    source: &'d Node<'d>,
    whole: Form<'d>,
    /// Members and their types, for where there is no room.
    outline: Option<Form<'d>>,
    size: Size,
}

#[derive(Default)]
struct Form<'d> {
    schema: Node<'d>,
    references: Vec<u32>,
    bytes: usize,
}

impl<'d> Definitions<'d> {
    /// The number of what a reference leads to; none where it leads nowhere.
    pub(super) fn number(&mut self, documents: &Documents<'d>, reference: &'d str) -> Option<u32> {
        if let Some(known) = self.numbers.get(reference) {
            return *known;
        }
        let number = match documents.lookup(reference) {
            Ok(source) => {
                let name = self.free_name(reference);
                self.list.push(Definition {
                    name,
                    source,
                    whole: Form::default(),
                    outline: None,
                    size: Size::default(),
                });
                Some(self.list.len() as u32 - 1)
            }
            Err(broken) => {
                self.warnings.push(format!("{broken}; anything is accepted there"));
                None
            }
        };
        self.numbers.insert(reference, number);
        number
    }

    pub(super) fn name(&self, number: u32) -> &str {
        self.list.get(number as usize).map_or("", |definition| &definition.name)
    }

    fn free_name(&mut self, reference: &str) -> String {
        let last = reference.trim_end_matches('#').rsplit(['/', '#']).next().unwrap_or_default();
        let slug = names::slug(&last.replace("~1", "/").replace("~0", "~"));
        let base = if slug.is_empty() { "schema".to_owned() } else { slug };
        let mut name = base.clone();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{base}-{number}");
            number += 1;
        }
        name
    }

    /// Converts what has been referred to and is not converted yet.
    pub(crate) fn settle(&mut self, rules: Rules<'_, 'd>) {
        let first = self.done;
        while self.done < self.list.len() {
            let source = self.list[self.done].source;
            let (form, savings) = self.form(rules, source, MAX_DEPTH, MAX_BYTES);
            let bytes = form.bytes;
            let definition = &mut self.list[self.done];
            definition.whole = form;
            definition.size = std::array::from_fn(|level| bytes.saturating_sub(savings[level]));
            self.done += 1;
        }
        if self.done > first {
            let mut schemas: Vec<(&str, &mut Node<'d>)> =
                self.list.iter_mut().map(|d| (d.name.as_str(), &mut d.whole.schema)).collect();
            for number in cycles::cut(&mut schemas) {
                let form = &mut self.list[number].whole;
                form.bytes = form.schema.json_len();
            }
            self.stamps.resize(self.list.len(), 0);
        }
    }

    fn form(
        &mut self,
        rules: Rules<'_, 'd>,
        source: &'d Node<'d>,
        depth: usize,
        limit: usize,
    ) -> (Form<'d>, Size) {
        let mut converter = Converter::new(rules, self, limit);
        converter.depth = depth;
        converter.shallow = depth == SHALLOW_DEPTH;
        let schema = converter.convert(source);
        let savings = converter.savings;
        let mut references = std::mem::take(&mut converter.references);
        references.sort_unstable();
        references.dedup();
        let bytes = schema.json_len();
        (Form { schema, references, bytes }, savings)
    }

    fn next_stamp(&mut self) -> u32 {
        self.stamps.resize(self.list.len(), 0);
        self.stamp += 1;
        self.stamp
    }

    /// What the schemas that refer to `roots` need beside themselves; sums stop soon after `limit`.
    pub(crate) fn closure(&mut self, roots: &[u32], limit: usize) -> Size {
        let stamp = self.next_stamp();
        let mut sum = Size::default();
        let mut queue: Vec<u32> = Vec::new();
        let take = |stamps: &mut Vec<u32>, queue: &mut Vec<u32>, numbers: &[u32]| {
            for number in numbers {
                if let Some(seen) = stamps.get_mut(*number as usize)
                    && *seen != stamp
                {
                    *seen = stamp;
                    queue.push(*number);
                }
            }
        };
        take(&mut self.stamps, &mut queue, roots);
        while let Some(number) = queue.pop() {
            let definition = &self.list[number as usize];
            for (sum, size) in sum.iter_mut().zip(definition.size) {
                *sum += size + definition.name.len() + 4;
            }
            if sum[DETAILS.len() - 1] > limit {
                break;
            }
            take(&mut self.stamps, &mut queue, &definition.whole.references);
        }
        if sum[0] > 0 {
            sum.iter_mut().for_each(|sum| *sum += 11);
        }
        sum
    }

    /// The same definitions, not converted yet.
    pub(crate) fn again(&self) -> Self {
        Self {
            numbers: self.numbers.clone(),
            taken: self.taken.clone(),
            warnings: self.warnings.clone(),
            list: self
                .list
                .iter()
                .map(|Definition { name, source, .. }| Definition {
                    name: name.clone(),
                    source,
                    whole: Form::default(),
                    outline: None,
                    size: Size::default(),
                })
                .collect(),
            ..Self::default()
        }
    }

    /// What a schema refers to, nearest first, as far as it fits into `limit` bytes: a definition whole, else its
    /// outline, else "anything".
    ///
    /// The schema itself has `bytes`.
    pub(crate) fn choose(
        &mut self,
        rules: Rules<'_, 'd>,
        bytes: usize,
        roots: &[u32],
        limit: usize,
    ) -> Choice<'d> {
        let stamp = self.next_stamp();
        // What each definition takes at least: its name and `{}`.
        let least = |definition: &Definition<'_>| text_len(&definition.name) + 4;
        let own_bytes = bytes;
        let mut bytes = bytes + if roots.is_empty() { 0 } else { 11 };
        let mut chosen: Vec<(u32, Kept<'d>)> = Vec::new();
        let mut queue = VecDeque::new();
        for number in roots {
            if self.stamps[*number as usize] != stamp {
                self.stamps[*number as usize] = stamp;
                bytes += least(&self.list[*number as usize]);
                queue.push_back(*number);
            }
        }
        let mut cut = false;
        while let Some(number) = queue.pop_front() {
            let mut kept = Kept::Nothing;
            for attempt in [Attempt::Whole, Attempt::Outline, Attempt::Part] {
                // Less than all is worth its time only where there is room for something.
                if attempt != Attempt::Whole {
                    cut = true;
                    if bytes + LEAST_ROOM > limit {
                        break;
                    }
                }
                let candidate = self.attempt(rules, number, attempt, limit.saturating_sub(bytes));
                let definition = &self.list[number as usize];
                let Some(form) = definition.form(&candidate) else { continue };
                let new: Vec<u32> =
                    form.references.iter().copied().filter(|n| self.stamps[*n as usize] != stamp).collect();
                let more = form.bytes.saturating_sub(2)
                    + new.iter().map(|n| least(&self.list[*n as usize])).sum::<usize>();
                if bytes + more <= limit {
                    bytes += more;
                    for number in new {
                        self.stamps[number as usize] = stamp;
                        queue.push_back(number);
                    }
                    kept = candidate;
                    break;
                }
            }
            chosen.push((number, kept));
        }
        Choice { parts: chosen, own_bytes, cut }
    }

    /// A definition in one of the ways in which it may be kept.
    fn attempt(&mut self, rules: Rules<'_, 'd>, number: u32, attempt: Attempt, room: usize) -> Kept<'d> {
        let source = self.list[number as usize].source;
        match attempt {
            Attempt::Whole => Kept::Whole,
            Attempt::Outline => {
                if self.list[number as usize].outline.is_none() {
                    let (form, _) = self.form(rules, source, SHALLOW_DEPTH, MAX_BYTES);
                    self.list[number as usize].outline = Some(form);
                    self.settle(rules);
                }
                Kept::Outline
            }
            Attempt::Part => {
                let (form, _) = self.form(rules, source, SHALLOW_DEPTH, room);
                self.settle(rules);
                Kept::Part(Box::new(form))
            }
        }
    }

    /// A schema with what was chosen for it.
    pub(crate) fn look<'v>(&'v self, schema: &'v Node<'d>, choice: &'v Choice<'d>) -> View<'v, 'd> {
        let definitions = choice.parts.iter().filter_map(|(number, kept)| {
            let definition = self.list.get(*number as usize)?;
            let form = definition.form(kept);
            let bytes = form.map_or(2, |form| form.bytes);
            Some((definition.name.as_str(), form.map(|form| &form.schema), bytes))
        });
        View::new(schema, choice.own_bytes, definitions, choice.cut)
    }
}

/// Which definitions a schema takes along.
pub(crate) struct Choice<'d> {
    parts: Vec<(u32, Kept<'d>)>,
    /// Of the schema itself.
    own_bytes: usize,
    cut: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Attempt {
    Whole,
    Outline,
    Part,
}

/// What is left of a definition.
enum Kept<'d> {
    Whole,
    Outline,
    /// The beginning of its outline.
    Part(Box<Form<'d>>),
    Nothing,
}

impl<'d> Definition<'d> {
    fn form<'k>(&'k self, kept: &'k Kept<'d>) -> Option<&'k Form<'d>> {
        match kept {
            Kept::Whole => Some(&self.whole),
            Kept::Outline => self.outline.as_ref(),
            Kept::Part(form) => Some(form),
            Kept::Nothing => None,
        }
    }
}

/// A schema with the definitions that it needs, ready to be written.
pub(crate) struct View<'v, 'd> {
    schema: &'v Node<'d>,
    definitions: Vec<(&'v str, Option<&'v Node<'d>>)>,
    bytes: usize,
    /// Whether something was left out for want of room.
    pub(crate) cut: bool,
}

impl<'v, 'd> View<'v, 'd> {
    /// A schema of `own_bytes` of JSON with definitions: each with its name and its bytes; where there is none of it,
    /// anything is accepted.
    pub(crate) fn new(
        schema: &'v Node<'d>,
        own_bytes: usize,
        definitions: impl Iterator<Item = (&'v str, Option<&'v Node<'d>>, usize)>,
        cut: bool,
    ) -> Self {
        let mut sum = 0;
        let mut definitions: Vec<(&str, Option<&Node<'d>>)> = definitions
            .map(|(name, schema, bytes)| {
                sum += text_len(name) + 2 + bytes;
                (name, schema)
            })
            .collect();
        definitions.sort_unstable_by_key(|(name, _)| *name);
        let comma = usize::from(schema.as_object().is_some_and(|members| !members.is_empty()));
        let bytes = own_bytes + if sum > 0 { sum + 9 + comma } else { 0 };
        Self { schema, definitions, bytes, cut }
    }

    /// A schema that refers to nothing.
    pub(crate) fn of(schema: &'v Node<'d>) -> Self {
        Self { schema, definitions: Vec::new(), bytes: schema.json_len(), cut: false }
    }

    /// How many bytes of JSON it is.
    pub(crate) fn json_len(&self) -> usize {
        self.bytes
    }

    pub(crate) fn to_value(&self) -> Value {
        let mut value = self.schema.to_value();
        if let (Value::Object(members), false) = (&mut value, self.definitions.is_empty()) {
            let definitions = self
                .definitions
                .iter()
                .map(|(name, schema)| {
                    (
                        (*name).to_owned(),
                        schema.map_or_else(|| Value::Object(Default::default()), Node::to_value),
                    )
                })
                .collect();
            members.insert("$defs".into(), Value::Object(definitions));
        }
        value
    }
}

impl Serialize for View<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Node::Object(members) = self.schema else { return self.schema.serialize(serializer) };
        if self.definitions.is_empty() {
            return self.schema.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(members.len() + 1))?;
        for (name, value) in members.iter() {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("$defs", &Map(&self.definitions))?;
        map.end()
    }
}

struct Map<'a, 'v, 'd>(&'a [(&'v str, Option<&'v Node<'d>>)]);

impl Serialize for Map<'_, '_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let anything = Node::empty();
        serializer.collect_map(self.0.iter().map(|(name, schema)| (name, schema.unwrap_or(&anything))))
    }
}
