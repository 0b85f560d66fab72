//! Who asks, and what they may do: identities, roles, scopes, and the wire types of signing in and of API keys.
//!
//! A person is a `did:key`; nothing secret of theirs ever reaches a realm. A realm that nobody has claimed yet knows
//! one person, the one in front of the machine: [`PersonId::local`].

mod did;
mod key;
mod person;
mod role;
mod scope;
mod sign_in;

pub use did::{DidKey, DidKeyError};
pub use key::{ApiKey, ChangeLimits, KeyId, MintKey, MintedKey};
pub use person::{ChangePerson, InvitePerson, Person, PersonId, PersonIdError};
pub use role::Role;
pub use scope::{Escalation, Grant, Names, Scope};
pub use sign_in::{Challenge, Claim, Me, SessionId, SessionInfo, SignIn, SignedIn, sign_in_message};
