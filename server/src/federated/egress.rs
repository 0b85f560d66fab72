//! The only way out: every call to a provider goes through here.
//!
//! The address that is *dialled* is checked, not only the one that is written: names are resolved by our own
//! resolver, which drops what is not public, so a name that changes its address between check and call gains
//! nothing. Redirects are followed by hand and each target is checked again.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use reqwest::{
    Client, Method, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION},
};
use url::{Host, Url};

use super::{address::is_public, attached::Attached};
use crate::config::{Federation, HostPort};

/// Redirects that are followed in one call.
const MAX_REDIRECTS: usize = 3;

/// What the connection decides, never a description: sending them by hand smuggles requests.
pub(super) const OWN_HEADERS: [&str; 8] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "proxy-authorization",
];

/// Turns a name into addresses. The system's resolver is the real one.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// Every address of the name.
    async fn lookup(&self, name: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The machine's own resolver.
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// One call.
pub struct Call {
    /// In capitals.
    pub method: Method,
    /// Absolute.
    pub url: Url,
    /// Without those that the connection decides.
    pub headers: HeaderMap,
    /// Sent as it is.
    pub body: Option<Vec<u8>>,
    /// Hosts, with their port where it is not the scheme's own, that a redirect may lead to besides the call's.
    pub hosts: Vec<String>,
    /// Largest answer, after decompression.
    pub max_bytes: usize,
    /// A credential; it goes to the hosts that it is bound to and nowhere else.
    pub attached: Attached,
    /// Whether redirects may lead to any public host: for documents, which are read and not trusted.
    pub roams: bool,
    /// For the whole call, where it is not the usual time.
    pub total: Option<Duration>,
    /// Told how much has come.
    pub progress: Option<Progress>,
}

/// Told, while an answer comes, how many bytes there are and how many there will be, if that is known.
pub type Progress = Box<dyn Fn(u64, Option<u64>) + Send + Sync>;

impl Call {
    /// A call without a body.
    pub fn get(url: Url, max_bytes: usize) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
            hosts: Vec::new(),
            max_bytes,
            attached: Attached::default(),
            roams: false,
            total: None,
            progress: None,
        }
    }

    /// Takes header fields over, except those that the connection decides and those that are none.
    pub fn with_headers(mut self, fields: impl IntoIterator<Item = (String, String)>) -> Self {
        for (name, value) in fields {
            let parsed = (HeaderName::try_from(name), HeaderValue::try_from(value));
            if let (Ok(name), Ok(value)) = parsed
                && !OWN_HEADERS.contains(&name.as_str())
            {
                self.headers.append(name, value);
            }
        }
        self
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status, never a redirect.
    pub status: u16,
    /// `Content-Type` as it was sent.
    pub content_type: Option<String>,
    /// After decompression.
    pub body: Vec<u8>,
    /// Where it came from in the end.
    pub url: Url,
}

/// One request that was sent, for the receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// In capitals.
    pub method: String,
    /// Where to, without credentials.
    pub url: String,
    /// None when there was no answer.
    pub status: Option<u16>,
    /// From dialling to the last byte.
    pub elapsed: Duration,
    /// Bytes of the answer after decompression.
    pub bytes: u64,
}

/// Why an address is not called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not HTTPS.
    #[error("{0} is not reached by https")]
    Scheme(String),
    /// A user name or password in the address.
    #[error("the address carries a user name")]
    UserInfo,
    /// Not on the public internet.
    #[error("{0} is not a public address")]
    NotPublic(String),
    /// The credential of the call belongs to other hosts.
    #[error("the credential was not given for {0}")]
    ForeignCredential(String),
    /// A redirect to a host that has nothing to do with the call.
    #[error("the service sends on to {0}, which is not one of its own hosts")]
    ForeignRedirect(String),
    /// More redirects than are followed.
    #[error("the service sends on more than {MAX_REDIRECTS} times")]
    TooManyRedirects,
    /// A redirect of a call that changes something, or to nowhere.
    #[error("the service sends on in a way that is not followed")]
    BadRedirect,
}

/// Which part of a call took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Until a connection stood.
    Connect,
    /// Until the first byte of the answer.
    FirstByte,
    /// Between two pieces of the answer.
    Idle,
    /// The whole.
    Total,
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EgressError {
    /// The guard does not let it out.
    Refused(Refusal),
    /// No connection: the name is unknown, nobody listens, the certificate is wrong.
    Unreachable(String),
    /// Too slow.
    TimedOut {
        /// Where it was stuck.
        phase: Phase,
        /// The limit that ran out.
        after: Duration,
    },
    /// The connection broke before the end of the answer.
    Broken(String),
    /// More bytes than are taken.
    TooLarge {
        /// What is taken.
        limit: usize,
    },
}

/// Decides which addresses may be called.
struct Guard {
    allow_private: Vec<HostPort>,
}

