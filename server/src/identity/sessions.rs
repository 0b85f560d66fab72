//! Signing in, claiming the realm, staying signed in, signing out.

use axum::http::HeaderValue;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mtor_shared::{
    identity::{
        Challenge, Claim, DidKey, Me, Person, PersonId, Role, SessionId, SessionInfo, SignIn, SignedIn,
        sign_in_message,
    },
    problem::{Problem, ProblemCode},
};
use ring::signature::{ED25519, UnparsedPublicKey};

use super::{Caller, Identity, SESSION, Via, digest, forbidden, no_random, random_name, random_text};
use crate::{error::ApiError, ledger::Ledger, storage::identity::SessionRecord};

/// Sessions of one person; the oldest ends when there is one more.
const MOST: usize = 50;

/// Somebody who signed in, and the cookie for their browser.
pub struct Signed {
    /// The answer.
    pub answer: SignedIn,
    /// `Set-Cookie`
    pub cookie: HeaderValue,
}

fn not_signed(title: &str) -> ApiError {
    ApiError::new(Problem::new(ProblemCode::Unauthorized, title, "Ask for a new challenge and sign that."))
}

impl Identity {
    /// Something to sign.
    ///
    /// # Errors
    /// Where the system has no random bytes.
    pub fn challenge(&self) -> Result<Challenge, ApiError> {
        let inner = &self.inner;
        inner.challenges.give(&*inner.random, inner.clock.now_ms()).map_err(|error| no_random(&error))
    }

    /// Who the realm takes somebody for.
    pub fn me(&self, caller: Option<&Caller>) -> Me {
        Me {
            claimed: self.is_claimed(),
            person: caller.map(|caller| caller.person.clone()),
            role: caller.map(|caller| caller.role),
            grant: caller.map(|caller| caller.grant.clone()),
            key: caller.and_then(Caller::key).cloned(),
        }
    }

    /// Whether the signature is the person's, over a challenge of ours that counts, for this realm under the name that
    /// the person's device knows. The challenge is used up by a good signature, and only by that.
    fn proven(&self, host: &str, sign_in: &SignIn) -> Result<(), ApiError> {
        let inner = &self.inner;
        let now_ms = inner.clock.now_ms();
        let ends_ms = inner.challenges.ends(&sign_in.challenge, now_ms);
        let ends_ms =
            ends_ms.ok_or_else(|| not_signed("The challenge has ended, or is not this realm's."))?;
        let did: DidKey =
            sign_in.person.as_str().parse().map_err(|_| not_signed("Only a did:key can sign in."))?;
        let message = sign_in_message(host, &sign_in.person, &sign_in.challenge);
        let signature = URL_SAFE_NO_PAD.decode(&sign_in.signature).unwrap_or_default();
        UnparsedPublicKey::new(&ED25519, did.public_key())
            .verify(message.as_bytes(), &signature)
            .map_err(|_| not_signed("The signature does not fit."))?;
        if inner.challenges.take(&sign_in.challenge, ends_ms, now_ms) {
            Ok(())
        } else {
            Err(not_signed("The challenge was used before."))
        }
    }

    /// Signs somebody in. `host` is the realm's name as the request has it, which was checked before.
    ///
    /// # Errors
    /// 401 where the proof does not hold, 403 where the person is not let in.
    pub async fn sign_in(&self, host: &str, sign_in: &SignIn, ledger: &Ledger) -> Result<Signed, ApiError> {
        self.proven(host, sign_in)?;
        let _writing = self.inner.writing.lock().await;
        let (claimed, known) = {
            let tables = self.read();
            (tables.claimed(), tables.people.get(&sign_in.person).cloned())
        };
        if !claimed {
            return Err(forbidden(
                "Nobody has claimed this realm yet.",
                "Claim it with the token that it prints when it starts.",
            ));
        }
        let person = match known {
            Some(person) if person.banned => {
                return Err(forbidden("You are shut out of this realm.", "Ask its operator."));
            }
            Some(person) => person,
            None if self.inner.settings.open => {
                let person = self.admit(&sign_in.person, Role::Person).await?;
                self.welcome(&person.id, ledger).await;
                person
            }
            None => {
                return Err(forbidden(
                    "This realm does not know you.",
                    "Ask its operator to let you in, and tell them your did:key.",
                ));
            }
        };
        self.new_session(&person).await
    }

    /// Makes whoever has the console's token the sysop of a realm that has none, once.
    ///
    /// # Errors
    /// 401 where the proof does not hold, 403 where the token does not, 409 where the realm is claimed.
    pub async fn claim(&self, host: &str, claim: &Claim, ledger: &Ledger) -> Result<Signed, ApiError> {
        self.proven(host, &claim.sign_in)?;
        let _writing = self.inner.writing.lock().await;
        let Some(token) = self.claim_token().filter(|_| !self.is_claimed()) else {
            let title = "This realm is claimed already.";
            return Err(ApiError::new(Problem::new(
                ProblemCode::Conflict,
                title,
                "Ask its sysop to let you in.",
            )));
        };
        if digest(&token) != digest(&claim.token) {
            tracing::warn!("somebody tried to claim the realm with a wrong token");
            return Err(forbidden(
                "This is not the token of this realm.",
                "It is the one that the realm printed when it started last.",
            ));
        }
        let id = &claim.sign_in.person;
        // Credits first: should the process end in between, the realm is not claimed, and claiming again goes on here.
        ledger.hand_over(&PersonId::local(), id).await?;
        self.inner.storage.hand_over(&PersonId::local(), id).await?;
        let person = self.admit(id, Role::Sysop).await?;
        for record in self.write().keys.values_mut().filter(|record| record.key.owner.is_local()) {
            record.key.owner = id.clone();
        }
        *self.inner.claim.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
        self.changed();
        tracing::info!("the realm was claimed");
        self.new_session(&person).await
    }

