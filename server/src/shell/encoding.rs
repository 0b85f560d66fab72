//! Which compressed form of a file a browser takes (RFC 9110, section 12.5.3).

use axum::http::{HeaderMap, header};

/// How the bytes on the wire are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

impl Encoding {
    /// Of the file beside the plain one.
    pub(super) fn suffix(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some(".br"),
            Self::Gzip => Some(".gz"),
            Self::Identity => None,
        }
    }

    /// On the wire.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }
}

/// What a request takes, the smallest first: size matters more than the client's order of equals.
pub(super) fn accepted(headers: &HeaderMap) -> Vec<Encoding> {
    let values = headers.get_all(header::ACCEPT_ENCODING);
    let offers: Vec<&str> =
        values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
    let takes = |encoding: &Encoding| {
        offers.iter().any(|offer| {
            let mut parts = offer.split(';').map(str::trim);
            let named =
                parts.next().is_some_and(|name| Some(name.to_ascii_lowercase().as_str()) == encoding.name());
            let refused = parts.any(|part| {
                part.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
            });
            named && !refused
        })
    };
    [Encoding::Brotli, Encoding::Gzip].into_iter().filter(takes).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn what_is_taken_is_offered_and_not_refused() {
        let accepted = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            super::accepted(&headers)
        };
        assert_eq!(accepted("gzip, deflate, br, zstd"), [Encoding::Brotli, Encoding::Gzip]);
        assert_eq!(accepted("br;q=0, GZIP;q=0.5"), [Encoding::Gzip]);
        assert_eq!(accepted("identity"), []);
        assert_eq!(super::accepted(&HeaderMap::new()), []);
    }
}
