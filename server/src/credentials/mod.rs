//! Credentials that a person gave the realm: kept sealed, bound to hosts, put on requests, never shown.
//!
//! Who may give and use them is decided by identity, which is another room's; until there is one, the realm answers
//! to its own page alone.

mod attach;
pub mod browser;
mod oauth;
mod opened;
pub mod seal;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::http::HeaderMap;
use mtor_federation::{OauthGrant, SchemeKind};
use mtor_shared::{
    credential::{AddCredential, Credential, CredentialId, Secret, Standing},
    problem::{Problem, ProblemCode},
    source::SourceId,
};
use url::Url;
use zeroize::Zeroizing;

use self::{
    browser::Browser,
    oauth::{Grant, TokenError},
    opened::{Opened, Tokens},
    seal::{SealError, Sealer},
};
use crate::{
    clock::Clock,
    config::Config,
    federated::egress::{Egress, EgressError, authority},
    federated::execute::egress_problem,
    random::Random,
    sources::version::{self, Version},
    storage::{
        Storage, StorageError,
        credentials::{CredentialRecord, KnownStanding},
    },
};
pub use attach::Shown;

/// How long a person may take to agree at the provider, in milliseconds.
const PENDING_MS: u64 = 10 * 60 * 1000;
/// Authorizations that wait at the same time.
const MAX_PENDING: usize = 1_000;
/// Of one credential in one browser.
const MAX_OWN: usize = 20;
/// The longest secret, in bytes.
const SECRET_BYTES: usize = 16 * 1024;

/// See the module.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    config: Arc<Config>,
    storage: Arc<dyn Storage>,
    egress: Arc<Egress>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    sealer: Mutex<Result<Option<Arc<Sealer>>, SealError>>,
    rows: Mutex<Vec<Row>>,
    /// One at a time asks for a credential's token; the others wait and use it.
    tokens: Mutex<HashMap<CredentialId, Arc<tokio::sync::Mutex<Option<Tokens>>>>>,
    pending: Mutex<HashMap<String, Pending>>,
    /// One change at a time.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Row {
    record: CredentialRecord,
    sealed: Vec<u8>,
    /// Why it does not open.
    broken: Option<String>,
}

