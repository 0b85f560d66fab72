//! The way to an upstream over HTTP: its address and key, a limit for each phase of a call and for its size.
//!
//! Addresses come from the operator's configuration and are trusted, private ones too, unlike those that the egress
//! guard lets out. Redirects are never followed: the key would go along.

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::{
    Client, Method, Response,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use super::{
    ProviderError,
    sse::{Event, Events, Lines},
};
use crate::federated::egress::Phase;

/// How much of an error's body is read.
const ERROR_BYTES: usize = 64 * 1024;
/// How much of an error's words goes on to the asker, in characters.
const ERROR_CHARS: usize = 600;

/// How long each part of a call may take, and how much may come.
#[derive(Clone, Copy, Debug)]
pub struct Phases {
    /// Until a connection stands.
    pub connect: Duration,
    /// From sending to the first byte, or to the first event.
    pub first_byte: Duration,
    /// Between two pieces, or two events.
    pub idle: Duration,
    /// For the whole.
    pub total: Duration,
    /// Bytes of an answer, after decompression.
    pub bytes: usize,
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Upstream {
    client: Client,
    base: Url,
    /// With the key among them, marked as sensitive: it is not shown when they are printed.
    headers: HeaderMap,
    phases: Phases,
}

/// How a key is sent.
pub enum KeyHeader {
    /// `Authorization: Bearer`
    Bearer,
    /// A header of the provider's own.
    Named(HeaderName),
}

/// The one client of all upstreams, so that connections are kept.
///
/// # Errors
/// What TLS says when it cannot be set up.
pub fn client(phases: &Phases) -> Result<Client, String> {
    // A second installation is refused and changes nothing: the first one was the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[expect(
        clippy::disallowed_methods,
        reason = "upstreams are named by the operator, who may run them on this machine; the guard is for strangers"
    )]
    let builder = Client::builder();
    builder
        .user_agent(concat!("mtor/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(phases.connect)
        .pool_idle_timeout(Duration::from_secs(60))
        .pool_max_idle_per_host(256)
        .tcp_nodelay(true)
        .build()
        .map_err(|error| error.to_string())
}

impl Upstream {
    /// An upstream at an address, with its key where it has one.
    ///
    /// # Errors
    /// The key holds what no header may.
    pub fn new(
        client: Client,
        base: Url,
        key: Option<(KeyHeader, &str)>,
        phases: Phases,
    ) -> Result<Self, ProviderError> {
        let mut headers = HeaderMap::new();
        if let Some((how, key)) = key {
            let wrong = |_| ProviderError::NotSetUp("its key holds what a header may not".to_owned());
            let (name, text) = match how {
                KeyHeader::Bearer => (reqwest::header::AUTHORIZATION, format!("Bearer {key}")),
                KeyHeader::Named(name) => (name, key.to_owned()),
            };
            let mut value = HeaderValue::try_from(text).map_err(wrong)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(Self { client, base, headers, phases })
    }

    /// With one more header in every call.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same upstream with a longer address.
    pub(super) fn below(&self, path: &str) -> Self {
        let mut below = self.clone();
        let base = self.base.path().trim_end_matches('/');
        below.base.set_path(&format!("{base}/{path}"));
        below
    }

    /// An address below the upstream's own. `path` has no slash at its beginning.
    fn url(&self, path: &str) -> Result<Url, ProviderError> {
        let base = self.base.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}/{path}"));
        let url = url.map_err(|_| ProviderError::NotSetUp("its address is none".to_owned()))?;
        // A model's name that is part of the path must not lead elsewhere.
        if url.path().starts_with(self.base.path().trim_end_matches('/')) {
            Ok(url)
        } else {
            Err(ProviderError::Invalid("The name leads out of the provider's address.".to_owned()))
        }
    }

    /// Sends, and waits for the head of the answer. An error status is an error.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(HeaderValue, Bytes)>,
        accept: &'static str,
    ) -> Result<Answer, ProviderError> {
        let began = Instant::now();
        let mut request = self.client.request(method, self.url(path)?).headers(self.headers.clone());
        request = request.header(ACCEPT, HeaderValue::from_static(accept));
        if let Some((kind, body)) = body {
            request = request.header(CONTENT_TYPE, kind).body(body);
        }
        let limit = (self.phases.connect + self.phases.first_byte).min(self.phases.total);
        let response = match tokio::time::timeout(limit, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.failed(error)),
            Err(_) => return Err(ProviderError::TimedOut { phase: Phase::FirstByte, after: limit }),
        };
        let status = response.status();
        let mut answer =
            Answer { response, phases: self.phases, deadline: began + self.phases.total, taken: 0 };
        if status.is_success() {
            return Ok(answer);
        }
        let retry_after = answer.response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        // A date instead of seconds is as good as nothing said.
        let retry_after = retry_after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        answer.phases.bytes = ERROR_BYTES;
        let body = answer.body().await.unwrap_or_default();
        Err(ProviderError::Status { status: status.as_u16(), message: message(&body), retry_after })
    }

    async fn post(
        &self,
        path: &str,
        body: &impl Serialize,
        accept: &'static str,
    ) -> Result<Answer, ProviderError> {
        let body = serde_json::to_vec(body)
            .map_err(|_| ProviderError::Invalid("The request cannot be written as JSON.".to_owned()))?;
        let kind = HeaderValue::from_static("application/json");
        self.send(Method::POST, path, Some((kind, body.into())), accept).await
    }

    /// Sends JSON, reads JSON.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ProviderError> {
        let body = self.post(path, body, "application/json").await?.body().await?;
        serde_json::from_slice(&body)
            .map_err(|_| ProviderError::Garbage("it is not the JSON that is expected"))
    }

    /// Reads JSON.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ProviderError> {
        let body = self.send(Method::GET, path, None, "application/json").await?.body().await?;
        serde_json::from_slice(&body)
            .map_err(|_| ProviderError::Garbage("it is not the JSON that is expected"))
    }

    /// Reads bytes.
    pub(super) async fn get_bytes(&self, path: &str) -> Result<Bytes, ProviderError> {
        self.send(Method::GET, path, None, "*/*").await?.body().await
    }

    /// Sends JSON, reads whatever comes, with its type.
    pub(super) async fn json_for_bytes(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<(String, Bytes), ProviderError> {
        let mut answer = self.post(path, body, "*/*").await?;
        Ok((answer.content_type(), answer.body().await?))
    }

    /// Sends bytes of a type, reads whatever comes, with its type.
    pub(super) async fn bytes(
        &self,
        path: &str,
        kind: HeaderValue,
        body: Bytes,
    ) -> Result<(String, Bytes), ProviderError> {
        let mut answer = self.send(Method::POST, path, Some((kind, body)), "*/*").await?;
        Ok((answer.content_type(), answer.body().await?))
    }

    /// Sends JSON, reads server-sent events.
    pub(super) async fn events(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<EventStream, ProviderError> {
        let answer = self.post(path, body, "text/event-stream").await?;
        Ok(EventStream { answer, events: Events::default(), first: true })
    }

    /// Sends JSON, reads JSON lines.
    pub(super) async fn lines(&self, path: &str, body: &impl Serialize) -> Result<LineStream, ProviderError> {
        let answer = self.post(path, body, "application/x-ndjson").await?;
        Ok(LineStream { answer, lines: Lines::default(), first: true })
    }

    fn failed(&self, error: reqwest::Error) -> ProviderError {
        if error.is_timeout() {
            return ProviderError::TimedOut { phase: Phase::Connect, after: self.phases.connect };
        }
        broken(error)
    }
}

/// An answer whose head has come.
struct Answer {
    response: Response,
    phases: Phases,
    deadline: Instant,
    taken: usize,
}

impl Answer {
    fn content_type(&self) -> String {
        let kind = self.response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        kind.unwrap_or("application/octet-stream").to_owned()
    }

    /// The next piece, as long as there is time and room; none at the end.
    async fn piece(&mut self) -> Result<Option<Bytes>, ProviderError> {
        let piece = self.response.chunk().await.map_err(broken)?;
        self.taken += piece.as_ref().map_or(0, Bytes::len);
        if self.taken > self.phases.bytes {
            return Err(ProviderError::TooLarge(self.phases.bytes));
        }
        Ok(piece)
    }

    /// All of it. Between two pieces it may be idle as long as until the first byte: a whole answer is thought about.
    async fn body(&mut self) -> Result<Bytes, ProviderError> {
        let mut body = Vec::new();
        loop {
            let limit = self.limit(self.phases.first_byte);
            match tokio::time::timeout(limit.1, self.piece()).await {
                Ok(piece) => match piece? {
                    Some(piece) if body.is_empty() => {
                        body.reserve(piece.len());
                        body.extend_from_slice(&piece);
                    }
                    Some(piece) => body.extend_from_slice(&piece),
                    None => return Ok(body.into()),
                },
                Err(_) => return Err(ProviderError::TimedOut { phase: limit.0, after: limit.2 }),
            }
        }
    }

    /// Which limit is the nearest, how long that is from now, and what it was set to.
    fn limit(&self, idle: Duration) -> (Phase, Duration, Duration) {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left < idle { (Phase::Total, left, self.phases.total) } else { (Phase::Idle, idle, idle) }
    }
}

/// Server-sent events as they come.
pub(super) struct EventStream {
    answer: Answer,
    events: Events,
    first: bool,
}

impl EventStream {
    /// The next event; none at the end. Comments and halves of events do not count as a sign of life.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, ProviderError> {
        if let Some(event) = self.events.next() {
            return Ok(Some(event));
        }
        let idle = if self.first { self.answer.phases.first_byte } else { self.answer.phases.idle };
        let (phase, limit, after) = self.answer.limit(idle);
        let wait = async {
            loop {
                let Some(piece) = self.answer.piece().await? else { return Ok(None) };
                self.events.push(&piece);
                if let Some(event) = self.events.next() {
                    return Ok(Some(event));
                }
            }
        };
        let event = tokio::time::timeout(limit, wait).await;
        self.first = false;
        event.map_err(|_| ProviderError::TimedOut { phase, after })?
    }
}

