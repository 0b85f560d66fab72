//! The browser that begins an authorization. A permission is taken from that browser alone: whoever lures a person to
//! the callback with a permission of their own does not have the cookie (RFC 9700, 4.7; RFC 6749, 10.12).

use axum::http::{HeaderMap, HeaderValue, header, header::InvalidHeaderValue};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::oauth;
use crate::random::Random;

/// What the cookie is called.
const COOKIE: &str = "mtor-authorization";
/// The one path that reads it, and the ones beside it that write it.
const PATH: &str = "/api/credentials";
/// Letters of a value: 256 bits in base64.
const CHARS: usize = 43;

/// A browser by a random value that only it and the realm know.
pub struct Browser {
    value: Zeroizing<String>,
}

impl Browser {
    /// The one that sends these headers, if it was given a value before.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs =
            cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(name, _)| *name == COOKIE)?;
        let is_ours = value.len() == CHARS
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        is_ours.then(|| Self { value: Zeroizing::new(value.to_owned()) })
    }

    /// One that was not seen before.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new(random: &dyn Random) -> std::io::Result<Self> {
        Ok(Self { value: oauth::random_text(random)? })
    }

    /// What makes the browser known again: for as long as an authorization may take, for this path alone, out of reach
    /// of pages, and not with requests that another site makes in the background.
    ///
    /// # Errors
    /// Never: the value is plain letters.
    pub fn set_cookie(&self, https: bool) -> Result<HeaderValue, InvalidHeaderValue> {
        let secure = if https { "; Secure" } else { "" };
        let seconds = super::PENDING_MS / 1000;
        let mut value = HeaderValue::from_str(&format!(
            "{COOKIE}={}; Path={PATH}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
            self.value.as_str()
        ))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// What is remembered of it, and compared: no time tells how much of it was right.
    pub(super) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.value.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_value_of_ours_counts() {
        let value = "a".repeat(CHARS);
        let of = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, HeaderValue::from_str(line).expect("a value"));
            }
            Browser::of(&headers).map(|browser| browser.value.to_string())
        };
        assert_eq!(of(&[&format!("x=1; {COOKIE}={value}")]), Some(value.clone()));
        assert_eq!(of(&["x=1", &format!("{COOKIE}={value};y=2")]), Some(value.clone()));
        for other in
            [format!("{COOKIE}="), format!("{COOKIE}={value}a"), format!("x{COOKIE}={value}"), String::new()]
        {
            assert_eq!(of(&[&other]), None, "{other}");
        }
        assert_eq!(of(&[&format!("{COOKIE}={}é", "a".repeat(CHARS - 2))]), None);
    }
}
