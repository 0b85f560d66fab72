//! Letting people in, giving them roles, shutting them out.

use mtor_shared::identity::{ChangePerson, InvitePerson, Person, PersonId, Role};

use super::{Caller, Identity, forbidden};
use crate::error::ApiError;

fn above(role: Role) -> ApiError {
    forbidden(format!("You cannot give or take the role {role}."), "It is above your own; ask the sysop.")
}

impl Identity {
    /// Everybody, by their name.
    pub fn people(&self) -> Vec<Person> {
        let mut people: Vec<Person> = self.read().people.values().cloned().collect();
        people.sort_by(|a, b| a.since_ms.cmp(&b.since_ms).then_with(|| a.id.cmp(&b.id)));
        people
    }

    /// Lets somebody in.
    ///
    /// # Errors
    /// 403 for a role above the caller's own, 400 for whoever is known or can never sign in.
    pub async fn invite(&self, caller: &Caller, wanted: &InvitePerson) -> Result<Person, ApiError> {
        if wanted.role > caller.role {
            return Err(above(wanted.role));
        }
        if wanted.id.is_local() {
            return Err(ApiError::bad_request("Only a did:key can be let in.", ""));
        }
        let _writing = self.inner.writing.lock().await;
        // A sysop who is let in by the machine's owner would claim the realm without the console's token.
        if !self.is_claimed() {
            return Err(forbidden(
                "Nobody has claimed this realm yet.",
                "Claim it before you let others in.",
            ));
        }
        if self.read().people.contains_key(&wanted.id) {
            return Err(ApiError::bad_request("The realm knows this person.", "Change their role instead."));
        }
        self.admit(&wanted.id, wanted.role).await
    }

    /// Changes somebody's role, or shuts them out; their sessions and keys follow at once.
    ///
    /// # Errors
    /// 403 for whoever is above the caller or would be, and for the last sysop; 404 for a stranger.
    pub async fn change(
        &self,
        caller: &Caller,
        id: &PersonId,
        change: &ChangePerson,
    ) -> Result<Person, ApiError> {
        let _writing = self.inner.writing.lock().await;
        let known = self.read().people.get(id).cloned();
        let Some(mut person) = known else {
            return Err(ApiError::not_found("The realm does not know this person.", "Let them in first."));
        };
        let role = change.role.unwrap_or(person.role);
        if person.role.max(role) > caller.role {
            return Err(above(person.role.max(role)));
        }
        let was_sysop = person.role == Role::Sysop && !person.banned;
        (person.role, person.banned) = (role, change.banned.unwrap_or(person.banned));
        if was_sysop && (person.role != Role::Sysop || person.banned) {
            let tables = self.read();
            let other = |other: &&Person| other.id != *id && other.role == Role::Sysop && !other.banned;
            if !tables.people.values().any(|person| other(&person)) {
                return Err(forbidden("The realm needs a sysop.", "Make somebody else sysop first."));
            }
        }
        self.inner.storage.put_person(&person).await?;
        self.write().people.insert(id.clone(), person.clone());
        self.changed();
        Ok(person)
    }
}
