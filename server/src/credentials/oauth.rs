//! Tokens of OAuth 2.0 (RFC 6749) with PKCE (RFC 7636), obtained over the egress guard.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mtor_shared::problem::{Problem, ProblemCode};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::opened::{Opened, Tokens, client};
use crate::{
    federated::{
        attached::Attached,
        egress::{Answer, Call, Egress, Sent, authority},
        execute::egress_problem,
    },
    random::Random,
};

/// Largest answer of a token endpoint.
const ANSWER_BYTES: usize = 64 * 1024;
/// For a token whose lifetime is not told.
const USUAL_SECONDS: u64 = 300;
/// No token is kept longer.
const MOST_SECONDS: u64 = 30 * 24 * 3600;

/// What a token is asked for with.
pub(super) enum Grant<'a> {
    ClientCredentials,
    Code { code: &'a str, verifier: &'a str },
    Refresh(&'a str),
}

/// Why there is no token.
pub(super) enum TokenError {
    /// The provider does not take what it is given; asking again does not help.
    Refused(String),
    /// Anything else.
    Other(Problem),
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    token_type: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Denied {
    error: String,
}

/// A random text for addresses, of 256 bits.
pub(super) fn random_text(random: &dyn Random) -> std::io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; 32]);
    random.fill(bytes.as_mut_slice())?;
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}

/// Where a person is sent to agree.
pub(super) fn authorize_at(opened: &Opened, state: &str, verifier: &str) -> Option<String> {
    let (client_id, _, scopes) = client(&opened.secret)?;
    let mut url = Url::parse(&opened.authorization_url).ok()?;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    let mut query = url.query_pairs_mut();
    query.append_pair("response_type", "code");
    query.append_pair("client_id", client_id);
    query.append_pair("redirect_uri", &opened.redirect_uri);
    if !scopes.is_empty() {
        query.append_pair("scope", &scopes.join(" "));
    }
    query.append_pair("state", state);
    query.append_pair("code_challenge", &challenge);
    query.append_pair("code_challenge_method", "S256");
    drop(query);
    Some(url.to_string())
}

/// Asks the token endpoint.
pub(super) async fn obtain(
    egress: &Egress,
    opened: &Opened,
    grant: &Grant<'_>,
    now_ms: u64,
    sent: &mut Vec<Sent>,
) -> Result<Tokens, TokenError> {
    let host = Url::parse(&opened.token_url).ok().and_then(|url| authority(&url)).unwrap_or_default();
    let (_, client_secret, _) = client(&opened.secret).unwrap_or(("", "", &[]));
    // RFC 6749, 2.3.1: the header first; some providers only read the body.
    let mut answer = ask(egress, opened, grant, !client_secret.is_empty(), sent).await?;
    if !client_secret.is_empty() && denied(&answer).as_deref() == Some("invalid_client") {
        answer = ask(egress, opened, grant, false, sent).await?;
    }
    if let Some(error) = denied(&answer) {
        return Err(match error.as_str() {
            "invalid_client" | "unauthorized_client" => {
                TokenError::Refused(format!("{host} does not take the client id and secret."))
            }
            "invalid_grant" => TokenError::Refused(format!("{host} does not take the permission any more.")),
            "invalid_scope" => TokenError::Refused(format!("{host} does not give these scopes.")),
            _ => TokenError::Other(problem(format!("{host} gives no token (status {}).", answer.status))),
        });
    }
    let granted: Option<Granted> =
        (200..300).contains(&answer.status).then(|| serde_json::from_slice(&answer.body).ok()).flatten();
    let granted = granted.filter(|granted| !granted.access_token.is_empty()).ok_or_else(|| {
        TokenError::Other(problem(format!("{host} gives no token (status {}).", answer.status)))
    })?;
    if !granted.token_type.is_empty() && !granted.token_type.eq_ignore_ascii_case("bearer") {
        return Err(TokenError::Other(problem(format!("{host} gives a token that is not a bearer token."))));
    }
    let seconds = granted.expires_in.as_ref().and_then(|value| match value {
        serde_json::Value::String(text) => text.parse().ok(),
        other => other.as_f64().map(|seconds| seconds.max(0.0) as u64),
    });
    let seconds = seconds.unwrap_or(USUAL_SECONDS).min(MOST_SECONDS);
    let known = match grant {
        Grant::Refresh(token) => (*token).to_owned(),
        Grant::ClientCredentials | Grant::Code { .. } => String::new(),
    };
    Ok(Tokens {
        access: granted.access_token,
        refresh: granted.refresh_token.unwrap_or(known),
        expires_at_ms: now_ms.saturating_add(seconds * 1000),
    })
}

