//! A provider's answer to a typed result, or a plain reason why there is none.

use base64::{Engine, prelude::BASE64_STANDARD};
use mtor_shared::problem::{Problem, ProblemCode};
use serde_json::Value;

use crate::{graphql, model::Operation};

/// The most bytes of an answer that are read; whoever does the I/O stops there as well.
pub const MAX_RESPONSE_BYTES: usize = 8 * 1024 * 1024;
/// A provider's own words are quoted up to this many characters.
const MAX_REASON_CHARS: usize = 200;
/// Where APIs put the sentence that says what is wrong (RFC 9457's `detail` and `title` among them), best first.
const REASON_POINTERS: [&str; 14] = [
    "/reason",
    "/detail",
    "/error/message",
    "/error_description",
    "/error_message",
    "/errorMessage",
    "/message",
    "/errors/0/message",
    "/errors/0/detail",
    "/errors/0",
    "/error",
    "/messageTranslations/en",
    "/title",
    "/msg",
];

/// Why an answer is no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The status says that there is nothing: 404 or 410.
    #[error("nothing was found{}", quoted(.reason))]
    NoResult {
        /// The provider's own words.
        reason: Option<String>,
    },
    /// Another status that is no success.
    #[error("the answer has status {status}{}", quoted(.reason))]
    Status {
        /// HTTP status.
        status: u16,
        /// The provider's own words.
        reason: Option<String>,
    },
    /// The answer of a GraphQL service holds no result but errors.
    #[error("the service refuses{}", quoted(.reason))]
    Refused {
        /// The service's name for the kind of error: `extensions.code`.
        code: Option<String>,
        /// The provider's own words.
        reason: Option<String>,
    },
    /// The answer is not JSON.
    #[error("the answer is not JSON{}", quoted(.content_type))]
    NotJson {
        /// What it says that it is.
        content_type: Option<String>,
    },
    /// No bytes, although the description promises some.
    #[error("the answer is empty")]
    Empty,
    /// More than [`MAX_RESPONSE_BYTES`].
    #[error("the answer has more than {} MB", MAX_RESPONSE_BYTES / (1024 * 1024))]
    TooLarge,
    /// JSON, but not what the description promises.
    #[error("the answer is not what the description promises: {what}")]
    Unexpected {
        /// What differs.
        what: String,
    },
}

fn quoted(words: &Option<String>) -> String {
    words.as_ref().map(|words| format!(": {words}")).unwrap_or_default()
}

impl ResponseError {
    /// The same in words for a person; `provider` is the provider's name.
    pub fn problem(&self, provider: &str) -> Problem {
        match self {
            Self::NoResult { reason } => {
                let title = reason.as_ref().map_or_else(
                    || format!("{provider} has nothing for this."),
                    |reason| format!("{provider} has nothing for this: {}", sentence(reason)),
                );
                Problem::new(ProblemCode::NoResult, title, "Try other words.")
            }
            Self::Status { status, reason } => status_problem(provider, *status, reason.as_deref()),
            Self::Refused { code, reason } => refused(provider, code.as_deref(), reason.as_deref()),
            Self::NotJson { content_type } => {
                let what = content_type.as_ref().map(|kind| format!(" ({kind})")).unwrap_or_default();
                garbage(format!("{provider} answered with something that is not JSON{what}."))
            }
            Self::Empty => garbage(format!("{provider} answered with nothing.")),
            Self::TooLarge => Problem::new(
                ProblemCode::TooLarge,
                format!("{provider} answered with more than {} MB.", MAX_RESPONSE_BYTES / (1024 * 1024)),
                "Ask for less.",
            ),
            Self::Unexpected { what } => garbage(format!("{provider} answered in an unknown form: {what}.")),
        }
    }
}

fn garbage(title: String) -> Problem {
    Problem::retryable(ProblemCode::UpstreamGarbage, title, "Try again in a moment.")
}

fn status_problem(provider: &str, status: u16, reason: Option<&str>) -> Problem {
    let words = reason.map(|reason| format!(": {}", sentence(reason))).unwrap_or_else(|| ".".to_owned());
    match status {
        429 => Problem::retryable(
            ProblemCode::UpstreamError,
            format!("{provider} takes no more requests for now (status 429){words}"),
            "Try again in a minute.",
        ),
        401 | 403 => Problem::new(
            ProblemCode::UpstreamError,
            format!("{provider} refuses this request (status {status}){words}"),
            "It may need a key.",
        ),
        408 | 425 | 500..=599 => Problem::retryable(
            ProblemCode::UpstreamError,
            format!("{provider} has a fault of its own (status {status}){words}"),
            "Try again in a moment.",
        ),
        _ => Problem::new(
            ProblemCode::UpstreamError,
            format!("{provider} does not take this request (status {status}){words}"),
            "Change the words and try again.",
        ),
    }
}

