//! Reads any JSON as lines of a tree, bounded: what is left out is counted, never silently gone.

use serde_json::Value;

/// Children drawn below one node.
pub const CHILDREN: usize = 50;
/// Characters drawn of one text.
pub const CHARACTERS: usize = 600;

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A value with nothing below it.
    Leaf(String),
    /// An object or a list.
    Branch {
        /// What it is and how much is in it, for example `12 items`.
        summary: String,
        /// The first of what is in it, by name or number.
        children: Vec<(String, Value)>,
        /// How many are left out.
        more: usize,
    },
}

/// Reads one level.
pub fn read(value: &Value) -> Node {
    match value {
        Value::Null => Node::Leaf("none".into()),
        Value::Bool(flag) => Node::Leaf(if *flag { "yes" } else { "no" }.into()),
        Value::Number(number) => Node::Leaf(number.to_string()),
        Value::String(text) => Node::Leaf(shortened(text)),
        Value::Array(items) => {
            let named = items.iter().enumerate().map(|(index, item)| ((index + 1).to_string(), item.clone()));
            branch(counted(items.len(), "item", "items"), items.len(), named)
        }
        Value::Object(fields) => {
            let named = fields.iter().map(|(name, value)| (name.clone(), value.clone()));
            branch(counted(fields.len(), "field", "fields"), fields.len(), named)
        }
    }
}

fn branch(summary: String, count: usize, children: impl Iterator<Item = (String, Value)>) -> Node {
    Node::Branch {
        summary,
        children: children.take(CHILDREN).collect(),
        more: count.saturating_sub(CHILDREN),
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(CHARACTERS) {
        Some((at, _)) => format!("{}… ({} characters more)", &text[..at], text[at..].chars().count()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn long_lists_say_how_many_are_left_out() {
        let Node::Branch { summary, children, more } = read(&json!((0..70).collect::<Vec<_>>())) else {
            panic!("a branch")
        };
        assert_eq!((summary.as_str(), children.len(), more), ("70 items", 50, 20));
        assert_eq!(children[0].0, "1", "people count from one");
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        let Node::Leaf(text) = read(&json!("ä".repeat(601))) else { panic!("a leaf") };
        assert!(text.ends_with("… (1 characters more)"));
    }
}