/// An authorization that a person has not finished.
struct Pending {
    credential: CredentialId,
    /// Which browser began it.
    browser: [u8; 32],
    verifier: Zeroizing<String>,
    until_ms: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wrong(title: impl Into<String>, advice: impl Into<String>) -> Problem {
    Problem::new(ProblemCode::BadRequest, title, advice)
}

fn foreign() -> String {
    "The realm's key does not open it. Put the key back that it was stored with, or remove it and add it again."
        .to_owned()
}

impl Vault {
    /// Reads what is stored. A key that does not fit is told with each credential; it does not stop the realm.
    ///
    /// # Errors
    /// The database's.
    pub async fn load(
        config: Arc<Config>,
        storage: Arc<dyn Storage>,
        egress: Arc<Egress>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StorageError> {
        let sealer = Sealer::open(&config.realm, None).map(|sealer| sealer.map(Arc::new));
        if let Err(error) = &sealer {
            tracing::error!(%error, "credentials cannot be used");
        }
        let opens = |record: &CredentialRecord, sealed: &[u8]| match &sealer {
            Ok(Some(sealer)) => sealer.unseal(record, sealed).map(|_| ()).map_err(|_| foreign()),
            Ok(None) => Err(foreign()),
            Err(error) => Err(format!("It cannot be opened: {error}.")),
        };
        let rows: Vec<Row> = storage
            .credentials()
            .await?
            .into_iter()
            .map(|(record, sealed)| {
                let broken = opens(&record, &sealed).err();
                Row { record, sealed, broken }
            })
            .collect();
        let broken = rows.iter().filter(|row| row.broken.is_some()).count();
        if broken > 0 {
            tracing::warn!(broken, "credentials do not open with the key of this realm");
        }
        let inner = Inner {
            config,
            storage,
            egress,
            clock,
            random,
            sealer: Mutex::new(sealer),
            rows: Mutex::new(rows),
            tokens: Mutex::default(),
            pending: Mutex::default(),
            writing: tokio::sync::Mutex::new(()),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Every credential without its secret, newest first; where a person has to agree, this browser can go on.
    pub fn list(&self, browser: &Browser) -> Vec<Credential> {
        let rows = lock(&self.inner.rows).clone();
        rows.iter().rev().map(|row| self.shown(row, browser)).collect()
    }

    /// The browser that sends these headers; one that is new where it is not known.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn browser(&self, headers: &HeaderMap) -> Result<Browser, Problem> {
        let known = Browser::of(headers).map_or_else(|| Browser::new(&*self.inner.random), Ok);
        known.map_err(|error| sealing(&SealError::Random(error.to_string())))
    }

    /// Keeps a secret for a scheme of a source, in place of the one before. `own` is the realm's own address, where
    /// providers send people back to.
    ///
    /// # Errors
    /// The source has no such scheme, the secret does not fit it, or it cannot be kept.
    pub async fn add(
        &self,
        given: AddCredential,
        version: &Version,
        own: &str,
        browser: &Browser,
    ) -> Result<Credential, Problem> {
        let AddCredential { source, scheme, secret } = given;
        let kind = scheme_of(version, &scheme).ok_or_else(|| {
            let names: Vec<&str> = version.schemes.iter().map(|scheme| scheme.name.as_str()).collect();
            let advice = match names.as_slice() {
                [] => "It asks for no credentials.".to_owned(),
                names => format!("It has {}.", names.join(", ")),
            };
            let shown: String = scheme.chars().take(80).collect();
            Problem::new(ProblemCode::NotFound, format!("{source} has no security scheme {shown}."), advice)
        })?;
        if !version::accepts(&kind).contains(&secret.kind()) {
            let label = version.schemes.iter().find(|known| known.name == scheme);
            let label = label.map(|known| known.label.clone()).unwrap_or_default();
            return Err(wrong(
                format!("{scheme} takes another kind of credential."),
                format!("It is: {label}."),
            ));
        }
        check(&secret)?;
        let mut hosts = version.hosts.clone();
        let opened = self.completed(secret, &kind, &source, own)?;
        if !opened.token_url.is_empty() {
            let url = Url::parse(&opened.token_url).ok();
            hosts.extend(url.as_ref().and_then(authority).filter(|host| !hosts.contains(host)));
        }
        let waits = matches!(opened.secret, Secret::AuthorizationCode { .. });
        let record = CredentialRecord {
            id: self.new_id()?,
            source,
            scheme,
            kind: opened.secret.kind(),
            hosts,
            created_at_ms: self.inner.clock.now_ms(),
            used_at_ms: None,
            standing: if waits { KnownStanding::Waiting } else { KnownStanding::Ready },
        };
        let _writing = self.inner.writing.lock().await;
        let row = self.keep(record, &opened).await?;
        let before: Vec<CredentialId> = {
            let rows = lock(&self.inner.rows);
            rows.iter()
                .filter(|old| {
                    old.record.source == row.record.source
                        && old.record.scheme == row.record.scheme
                        && old.record.id != row.record.id
                })
                .map(|old| old.record.id.clone())
                .collect()
        };
        for id in before {
            self.forget(&id).await?;
        }
        Ok(self.shown(&row, browser))
    }

    /// Forgets a credential; nothing is sent with it any more.
    ///
    /// # Errors
    /// There is none of that name, or the database fails.
    pub async fn remove(&self, id: &CredentialId) -> Result<(), Problem> {
        let _writing = self.inner.writing.lock().await;
        if self.forget(id).await? {
            return Ok(());
        }
        Err(Problem::new(ProblemCode::NotFound, "There is no such credential.", "Reload the list."))
    }

    async fn forget(&self, id: &CredentialId) -> Result<bool, Problem> {
        let gone = self.inner.storage.delete_credential(id).await.map_err(|error| error.problem())?;
        lock(&self.inner.rows).retain(|row| row.record.id != *id);
        lock(&self.inner.tokens).remove(id);
        lock(&self.inner.pending).retain(|_, pending| pending.credential != *id);
        Ok(gone)
    }

    /// Forgets what belongs to a source that is not in the database any more.
    pub fn forget_source(&self, source: &SourceId) {
        let mut rows = lock(&self.inner.rows);
        for row in rows.iter().filter(|row| row.record.source == *source) {
            lock(&self.inner.tokens).remove(&row.record.id);
            lock(&self.inner.pending).retain(|_, pending| pending.credential != row.record.id);
        }
        rows.retain(|row| row.record.source != *source);
    }

    /// Finishes an authorization: a person comes back from the provider, to the address of a source. A state counts
    /// once, in the browser that began it, and for that source: a permission of one provider never reaches another
    /// (RFC 9700, 4.4 and 4.7).
    ///
    /// # Errors
    /// In words for that person.
    pub async fn come_back(
        &self,
        source: &SourceId,
        browser: Option<&Browser>,
        state: &str,
        code: Option<&str>,
        error: Option<&str>,
    ) -> Result<Credential, Problem> {
        let inner = &self.inner;
        let now = inner.clock.now_ms();
        let unknown = || {
            let title =
                "This permission was asked for in another browser, was used already, or took too long.";
            Problem::new(ProblemCode::Forbidden, title, "Start again from the list of credentials.")
        };
        let browser = browser.ok_or_else(unknown)?;
        let begun = {
            let all = lock(&inner.pending);
            let own = |pending: &&Pending| pending.until_ms > now && pending.browser == browser.digest();
            all.get(state).filter(own).map(|pending| pending.credential.clone())
        };
        let row = begun.and_then(|id| self.row(&id)).filter(|row| row.record.source == *source);
        // What somebody else tries does not end what a person has begun.
        let pending = row.and_then(|_| lock(&inner.pending).remove(state)).ok_or_else(unknown)?;
        let code = match (code, error) {
            (Some(code), None) => code,
            (_, Some("access_denied")) => {
                return Err(wrong(
                    "The permission was not given.",
                    "Start again from the list of credentials.",
                ));
            }
            _ => {
                return Err(wrong(
                    "The provider gives no permission.",
                    "Start again from the list of credentials.",
                ));
            }
        };
        let _writing = inner.writing.lock().await;
        let row = self.row(&pending.credential).ok_or_else(|| {
            Problem::new(ProblemCode::NotFound, "The credential was removed meanwhile.", "Add it again.")
        })?;
        let mut opened = self.open(&row)?;
        let grant = Grant::Code { code, verifier: &pending.verifier };
        let tokens = oauth::obtain(&inner.egress, &opened, &grant, now, &mut Vec::new()).await;
        opened.tokens = Some(tokens.map_err(|error| match error {
            TokenError::Refused(reason) => wrong(reason, "Start again from the list of credentials."),
            TokenError::Other(problem) => problem,
        })?);
        let record = CredentialRecord { standing: KnownStanding::Ready, ..row.record };
        let row = self.keep(record, &opened).await?;
        lock(&inner.tokens).remove(&row.record.id);
        Ok(self.shown(&row, browser))
    }

    /// A secret with the addresses that belong to it.
    fn completed(
        &self,
        secret: Secret,
        kind: &SchemeKind,
        source: &SourceId,
        own: &str,
    ) -> Result<Opened, Problem> {
        let (grant, given_authorization, given_token) = match &secret {
            Secret::ClientCredentials { token_url, .. } => {
                (OauthGrant::ClientCredentials, None, token_url.clone())
            }
            Secret::AuthorizationCode { authorization_url, token_url, .. } => {
                (OauthGrant::AuthorizationCode, Some(authorization_url.clone()), token_url.clone())
            }
            Secret::ApiKey { .. } | Secret::Bearer { .. } | Secret::Basic { .. } => {
                let (token_url, authorization_url, redirect_uri) = Default::default();
                return Ok(Opened { secret, token_url, authorization_url, redirect_uri, tokens: None });
            }
        };
        let flow = match kind {
            SchemeKind::Oauth2 { flows } => flows.iter().find(|flow| flow.grant == grant),
            _ => None,
        };
        let token_url = given_token.or_else(|| flow.map(|flow| flow.token_url.clone()));
        let token_url = self.endpoint("token", token_url)?;
        let authorization_url = match given_authorization {
            Some(given) => {
                let url = given.or_else(|| flow.map(|flow| flow.authorization_url.clone()));
                self.endpoint("authorization", url)?
            }
            None => String::new(),
        };
        // One a source, so that a provider cannot pass on what was meant for another (RFC 9700, 4.4.2).
        let redirect_uri = format!("{own}/api/credentials/oauth/callback/{source}");
        Ok(Opened { secret, token_url, authorization_url, redirect_uri, tokens: None })
    }

    fn endpoint(&self, which: &str, text: Option<String>) -> Result<String, Problem> {
        let text = text.filter(|text| !text.is_empty()).ok_or_else(|| {
            wrong(format!("The description names no {which} address."), format!("Give the {which} address."))
        })?;
        let url = Url::parse(&text).map_err(|_| {
            let shown: String = text.chars().take(120).collect();
            wrong(
                format!("The {which} address `{shown}` is not a whole address."),
                "Give it with https:// in front.",
            )
        })?;
        let host = authority(&url).unwrap_or_default();
        let refused = |refusal| egress_problem(&host, &EgressError::Refused(refusal));
        self.inner.egress.check(&url).map_err(refused)?;
        Ok(url.to_string())
    }

    fn new_id(&self) -> Result<CredentialId, Problem> {
        let mut bytes = [0; 16];
        self.inner.random.fill(&mut bytes).map_err(|error| sealing(&SealError::Random(error.to_string())))?;
        Ok(CredentialId(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Seals, stores and remembers.
    async fn keep(&self, record: CredentialRecord, opened: &Opened) -> Result<Row, Problem> {
        let sealer = self.sealer(true)?;
        let text = serde_json::to_vec(opened).map(Zeroizing::new).map_err(|error| {
            tracing::error!(%error, "a credential cannot be written");
            sealing(&SealError::Foreign)
        })?;
        let sealed = sealer.seal(&record, &text, &*self.inner.random).map_err(|error| sealing(&error))?;
        self.inner.storage.put_credential(&record, &sealed).await.map_err(|error| error.problem())?;
        let row = Row { record, sealed, broken: None };
        let mut rows = lock(&self.inner.rows);
        match rows.iter_mut().find(|known| known.record.id == row.record.id) {
            Some(known) => *known = row.clone(),
            None => rows.push(row.clone()),
        }
        Ok(row)
    }

    fn sealer(&self, make: bool) -> Result<Arc<Sealer>, Problem> {
        let mut sealer = lock(&self.inner.sealer);
        if matches!(&*sealer, Ok(None)) && make {
            let made = Sealer::open(&self.inner.config.realm, Some(&*self.inner.random));
            *sealer = made.map(|made| made.map(Arc::new));
        }
        match &*sealer {
            Ok(Some(sealer)) => Ok(Arc::clone(sealer)),
            Ok(None) => Err(sealing(&SealError::Foreign)),
            Err(error) => Err(sealing(error)),
        }
    }

    fn row(&self, id: &CredentialId) -> Option<Row> {
        lock(&self.inner.rows).iter().find(|row| row.record.id == *id).cloned()
    }

    fn open(&self, row: &Row) -> Result<Opened, Problem> {
        let text = self.sealer(false)?.unseal(&row.record, &row.sealed).map_err(|error| sealing(&error))?;
        serde_json::from_slice(&text).map_err(|_| sealing(&SealError::Foreign))
    }

    /// Everything but the secret.
    fn shown(&self, row: &Row, browser: &Browser) -> Credential {
        let CredentialRecord { id, source, scheme, kind, hosts, created_at_ms, used_at_ms, standing } =
            row.record.clone();
        let standing = match (&row.broken, standing) {
            (Some(reason), _) => Standing::Refused { reason: reason.clone() },
            (None, KnownStanding::Ready) => Standing::Ready,
            (None, KnownStanding::Refused { reason }) => Standing::Refused { reason },
            (None, KnownStanding::Waiting) => match self.authorization(row, browser) {
                Ok(authorize_at) => Standing::Waiting { authorize_at },
                Err(problem) => Standing::Refused { reason: problem.to_string() },
            },
        };
        Credential { id, source, scheme, kind, hosts, created_at_ms, used_at_ms, standing }
    }

    /// Where a person agrees; each answer has a state of its own, which counts once, and in this browser.
    fn authorization(&self, row: &Row, browser: &Browser) -> Result<String, Problem> {
        let opened = self.open(row)?;
        let random = |error: std::io::Error| sealing(&SealError::Random(error.to_string()));
        let state = oauth::random_text(&*self.inner.random).map_err(random)?;
        let verifier = oauth::random_text(&*self.inner.random).map_err(random)?;
        let url = oauth::authorize_at(&opened, &state, &verifier);
        let url =
            url.ok_or_else(|| wrong("The authorization address is wrong.", "Add the credential again."))?;
        let now = self.inner.clock.now_ms();
        let mut pending = lock(&self.inner.pending);
        pending.retain(|_, pending| pending.until_ms > now);
        let own = browser.digest();
        let mut mine: Vec<(u64, String)> = pending
            .iter()
            .filter(|(_, known)| known.browser == own && known.credential == row.record.id)
            .map(|(state, known)| (known.until_ms, state.clone()))
            .collect();
        mine.sort_unstable();
        // A page that lists again and again begins no authorization anew each time; the newest ones stay.
        for (_, oldest) in mine.iter().rev().skip(MAX_OWN - 1) {
            pending.remove(oldest);
        }
        if pending.len() >= MAX_PENDING {
            return Err(Problem::retryable(
                ProblemCode::TooMany,
                "Too many permissions are waiting.",
                "Try again in some minutes.",
            ));
        }
        let until_ms = now.saturating_add(PENDING_MS);
        let wait = Pending { credential: row.record.id.clone(), browser: own, verifier, until_ms };
        pending.insert(state.to_string(), wait);
        Ok(url)
    }
}

/// How a scheme of that name is described.
fn scheme_of(version: &Version, name: &str) -> Option<SchemeKind> {
    let requirements = version.operations.iter().flat_map(|operation| &operation.security);
    let mut schemes = requirements.flat_map(|requirement| &requirement.schemes);
    schemes.find(|scheme| scheme.name == name).map(|scheme| scheme.kind.clone())
}

/// A secret that can be sent at all.
fn check(secret: &Secret) -> Result<(), Problem> {
    let parts: Vec<(&str, &String)> = match secret {
        Secret::ApiKey { key } => vec![("key", key)],
        Secret::Bearer { token } => vec![("token", token)],
        Secret::Basic { user, password } => {
            if user.contains(':') {
                return Err(wrong(
                    "The user name has a colon in it.",
                    "Basic authentication allows none there.",
                ));
            }
            vec![("user name", user), ("password", password)]
        }
        Secret::ClientCredentials { client_id, client_secret, .. } => {
            vec![("client id", client_id), ("client secret", client_secret)]
        }
        Secret::AuthorizationCode { client_id, .. } => vec![("client id", client_id)],
    };
    for (name, text) in parts {
        let empty = text.is_empty() && name != "password";
        if empty || text.len() > SECRET_BYTES || text.chars().any(char::is_control) {
            let why = if empty { "is empty" } else { "is too long or has control characters in it" };
            return Err(wrong(format!("The {name} {why}."), "Copy it again from the provider."));
        }
    }
    Ok(())
}

fn sealing(error: &SealError) -> Problem {
    let (title, advice) = match error {
        SealError::Foreign => ("A credential does not open with the realm's key.".to_owned(), foreign()),
        SealError::Key(_) | SealError::Random(_) => (
            format!("The realm cannot keep credentials: {error}."),
            "Its operator can set realm.credentials_key_file.".to_owned(),
        ),
    };
    Problem::new(ProblemCode::Internal, title, advice)
}
