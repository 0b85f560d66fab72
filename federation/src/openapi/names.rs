//! Names for operations and arguments: readable, stable, unique.

/// Whether it can be the first half of a capability id.
pub(crate) fn is_source_id(id: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_');
    (1..=64).contains(&id.len()) && id.bytes().all(fits) && id.bytes().any(|b| b.is_ascii_alphanumeric())
}
