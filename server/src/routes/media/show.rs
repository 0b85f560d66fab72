//! `GET /api/media`
//!
//! The realm fetches pictures for the shell: the shell's policy can then forbid every foreign host, and the
//! provider sees the realm's address, not the person's. It fetches only what a run's result names, so it is no
//! open proxy.

use axum::{
    extract::State,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};
use mtor_shared::{
    problem::{Problem, ProblemCode},
    stream::{ChunkBody, Delta},
};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::{
    error::{ApiError, ProblemDocument},
    federated::{egress::Call, execute::egress_problem},
    http::params::{Params, run_id},
    identity::Caller,
    state::AppState,
};

/// Largest picture.
const MAX_BYTES: usize = 5 * 1024 * 1024;

/// Which picture.
#[derive(Deserialize, utoipa::IntoParams)]
pub struct Wanted {
    /// The run whose result names it.
    run: String,
    /// Its address, exactly as the result has it.
    url: String,
}

/// A picture that a run's result names.
#[utoipa::path(get, path = "/api/media", tag = "runs", params(Wanted), responses(
    (status = 200, description = "A PNG, JPEG, WebP or GIF of at most 5 MB.", content_type = "image/*", body = Vec<u8>),
    (status = 403, description = "The run's result does not name this address.", body = ProblemDocument),
    (status = 502, description = "There is no such picture there.", body = ProblemDocument),
))]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Params(wanted): Params<Wanted>,
) -> Result<Response, ApiError> {
    let id = run_id(wanted.run)?;
    state.runs.owned(caller.person(), &id).await?;
    let entries = state.storage.entries(&id, 0).await?;
    let named = entries.iter().any(|entry| match &entry.chunk.body {
        ChunkBody::Delta { delta: Delta::StepFinished { output, .. } } => names(output, &wanted.url),
        _ => false,
    });
    let url = Url::parse(&wanted.url).ok().filter(|_| named).ok_or_else(|| {
        ApiError::new(Problem::new(ProblemCode::Forbidden, "The result does not name this picture.", ""))
    })?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let accept = ("accept".to_owned(), "image/webp,image/png,image/jpeg,image/gif".to_owned());
    let call = Call::get(url, MAX_BYTES).with_headers([accept]);
    let answer = state.egress.call(call, &mut Vec::new()).await;
    let answer = answer.map_err(|error| ApiError::new(egress_problem(&host, &error)))?;
    let kind = (answer.status == 200).then(|| sniff(&answer.body)).flatten().ok_or_else(|| {
        let title = format!("{host} has no picture at this address.");
        ApiError::new(Problem::new(ProblemCode::UpstreamGarbage, title, ""))
    })?;
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (header::CACHE_CONTROL, "private, max-age=86400"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    Ok((headers, answer.body).into_response())
}

/// Whether a text somewhere in a value is this one.
fn names(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Array(items) => items.iter().any(|item| names(item, wanted)),
        Value::Object(members) => members.values().any(|member| names(member, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What bytes are, by how they begin (<https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern>). What a
/// server says about them does not count; SVG is a program and no picture here.
fn sniff(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', b'V', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_whole_text_of_the_result_counts() {
        let output = json!({"thumbnail": {"source": "https://a.example/p.png"}, "list": [1, null, "x"]});
        assert!(names(&output, "https://a.example/p.png"));
        assert!(!names(&output, "https://a.example/p"));
        assert!(!names(&output, "thumbnail"));
    }

    #[test]
    fn scripts_in_disguise_are_no_pictures() {
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
        assert_eq!(sniff(b"RIFF\x01\x02\x03\x04WEBPVP8 "), Some("image/webp"));
        for other in
            [&b"<svg onload=alert(1)>"[..], b"<html>", b"", b"GIF8", b"%PDF-1.7", b"RIFF\0\0\0\0WAVE"]
        {
            assert_eq!(sniff(other), None);
        }
    }
}
