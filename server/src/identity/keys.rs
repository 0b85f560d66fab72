//! API keys: minted, shown once, kept as a hash, never more than who minted them.

use mtor_shared::{
    identity::{ApiKey, KeyId, MintKey, MintedKey},
    ledger::{Limits, Subject},
};

use super::{Caller, Identity, KEY, Via, digest, forbidden, random_name, random_text};
use crate::{error::ApiError, ledger::Ledger, storage::identity::KeyRecord};

/// Characters of a key's name.
pub(super) const ID_CHARS: usize = 12;
/// Keys that were minted by keys that were minted by keys …
pub(super) const MAX_DEPTH: usize = 4;
/// Keys of one person that count.
const MOST: usize = 1_000;

fn missing() -> ApiError {
    ApiError::not_found("You have no such key.", "GET /api/keys lists yours.")
}

impl Identity {
    fn new_secret(&self, id: &KeyId) -> Result<String, ApiError> {
        Ok(format!("{KEY}{id}_{}", *random_text(&*self.inner.random)?))
    }

    /// Mints a key for the caller: nothing that they may not do, for no longer than their own key counts. A key that
    /// was minted with another one spends out of that one's limits too.
    ///
    /// # Errors
    /// 403 for more than the caller may do, 400 for what makes no sense.
    pub async fn mint(
        &self,
        caller: &Caller,
        wanted: MintKey,
        ledger: &Ledger,
    ) -> Result<MintedKey, ApiError> {
        let MintKey { name, grant, limits, expires_at_ms } = wanted;
        let now_ms = self.inner.clock.now_ms();
        if !(1..=80).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(ApiError::bad_request("A key's name has 1 to 80 characters.", ""));
        }
        if expires_at_ms.is_some_and(|until_ms| until_ms <= now_ms) {
            return Err(ApiError::bad_request("The key would have ended before it is minted.", ""));
        }
        caller.grant.hand_on(&grant).map_err(|what| {
            forbidden(
                format!("This key cannot hand on {what}."),
                "Mint the key with a session, or ask for less.",
            )
        })?;
        let _writing = self.inner.writing.lock().await;
        let parent = match &caller.via {
            Via::Key(parent, ancestors) => {
                if ancestors.len() + 1 >= MAX_DEPTH {
                    return Err(forbidden(
                        format!("Keys mint keys only {MAX_DEPTH} deep."),
                        "Mint it with a session.",
                    ));
                }
                let ends_ms = self.read().keys.get(parent).and_then(|record| record.key.expires_at_ms);
                let longer = match (ends_ms, expires_at_ms) {
                    (None, _) => false,
                    (Some(ends_ms), Some(until_ms)) => until_ms > ends_ms,
                    (Some(_), None) => true,
                };
                if longer {
                    return Err(forbidden("The key would count longer than the one that mints it.", ""));
                }
                Some(parent.clone())
            }
            Via::Machine | Via::Session(_) => None,
        };
        let count = {
            let tables = self.read();
            let own = tables.keys.values().filter(|record| record.key.owner == caller.person);
            own.filter(|record| record.key.revoked_at_ms.is_none()).count()
        };
        if count >= MOST {
            return Err(forbidden(format!("You have {MOST} keys."), "Revoke some of them first."));
        }
        let id = KeyId(random_name(&*self.inner.random)?);
        let secret = self.new_secret(&id)?;
        let key = ApiKey {
            begins: format!("{KEY}{id}"),
            id,
            name,
            owner: caller.person.clone(),
            parent,
            grant,
            limits,
            spent: Default::default(),
            created_at_ms: now_ms,
            expires_at_ms,
            revoked_at_ms: None,
        };
        // Limits first: at no moment is there a key without them.
        ledger.set_limits(Subject::Key(key.id.clone()), limits).await?;
        self.store(KeyRecord { key: key.clone(), secret: digest(&secret) }).await?;
        Ok(MintedKey { key, secret })
    }

    async fn store(&self, record: KeyRecord) -> Result<(), ApiError> {
        self.inner.storage.put_api_key(&record).await?;
        self.write().keys.insert(record.key.id.clone(), record);
        self.changed();
        Ok(())
    }

    /// Whether a caller may manage a key: their own, and with a key only what that one minted.
    fn manages(&self, caller: &Caller, key: &ApiKey) -> bool {
        let below = match &caller.via {
            Via::Key(own, _) => self.ancestors(&key.id).contains(own),
            Via::Machine | Via::Session(_) => true,
        };
        key.owner == caller.person && below
    }

    fn find(&self, caller: &Caller, id: &KeyId) -> Result<KeyRecord, ApiError> {
        let record = self.read().keys.get(id).cloned();
        record.filter(|record| self.manages(caller, &record.key)).ok_or_else(missing)
    }

    /// The keys that a caller manages, newest first, revoked ones last.
    pub fn keys_of(&self, caller: &Caller, ledger: &Ledger) -> Vec<ApiKey> {
        let all: Vec<ApiKey> = {
            let tables = self.read();
            let own = tables.keys.values().filter(|record| record.key.owner == caller.person);
            own.map(|record| record.key.clone()).collect()
        };
        let mut own: Vec<ApiKey> = all.into_iter().filter(|key| self.manages(caller, key)).collect();
        for key in &mut own {
            (key.limits, key.spent) = ledger.limits(&Subject::Key(key.id.clone()));
        }
        own.sort_by(|a, b| {
            let revoked = a.revoked_at_ms.is_some().cmp(&b.revoked_at_ms.is_some());
            revoked.then(b.created_at_ms.cmp(&a.created_at_ms)).then_with(|| a.id.cmp(&b.id))
        });
        own
    }

    /// Revokes a key, and with it every key that descends from it. Once revoked it stays so.
    ///
    /// # Errors
    /// 404 where it is not the caller's.
    pub async fn revoke(&self, caller: &Caller, id: &KeyId) -> Result<(), ApiError> {
        let _writing = self.inner.writing.lock().await;
        let mut record = self.find(caller, id)?;
        if record.key.revoked_at_ms.is_none() {
            record.key.revoked_at_ms = Some(self.inner.clock.now_ms());
            self.store(record).await?;
        }
        Ok(())
    }

    /// A new secret for the same key; the old one counts no longer. Limits and what was spent stay.
    ///
    /// # Errors
    /// 404 where it is not the caller's, 403 where it is revoked.
    pub async fn rotate_key(&self, caller: &Caller, id: &KeyId) -> Result<MintedKey, ApiError> {
        let _writing = self.inner.writing.lock().await;
        let mut record = self.find(caller, id)?;
        if record.key.revoked_at_ms.is_some() {
            return Err(forbidden("The key is revoked.", "Mint a new one."));
        }
        let secret = self.new_secret(id)?;
        record.secret = digest(&secret);
        let key = record.key.clone();
        self.store(record).await?;
        Ok(MintedKey { key, secret })
    }

    /// Changes how much and how often a key may be used.
    ///
    /// # Errors
    /// 404 where it is not the caller's.
    pub async fn limit_key(
        &self,
        caller: &Caller,
        id: &KeyId,
        limits: Limits,
        ledger: &Ledger,
    ) -> Result<ApiKey, ApiError> {
        let _writing = self.inner.writing.lock().await;
        let mut record = self.find(caller, id)?;
        let subject = Subject::Key(id.clone());
        ledger.set_limits(subject.clone(), limits).await?;
        record.key.limits = limits;
        let mut key = record.key.clone();
        self.store(record).await?;
        key.spent = ledger.limits(&subject).1;
        Ok(key)
    }
}
