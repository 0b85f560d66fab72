//! Local `$ref`s between the parts of a document.

use serde_json::Value;

/// The most references that are followed from one to the next.
const MAX_HOPS: usize = 16;

/// Why a reference leads nowhere; the text names it.
pub(crate) type Broken = String;

/// The value that a local reference (`#/components/…`) points to.
pub(crate) fn lookup<'d>(root: &'d Value, reference: &str) -> Result<&'d Value, Broken> {
    let shown = || reference.chars().take(120).collect::<String>();
    let Some(fragment) = reference.strip_prefix('#') else {
        return Err(format!("`$ref` to `{}` leads to another document, which is not fetched", shown()));
    };
    let pointer = percent_encoding::percent_decode_str(fragment).decode_utf8_lossy();
    root.pointer(&pointer).ok_or_else(|| format!("`$ref` to `{}` leads nowhere", shown()))
}

/// Follows references until something that is none.
pub(crate) fn resolve<'d>(root: &'d Value, value: &'d Value) -> Result<&'d Value, Broken> {
    let mut at = value;
    for _ in 0..MAX_HOPS {
        match at.get("$ref").and_then(Value::as_str) {
            Some(reference) => at = lookup(root, reference)?,
            None => return Ok(at),
        }
    }
    Err("`$ref`s lead around in a circle".into())
}

/// One token of a JSON Pointer, escaped.
pub(crate) fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
