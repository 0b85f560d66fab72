//! Who may do what: people who sign in with the key of their device, their sessions, their API keys, and the one check
//! that every request passes ([`guard`]) against the one table of who may come ([`policy`]).
//!
//! A realm that nobody has claimed belongs to whoever sits at its machine, as long as only that machine reaches it. It
//! is claimed with a token that it prints when it starts; from then on nobody is let in without saying who they are.

mod caller;
mod challenge;
pub mod guard;
mod keys;
mod people;
pub mod policy;
mod presented;
mod sessions;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use mtor_shared::{
    identity::{KeyId, Person, PersonId, Role},
    problem::{Problem, ProblemCode},
};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use zeroize::Zeroizing;

pub use self::{
    caller::{Caller, Via},
    sessions::Signed,
};
use self::{challenge::Challenges, presented::Presented};
use crate::{
    clock::Clock,
    config::{Config, IdentitySettings},
    error::ApiError,
    ledger::Ledger,
    random::Random,
    storage::{
        Storage, StorageError,
        identity::{Digest, KeyRecord, SessionRecord},
    },
};

/// How session tokens and API keys begin, so that a person and a scanner of leaked secrets know one when they see it.
const SESSION: &str = "mtor_session_";
const KEY: &str = "mtor_key_";

fn digest(secret: &str) -> Digest {
    Sha256::digest(secret.as_bytes()).into()
}

fn forbidden(title: impl Into<String>, advice: impl Into<String>) -> ApiError {
    ApiError::new(Problem::new(ProblemCode::Forbidden, title, advice))
}

fn no_random(error: &std::io::Error) -> ApiError {
    tracing::error!(%error, "the system has no random bytes");
    ApiError::new(Problem::new(ProblemCode::Internal, "The realm's system has no random bytes.", ""))
}

/// What the realm knows about people, all of it in memory.
#[derive(Default)]
struct Tables {
    people: HashMap<PersonId, Person>,
    sessions: HashMap<Digest, SessionRecord>,
    keys: HashMap<KeyId, KeyRecord>,
}

impl Tables {
    fn claimed(&self) -> bool {
        self.people.values().any(|person| person.role == Role::Sysop)
    }
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

struct Inner {
    settings: IdentitySettings,
    https: bool,
    /// What the cookie is called.
    cookie: String,
    /// Whether only this machine reaches the realm.
    machine: bool,
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    tables: RwLock<Tables>,
    challenges: Challenges,
    /// What the console says, until it is used.
    claim: Mutex<Option<Zeroizing<String>>>,
    /// One change at a time: each is stored before it counts.
    writing: tokio::sync::Mutex<()>,
    /// Counts changes that may end somebody's right to something.
    changes: watch::Sender<u64>,
    /// The day and how many newcomers were given credits on it.
    welcomed: Mutex<(u64, u32)>,
}

/// Whether a `Host` names this machine.
fn names_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.eq_ignore_ascii_case("localhost") || name.starts_with("127.") || name == "[::1]"
}

/// A random text of 256 bits.
fn random_text(random: &dyn Random) -> Result<Zeroizing<String>, ApiError> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut bytes = Zeroizing::new([0; 32]);
    random.fill(bytes.as_mut_slice()).map_err(|error| no_random(&error))?;
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}

