//! A form made from a JSON Schema: a tree of controls with what a person put into each, typed words included that are no
//! value yet. Components draw it; nothing of it is decided there.

mod build;
mod change;
mod read;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;

pub use build::sensible;
pub use change::Change;

/// Levels of objects, lists and choices that get controls of their own; what is deeper is written as JSON.
pub const DEEPEST: usize = 5;

/// A control within a form: the index of a child at each level.
pub type Path = Vec<usize>;

/// Arguments as a person fills them in.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// What references in schemas begin at.
    root: Arc<Value>,
    /// The arguments.
    pub fields: Vec<Control>,
    /// Grows when controls come or go, so that what is typed into does not have to be drawn again.
    pub shape: u32,
    /// Whether what is still empty is complained about.
    pub strict: bool,
    /// What somebody else says is wrong, and with which argument.
    pub said: Option<(Path, String)>,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// Its name in the interface; empty for an item.
    pub name: String,
    /// Its name for a person.
    pub title: String,
    /// What it means.
    pub note: String,
    /// What it takes, in words.
    pub words: String,
    /// Whether nothing works without it.
    pub required: bool,
    /// Whether there can be nothing in it, as a value.
    pub nullable: bool,
    /// Whether it is that.
    pub is_null: bool,
    /// How deep it is.
    depth: usize,
    /// What it is and holds.
    pub kind: Kind,
}

/// What a control is and holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// One line or several of text.
    Text {
        /// What was typed.
        typed: String,
        /// What it is.
        sort: TextSort,
    },
    /// A number.
    Number {
        /// What was typed.
        typed: String,
        /// Whether it has no fraction.
        whole: bool,
    },
    /// Yes or no.
    Flag(Option<bool>),
    /// One of a few values.
    Pick {
        /// The values.
        options: Vec<Value>,
        /// Which.
        chosen: Option<usize>,
    },
    /// One value and no other.
    Fixed(Value),
    /// Fields with names; none while it is left out.
    Object {
        /// The fields.
        open: Option<Vec<Control>>,
        /// What it is made from.
        schema: Arc<Value>,
    },
    /// Items; none while it is left out.
    List {
        /// The items.
        open: Option<Vec<Control>>,
        /// What an item is made from.
        item: Arc<Value>,
    },
    /// One of several forms.
    OneOf {
        /// Names and schemas.
        forms: Arc<Vec<(String, Value)>>,
        /// Which, with its one control.
        chosen: Option<(usize, Vec<Control>)>,
    },
    /// What is too deep or of no known form.
    Json {
        /// What was typed.
        typed: String,
    },
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextSort {
    /// A line.
    Line,
    /// Several lines.
    Lines,
    /// A day.
    Date,
    /// An address.
    Url,
    /// An address for mail.
    Email,
}

impl Form {
    /// Arguments for `schema`, an object, with what is known of them.
    pub fn new(schema: &Value, known: &Value) -> Self {
        let root = Arc::new(schema.clone());
        let fields = build::fields(&root, schema, Some(known), 0);
        Self { root, fields, shape: 0, strict: false, said: None }
    }

    /// The control there.
    pub fn control(&self, path: &[usize]) -> Option<&Control> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.fields.get(*first)?, |control, index| control.children().get(*index))
    }

    /// The argument of that name or title, where the words of a problem begin with it.
    pub fn blame(&mut self, words: &str) -> bool {
        let named = |control: &Control| {
            [&control.title, &control.name]
                .into_iter()
                .any(|name| words.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(':')))
        };
        let found = self.fields.iter().position(named);
        self.said = found.map(|index| (vec![index], words.to_owned()));
        found.is_some()
    }
}

impl Control {
    /// The controls within it.
    pub fn children(&self) -> &[Control] {
        match &self.kind {
            Kind::Object { open, .. } | Kind::List { open, .. } => open.as_deref().unwrap_or_default(),
            Kind::OneOf { chosen: Some((_, inner)), .. } => inner,
            _ => &[],
        }
    }

    fn children_mut(&mut self) -> Option<&mut Vec<Control>> {
        match &mut self.kind {
            Kind::Object { open, .. } | Kind::List { open, .. } => open.as_mut(),
            Kind::OneOf { chosen: Some((_, inner)), .. } => Some(inner),
            _ => None,
        }
    }

    /// Whether there is a value in it, right or wrong.
    pub fn is_filled(&self) -> bool {
        self.is_null
            || match &self.kind {
                Kind::Text { typed, .. } | Kind::Number { typed, .. } | Kind::Json { typed } => {
                    !typed.trim().is_empty()
                }
                Kind::Flag(chosen) => chosen.is_some(),
                Kind::Pick { chosen, .. } => chosen.is_some(),
                Kind::Fixed(_) => self.required,
                Kind::Object { open, .. } | Kind::List { open, .. } => open.is_some(),
                Kind::OneOf { chosen, .. } => chosen.is_some(),
            }
    }
}
