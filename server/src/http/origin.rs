//! Who may talk to the realm: requests for its own names, and changes only from its own pages.
//!
//! The `Host` check keeps a foreign page from reaching a realm on this machine through a name that it points to
//! 127.0.0.1 (DNS rebinding). The `Origin` check keeps it from sending requests in a person's name (CSRF).

use std::net::SocketAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use mtor_shared::problem::{Problem, ProblemCode};

use crate::{error::ApiError, state::AppState};

/// Hosts that the realm answers to.
#[derive(Clone, Debug)]
pub struct AllowedHosts {
    names: Vec<String>,
    /// Listening on all addresses: an address (not a name) with this port cannot be a rebound name.
    any_address: Option<u16>,
}

impl AllowedHosts {
    /// The names of a realm that listens at an address.
    pub fn new(listen: SocketAddr, extra: &[String]) -> Self {
        let port = listen.port();
        let mut names = vec![listen.to_string()];
        names.extend(["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{port}")));
        names.extend(extra.iter().cloned());
        Self { names, any_address: listen.ip().is_unspecified().then_some(port) }
    }

    /// Whether a `Host` is one of them.
    pub fn allows(&self, host: &str) -> bool {
        let address = || host.parse::<SocketAddr>().ok().map(|address| address.port());
        self.names.iter().any(|name| name.eq_ignore_ascii_case(host))
            || (self.any_address.is_some() && self.any_address == address())
    }
}

/// Refuses requests for other hosts and changes from other origins.
pub async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match allowed(&state.hosts, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn allowed(hosts: &AllowedHosts, request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    let mut named = headers.get_all(header::HOST).iter();
    let host = named.next().and_then(|host| host.to_str().ok());
    let (Some(host), None) = (host, named.next()) else {
        return Err(ApiError::bad_request("The request needs exactly one Host header.", ""));
    };
    let target = request.uri().authority().map(Authority::as_str).unwrap_or(host);
    if !hosts.allows(host) || !target.eq_ignore_ascii_case(host) {
        let shown: String = host.chars().filter(|c| !c.is_control()).take(80).collect();
        let problem = Problem::new(
            ProblemCode::Forbidden,
            format!("This realm does not answer to the name {shown}."),
            "Its operator can add the name to realm.allowed_hosts.",
        );
        return Err(ApiError::with_status(StatusCode::MISDIRECTED_REQUEST, problem));
    }
    // A socket is opened by a GET, and no other site's page is kept from reading it.
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        && !headers.contains_key(header::UPGRADE);
    if !reads && !same_origin(headers, host) {
        return Err(ApiError::new(Problem::new(
            ProblemCode::Forbidden,
            "Another site sent this request.",
            "Use the realm's own page.",
        )));
    }
    Ok(())
}

/// Programs send neither header; browsers send `Origin` with every change.
fn same_origin(headers: &HeaderMap, host: &str) -> bool {
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    if !matches!(site, None | Some(b"same-origin" | b"none")) {
        return false;
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().unwrap_or_default();
    let named = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    named.is_some_and(|named| named.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_with_the_own_port_are_answered() {
        let hosts =
            AllowedHosts::new("127.0.0.1:9000".parse().expect("valid"), &["realm.example".to_owned()]);
        for good in ["127.0.0.1:9000", "LOCALHOST:9000", "[::1]:9000", "realm.example"] {
            assert!(hosts.allows(good), "{good}");
        }
        for bad in
            ["127.0.0.1", "localhost:9001", "evil.example:9000", "realm.example:9000", "", "10.0.0.1:9000"]
        {
            assert!(!hosts.allows(bad), "{bad}");
        }
    }

    #[test]
    fn a_realm_on_all_addresses_answers_to_addresses_but_not_to_names() {
        let hosts = AllowedHosts::new("0.0.0.0:9000".parse().expect("valid"), &[]);
        assert!(hosts.allows("192.168.1.5:9000"));
        assert!(!hosts.allows("rebound.example:9000"));
        assert!(!hosts.allows("192.168.1.5:9001"));
    }
}