/// A random name that is no secret: 12 hexadecimal digits.
fn random_name(random: &dyn Random) -> Result<String, ApiError> {
    let mut bytes = [0; 6];
    random.fill(&mut bytes).map_err(|error| no_random(&error))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Identity {
    /// Reads what is stored. `port` is the one that the realm listens on.
    ///
    /// # Errors
    /// The database's.
    pub async fn load(
        config: &Config,
        port: u16,
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StorageError> {
        let people = storage.people().await?.into_iter().map(|person| (person.id.clone(), person));
        let sessions = storage.sessions(clock.now_ms()).await?;
        let sessions = sessions.into_iter().map(|session| (session.token, session));
        let keys = storage.api_keys().await?.into_iter().map(|record| (record.key.id.clone(), record));
        let tables = Tables { people: people.collect(), sessions: sessions.collect(), keys: keys.collect() };
        let none = || StorageError::Other("the system has no random bytes".to_owned());
        let claim = match tables.claimed() {
            true => None,
            false => Some(random_text(&*random).map_err(|_| none())?),
        };
        let realm = &config.realm;
        let inner = Inner {
            settings: config.identity.clone(),
            https: realm.https,
            // Browsers keep cookies by host, not by port, and a machine may have several realms.
            cookie: if realm.https { "__Host-mtor_session".into() } else { format!("mtor_session_{port}") },
            machine: config.identity.machine_owner
                && realm.listen.ip().is_loopback()
                && !realm.https
                && realm.allowed_hosts.iter().all(|host| names_machine(host)),
            challenges: Challenges::new(&*random).map_err(|_| none())?,
            storage,
            clock,
            random,
            tables: RwLock::new(tables),
            claim: Mutex::new(claim),
            writing: tokio::sync::Mutex::new(()),
            changes: watch::Sender::new(0),
            welcomed: Mutex::new((0, 0)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whether the realm has a sysop.
    pub fn is_claimed(&self) -> bool {
        self.read().claimed()
    }

    /// The token that claims the realm once; for the console and for nothing else.
    pub fn claim_token(&self) -> Option<Zeroizing<String>> {
        self.inner.claim.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the one at the machine is the owner, as long as nobody has claimed the realm.
    pub fn trusts_machine(&self) -> bool {
        self.inner.machine
    }

    /// The keys that a key descends from, nearest first.
    pub fn ancestors(&self, key: &KeyId) -> Vec<KeyId> {
        ancestors(&self.read(), key)
    }

    /// The tables are never left half changed, so a poisoned lock is as good as another.
    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.inner.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.inner.tables.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells open streams to look whether they still may.
    fn changed(&self) {
        self.inner.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Who somebody is by what they showed; nobody where they showed nothing.
    ///
    /// # Errors
    /// 401 where what they showed does not count.
    fn authenticate(&self, presented: &Presented) -> Result<Option<Caller>, ApiError> {
        let now_ms = self.inner.clock.now_ms();
        let tables = self.read();
        let caller = match presented {
            Presented::Header(secret) => {
                let known = if secret.starts_with(KEY) {
                    tables.by_key(secret, now_ms, self.inner.machine)
                } else {
                    tables.by_session(secret, now_ms)
                };
                // Many clients insist on sending a key; where nobody needs one, a foreign one says nothing.
                let known = known.or_else(|| {
                    let open = self.inner.machine && !tables.claimed();
                    (open && !secret.starts_with(KEY)).then(Caller::machine)
                });
                return known.map(Some).ok_or_else(|| {
                    let title = "The key or session does not count here, or no longer.";
                    let advice = "Check it, sign in again, or leave it out.";
                    ApiError::new(Problem::new(ProblemCode::Unauthorized, title, advice))
                });
            }
            // A browser sends its cookie without being asked, also one of a realm that is gone.
            Presented::Cookie(token) => tables.by_session(token, now_ms),
            Presented::Nothing => None,
        };
        let machine = self.inner.machine && !tables.claimed();
        Ok(caller.or_else(|| machine.then(Caller::machine)))
    }

    /// Whether a caller would still be let in as the same, and if so, for how long at most.
    fn still(&self, caller: &Caller) -> Option<Duration> {
        let now_ms = self.inner.clock.now_ms();
        let tables = self.read();
        let (now, until_ms) = match &caller.via {
            Via::Machine => (self.inner.machine && !tables.claimed(), None),
            Via::Session(id) => {
                let session = tables.sessions.values().find(|session| session.id == *id)?;
                let person = tables.people.get(&session.person)?;
                let same = !person.banned && person.role >= caller.role;
                (same, Some(session.expires_at_ms))
            }
            Via::Key(id, _) => {
                let known = tables.key(id, now_ms, self.inner.machine)?;
                (known.role >= caller.role, tables.keys.get(id)?.key.expires_at_ms)
            }
        };
        let left = until_ms.map_or(u64::MAX / 2, |until_ms| until_ms.saturating_sub(now_ms));
        (now && left > 0).then(|| Duration::from_millis(left.min(24 * 3600 * 1000)))
    }

    /// Ends when a caller loses the right to what they were let in for: what a long stream is ended by.
    pub fn ends(&self, caller: &Caller) -> impl Future<Output = ()> + Send + use<> {
        let (identity, caller) = (self.clone(), caller.clone());
        async move {
            let mut changes = identity.inner.changes.subscribe();
            while let Some(left) = identity.still(&caller) {
                tokio::select! {
                    changed = changes.changed() => if changed.is_err() { return },
                    () = tokio::time::sleep(left) => {}
                }
            }
        }
    }

    /// Lets a newcomer begin with some credits, as far as today's are not used up.
    async fn welcome(&self, person: &PersonId, ledger: &Ledger) {
        let (amount, most) = ledger.welcome();
        if amount.is_zero() || !ledger.charges() {
            return;
        }
        let today = self.inner.clock.now_ms() / 86_400_000;
        {
            let mut welcomed = self.inner.welcomed.lock().unwrap_or_else(PoisonError::into_inner);
            if welcomed.0 != today {
                *welcomed = (today, 0);
            }
            if welcomed.1 >= most {
                return;
            }
            welcomed.1 += 1;
        }
        if let Err(error) = ledger.greet(person, amount).await {
            tracing::warn!(%error, "a newcomer has no credits");
        }
    }
}

fn ancestors(tables: &Tables, key: &KeyId) -> Vec<KeyId> {
    let parent = |id: &KeyId| tables.keys.get(id).and_then(|record| record.key.parent.clone());
    std::iter::successors(parent(key), parent).take(keys::MAX_DEPTH).collect()
}

impl Tables {
    fn by_session(&self, token: &str, now_ms: u64) -> Option<Caller> {
        let session = self.sessions.get(&digest(token)).filter(|session| session.expires_at_ms > now_ms)?;
        let person = self.people.get(&session.person).filter(|person| !person.banned)?;
        Some(Caller {
            person: person.id.clone(),
            role: person.role,
            grant: mtor_shared::identity::Grant::everything(),
            via: Via::Session(session.id.clone()),
        })
    }

    fn by_key(&self, secret: &str, now_ms: u64, machine: bool) -> Option<Caller> {
        let id = KeyId(secret.strip_prefix(KEY)?.get(..keys::ID_CHARS)?.to_owned());
        // Digests of 256 random bits: how long the comparison takes tells nothing of use.
        let known = self.keys.get(&id).is_some_and(|record| record.secret == digest(secret));
        if known { self.key(&id, now_ms, machine) } else { None }
    }

    /// A key's caller, as long as it, the keys that it descends from and its owner all count.
    fn key(&self, id: &KeyId, now_ms: u64, machine: bool) -> Option<Caller> {
        let record = self.keys.get(id)?;
        let ancestors = ancestors(self, id);
        let counts = |id: &KeyId| {
            self.keys.get(id).is_some_and(|KeyRecord { key, .. }| {
                key.revoked_at_ms.is_none() && key.expires_at_ms.is_none_or(|until_ms| until_ms > now_ms)
            })
        };
        let owner = &record.key.owner;
        let role = match self.people.get(owner) {
            Some(person) if !person.banned => person.role,
            None if owner.is_local() && machine && !self.claimed() => Role::Sysop,
            Some(_) | None => return None,
        };
        (counts(id) && ancestors.iter().all(counts)).then(|| Caller {
            person: owner.clone(),
            role,
            grant: record.key.grant.clone(),
            via: Via::Key(id.clone(), ancestors),
        })
    }
}
