//! Reads JSON in the shell, whatever it came from.
//!
//! Types with a tag among their fields are read from a buffer of serde's own in any case. Here everything is: code that
//! reads a type from anywhere else as well would weigh as much again, and the shell is downloaded before anything is seen.

use serde::{Deserialize, de::DeserializeOwned};

#[derive(Deserialize)]
#[serde(tag = "t", rename_all = "lowercase", deny_unknown_fields)]
enum Buffered<T> {
    V {
        #[serde(rename = "of")]
        value: T,
    },
}

/// Reads JSON.
///
/// # Errors
/// Where it is not of that type; the place in the text is not known.
pub fn read<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    let Buffered::V { value } = serde_json::from_str(&format!("{{\"t\":\"v\",\"of\":{text}}}"))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_json_says_is_read() {
        assert_eq!(read::<Vec<u8>>(" [1, 2]\n").expect("a list"), [1, 2]);
        assert_eq!(read::<Option<String>>("null").expect("nothing"), None);
        assert_eq!(read::<f64>("1.5e3").expect("a number"), 1500.0);
        assert_eq!(
            read::<(String, i64)>("[\"a\\n\", -9007199254740993]").expect("a pair"),
            ("a\n".into(), -9_007_199_254_740_993)
        );
    }

    #[test]
    fn what_is_no_json_or_more_than_one_is_refused() {
        for text in ["", "1 2", "{", "[1],\"of\":[2]", "\"a\"", "1}", "[1],\"x\":2", "1,\"t\":\"w\""] {
            assert!(read::<Vec<u8>>(text).is_err(), "{text}");
        }
    }
}