/// JSON lines as they come.
pub(super) struct LineStream {
    answer: Answer,
    lines: Lines,
    first: bool,
}

impl LineStream {
    /// The next line; none at the end.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ProviderError> {
        let parse = |line: &[u8]| {
            serde_json::from_slice(line)
                .map_err(|_| ProviderError::Garbage("a line is not the JSON that is expected"))
        };
        if let Some(line) = self.lines.next() {
            return parse(line).map(Some);
        }
        let idle = if self.first { self.answer.phases.first_byte } else { self.answer.phases.idle };
        let (phase, limit, after) = self.answer.limit(idle);
        let wait = async {
            loop {
                let Some(piece) = self.answer.piece().await? else { return Ok(None) };
                self.lines.push(&piece);
                if let Some(line) = self.lines.next() {
                    return parse(line).map(Some);
                }
            }
        };
        let line = tokio::time::timeout(limit, wait).await;
        self.first = false;
        line.map_err(|_| ProviderError::TimedOut { phase, after })?
    }
}

/// A connection that failed. The address stays out: it may hold what is not meant for a log.
fn broken(error: reqwest::Error) -> ProviderError {
    let error = error.without_url();
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    if error.is_connect() { ProviderError::Unreachable(text) } else { ProviderError::Broken(text) }
}

