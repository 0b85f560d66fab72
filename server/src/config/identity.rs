//! Who may come in, and how long they stay signed in.

use std::time::Duration;

use super::Reader;

/// See the module.
#[derive(Clone, Debug)]
pub struct IdentitySettings {
    /// Whether whoever signs in for the first time is let in as a person. Otherwise an operator lets people in.
    pub open: bool,
    /// Whether the one at the machine is the owner of a realm on this machine that nobody has claimed.
    pub machine_owner: bool,
    /// How long a session counts without signing in again.
    pub session: Duration,
}

impl IdentitySettings {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        Self {
            open: reader.text("identity.registration", false, "open or closed", |text| match text {
                "open" => Some(true),
                "closed" => Some(false),
                _ => None,
            }),
            machine_owner: reader
                .text("identity.machine_owner", true, "true or false", |text| text.parse().ok()),
            session: days(reader.number("identity.session_days", 30, 1..=365)),
        }
    }
}
