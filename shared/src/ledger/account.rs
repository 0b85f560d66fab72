//! Who has credits.

use serde::{Deserialize, Serialize};

use crate::identity::PersonId;

/// Names who answers: a source, a model's host or a worker, 1 to 120 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct ProviderId(String);

/// Names a reservation: 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String))]
#[serde(try_from = "String", into = "String")]
pub struct ReservationId([u8; 16]);

/// Has a balance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Account {
    /// Where credits come from: the only one that has no balance, but a total of what it gave.
    Issue,
    /// The realm's own: its fees.
    Realm,
    /// What a person can spend.
    Person(PersonId),
    /// What a person has set aside for work that is being done.
    Held(PersonId),
    /// What a provider has earned.
    Provider(ProviderId),
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Account {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        <String as utoipa::PartialSchema>::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Account {}

/// A text is no name of an account, a provider or a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// An account.
    #[error("an account is issue, realm, person:ID, held:ID or provider:ID")]
    Account,
    /// A provider.
    #[error("a provider's name is 1 to 120 visible ASCII characters")]
    Provider,
    /// A reservation.
    #[error("a reservation is named by 32 lower-case hexadecimal digits")]
    Reservation,
}

impl ProviderId {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ProviderId {
    type Error = AccountError;

    fn try_from(id: String) -> Result<Self, AccountError> {
        let visible = id.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=120).contains(&id.len()) { Ok(Self(id)) } else { Err(AccountError::Provider) }
    }
}

impl From<ProviderId> for String {
    fn from(id: ProviderId) -> Self {
        id.0
    }
}

impl std::fmt::Display for ProviderId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl ReservationId {
    /// The one made of 128 random bits.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Display for ReservationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for ReservationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReservationId({self})")
    }
}

/// Exactly `N` bytes of lower-case hexadecimal digits.
pub(super) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

impl TryFrom<String> for ReservationId {
    type Error = AccountError;

    fn try_from(id: String) -> Result<Self, AccountError> {
        from_hex(&id).map(Self).ok_or(AccountError::Reservation)
    }
}

impl From<ReservationId> for String {
    fn from(id: ReservationId) -> Self {
        id.to_string()
    }
}

impl std::fmt::Display for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Issue => f.write_str("issue"),
            Self::Realm => f.write_str("realm"),
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Held(id) => write!(f, "held:{id}"),
            Self::Provider(id) => write!(f, "provider:{id}"),
        }
    }
}

impl TryFrom<String> for Account {
    type Error = AccountError;

    fn try_from(text: String) -> Result<Self, AccountError> {
        let person = |id: &str| PersonId::try_from(id.to_owned()).map_err(|_| AccountError::Account);
        match text.split_once(':') {
            None if text == "issue" => Ok(Self::Issue),
            None if text == "realm" => Ok(Self::Realm),
            Some(("person", id)) => Ok(Self::Person(person(id)?)),
            Some(("held", id)) => Ok(Self::Held(person(id)?)),
            Some(("provider", id)) => Ok(Self::Provider(id.to_owned().try_into()?)),
            _ => Err(AccountError::Account),
        }
    }
}

impl From<Account> for String {
    fn from(account: Account) -> Self {
        account.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_as_they_are_written() {
        let id = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
        for text in
            ["issue", "realm", "person:local", &format!("held:{id}"), "provider:openai/gpt", "provider:a:b"]
        {
            let account = Account::try_from(text.to_owned()).expect("valid");
            assert_eq!(account.to_string(), text);
        }
        for wrong in ["", "Issue", "person:", "person:x", "provider:", "provider:a b", "bank:local"] {
            assert!(Account::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn reservations_have_one_form() {
        let id = ReservationId::from_bytes([0xa1; 16]);
        assert_eq!(ReservationId::try_from(String::from(id)), Ok(id));
        for wrong in ["", "A1", &"A1".repeat(16), &"a1".repeat(17), &"g1".repeat(16)] {
            assert!(ReservationId::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