/// What an error's body says: `error.message`, `error`, `message` or `detail` of JSON, else the text.
fn message(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(value) => ["/error/message", "/error", "/message", "/detail"]
            .iter()
            .find_map(|pointer| value.pointer(pointer)?.as_str().map(str::to_owned))
            .unwrap_or_default(),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(ERROR_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_an_error_are_found_where_providers_put_them() {
        for (body, words) in [
            (r#"{"error":{"message":"no such model","type":"x"}}"#, "no such model"),
            (r#"{"error":"model 'x' not found"}"#, "model 'x' not found"),
            (r#"{"detail":"Not Found"}"#, "Not Found"),
            ("Bad gateway", "Bad gateway"),
            ("{}", ""),
        ] {
            assert_eq!(message(body.as_bytes()), words);
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        let phases = Phases {
            connect: Duration::ZERO,
            first_byte: Duration::ZERO,
            idle: Duration::ZERO,
            total: Duration::ZERO,
            bytes: 0,
        };
        let client = client(&phases).expect("a client");
        let base = Url::parse("http://127.0.0.1:1/v1").expect("an address");
        let key = Some((KeyHeader::Bearer, "sk-secret"));
        let upstream = Upstream::new(client.clone(), base.clone(), key, phases).expect("an upstream");
        assert!(!format!("{:?}", upstream.headers).contains("secret"));
        let key = Some((KeyHeader::Bearer, "sk\nsecret"));
        let error = Upstream::new(client, base, key, phases).err().expect("an error");
        assert!(!format!("{error:?} {error}").contains("secret"));
    }

    #[test]
    fn a_name_cannot_leave_the_providers_address() {
        let phases = Phases {
            connect: Duration::ZERO,
            first_byte: Duration::ZERO,
            idle: Duration::ZERO,
            total: Duration::ZERO,
            bytes: 0,
        };
        let base = Url::parse("http://127.0.0.1:1/hf-inference/").expect("an address");
        let upstream = Upstream::new(client(&phases).expect("a client"), base, None, phases).expect("one");
        assert_eq!(upstream.url("models/a").expect("an address").path(), "/hf-inference/models/a");
        assert!(upstream.url("../../admin").is_err());
        assert!(upstream.url("%2e%2e/%2e%2e/admin").is_err());
    }
}