fn problem(title: String) -> Problem {
    Problem::new(ProblemCode::UpstreamError, title, "Check the credential and the token address.")
}

fn denied(answer: &Answer) -> Option<String> {
    let failed = (400..500).contains(&answer.status);
    failed.then(|| serde_json::from_slice::<Denied>(&answer.body).ok()).flatten().map(|denied| denied.error)
}

async fn ask(
    egress: &Egress,
    opened: &Opened,
    grant: &Grant<'_>,
    in_header: bool,
    sent: &mut Vec<Sent>,
) -> Result<Answer, TokenError> {
    let url = Url::parse(&opened.token_url)
        .map_err(|_| TokenError::Other(problem("The credential has no token address.".to_owned())))?;
    let host = authority(&url).unwrap_or_default();
    let (client_id, client_secret, _) = client(&opened.secret).unwrap_or(("", "", &[]));
    let mut attached = Attached::default();
    attached.bind(vec![host.clone()]);
    attached.hide(client_secret);
    if in_header {
        attached.header("authorization", &basic(&encoded(client_id), &encoded(client_secret)));
    }
    let body = body(opened, grant, in_header);
    let mut call = Call::get(url, ANSWER_BYTES).with_headers([
        ("accept".to_owned(), "application/json".to_owned()),
        ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
    ]);
    call.method = reqwest::Method::POST;
    call.body = Some(body);
    call.attached = attached;
    egress.call(call, sent).await.map_err(|error| TokenError::Other(egress_problem(&host, &error)))
}

/// The form; with the client in it where it is not in the header.
fn body(opened: &Opened, grant: &Grant<'_>, in_header: bool) -> Vec<u8> {
    let (client_id, client_secret, scopes) = client(&opened.secret).unwrap_or(("", "", &[]));
    let mut form = form_urlencoded::Serializer::new(String::new());
    match grant {
        Grant::ClientCredentials => {
            form.append_pair("grant_type", "client_credentials");
            if !scopes.is_empty() {
                form.append_pair("scope", &scopes.join(" "));
            }
        }
        Grant::Code { code, verifier } => {
            form.append_pair("grant_type", "authorization_code");
            form.append_pair("code", code);
            form.append_pair("redirect_uri", &opened.redirect_uri);
            form.append_pair("code_verifier", verifier);
        }
        Grant::Refresh(token) => {
            form.append_pair("grant_type", "refresh_token");
            form.append_pair("refresh_token", token);
        }
    }
    if !in_header {
        form.append_pair("client_id", client_id);
        if !client_secret.is_empty() {
            form.append_pair("client_secret", client_secret);
        }
    }
    form.finish().into_bytes()
}

/// As in a form; RFC 6749 wants it before the two are joined.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The value of an `Authorization` header field.
pub(super) fn basic(user: &str, password: &str) -> Zeroizing<String> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    let coded = Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(pair.as_bytes()));
    Zeroizing::new(format!("Basic {}", coded.as_str()))
}

#[cfg(test)]
mod tests {
    use mtor_shared::credential::Secret;

    use super::*;

    #[test]
    fn the_challenge_is_the_one_of_the_specification() {
        let opened = Opened {
            secret: Secret::AuthorizationCode {
                client_id: "app 1".into(),
                client_secret: String::new(),
                authorization_url: None,
                token_url: None,
                scopes: vec!["read".into(), "write".into()],
            },
            token_url: String::new(),
            authorization_url: "https://login.example/authorize?tenant=x".into(),
            redirect_uri: "http://127.0.0.1:9000/api/credentials/oauth/callback/safe".into(),
            tokens: None,
        };
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let url = authorize_at(&opened, "s", verifier).expect("an address");
        assert!(
            url.starts_with("https://login.example/authorize?tenant=x&response_type=code&client_id=app+1&"),
            "{url}"
        );
        assert!(url.contains(
            "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
        ));
        assert!(url.contains("scope=read+write&state=s"), "{url}");
    }
}