impl Guard {
    fn allows_private(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        self.allow_private
            .iter()
            .any(|allowed| allowed.host == host && Some(allowed.port) == url.port_or_known_default())
    }

    /// Checks what can be seen in an address. The URL parser has turned decimal, octal and hexadecimal forms of
    /// IPv4 into plain ones, and the same parsed value is dialled, so the two cannot disagree.
    fn check(&self, url: &Url) -> Result<(), Refusal> {
        let shown = || url.host_str().unwrap_or_default().to_owned();
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        if self.allows_private(url) && matches!(url.scheme(), "http" | "https") {
            return Ok(());
        }
        if url.scheme() != "https" {
            return Err(Refusal::Scheme(shown()));
        }
        match url.host() {
            Some(Host::Ipv4(address)) if is_public(address.into()) => Ok(()),
            Some(Host::Ipv6(address)) if is_public(address.into()) => Ok(()),
            // A name that is allowed on one port resolves to a private address on every port.
            Some(Host::Domain(name)) if !self.allows_name(name) => Ok(()),
            Some(_) | None => Err(Refusal::NotPublic(shown())),
        }
    }

    fn allows_name(&self, name: &str) -> bool {
        self.allow_private.iter().any(|allowed| allowed.host.eq_ignore_ascii_case(name))
    }
}

