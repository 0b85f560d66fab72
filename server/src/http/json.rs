//! Reading a JSON body that a stranger wrote: what is wrong with it is said, and nothing ambiguous passes.

use std::{fmt, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use mtor_shared::problem::{Problem, ProblemCode};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use crate::{error::ApiError, state::AppState};

/// Lists and objects within each other.
const MAX_DEPTH: usize = 32;

/// A body of type `T`: valid UTF-8, no NUL, no key twice in one object, not too deep, not too large.
pub struct StrictJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for StrictJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let limits = &state.config.limits;
        read(request, limits.body_bytes, limits.body_timeout).await.map(Self)
    }
}

/// Large bodies are read one after the other beyond this many: each may take hundreds of megabytes.
static LARGE: Semaphore = Semaphore::const_new(8);

/// As [`StrictJson`], for a body that holds a description as one text.
pub struct LargeJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for LargeJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        // Within JSON every quotation mark and line break of the text takes two bytes.
        let _place =
            LARGE.acquire().await.map_err(|_| ApiError::bad_request("The body broke off.", "Try again."))?;
        let most =
            state.config.sources.bytes.saturating_mul(2).saturating_add(state.config.limits.body_bytes);
        read(request, most, state.config.sources.fetch_timeout).await.map(Self)
    }
}

/// A JSON body up to a size, within a time.
pub(crate) async fn read<T: DeserializeOwned>(
    request: Request,
    most: usize,
    patience: Duration,
) -> Result<T, ApiError> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim());
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        let problem = Problem::new(
            ProblemCode::BadRequest,
            "The body must be JSON.",
            "Send it with the header content-type: application/json.",
        );
        return Err(ApiError::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem));
    }
    let body = tokio::time::timeout(patience, collect(request.into_body(), most));
    let body = body.await.map_err(|_| {
        let title = format!("The body did not arrive within {} s.", patience.as_secs());
        let problem = Problem::retryable(ProblemCode::BadRequest, title, "Try again.");
        ApiError::with_status(StatusCode::REQUEST_TIMEOUT, problem)
    })??;
    parse(&body).map_err(|what| {
        let title = format!("The body is not what is asked for: {what}.");
        ApiError::bad_request(title, "GET /openapi.json describes it.")
    })
}

/// The bytes of a body up to a limit.
pub(crate) async fn collect(mut body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::bad_request("The body broke off.", "Try again."))?;
        let Ok(data) = frame.into_data() else { continue };
        if collected.len() + data.len() > limit {
            let title = format!("The body has more than {} KB.", limit / 1024);
            return Err(ApiError::new(Problem::new(ProblemCode::TooLarge, title, "Send less at once.")));
        }
        collected.extend_from_slice(&data);
    }
    Ok(collected.freeze())
}

/// Parses strictly; the error is half a sentence.
pub(crate) fn strict<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    parse(bytes)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("byte {} is not UTF-8 text", error.valid_up_to()))?;
    if let Some(at) = text.find('\0') {
        return Err(format!("byte {at} is NUL"));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: 0 }.deserialize(&mut deserializer).map_err(|error| error.to_string())?;
    deserializer.end().map_err(|error| error.to_string())?;
    T::deserialize(value).map_err(|error| error.to_string())
}

/// Builds a [`Value`], refusing what a second parser might read differently.
struct Strict {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Strict {
    fn inner<E: Error>(&self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format!("it nests deeper than {MAX_DEPTH}")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

fn clean<E: Error>(text: String) -> Result<String, E> {
    if text.contains('\0') { Err(E::custom("a text holds NUL")) } else { Ok(text) }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        clean(value.to_owned()).map(Value::String)
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        clean(value).map(Value::String)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.inner()?)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let key = clean(key)?;
            if object.contains_key(&key) {
                let shown: String = key.chars().take(60).collect();
                return Err(A::Error::custom(format!("the key `{shown}` is there twice")));
            }
            object.insert(key, members.next_value_seed(self.inner()?)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_json_is_kept() {
        let text = r#"{"a":[1,-2,2.5,null,true,"x"],"b":{"c":{}}}"#;
        let strict: Value = parse(text.as_bytes()).expect("valid");
        assert_eq!(strict, serde_json::from_str::<Value>(text).expect("valid"));
    }

    #[test]
    fn what_two_parsers_could_read_differently_is_named() {
        let deep = "[".repeat(40) + &"]".repeat(40);
        for (text, part) in [
            (&b"{\"a\":1,\"a\":2}"[..], "the key `a` is there twice"),
            (b"{\"a\":{\"b\":1,\"\\u0062\":2}}", "the key `b` is there twice"),
            (b"{\"a\":\"\\u0000\"}", "a text holds NUL"),
            (b"{\"a\":\0}", "is NUL"),
            (b"{\"a\":\"\xff\"}", "byte 6 is not UTF-8"),
            (b"{} {}", "trailing characters"),
            (b"", "EOF"),
            (deep.as_bytes(), "deeper than 32"),
        ] {
            let error = parse::<Value>(text).expect_err(part);
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_hundred_thousand_brackets_end_in_an_error() {
        assert!(parse::<Value>("[".repeat(100_000).as_bytes()).is_err());
    }
}