    pub(super) async fn admit(&self, id: &PersonId, role: Role) -> Result<Person, ApiError> {
        let person = Person { id: id.clone(), role, banned: false, since_ms: self.inner.clock.now_ms() };
        self.inner.storage.put_person(&person).await?;
        self.write().people.insert(id.clone(), person.clone());
        Ok(person)
    }

    async fn new_session(&self, person: &Person) -> Result<Signed, ApiError> {
        let now_ms = self.inner.clock.now_ms();
        let oldest = {
            let tables = self.read();
            let mut own: Vec<(u64, SessionId)> = tables
                .sessions
                .values()
                .filter(|session| session.person == person.id)
                .map(|session| (session.created_at_ms, session.id.clone()))
                .collect();
            own.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
            (own.len() >= MOST).then(|| own.swap_remove(0).1)
        };
        if let Some(oldest) = oldest {
            self.forget(&oldest).await?;
        }
        let lasts = u64::try_from(self.inner.settings.session.as_millis()).unwrap_or(u64::MAX);
        let id = SessionId(random_name(&*self.inner.random)?);
        self.keep(id, &person.id, now_ms, now_ms.saturating_add(lasts)).await
    }

    /// Stores a session under a new token.
    async fn keep(
        &self,
        id: SessionId,
        person: &PersonId,
        created_at_ms: u64,
        expires_at_ms: u64,
    ) -> Result<Signed, ApiError> {
        let token = format!("{SESSION}{}", *random_text(&*self.inner.random)?);
        let session =
            SessionRecord { id, token: digest(&token), person: person.clone(), created_at_ms, expires_at_ms };
        self.inner.storage.put_session(&session).await?;
        let me = {
            let mut tables = self.write();
            let now_ms = self.inner.clock.now_ms();
            tables.sessions.retain(|_, old| old.id != session.id && old.expires_at_ms > now_ms);
            tables.sessions.insert(session.token, session);
            tables.by_session(&token, now_ms)
        };
        let cookie = self.cookie(&token, expires_at_ms)?;
        let answer = SignedIn { token, expires_at_ms, me: self.me(me.as_ref()) };
        Ok(Signed { answer, cookie })
    }

    /// The same session under a new token; the old one counts no longer.
    ///
    /// # Errors
    /// 403 for whoever has no session.
    pub async fn rotate_session(&self, caller: &Caller) -> Result<Signed, ApiError> {
        let _writing = self.inner.writing.lock().await;
        let Via::Session(id) = &caller.via else { return Err(no_session()) };
        let session = self.read().sessions.values().find(|session| session.id == *id).cloned();
        let session = session.ok_or_else(no_session)?;
        self.keep(session.id, &session.person, session.created_at_ms, session.expires_at_ms).await
    }

    /// Somebody's own sessions, newest first.
    pub fn sessions_of(&self, caller: &Caller) -> Vec<SessionInfo> {
        let now_ms = self.inner.clock.now_ms();
        let tables = self.read();
        let own = tables.sessions.values();
        let own = own.filter(|session| session.person == caller.person && session.expires_at_ms > now_ms);
        let mut own: Vec<SessionInfo> = own
            .map(|session| SessionInfo {
                id: session.id.clone(),
                current: caller.via == Via::Session(session.id.clone()),
                created_at_ms: session.created_at_ms,
                expires_at_ms: session.expires_at_ms,
            })
            .collect();
        own.sort_by(|a, b| b.created_at_ms.cmp(&a.created_at_ms).then_with(|| a.id.cmp(&b.id)));
        own
    }

    /// Ends one of somebody's own sessions: `current` is the one that asks. With the cookie's end for the browser.
    ///
    /// # Errors
    /// 404 where it is not theirs.
    pub async fn sign_out(&self, caller: &Caller, id: &str) -> Result<HeaderValue, ApiError> {
        let _writing = self.inner.writing.lock().await;
        let id = match (&caller.via, id) {
            (Via::Session(current), "current") => current.clone(),
            _ => SessionId(id.to_owned()),
        };
        let own = |session: &SessionRecord| session.id == id && session.person == caller.person;
        if !self.read().sessions.values().any(own) {
            return Err(ApiError::not_found("You have no such session.", "It may have ended."));
        }
        self.forget(&id).await?;
        self.changed();
        self.cookie("", 0)
    }

    async fn forget(&self, id: &SessionId) -> Result<(), ApiError> {
        self.inner.storage.delete_session(id).await?;
        self.write().sessions.retain(|_, session| session.id != *id);
        Ok(())
    }

    /// `HttpOnly`: no script reads it. `SameSite=Strict`: no other site sends it.
    fn cookie(&self, token: &str, expires_at_ms: u64) -> Result<HeaderValue, ApiError> {
        let seconds = expires_at_ms.saturating_sub(self.inner.clock.now_ms()).div_ceil(1_000);
        let secure = if self.inner.https { "; Secure" } else { "" };
        let text = format!(
            "{}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}",
            self.inner.cookie
        );
        let mut value = HeaderValue::try_from(text).map_err(|_| {
            ApiError::new(Problem::new(ProblemCode::Internal, "The cookie cannot be written.", ""))
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

fn no_session() -> ApiError {
    forbidden("You are not signed in with a session.", "Sign in first.")
}