/// The resolver that the client dials with.
struct GuardedResolver {
    guard: Arc<Guard>,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, lookup) = (Arc::clone(&self.guard), Arc::clone(&self.lookup));
        Box::pin(async move {
            let found = lookup.lookup(name.as_str()).await?;
            let any = !found.is_empty();
            let private = guard.allows_name(name.as_str());
            let kept: Vec<_> = found
                .into_iter()
                .filter(|ip| private || is_public(*ip))
                .map(|ip| SocketAddr::new(ip, 0))
                .collect();
            if any && kept.is_empty() {
                return Err(Refusal::NotPublic(name.as_str().to_owned()).into());
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// The guard and the one client behind it.
pub struct Egress {
    guard: Arc<Guard>,
    client: Client,
    settings: Federation,
}

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the TLS client cannot be set up: {0}")]
pub struct EgressSetupError(String);

impl Egress {
    /// Sets up the client.
    ///
    /// # Errors
    /// [`EgressSetupError`] when TLS cannot be set up.
    pub fn new(settings: &Federation, lookup: Arc<dyn Lookup>) -> Result<Self, EgressSetupError> {
        // A second installation is refused and changes nothing: the first one was the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let guard = Arc::new(Guard { allow_private: settings.allow_private.clone() });
        #[expect(clippy::disallowed_methods, reason = "this is the guard that the ban sends everybody to")]
        let client = Client::builder()
            .user_agent(concat!("mtor/", env!("CARGO_PKG_VERSION"), " (personal realm)"))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .dns_resolver(GuardedResolver { guard: Arc::clone(&guard), lookup })
            .build()
            .map_err(|error| EgressSetupError(chain(&error)))?;
        Ok(Self { guard, client, settings: settings.clone() })
    }

    /// Whether an address may be called, as far as can be seen in it.
    ///
    /// # Errors
    /// [`Refusal`]
    pub fn check(&self, url: &Url) -> Result<(), Refusal> {
        self.guard.check(url)
    }

    /// Makes a call. Every request that went out is added to `sent`, also when the call fails.
    ///
    /// # Errors
    /// [`EgressError`]; a status that says so is no error here.
    pub async fn call(&self, call: Call, sent: &mut Vec<Sent>) -> Result<Answer, EgressError> {
        let total = call.total.unwrap_or(self.settings.total_timeout);
        match tokio::time::timeout(total, self.follow(call, sent)).await {
            Ok(result) => result,
            Err(_) => Err(EgressError::TimedOut { phase: Phase::Total, after: total }),
        }
    }

    async fn follow(&self, mut call: Call, sent: &mut Vec<Sent>) -> Result<Answer, EgressError> {
        let mut allowed = std::mem::take(&mut call.hosts);
        allowed.extend(authority(&call.url));
        for _ in 0..=MAX_REDIRECTS {
            self.guard.check(&call.url).map_err(EgressError::Refused)?;
            let response = self.send(&call, sent).await?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return self.read(response, &call, sent).await;
            }
            let target = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let target = target.and_then(|to| call.url.join(to).ok());
            let target = target.filter(|_| matches!(call.method, Method::GET | Method::HEAD));
            let target = target.ok_or(EgressError::Refused(Refusal::BadRedirect))?;
            let host = authority(&target).unwrap_or_default();
            if !call.roams && !allowed.contains(&host) {
                // The guard's word comes first: "not public" says more than "not its own host".
                self.guard.check(&target).map_err(EgressError::Refused)?;
                return Err(EgressError::Refused(Refusal::ForeignRedirect(host)));
            }
            if target.origin() != call.url.origin() {
                // A service that writes the secret into the address would have it sent to another host.
                if call.attached.is_in(&target) {
                    return Err(EgressError::Refused(Refusal::ForeignCredential(host)));
                }
                call.attached = Attached::default();
                let accept = call.headers.remove(ACCEPT);
                call.headers = accept.into_iter().map(|value| (ACCEPT, value)).collect();
            }
            call.url = target;
        }
        Err(EgressError::Refused(Refusal::TooManyRedirects))
    }

    async fn send(&self, call: &Call, sent: &mut Vec<Sent>) -> Result<Response, EgressError> {
        let began = Instant::now();
        let (mut url, mut headers) = (call.url.clone(), call.headers.clone());
        // Here, where it is dialled, and not where the call was made: what is between may change.
        let host = authority(&url).unwrap_or_default();
        if !call.attached.may_go_to(&host) {
            return Err(EgressError::Refused(Refusal::ForeignCredential(host)));
        }
        call.attached.put_on(&mut url, &mut headers);
        let shown = call.attached.masked(&url);
        let mut request = self.client.request(call.method.clone(), url).headers(headers);
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let (method, url) = (call.method.to_string(), shown);
        let mut record =
            Record::new(sent, Sent { method, url, status: None, elapsed: Duration::ZERO, bytes: 0 }, began);
        let limit = self.settings.connect_timeout + self.settings.first_byte_timeout;
        let response = match tokio::time::timeout(limit, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.failed(error)),
            Err(_) => {
                let after = self.settings.first_byte_timeout;
                return Err(EgressError::TimedOut { phase: Phase::FirstByte, after });
            }
        };
        record.sent().status = Some(response.status().as_u16());
        Ok(response)
    }

    async fn read(
        &self,
        mut response: Response,
        call: &Call,
        sent: &mut [Sent],
    ) -> Result<Answer, EgressError> {
        let began = Instant::now();
        let limit = call.max_bytes;
        let status = response.status().as_u16();
        let total = response.content_length();
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.map(str::to_owned);
        let mut body = Vec::new();
        loop {
            let piece = match tokio::time::timeout(self.settings.idle_timeout, response.chunk()).await {
                Ok(Ok(Some(piece))) => piece,
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return Err(self.failed(error)),
                Err(_) => {
                    let after = self.settings.idle_timeout;
                    return Err(EgressError::TimedOut { phase: Phase::Idle, after });
                }
            };
            if body.len() + piece.len() > limit {
                return Err(EgressError::TooLarge { limit });
            }
            body.extend_from_slice(&piece);
            if let Some(progress) = &call.progress {
                progress(body.len() as u64, total);
            }
            if let Some(last) = sent.last_mut() {
                last.bytes = body.len() as u64;
            }
        }
        if let Some(last) = sent.last_mut() {
            last.elapsed += began.elapsed();
        }
        Ok(Answer { status, content_type, body, url: call.url.clone() })
    }

    fn failed(&self, error: reqwest::Error) -> EgressError {
        // What a person asked for is in the address, and must not get into the log.
        let error = error.without_url();
        if let Some(refusal) = refusal(&error) {
            return EgressError::Refused(refusal.clone());
        }
        if error.is_timeout() {
            return EgressError::TimedOut { phase: Phase::Connect, after: self.settings.connect_timeout };
        }
        let text = chain(&error);
        if error.is_connect() { EgressError::Unreachable(text) } else { EgressError::Broken(text) }
    }
}

/// Keeps the time of a request also when it is given up in the middle.
struct Record<'a> {
    sent: &'a mut Vec<Sent>,
    began: Instant,
}

impl<'a> Record<'a> {
    fn new(sent: &'a mut Vec<Sent>, first: Sent, began: Instant) -> Self {
        sent.push(first);
        Self { sent, began }
    }

    fn sent(&mut self) -> &mut Sent {
        let last = self.sent.len() - 1;
        &mut self.sent[last]
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        let elapsed = self.began.elapsed();
        self.sent().elapsed = elapsed;
    }
}

/// Host, with its port where it is not the scheme's own: the form of [`mtor_shared::capability::Provider::hosts`].
pub fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn refusal<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Refusal> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref())
}

/// The whole story of an error; reqwest's own words leave the cause out.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let parts = std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string);
    parts.collect::<Vec<_>>().join(": ")
}

impl fmt::Display for EgressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Unreachable(why) => write!(f, "unreachable: {why}"),
            Self::TimedOut { phase, after } => write!(f, "timed out ({phase:?}) after {after:?}"),
            Self::Broken(why) => write!(f, "the connection broke: {why}"),
            Self::TooLarge { limit } => write!(f, "the answer is larger than {limit} bytes"),
        }
    }
}

impl std::error::Error for EgressError {}
