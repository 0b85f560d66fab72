//! Which credentials a call takes, and putting them on it.

use mtor_federation::{HttpRequest, Location, Operation, Requirement, SchemeKind, SchemeUse};
use mtor_shared::{
    credential::{Kind, Secret},
    problem::{Problem, ProblemCode},
    source::SourceId,
};
use url::Url;
use zeroize::Zeroizing;

use super::{
    Row, Vault, lock, oauth,
    oauth::{Grant, TokenError},
    opened::{Opened, Tokens},
};
use crate::{
    federated::{
        attached::{Attached, MASK},
        egress::{Sent, authority},
    },
    sources::version::accepts,
    storage::credentials::{CredentialRecord, KnownStanding},
};

/// A token is renewed this long before it ends.
const SKEW_MS: u64 = 30_000;
/// The time of the last use is written this seldom.
const USED_MS: u64 = 60_000;

/// A request as a person may see it.
pub struct Shown {
    /// Absolute.
    pub url: String,
    /// In the order in which they are sent.
    pub headers: Vec<(String, String)>,
    /// Schemes that no stored credential meets.
    pub missing: Vec<String>,
}

/// What a call takes.
enum Choice<'a> {
    /// Nothing.
    Free,
    /// These, together.
    With(Vec<(&'a SchemeUse, Row)>),
    /// No alternative is met; these schemes of the first one are not.
    Missing(Vec<&'a SchemeUse>),
}

impl Vault {
    /// The first alternative that is met; one without schemes always is.
    fn choose<'a>(&self, source: &SourceId, operation: &'a Operation) -> Choice<'a> {
        let Some(first) = operation.security.first() else { return Choice::Free };
        let rows = lock(&self.inner.rows);
        let host = Url::parse(&operation.server).ok().and_then(|url| authority(&url)).unwrap_or_default();
        let fits = |scheme: &SchemeUse, row: &&Row| {
            let record = &row.record;
            record.source == *source
                && record.scheme == scheme.name
                && accepts(&scheme.kind).contains(&record.kind)
                && row.broken.is_none()
                && record.standing != KnownStanding::Waiting
                && record.hosts.contains(&host)
        };
        let find = |scheme: &SchemeUse| rows.iter().rev().find(|row| fits(scheme, row)).cloned();
        for Requirement { schemes } in &operation.security {
            if schemes.is_empty() {
                return Choice::Free;
            }
            let met: Option<Vec<_>> =
                schemes.iter().map(|scheme| find(scheme).map(|row| (scheme, row))).collect();
            if let Some(met) = met {
                return Choice::With(met);
            }
        }
        Choice::Missing(first.schemes.iter().filter(|scheme| find(scheme).is_none()).collect())
    }

    /// The credentials of a call. Requests for tokens are added to `sent`.
    ///
    /// # Errors
    /// None of the alternatives is met, or no token is to be had; in words for a person.
    pub async fn attach(
        &self,
        source: &SourceId,
        operation: &Operation,
        sent: &mut Vec<Sent>,
    ) -> Result<Attached, Problem> {
        let with = match self.choose(source, operation) {
            Choice::Free => return Ok(Attached::default()),
            Choice::With(with) => with,
            Choice::Missing(schemes) => return Err(self.missing(source, operation, &schemes)),
        };
        let mut attached = Attached::default();
        for (scheme, row) in with {
            let opened = self.open(&row)?;
            attached.bind(row.record.hosts.clone());
            let token = match row.record.kind {
                Kind::ClientCredentials | Kind::AuthorizationCode => {
                    Some(self.token(&row, opened, &mut attached, sent).await?)
                }
                Kind::ApiKey | Kind::Bearer | Kind::Basic => {
                    put(&mut attached, scheme, &opened)?;
                    None
                }
            };
            if let Some(token) = token {
                bearer(&mut attached, &token, scheme)?;
            }
            self.used(&row).await;
        }
        Ok(attached)
    }

    /// Why a call cannot be made, and what a person can do about it.
    fn missing(&self, source: &SourceId, operation: &Operation, schemes: &[&SchemeUse]) -> Problem {
        let rows = lock(&self.inner.rows);
        let host = Url::parse(&operation.server).ok().and_then(|url| authority(&url)).unwrap_or_default();
        let names: Vec<&str> = schemes.iter().map(|scheme| scheme.name.as_str()).collect();
        let names = names.join(" and ");
        let given = schemes.iter().find_map(|scheme| {
            rows.iter().rev().find(|row| row.record.source == *source && row.record.scheme == scheme.name)
        });
        let (title, advice) = match given {
            None => (
                format!("{} needs a credential for {names}.", operation.capability.title),
                format!("Add it for {source} on the Federation screen, then try again."),
            ),
            Some(Row { broken: Some(reason), .. }) => {
                (format!("The credential for {names} cannot be used."), reason.clone())
            }
            Some(row) if row.record.standing == KnownStanding::Waiting => (
                format!("The credential for {names} waits for a permission."),
                "Give it at the provider; the list of credentials leads there.".to_owned(),
            ),
            Some(row) => (
                format!(
                    "The credential for {names} was given for {}, and this would send it to {host}.",
                    row.record.hosts.join(", ")
                ),
                "Add it again if it may go there.".to_owned(),
            ),
        };
        Problem::new(ProblemCode::Forbidden, title, advice)
    }

    /// A token that is good for a while, from memory, from the database or from the provider.
    async fn token(
        &self,
        row: &Row,
        mut opened: Opened,
        attached: &mut Attached,
        sent: &mut Vec<Sent>,
    ) -> Result<Zeroizing<String>, Problem> {
        let id = &row.record.id;
        let place = lock(&self.inner.tokens).entry(id.clone()).or_default().clone();
        // Whoever comes while a token is asked for waits here and then uses it.
        let mut place = place.lock().await;
        let now = self.inner.clock.now_ms();
        let good = |tokens: &Tokens| tokens.expires_at_ms > now.saturating_add(SKEW_MS);
        let known = place.clone().or_else(|| opened.tokens.clone());
        if let Some(known) = known.as_ref().filter(|known| good(known)) {
            *place = Some(known.clone());
            attached.hide(&known.access);
            return Ok(Zeroizing::new(known.access.clone()));
        }
        let refresh =
            known.map(|known| Zeroizing::new(known.refresh.clone())).filter(|token| !token.is_empty());
        let grant = match (&opened.secret, &refresh) {
            (Secret::ClientCredentials { .. }, _) => Grant::ClientCredentials,
            (_, Some(refresh)) => Grant::Refresh(refresh),
            (_, None) => {
                self.stand(row, KnownStanding::Waiting).await;
                return Err(ended(&row.record));
            }
        };
        match oauth::obtain(&self.inner.egress, &opened, &grant, now, sent).await {
            Ok(tokens) => {
                *place = Some(tokens.clone());
                attached.hide(&tokens.access);
                let access = Zeroizing::new(tokens.access.clone());
                if row.record.kind == Kind::AuthorizationCode {
                    opened.tokens = Some(tokens);
                    // A provider may have made the token before invalid, so this one must not get lost.
                    let record = CredentialRecord { standing: KnownStanding::Ready, ..row.record.clone() };
                    let _writing = self.inner.writing.lock().await;
                    if self.row(id).is_some() {
                        self.keep(record, &opened).await?;
                    }
                } else if row.record.standing != KnownStanding::Ready {
                    self.stand(row, KnownStanding::Ready).await;
                }
                Ok(access)
            }
            Err(TokenError::Refused(reason)) => {
                *place = None;
                let again = row.record.kind == Kind::AuthorizationCode;
                let standing = if again {
                    KnownStanding::Waiting
                } else {
                    KnownStanding::Refused { reason: reason.clone() }
                };
                self.stand(row, standing).await;
                let advice = if again { "Give the permission again." } else { "Add the credential again." };
                Err(Problem::new(ProblemCode::Forbidden, reason, advice))
            }
            Err(TokenError::Other(problem)) => Err(problem),
        }
    }

    /// The provider did not take what was attached: tokens are asked for anew at the next call.
    pub fn refused(&self, source: &SourceId, operation: &Operation) {
        if let Choice::With(with) = self.choose(source, operation) {
            for (_, row) in with {
                lock(&self.inner.tokens).remove(&row.record.id);
            }
        }
    }

    async fn stand(&self, row: &Row, standing: KnownStanding) {
        let record = CredentialRecord { standing, ..row.record.clone() };
        self.update(record, &row.sealed).await;
    }

    async fn used(&self, row: &Row) {
        let now = self.inner.clock.now_ms();
        let Some(known) = self.row(&row.record.id) else { return };
        if known.record.used_at_ms.is_none_or(|used| now.saturating_sub(used) >= USED_MS) {
            let record = CredentialRecord { used_at_ms: Some(now), ..known.record };
            self.update(record, &known.sealed).await;
        }
    }

    /// Writes facts; the secret stays as it is.
    async fn update(&self, record: CredentialRecord, sealed: &[u8]) {
        let _writing = self.inner.writing.lock().await;
        // It may have been removed, and must not come back.
        if self.row(&record.id).is_none_or(|row| row.sealed != sealed) {
            return;
        }
        if let Err(error) = self.inner.storage.put_credential(&record, sealed).await {
            tracing::warn!(%error, "the use of a credential cannot be noted");
        }
        if let Some(row) = lock(&self.inner.rows).iter_mut().find(|row| row.record.id == record.id) {
            row.record = record;
        }
    }

    /// A request as it would be sent, without its secrets. Nothing is sent, also not for a token.
    pub fn shown_request(&self, source: &SourceId, operation: &Operation, request: &HttpRequest) -> Shown {
        let mut headers = request.headers.clone();
        let (with, missing): (Vec<&SchemeUse>, Vec<String>) = match self.choose(source, operation) {
            Choice::Free => (Vec::new(), Vec::new()),
            Choice::With(with) => (with.into_iter().map(|(scheme, _)| scheme).collect(), Vec::new()),
            Choice::Missing(schemes) => {
                (Vec::new(), schemes.iter().map(|scheme| scheme.name.clone()).collect())
            }
        };
        let mut url = request.url.clone();
        for scheme in with {
            match &scheme.kind {
                SchemeKind::ApiKey { location: Location::Query, parameter } => {
                    url.push(if url.contains('?') { '&' } else { '?' });
                    let name: String = url::form_urlencoded::byte_serialize(parameter.as_bytes()).collect();
                    url.push_str(&format!("{name}={MASK}"));
                }
                SchemeKind::ApiKey { location: Location::Cookie, parameter } => {
                    headers.push(("Cookie".to_owned(), format!("{parameter}={MASK}")));
                }
                SchemeKind::ApiKey { parameter, .. } => headers.push((parameter.clone(), MASK.to_owned())),
                SchemeKind::Http { scheme } if scheme == "basic" => {
                    headers.push(("Authorization".to_owned(), format!("Basic {MASK}")));
                }
                _ => headers.push(("Authorization".to_owned(), format!("Bearer {MASK}"))),
            }
        }
        Shown { url, headers, missing }
    }
}

