//! A credential on one request: where it goes, and which hosts it may go to.

use reqwest::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::egress::OWN_HEADERS;

/// Shown in place of a secret.
pub const MASK: &str = "•••";
/// Shorter secrets are not looked for in texts: they would be found everywhere.
const SHORTEST: usize = 6;

/// See the module. Printing it shows no secret.
#[derive(Clone, Default)]
pub struct Attached {
    /// Header fields; their values are marked as sensitive.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Pairs to add to the query.
    query: Vec<(String, Zeroizing<String>)>,
    /// Pairs to add to the cookies.
    cookies: Vec<(String, Zeroizing<String>)>,
    /// Where each part may go: hosts, with the port where it is not the scheme's own. A request goes out with all of
    /// its parts or not at all.
    bindings: Vec<Vec<String>>,
    /// What is taken out of texts.
    secrets: Vec<Zeroizing<String>>,
}

impl std::fmt::Debug for Attached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attached({MASK})")
    }
}

impl Attached {
    /// Nothing is attached.
    pub fn is_empty(&self) -> bool {
        self.bindings.is_empty()
    }

    /// Binds what follows to these hosts.
    pub fn bind(&mut self, hosts: Vec<String>) {
        self.bindings.push(hosts);
    }

    /// Adds a header field; false when it cannot be one.
    pub fn header(&mut self, name: &str, value: &str) -> bool {
        let (Ok(name), Ok(mut value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) else {
            return false;
        };
        // A description may call its key anything, and must not decide about the connection.
        if OWN_HEADERS.contains(&name.as_str()) {
            return false;
        }
        value.set_sensitive(true);
        self.headers.push((name, value));
        true
    }

    /// Adds a query parameter.
    pub fn query(&mut self, name: &str, value: &str) {
        self.query.push((name.to_owned(), Zeroizing::new(value.to_owned())));
    }

    /// Adds a cookie; false when it cannot be one.
    pub fn cookie(&mut self, name: &str, value: &str) -> bool {
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic() && !b";,\"\\".contains(&b));
        self.cookies.push((name.to_owned(), Zeroizing::new(value.to_owned())));
        !name.is_empty() && !name.contains('=') && plain(name) && plain(value)
    }

    /// Takes a text out of everything that is shown or kept.
    pub fn hide(&mut self, secret: &str) {
        if secret.len() >= SHORTEST {
            self.secrets.push(Zeroizing::new(secret.to_owned()));
        }
    }

    /// Whether every part may go to an address.
    pub(super) fn may_go_to(&self, authority: &str) -> bool {
        self.bindings.iter().all(|hosts| hosts.iter().any(|host| host.eq_ignore_ascii_case(authority)))
    }

    /// Whether an address carries a secret in itself.
    pub(super) fn is_in(&self, url: &Url) -> bool {
        let text = url.as_str();
        let decoded: String = url.query_pairs().map(|(_, value)| format!("{value}\n")).collect();
        self.secrets.iter().any(|secret| text.contains(secret.as_str()) || decoded.contains(secret.as_str()))
    }

    /// Puts it on a request.
    pub(super) fn put_on(&self, url: &mut Url, headers: &mut HeaderMap) {
        if !self.query.is_empty() {
            // An argument or a redirect may have the same parameter; there is one, and it is the credential.
            let own = |pair: &&str| {
                let named = url::form_urlencoded::parse(pair.as_bytes()).next();
                named.is_some_and(|(name, _)| self.query.iter().any(|(own, _)| *own == name))
            };
            let query = url.query().unwrap_or_default();
            let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !own(pair)).collect();
            let kept = kept.join("&");
            url.set_query((!kept.is_empty()).then_some(kept.as_str()));
            let mut pairs = url.query_pairs_mut();
            for (name, value) in &self.query {
                pairs.append_pair(name, value);
            }
        }
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        if !self.cookies.is_empty() {
            let given = headers.get(COOKIE).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let own = self.cookies.iter().map(|(name, value)| format!("{name}={}", value.as_str()));
            let line = Zeroizing::new(given.into_iter().chain(own).collect::<Vec<_>>().join("; "));
            if let Ok(mut value) = HeaderValue::try_from(line.as_str()) {
                value.set_sensitive(true);
                headers.insert(COOKIE, value);
            }
        }
    }

    /// An address without its secrets.
    pub fn masked(&self, url: &Url) -> String {
        let mut shown = url.clone();
        let hides = |name: &str, value: &str| {
            self.query.iter().any(|(own, _)| own == name)
                || self.secrets.iter().any(|secret| value.contains(secret.as_str()))
        };
        if url.query_pairs().any(|(name, value)| hides(&name, &value)) {
            let pairs: Vec<String> = url
                .query()
                .unwrap_or_default()
                .split('&')
                .map(|pair| match url::form_urlencoded::parse(pair.as_bytes()).next() {
                    Some((name, value)) if hides(&name, &value) => {
                        format!("{}={MASK}", pair.split('=').next().unwrap_or_default())
                    }
                    _ => pair.to_owned(),
                })
                .collect();
            shown.set_query(None);
            return format!("{}?{}", self.scrubbed(shown.as_str()), pairs.join("&"));
        }
        self.scrubbed(shown.as_str())
    }

    /// A text without the secrets.
    pub fn scrubbed(&self, text: &str) -> String {
        let found = |secret: &&Zeroizing<String>| text.contains(secret.as_str());
        if !self.secrets.iter().any(|secret| found(&secret)) {
            return text.to_owned();
        }
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), MASK))
    }

    /// Takes the secrets out of a result: a provider that sends back what it was sent must not put them into a
    /// receipt.
    pub fn scrub(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.scrubbed(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.scrub(item)),
            Value::Object(members) => {
                for member in members.values_mut() {
                    self.scrub(member);
                }
                if members.keys().any(|key| self.scrubbed(key) != *key) {
                    let scrubbed = std::mem::take(members);
                    members.extend(scrubbed.into_iter().map(|(key, value)| (self.scrubbed(&key), value)));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
