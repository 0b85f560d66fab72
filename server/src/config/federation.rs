//! How calls to providers are made: where, how long, how much.

use std::{fmt, str::FromStr, time::Duration};

use url::Url;

use super::{Reader, limits::size};

/// A host and a port, for example `127.0.0.1:9101`; lower case, IPv6 in brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// As the URL parser writes it.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl FromStr for HostPort {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (_, port) = text.rsplit_once(':').ok_or(())?;
        let port = port.parse().map_err(|_| ())?;
        let url = Url::parse(&format!("http://{text}/")).map_err(|_| ())?;
        let plain = url.path() == "/" && url.query().is_none() && url.username().is_empty();
        let host = url.host_str().filter(|_| plain).ok_or(())?;
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Calls that would go to one base address go to another, for a mirror or a test.
#[derive(Clone, Debug)]
pub struct BaseOverride {
    /// The address in the description, without a slash at the end.
    pub from: String,
    /// The address to call instead.
    pub to: Url,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Federation {
    /// Which base addresses are replaced.
    pub base: Vec<BaseOverride>,
    /// Private addresses that may be called all the same, also without TLS.
    pub allow_private: Vec<HostPort>,
    /// Until a connection stands.
    pub connect_timeout: Duration,
    /// From sending to the first byte of the answer.
    pub first_byte_timeout: Duration,
    /// Between two pieces of the answer.
    pub idle_timeout: Duration,
    /// For the whole of one attempt.
    pub total_timeout: Duration,
    /// Largest answer, counted after decompression.
    pub response_bytes: usize,
    /// How often a step that only reads is tried again.
    pub retries: u32,
    /// Before the first retry; it doubles.
    pub retry_delay: Duration,
}

impl Federation {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let ms = Duration::from_millis;
        let base = reader.table(
            "federation.base",
            "a table of http(s) addresses, for example \"https://api.example\" = \"http://127.0.0.1:9101/api\"",
            |from, to| {
                let from_url = Url::parse(from).ok()?;
                let to = Url::parse(to).ok()?;
                let http = |url: &Url| matches!(url.scheme(), "http" | "https");
                let from = from.trim_end_matches('/').to_owned();
                (http(&from_url) && http(&to)).then_some(BaseOverride { from, to })
            },
        );
        Self {
            base,
            allow_private: reader.list(
                "egress.allow_private",
                Vec::new(),
                "a list of host:port, for example [\"127.0.0.1:9101\"]",
                |text| text.parse().ok(),
            ),
            connect_timeout: ms(reader.number("federation.connect_timeout_ms", 4_000, 1..=600_000)),
            first_byte_timeout: ms(reader.number("federation.first_byte_timeout_ms", 8_000, 1..=600_000)),
            idle_timeout: ms(reader.number("federation.idle_timeout_ms", 5_000, 1..=600_000)),
            total_timeout: ms(reader.number("federation.total_timeout_ms", 20_000, 1..=3_600_000)),
            response_bytes: size(reader.number("federation.response_bytes", 8 << 20, 1024..=1 << 30)),
            retries: u32::try_from(reader.number("federation.retries", 1, 0..=5)).unwrap_or(1),
            retry_delay: ms(reader.number("federation.retry_delay_ms", 300, 0..=60_000)),
        }
    }
}