fn unsendable(scheme: &SchemeUse) -> Problem {
    let title = format!("The credential for {} has characters that cannot be sent.", scheme.name);
    Problem::new(ProblemCode::Forbidden, title, "Add it again.")
}

fn ended(record: &CredentialRecord) -> Problem {
    let title = format!("The permission for {} has ended.", record.scheme);
    Problem::new(ProblemCode::Forbidden, title, "Give it again; the list of credentials leads there.")
}

fn bearer(attached: &mut Attached, token: &str, scheme: &SchemeUse) -> Result<(), Problem> {
    let value = Zeroizing::new(format!("Bearer {token}"));
    attached.hide(token);
    if attached.header("authorization", &value) { Ok(()) } else { Err(unsendable(scheme)) }
}

/// Puts a secret that needs no token where the scheme wants it.
fn put(attached: &mut Attached, scheme: &SchemeUse, opened: &Opened) -> Result<(), Problem> {
    let put = match (&scheme.kind, &opened.secret) {
        (SchemeKind::ApiKey { location, parameter }, Secret::ApiKey { key }) => {
            attached.hide(key);
            match location {
                Location::Header => attached.header(parameter, key),
                Location::Query => {
                    attached.query(parameter, key);
                    true
                }
                Location::Cookie => attached.cookie(parameter, key),
                Location::Path => false,
            }
        }
        (_, Secret::Bearer { token }) => return bearer(attached, token, scheme),
        (SchemeKind::Http { .. }, Secret::Basic { user, password }) => {
            let value = oauth::basic(user, password);
            attached.hide(password);
            attached.hide(value.trim_start_matches("Basic "));
            attached.header("authorization", &value)
        }
        _ => false,
    };
    if put { Ok(()) } else { Err(unsendable(scheme)) }
}
