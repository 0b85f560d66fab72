//! What a person does to a form.

use serde_json::Value;

use super::{Control, Form, Kind, build};

/// Something done to one control.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Words were typed into it.
    Typed(String),
    /// A value, yes (0) or no (1), or a form was chosen; none to leave it out.
    Chose(Option<usize>),
    /// It was opened, or got another item.
    Added,
    /// An item was taken out.
    TookOut(usize),
    /// It is left out again.
    LeftOut,
    /// It holds nothing, as a value, or no longer.
    Null(bool),
}

impl Form {
    /// Takes a change in; says whether controls came or went.
    pub fn apply(&mut self, path: &[usize], change: Change) -> bool {
        self.said = None;
        let root = std::sync::Arc::clone(&self.root);
        let Some((first, rest)) = path.split_first() else { return false };
        let mut control = self.fields.get_mut(*first);
        for index in rest {
            control = control.and_then(Control::children_mut).and_then(|children| children.get_mut(*index));
        }
        let Some(control) = control else { return false };
        let changed = control.apply(&root, change);
        if changed {
            self.shape = self.shape.wrapping_add(1);
        }
        changed
    }
}

impl Control {
    fn apply(&mut self, root: &Value, change: Change) -> bool {
        let depth = self.depth;
        match (&mut self.kind, change) {
            (_, Change::Null(is_null)) => {
                let changed = self.is_null != is_null;
                self.is_null = is_null;
                changed
            }
            (
                Kind::Text { typed, .. } | Kind::Number { typed, .. } | Kind::Json { typed },
                Change::Typed(words),
            ) => {
                *typed = words;
                false
            }
            (Kind::Flag(flag), Change::Chose(choice)) => {
                *flag = choice.map(|index| index == 0);
                false
            }
            (Kind::Pick { options, chosen }, Change::Chose(choice)) => {
                *chosen = choice.filter(|index| *index < options.len());
                false
            }
            (Kind::OneOf { forms, chosen }, Change::Chose(choice)) => {
                *chosen = choice.and_then(|index| {
                    let (_, form) = forms.get(index)?;
                    Some((index, vec![build::form_control(root, form, None, depth)]))
                });
                true
            }
            (Kind::Object { open, schema }, Change::Added) => {
                if open.is_none() {
                    *open = Some(build::fields(root, schema, None, depth + 1));
                }
                true
            }
            (Kind::List { open, item }, Change::Added) => {
                let item = build::control(root, item, String::new(), true, None, depth + 1);
                open.get_or_insert_default().push(item);
                true
            }
            (Kind::List { open: Some(items), .. }, Change::TookOut(index)) if index < items.len() => {
                items.remove(index);
                true
            }
            (Kind::Object { open, .. } | Kind::List { open, .. }, Change::LeftOut) => {
                *open = None;
                true
            }
            _ => false,
        }
    }
}