/// GraphQL services answer 200 whatever happens; their usual codes stand for what a status says elsewhere.
fn refused(provider: &str, code: Option<&str>, reason: Option<&str>) -> Problem {
    let upper = code.unwrap_or_default().to_ascii_uppercase();
    let status = match upper.as_str() {
        "UNAUTHENTICATED" | "UNAUTHORIZED" => 401,
        "FORBIDDEN" | "INSUFFICIENT_SCOPES" => 403,
        "NOT_FOUND" => {
            return ResponseError::NoResult { reason: reason.map(str::to_owned) }.problem(provider);
        }
        "RATE_LIMITED" | "THROTTLED" | "TOO_MANY_REQUESTS" | "MAX_NODE_LIMIT_EXCEEDED" => 429,
        "INTERNAL_SERVER_ERROR" | "SERVICE_UNAVAILABLE" | "TIMEOUT" => 500,
        _ => 400,
    };
    let words = reason.map_or_else(|| ".".to_owned(), |reason| format!(": {}", sentence(reason)));
    match status {
        400 => Problem::new(
            ProblemCode::UpstreamError,
            format!("{provider} does not take this request{words}"),
            "Change the words and try again.",
        ),
        status => status_problem(provider, status, reason),
    }
}

/// With a full stop, as what follows is another sentence.
fn sentence(words: &str) -> String {
    if words.ends_with(['.', '!', '?', '…']) { words.to_owned() } else { format!("{words}.") }
}

/// Reads an answer.
///
/// The result is the JSON value of a 2xx answer, or a string where text or bytes are described; `null` where the description promises no content and none came.
/// Only the outermost shape is held against the description: real descriptions are too often wrong about details.
///
/// # Errors
/// [`ResponseError`], which never quotes more than a short piece of the answer.
pub fn response(
    operation: &Operation,
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Value, ResponseError> {
    if body.len() > MAX_RESPONSE_BYTES {
        return Err(ResponseError::TooLarge);
    }
    if !(200..300).contains(&status) {
        let reason = reason(content_type, body);
        return Err(match status {
            404 | 410 => ResponseError::NoResult { reason },
            _ => ResponseError::Status { status, reason },
        });
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        let nothing_promised = operation.empty_answer || matches!(status, 204 | 205);
        return if nothing_promised { Ok(Value::Null) } else { Err(ResponseError::Empty) };
    }
    // What is described as text or bytes is given as such: bytes in base64, as JSON cannot carry them.
    if operation.capability.output["contentMediaType"].is_string() {
        return Ok(Value::String(match operation.capability.output["contentEncoding"].as_str() {
            Some("base64") => BASE64_STANDARD.encode(body),
            _ => String::from_utf8_lossy(body).into_owned(),
        }));
    }
    // Some services send JSON as text/plain, so the bytes decide; but a page is named as one.
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let value: Value = serde_json::from_slice(text)
        .map_err(|_| ResponseError::NotJson { content_type: content_type.map(essence) })?;
    let value = match &operation.graphql {
        Some(call) => graphql::answer(call, value)?,
        None => value,
    };
    check_shape(&operation.capability.output, &value)?;
    Ok(value)
}

/// The media type without parameters, bounded.
fn essence(content_type: &str) -> String {
    content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .chars()
        .filter(|c| c.is_ascii_graphic())
        .take(60)
        .collect()
}

/// Holds the outermost type, and the members that the outermost object has to have, against the description.
fn check_shape(schema: &Value, value: &Value) -> Result<(), ResponseError> {
    let schema = outermost(schema);
    let unexpected = |what: String| Err(ResponseError::Unexpected { what });
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|name| has_type(value, name)) {
        return unexpected(format!("it is {}, not {}", type_name(value), types.join(" or ")));
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Value::Object(members) = value {
        for name in required {
            if !members.contains_key(name) {
                let name: String = name.chars().take(60).collect();
                return unexpected(format!("`{name}` is missing"));
            }
        }
    }
    Ok(())
}

/// Follows references from the top of a schema; compiled schemas only have local ones.
fn outermost(schema: &Value) -> &Value {
    let mut at = schema;
    for _ in 0..8 {
        let Some(target) =
            at["$ref"].as_str().and_then(|r| r.strip_prefix('#')).and_then(|p| schema.pointer(p))
        else {
            break;
        };
        at = target;
    }
    at
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn has_type(value: &Value, name: &str) -> bool {
    name == type_name(value) || (name == "integer" && value.is_number())
}

/// The provider's own words for a failure: a known member of a JSON answer, or short plain text.
fn reason(content_type: Option<&str>, body: &[u8]) -> Option<String> {
    let value = match serde_json::from_slice::<Value>(body) {
        Ok(value) => value,
        Err(_) if content_type.is_some_and(|kind| essence(kind).eq_ignore_ascii_case("text/plain")) => {
            return plain(&String::from_utf8_lossy(&body[..body.len().min(4 * MAX_REASON_CHARS)]));
        }
        Err(_) => return None,
    };
    if let Value::String(words) = &value {
        return plain(words);
    }
    REASON_POINTERS.iter().find_map(|pointer| value.pointer(pointer).and_then(Value::as_str).and_then(plain))
}

/// Words of a stranger, made fit to be shown: one line, no control or direction-changing characters, bounded.
/// Anything that looks like markup is no reason for a person.
pub(crate) fn plain(words: &str) -> Option<String> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let spaced: String =
        words.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !hidden(*c)).collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() || line.starts_with('<') {
        return None;
    }
    let mut kept: String = line.chars().take(MAX_REASON_CHARS).collect();
    if kept.len() < line.len() {
        kept.push('…');
    }
    Some(kept)
}
