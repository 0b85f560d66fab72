//! What one client may ask for, and for how long.

use std::time::Duration;

use super::Reader;

/// See the module.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest request body.
    pub body_bytes: usize,
    /// Runs at work at the same time.
    pub concurrent_runs: usize,
    /// Open connections at the same time.
    pub connections: usize,
    /// Until a client has sent the headers of its request.
    pub header_timeout: Duration,
    /// Until a client has sent the body of its request.
    pub body_timeout: Duration,
    /// How long open work is waited for when the realm shuts down.
    pub shutdown_grace: Duration,
}

impl Limits {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let ms = Duration::from_millis;
        Self {
            body_bytes: size(reader.number("limits.body_bytes", 256 * 1024, 1024..=64 * 1024 * 1024)),
            concurrent_runs: size(reader.number("limits.concurrent_runs", 64, 1..=10_000)),
            connections: size(reader.number("limits.connections", 1024, 8..=100_000)),
            header_timeout: ms(reader.number("limits.header_timeout_ms", 10_000, 10..=600_000)),
            body_timeout: ms(reader.number("limits.body_timeout_ms", 20_000, 10..=600_000)),
            shutdown_grace: ms(reader.number("limits.shutdown_grace_ms", 3_000, 0..=600_000)),
        }
    }
}

/// The bounds above fit every platform.
pub(super) fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
