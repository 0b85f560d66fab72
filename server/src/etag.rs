//! Entity tags: what a browser shows to learn that it has the newest already (RFC 9110, section 8.8.3).

use axum::http::{HeaderMap, header::IF_NONE_MATCH};
use sha2::{Digest, Sha256};

/// A strong tag made of the content: half a SHA-256 in hexadecimal, quoted.
pub fn of(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

/// Whether a request says that it has this already.
pub fn matches(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == etag || tag == "*")
}
