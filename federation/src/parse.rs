//! Bytes of strangers to a JSON value, bounded.

use serde_json::Value;

use crate::model::CompileError;

/// The most bytes of a description or an overlay that are read.
pub(crate) const MAX_DOCUMENT_BYTES: usize = 64 * 1024 * 1024;
/// Nodes of a YAML document after aliases are expanded; the largest published descriptions have under two million.
const MAX_YAML_NODES: usize = 4_000_000;
/// Levels of nesting in YAML; its reader takes more of the stack for each than JSON's, which stops at 128.
const MAX_DEPTH: usize = 64;
/// Parser messages are quoted up to this many characters.
const MAX_MESSAGE_CHARS: usize = 240;

/// Reads JSON or YAML.
///
/// # Errors
/// [`CompileError::TooLarge`] or [`CompileError::Syntax`].
pub(crate) fn document(text: &str) -> Result<Value, CompileError> {
    if text.len() > MAX_DOCUMENT_BYTES {
        return Err(CompileError::TooLarge { bytes: text.len(), limit: MAX_DOCUMENT_BYTES });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with(['{', '[']) {
        // Flow-style YAML begins like JSON, so only both failing says something; JSON's message is the clearer one.
        return serde_json::from_str(text).or_else(|json| yaml(text).map_err(|_| syntax(&json)));
    }
    yaml(text).map_err(|error| syntax(&error))
}

fn syntax(error: &dyn std::fmt::Display) -> CompileError {
    let line = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    CompileError::Syntax(line.chars().take(MAX_MESSAGE_CHARS).collect())
}

fn yaml(text: &str) -> Result<Value, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: MAX_YAML_NODES * 3,
            max_nodes: MAX_YAML_NODES,
            max_depth: MAX_DEPTH,
            max_documents: 1,
        },
        // Real descriptions repeat keys; the last one counts, as in JSON.
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::PassThrough,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_and_yaml_give_the_same_value() {
        let expected = json!({"a": [1, 2.5, "x", null, true], "200": {"b": "2020-01-01"}});
        let text = expected.to_string();
        assert_eq!(document(&text), Ok(expected.clone()));
        let yaml = "a: [1, 2.5, x, ~, true]\n200:\n  b: 2020-01-01\n";
        assert_eq!(document(yaml), Ok(expected));
    }

    #[test]
    fn a_byte_order_mark_is_dropped() {
        assert_eq!(document("\u{feff}{\"a\": 1}"), Ok(json!({"a": 1})));
        assert_eq!(document("\u{feff}a: 1"), Ok(json!({"a": 1})));
    }

    #[test]
    fn anchors_and_merge_keys_are_expanded() {
        let yaml = "base: &b {x: 1}\nuse:\n  <<: *b\n  y: 2\n";
        assert_eq!(document(yaml), Ok(json!({"base": {"x": 1}, "use": {"x": 1, "y": 2}})));
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        assert_eq!(document("a: 1\na: 2\n"), Ok(json!({"a": 2})));
    }

    #[test]
    fn a_yaml_bomb_is_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let refs = vec![format!("*a{}", n - 1); 9].join(", ");
            bomb.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
        }
        assert!(matches!(document(&bomb), Err(CompileError::Syntax(_))));
    }

    #[test]
    fn deep_nesting_is_refused() {
        for text in ["[".repeat(200_000), format!("a: {}", "[".repeat(200_000)), "- ".repeat(100_000)] {
            assert!(matches!(document(&text), Err(CompileError::Syntax(_))));
        }
    }

    #[test]
    fn what_is_neither_is_refused_with_a_bounded_message() {
        let Err(CompileError::Syntax(message)) = document("{\"a\": ") else { panic!("accepted") };
        assert!(message.contains("line 1") && message.len() < 1000, "{message}");
    }
}
