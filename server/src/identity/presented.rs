//! What a request shows to say who makes it. Every form that a client may use is read here and nowhere else, and all
//! of them are checked in the same way.

use axum::http::{HeaderMap, HeaderName, header};
use zeroize::Zeroizing;

use crate::error::ApiError;

/// Headers that clients of other services send their keys in.
const KEY_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// See the module.
pub(super) enum Presented {
    /// Nothing.
    Nothing,
    /// A key or session token in a header; a browser does not send one by itself.
    Header(Zeroizing<String>),
    /// A session token in the cookie.
    Cookie(Zeroizing<String>),
}

fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ApiError::bad_request(format!("The header {name} is there twice."), "Send it once."));
    }
    let text = value.to_str().ok().map(str::trim).filter(|text| !text.is_empty());
    text.map(Some).ok_or_else(|| ApiError::bad_request(format!("The header {name} is no key."), ""))
}

fn bearer(value: &str) -> Result<&str, ApiError> {
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(ApiError::bad_request(
            "The realm takes no other authorization than Bearer.",
            "Send the header authorization: Bearer …",
        )),
    }
}

/// Reads it.
///
/// # Errors
/// 400 where it could be read in two ways: a second reader might take another one.
pub(super) fn read(headers: &HeaderMap, cookie: &str) -> Result<Presented, ApiError> {
    let mut shown: Option<&str> = None;
    let authorization = one(headers, &header::AUTHORIZATION)?.map(bearer).transpose()?;
    for found in std::iter::once(Ok(authorization)).chain(KEY_HEADERS.iter().map(|name| one(headers, name))) {
        let Some(found) = found? else { continue };
        if shown.is_some_and(|shown| shown != found) {
            let title = "The request holds two different keys.";
            return Err(ApiError::bad_request(title, "Send one of them."));
        }
        shown = Some(found);
    }
    if let Some(secret) = shown {
        return Ok(Presented::Header(Zeroizing::new(secret.to_owned())));
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut ours = pairs.filter(|(name, _)| *name == cookie).map(|(_, value)| value);
    match (ours.next(), ours.next()) {
        (None, _) => Ok(Presented::Nothing),
        (Some(token), None) => Ok(Presented::Cookie(Zeroizing::new(token.to_owned()))),
        (Some(_), Some(_)) => Err(ApiError::bad_request(
            "The session's cookie is there twice.",
            "Remove the cookies of this site.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn shown(pairs: &[(&'static str, &'static str)]) -> Option<String> {
        match read(&headers(pairs), "s").ok()? {
            Presented::Nothing => Some("nothing".to_owned()),
            Presented::Header(secret) => Some(format!("header {}", *secret)),
            Presented::Cookie(secret) => Some(format!("cookie {}", *secret)),
        }
    }

    #[test]
    fn every_form_says_the_same() {
        for pairs in [
            &[("authorization", "Bearer k")][..],
            &[("authorization", "bearer   k ")],
            &[("x-api-key", "k")],
            &[("api-key", "k")],
            &[("x-goog-api-key", " k")],
            &[("authorization", "Bearer k"), ("x-api-key", "k")],
            &[("x-api-key", "k"), ("cookie", "s=t")],
        ] {
            assert_eq!(shown(pairs).as_deref(), Some("header k"), "{pairs:?}");
        }
        assert_eq!(shown(&[("cookie", "a=b; s=t; c=d")]).as_deref(), Some("cookie t"));
        assert_eq!(shown(&[("cookie", "xs=t; sx=t; S=t")]).as_deref(), Some("nothing"));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for pairs in [
            &[("authorization", "Bearer k"), ("x-api-key", "l")][..],
            &[("authorization", "Basic azps")],
            &[("authorization", "k")],
            &[("authorization", "")],
            &[("x-api-key", "")],
            &[("authorization", "Bearer k"), ("authorization", "Bearer l")],
            &[("x-api-key", "k"), ("x-api-key", "k")],
            &[("cookie", "s=t; s=u")],
            &[("cookie", "s=t"), ("cookie", "s=u")],
        ] {
            assert_eq!(shown(pairs), None, "{pairs:?}");
        }
    }
}
